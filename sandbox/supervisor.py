"""Keeps the sandbox's daemons running, as systemd would: one that dies is started again.

`python -m sandbox.supervisor` runs until SIGTERM, then ends the daemons in the reverse order
of their start. Each daemon's output goes to <home>/log/<name>.log.
"""

from __future__ import annotations

import asyncio
import dataclasses
import fcntl
import os
import pathlib
import signal
import sys
import time

from . import processes
from .home import Home

_RESTART_DELAY = 1.0
"""Seconds between the death of a daemon and its next start."""
_STOP_PATIENCE = 15.0
"""Seconds that a daemon has for a clean stop before it is killed."""


@dataclasses.dataclass(frozen=True)
class Daemon:
    """A long-running part of the sandbox, started as `python -m <module>`."""

    name: str
    module: str


DAEMONS = (
    Daemon("bmc", "sandbox.bmc"),
    Daemon("maas", "sandbox.maas"),
    Daemon("juju", "sandbox.juju.controller"),
)


async def _keep_running(daemon: Daemon, home: Home, stopping: asyncio.Event) -> None:
    environment = {**os.environ, **home.environment, "SANDBOX_DAEMON": daemon.name}
    stopped = asyncio.ensure_future(stopping.wait())
    with (home.folder("log") / f"{daemon.name}.log").open("ab") as log:
        while not stopping.is_set():
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", daemon.module),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            ended = asyncio.ensure_future(process.wait())
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                await _stop(process)
                return
            note = f"{time.strftime('%FT%TZ', time.gmtime())} supervisor: {daemon.name} ended"
            log.write(f"{note} with {process.returncode}; starting it again\n".encode())
            log.flush()
            await asyncio.wait({stopped}, timeout=_RESTART_DELAY)


async def _stop(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_PATIENCE)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()


async def supervise(home: Home) -> None:
    """Run every daemon until this process is told to stop."""
    # A supervisor that was killed leaves its daemons behind: they hold the ports.
    for daemon in DAEMONS:
        mine = {"SANDBOX_HOME": str(home.path), "SANDBOX_DAEMON": daemon.name}
        processes.end(processes.matching(**mine))
    loop = asyncio.get_running_loop()
    events = {daemon.name: asyncio.Event() for daemon in DAEMONS}
    kept = {
        daemon.name: asyncio.ensure_future(_keep_running(daemon, home, events[daemon.name]))
        for daemon in DAEMONS
    }
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
    for daemon in reversed(DAEMONS):
        events[daemon.name].set()
        await kept[daemon.name]


def running(home: Home) -> int | None:
    """The process id of this sandbox's supervisor, or None when none runs."""
    with _pid_file(home).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            return int(file.read() or 0) or None
    return None


def _pid_file(home: Home) -> pathlib.Path:
    return home.folder("run") / "supervisor.pid"


def main() -> int:
    """Supervise the sandbox of the environment; 1 when another supervisor does so already."""
    home = Home.from_environment()
    with _pid_file(home).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 1
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        asyncio.run(supervise(home))
    return 0


if __name__ == "__main__":
    sys.exit(main())
