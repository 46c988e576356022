"""Faults on purpose: BMCs that are dead, slow, busy, or have another password.

Use it as a library or as `python -m sandbox.bmc.faults kill node05`. The wishes are kept in a file
which the BMC process watches, so they outlive it, and hold for one that is not started yet.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import sys
import time
from typing import Any, Literal

from sandbox.bmc import credentials, hardware
from sandbox.bmc.hardware import Hardware
from sandbox.home import Home


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with one BMC."""

    dead: bool = False
    """It does not answer at all."""
    delay: float = 0.0
    """Seconds by which every answer is late (Redfish)."""
    busy: bool = False
    """It answers 503 to everything (Redfish)."""
    health: Literal["OK", "Warning", "Critical"] = "OK"
    """The health that it shows of the machine (Redfish)."""
    bad_disk: bool = False
    """A disk of the machine fails its tests after commissioning."""


@dataclasses.dataclass(frozen=True)
class Faults:
    """The faults by node name; `generation` counts the changes."""

    generation: int
    nodes: dict[str, Fault]

    def of(self, node: str) -> Fault:
        """The faults of one BMC."""
        return self.nodes.get(node, Fault())


def read(home: Home, known: Hardware) -> Faults:
    """The faults that are wished for; at first those of hardware.yaml."""
    try:
        data = json.loads(_path(home).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Faults(0, {node.name: Fault(dead=True) for node in known.nodes if node.bmc.dead})
    nodes = {name: Fault(**fields) for name, fields in data["nodes"].items()}
    return Faults(data["generation"], nodes)


Stamp = tuple[int, int]


def stamp(home: Home) -> Stamp:
    """Changes when the wishes do: each is a new file, and two may have the same time."""
    try:
        known = _path(home).stat()
    except FileNotFoundError:
        return 0, 0
    return known.st_mtime_ns, known.st_ino


def acknowledge(home: Home, faults: Faults) -> None:
    """Say that these faults are in force (the BMC process does)."""
    _replace(_path(home).with_suffix(".applied"), str(faults.generation))


def kill(home: Home, node: str) -> bool:
    """The BMC answers no more. Returns whether the BMC process has taken it up."""
    return _change(home, node, dead=True)


def revive(home: Home, node: str) -> bool:
    """The BMC and its machine are well again."""
    well = dataclasses.asdict(Fault())
    return _change(home, node, **well)


def slow(home: Home, node: str, seconds: float) -> bool:
    """Every answer of the BMC is late by so much."""
    return _change(home, node, delay=seconds)


def busy(home: Home, node: str) -> bool:
    """The BMC answers 503 until it is revived."""
    return _change(home, node, busy=True)


def ail(home: Home, node: str, health: Literal["OK", "Warning", "Critical"]) -> bool:
    """The BMC shows this health of the machine."""
    return _change(home, node, health=health)


def break_disk(home: Home, node: str) -> bool:
    """The next tests of the machine fail."""
    return _change(home, node, bad_disk=True)


def change_password(home: Home, node: str, password: str | None = None) -> bool:
    """The BMC's password is another one, which only credentials.json knows."""
    hardware.load(home).node(node)
    credentials.change(home, node, password)
    return _change(home, node)


def _change(home: Home, node: str, **fields: Any) -> bool:
    known = hardware.load(home)
    kind = known.node(node).bmc.type
    only_redfish = {"delay", "busy", "health"} & fields.keys() and "dead" not in fields
    if only_redfish and kind != "redfish":
        raise ValueError(f"{node} has an IPMI BMC: it can be dead, but not slow, busy or ill")
    now = read(home, known)
    changed = dataclasses.replace(now.of(node), **fields)
    nodes = {**now.nodes, node: changed}
    data = {name: dataclasses.asdict(fault) for name, fault in nodes.items()}
    generation = now.generation + 1
    _replace(_path(home), json.dumps({"generation": generation, "nodes": data}, indent=2))
    return _applied(home, generation)


def _applied(home: Home, generation: int, patience: float = 30.0) -> bool:
    path = _path(home).with_suffix(".applied")
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and _serves(home):
        if path.exists() and int(path.read_text(encoding="ascii")) >= generation:
            return True
        time.sleep(0.05)
    return False


def _serves(home: Home) -> bool:
    try:
        pid = int((home.folder("run") / "bmc.pid").read_text(encoding="ascii"))
        os.kill(pid, 0)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return False
    return True


def _path(home: Home) -> pathlib.Path:
    return home.folder("bmc") / "faults.json"


def _replace(path: pathlib.Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text + "\n", encoding="utf-8")
    scratch.replace(path)


_PLAIN = {"kill": kill, "revive": revive, "busy": busy, "break-disk": break_disk}


def main() -> int:
    """`python -m sandbox.bmc.faults <what> <node>`."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.bmc.faults", description=__doc__)
    parser.add_argument("what", choices=[*_PLAIN, "slow", "ail", "password"])
    parser.add_argument("node")
    parser.add_argument(
        "value", nargs="?", help="slow: seconds; ail: OK, Warning or Critical; password: a text"
    )
    asked = parser.parse_args()
    home = Home.from_environment()
    try:
        if asked.what == "slow":
            applied = slow(home, asked.node, float(asked.value or 5))
        elif asked.what == "ail":
            applied = ail(home, asked.node, asked.value or "Critical")
        elif asked.what == "password":
            applied = change_password(home, asked.node, asked.value)
        else:
            applied = _PLAIN[asked.what](home, asked.node)
    except (LookupError, ValueError) as error:
        parser.error(str(error.args[0]))
    if not applied:
        sys.stderr.write("The BMCs do not run; it holds from their start on.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
