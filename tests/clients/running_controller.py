"""A controller for the clients' tests: the sandbox's, or the one that `juju` has in focus."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

from sandbox.home import Home
from sandbox.juju import release
from sandbox.juju.client.store import register
from tests.blocks import reserve

BIN = pathlib.Path(sys.executable).parent


@dataclasses.dataclass
class RunningController:
    """The sandbox's controller as a process of its own, known to the client in JUJU_DATA."""

    home: Home
    series: str
    """3.6 or 4.0."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to find this controller with the sandbox's `juju`."""
        return {
            **self.home.environment,
            "JUJU_DATA": str(self.home.folder("client")),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }

    def start(self) -> None:
        """Start the process, and wait until it answers."""
        log = self.home.folder("log") / "juju.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.juju.controller"],
                env={**os.environ, **self.home.environment, release.VARIABLE: self.series},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while not self._listens():
            assert self._process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, "the controller does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """End the process as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)

    def stop(self) -> None:
        """End the process and what it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.home.controller_address, 17070)) == 0


@contextlib.contextmanager
def running(path: pathlib.Path, series: str) -> Iterator[RunningController]:
    """A controller that answers as this release of Juju, for as long as it is needed."""
    controller = RunningController(_home(path, series), series)
    try:
        controller.start()
        with environment(controller.environment):
            register(controller.home)
        yield controller
    finally:
        controller.stop()


def _home(path: pathlib.Path, series: str) -> Home:
    """A home whose address is free: a controller that was left behind holds its own."""
    for attempt in itertools.count():
        home = Home(path, reserve(f"clients {series} {attempt}"))
        with socket.socket() as probe:
            if probe.connect_ex((home.controller_address, 17070)):
                return home
    raise AssertionError("unreachable")


@contextlib.contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """The environment with these variables, as a client that runs in this process sees it."""
    removed = ("JUJU_MODEL", "JUJU_CONTROLLER")
    before = {name: os.environ.get(name) for name in (*variables, *removed)}
    os.environ.update(variables)
    for name in removed:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
