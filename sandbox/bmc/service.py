"""All BMCs of a sandbox, and the machines behind them, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable

from sandbox.authority import Authority
from sandbox.bmc import credentials, faults, hardware
from sandbox.bmc.board import Board
from sandbox.bmc.credentials import Credential
from sandbox.bmc.emulator import Asked, Emulator
from sandbox.bmc.hardware import Node
from sandbox.bmc.ipmi import IpmiBmc
from sandbox.bmc.machine import Machine
from sandbox.bmc.redfish import RedfishBmc
from sandbox.home import Home

_WATCH_SECONDS = 0.1


class Service:
    """Every node's BMC and machine."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._hardware = hardware.load(home)
        self._credentials = credentials.load(home, self._hardware)
        boards = {node.name: Board(home, node.name) for node in self._hardware.nodes}
        trusted = ssl.create_default_context(cafile=str(Authority(home.folder("ca")).certificate))
        emulator = Emulator(home.folder("bmc") / "emulator")
        self._bmcs: dict[str, RedfishBmc | IpmiBmc] = {}
        for node in self._hardware.nodes:
            self._bmcs[node.name] = self._bmc(node, boards[node.name], emulator)
        self._machines = [
            Machine(home, self._hardware, node, boards[node.name], trusted)
            for node in self._hardware.nodes
        ]

    async def run(self, ended: asyncio.Event) -> None:
        """Serve until `ended` is set."""
        seen = faults.stamp(self._home)
        await self._apply()
        pid = self._home.folder("run") / "bmc.pid"
        pid.write_text(f"{os.getpid()}\n", encoding="ascii")
        tasks = [asyncio.create_task(machine.run()) for machine in self._machines]
        tasks.append(asyncio.create_task(self._watch(seen)))
        waiting = asyncio.create_task(_until(ended))
        done, _ = await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in [*tasks, waiting]:
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)
        for bmc in self._bmcs.values():
            await bmc.apply(faults.Fault(dead=True))
        with contextlib.suppress(FileNotFoundError):
            pid.unlink()
        for task in done - {waiting}:
            task.result()

    def _bmc(self, node: Node, board: Board, emulator: Emulator) -> RedfishBmc | IpmiBmc:
        known = self._known(node.name)
        if node.bmc.type == "ipmi":
            return IpmiBmc(self._home, node, board, known)
        asked = Asked(node, board, lag=self._hardware.seconds.power)
        return RedfishBmc(self._home, asked, emulator, known)

    def _known(self, name: str) -> Callable[[], Credential]:
        return lambda: self._credentials[name]

    async def _apply(self) -> None:
        self._credentials = credentials.load(self._home, self._hardware)
        wished = faults.read(self._home, self._hardware)
        for name, bmc in self._bmcs.items():
            await bmc.apply(wished.of(name))
        faults.acknowledge(self._home, wished)

    async def _watch(self, seen: faults.Stamp) -> None:
        """Apply the wishes whenever they are no longer those of `seen`."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = faults.stamp(self._home)
            if now != seen:
                seen = now
                await self._apply()
            for bmc in self._bmcs.values():
                if isinstance(bmc, IpmiBmc):
                    await bmc.watch()


async def _until(event: asyncio.Event) -> None:
    await event.wait()
