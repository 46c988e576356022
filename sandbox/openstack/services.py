"""The processes of the running cloud: started, kept running, ended."""

from __future__ import annotations

import asyncio
import os
import pathlib

from .. import processes
from ..programs import keep_running
from .layout import Endpoint, Layout
from .programs import Service

_UP_WITHIN = 180.0
"""Seconds in which a service must answer."""
_LAST = ("mariadb",)
"""Stopped when nobody uses it any more."""


class ServiceDown(Exception):
    """A service did not come up; the message names its log."""


class Services:
    """Every process that this cloud has started, by name."""

    def __init__(self, layout: Layout) -> None:
        self._home = layout.home
        self._stopping: dict[str, asyncio.Event] = {}
        self._kept: dict[str, asyncio.Task[None]] = {}

    async def up(self, service: Service) -> None:
        """Start a service and wait until it answers; one that dies is started again.

        Raises:
            ServiceDown: it does not answer in time.
        """
        program = service.program
        stopping = self._stopping[program.name] = asyncio.Event()
        if isinstance(service.ready, pathlib.Path):
            service.ready.unlink(missing_ok=True)
        self._kept[program.name] = asyncio.ensure_future(keep_running(program, stopping))
        deadline = asyncio.get_running_loop().time() + _UP_WITHIN
        while not await _answers(service.ready):
            if asyncio.get_running_loop().time() > deadline:
                raise ServiceDown(
                    f"{program.name} does not answer at {service.ready}: see {program.log}"
                )
            await asyncio.sleep(0.1)

    async def down(self, *names: str) -> None:
        """Stop these services side by side; those that do not run are stopped already."""
        kept = [self._kept.pop(name) for name in names if name in self._kept]
        for name in names:
            if stopping := self._stopping.pop(name, None):
                stopping.set()
        await asyncio.gather(*kept)

    async def stop(self) -> None:
        """Stop everything, the database last."""
        await self.down(*(name for name in self._kept if name not in _LAST))
        await self.down(*_LAST)
        self.end_leftovers()

    def end_leftovers(self) -> None:
        """End what a killed cloud, or a program of this one, left behind: it holds the ports."""
        processes.end([pid for pid in processes.matching(**self._home.environment) if _ours(pid)])


def _ours(pid: int) -> bool:
    name = processes.environment_of(pid).get("SANDBOX_DAEMON", "")
    return name.startswith("openstack-")


async def _answers(ready: Endpoint | pathlib.Path | None) -> bool:
    if not isinstance(ready, Endpoint):
        return ready is None or os.access(ready, os.F_OK)
    return await answers(ready.host, ready.port)


async def answers(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
