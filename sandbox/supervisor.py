"""The sandbox's daemons, kept running.

`python -m sandbox.supervisor` runs until SIGTERM, then ends the daemons side by side. Each
daemon's output goes to <home>/log/<name>.log.
"""

from __future__ import annotations

import asyncio
import os
import pathlib
import signal
import sys
from collections.abc import Collection

from . import processes, single
from .home import Home
from .programs import Program, keep_running

DAEMONS = {
    "bmc": "sandbox.bmc",
    "maas": "sandbox.maas",
    "juju": "sandbox.juju.controller",
    "openstack": "sandbox.openstack",
}
"""Name and module of each, in the order of their start."""
WITHOUT = "--without="
"""Before the name of a daemon that shall not run."""


def daemon_environment(home: Home, name: str) -> dict[str, str]:
    """By these variables a daemon's process is found, and finds its sandbox."""
    return {**home.environment, "SANDBOX_DAEMON": name}


async def supervise(home: Home, without: Collection[str] = ()) -> None:
    """Run every daemon but those in `without` until this process is told to stop."""
    # A supervisor that was killed leaves its daemons behind: they hold the ports.
    for name in DAEMONS:
        processes.end(processes.matching(**daemon_environment(home, name)))
    daemons = {name: module for name, module in DAEMONS.items() if name not in without}
    stopping = {name: asyncio.Event() for name in daemons}
    kept = {
        name: asyncio.ensure_future(keep_running(_program(home, name, module), stopping[name]))
        for name, module in daemons.items()
    }
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()
    for stop in stopping.values():
        stop.set()
    await asyncio.gather(*kept.values())


def _program(home: Home, name: str, module: str) -> Program:
    return Program(
        name=name,
        arguments=(sys.executable, "-m", module),
        log=home.folder("log") / f"{name}.log",
        environment={**os.environ, **daemon_environment(home, name)},
    )


def running(home: Home) -> int | None:
    """The process id of this sandbox's supervisor, or None when none runs."""
    return single.holder(_lock(home))


def _lock(home: Home) -> pathlib.Path:
    return home.folder("run") / "supervisor.pid"


def main() -> int:
    """Supervise the sandbox of the environment; 1 when another supervisor does so already."""
    home = Home.from_environment()
    try:
        with single.instance(_lock(home)):
            words = [word for word in sys.argv[1:] if word.startswith(WITHOUT)]
            asyncio.run(supervise(home, [word.removeprefix(WITHOUT) for word in words]))
    except single.AlreadyRunning:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
