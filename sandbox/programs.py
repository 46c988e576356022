"""Keeping a program running, as systemd would: one that dies is started again."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import pathlib
import signal
import time
from collections.abc import Mapping

_RESTART_DELAY = 1.0
"""Seconds between the death of a program and its next start; doubled while it keeps dying."""
_LONGEST_DELAY = 30.0
_DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
"""The kernel does it, whatever the parent dies of (prctl(2), PR_SET_PDEATHSIG)."""
_STEADY = 60.0
"""Seconds after which a program that dies had been running well."""


@dataclasses.dataclass(frozen=True)
class Program:
    """A long-running process: what it is called, how it starts, where its output goes."""

    name: str
    arguments: tuple[str, ...]
    log: pathlib.Path
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """All of its environment."""
    patience: float = 15.0
    """Seconds that it has for a clean stop before its process group is killed."""
    with_keeper: bool = False
    """It is killed when who keeps it running dies; else it goes on without him."""

    @property
    def command(self) -> tuple[str, ...]:
        """How it is started."""
        return (*_DIES_WITH_PARENT, *self.arguments) if self.with_keeper else self.arguments


async def keep_running(program: Program, stopping: asyncio.Event) -> None:
    """Run a program until `stopping` is set, then stop it."""
    stopped = asyncio.ensure_future(stopping.wait())
    delay = _RESTART_DELAY
    with program.log.open("ab") as log:
        while not stopping.is_set():
            began = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *program.command,
                env=dict(program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            ended = asyncio.ensure_future(process.wait())
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await _stop(process, program.patience)
                return
            now = time.strftime("%FT%TZ", time.gmtime())
            note = f"{now} {program.name} ended with {process.returncode}; starting it again\n"
            log.write(note.encode())
            log.flush()
            steady = time.monotonic() - began > _STEADY
            delay = _RESTART_DELAY if steady else min(delay, _LONGEST_DELAY)
            await asyncio.wait({stopped}, timeout=delay)
            delay *= 2


async def _stop(process: asyncio.subprocess.Process, patience: float) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), patience)
    except asyncio.TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
