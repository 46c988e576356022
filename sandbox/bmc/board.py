"""A node's main board as its BMC sees it: power, boot override, and how often power was cut.

Kept in small text files, one folder per node, so that it survives the BMC and so that the program
which ipmi_sim runs for a chassis command (`chassis-control`, below) can read and write it too.
"""

from __future__ import annotations

import os
import pathlib

from sandbox.home import Home

NO_OVERRIDE = "none"


class Board:
    """One node's board."""

    def __init__(self, home: Home, name: str) -> None:
        self.folder = home.folder("bmc") / "nodes" / name
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def on(self) -> bool:
        """Whether the node has power."""
        return self._read("power", "0") == "1"

    @property
    def cuts(self) -> int:
        """How often the node has lost its power, or was reset; another number is another boot."""
        return int(self._read("cuts", "0"))

    @property
    def boot_override(self) -> str:
        """What the next boot is from: none, pxe, default (the disk), cdrom or bios."""
        return self._read("boot", NO_OVERRIDE)

    @property
    def running(self) -> bool:
        """Whether the boot of this power cycle is over."""
        return self.on and self._read("booted", "") == str(self.cuts)

    def switch(self, *, on: bool) -> None:
        """Switch the power; on to on is nothing."""
        lost = self.on and not on
        self._write("power", "1" if on else "0")
        if lost:
            # Counted once the power is gone: a node that still had it would take the new number
            # for a reset, boot, and count as running when the power comes back.
            self._write("cuts", str(self.cuts + 1))

    def reset(self) -> None:
        """Begin anew without a loss of power."""
        self._write("cuts", str(self.cuts + 1))

    def override_boot(self, source: str) -> None:
        """Boot from this source once."""
        self._write("boot", source)

    def take_override(self) -> str:
        """The override, used up by a boot."""
        source = self.boot_override
        if source != NO_OVERRIDE:
            self._write("boot", NO_OVERRIDE)
        return source

    def mark_running(self, cuts: int) -> None:
        """The boot that began after this many cuts is over."""
        self._write("booted", str(cuts))

    def _read(self, name: str, default: str) -> str:
        try:
            return (self.folder / name).read_text(encoding="ascii").strip() or default
        except FileNotFoundError:
            return default

    def _write(self, name: str, value: str) -> None:
        scratch = self.folder / f".{name}.{os.getpid()}"
        scratch.write_text(value + "\n", encoding="ascii")
        scratch.replace(self.folder / name)


_CONTROL = """\
#!/bin/sh
# Run by ipmi_sim as: chassis-control <mc> get|set <parameter> [<value>] ...
cd "{folder}" || exit 1
put() {{ echo "$2" > ".$1.ipmi" && mv ".$1.ipmi" "$1"; }}
cut() {{ put cuts $(( $(cat cuts 2>/dev/null || echo 0) + 1 )); }}
shift
operation=$1
shift
while [ $# -gt 0 ]; do
    case "$operation $1" in
        "get power") echo "power:$(cat power 2>/dev/null || echo 0)" ;;
        "get boot") echo "boot:$(cat boot 2>/dev/null || echo none)" ;;
        "set power")
            before=$(cat power 2>/dev/null)
            put power "$2"
            [ "$2" = 0 ] && [ "$before" = 1 ] && cut
            shift ;;
        "set boot") put boot "$2"; shift ;;
        "set reset") cut; shift ;;
        "set shutdown")
            before=$(cat power 2>/dev/null)
            put power 0
            [ "$before" = 1 ] && cut
            shift ;;
        set*) shift ;;
    esac
    shift
done
"""


def write_chassis_control(board: Board) -> pathlib.Path:
    """The program that does ipmi_sim's chassis commands on this board."""
    path = board.folder / "chassis-control"
    path.write_text(_CONTROL.format(folder=board.folder), encoding="utf-8")
    path.chmod(0o755)
    return path
