"""What the clusters of charms take away when they lose their quorum: the service behind them.

The members of `mysql-innodb-cluster`, `rabbitmq-server` and `ovn-central` each leave a file
`<home>/openstack/members/<part>/<unit>` that says `serves` or `away`. While there are members and
none serves, the processes of that part are suspended: who uses them waits, as in life.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal

from .. import processes
from .layout import Layout

_PARTS = {
    "database": ("mariadb",),
    "queue": ("rabbitmq",),
    "network": ("ovsdb-nb", "ovsdb-sb"),
}
_LOOK = 0.2
"""Seconds between two looks."""


class Clusters:
    """The parts that are suspended now."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._suspended: set[str] = set()

    async def follow(self) -> None:
        """Suspend what no member serves, and let it go on when one does; for ever."""
        try:
            while True:
                lost = {part for part in _PARTS if self._lost(part)}
                for part in lost - self._suspended:
                    self._signal(part, signal.SIGSTOP)
                for part in self._suspended - lost:
                    self._signal(part, signal.SIGCONT)
                self._suspended = lost
                await asyncio.sleep(_LOOK)
        finally:
            for part in self._suspended:
                self._signal(part, signal.SIGCONT)

    def _lost(self, part: str) -> bool:
        told = {_told(file) for file in self._layout.made("members", part).iterdir()} - {""}
        return bool(told) and "serves" not in told

    def _signal(self, part: str, number: signal.Signals) -> None:
        for program in _PARTS[part]:
            daemon = f"openstack-{program}"
            for pid in processes.matching(**self._layout.home.environment, SANDBOX_DAEMON=daemon):
                os.kill(pid, number)


def _told(file: pathlib.Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        # Its unit has gone meanwhile.
        return ""
