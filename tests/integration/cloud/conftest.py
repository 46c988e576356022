"""One sandbox for all of these tests: brought up once, with servers killed on the way."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox import bringup, processes, supervisor
from sandbox.client import Juju
from sandbox.home import Home
from sandbox.region import Region

_SANDBOX = pathlib.Path(sys.executable).with_name("sandbox")
_UP_WITHIN = 900.0


class Cloud:
    """The sandbox under test, as an operator sees it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.juju = Juju(home, f"{bringup.CONTROLLER}:{bringup.MODEL}")

    def sandbox(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `sandbox` command to its end."""
        return subprocess.run(
            [_SANDBOX, *arguments],
            env={**os.environ, **self.home.environment},
            capture_output=True,
            text=True,
        )

    def region(self) -> Region:
        """MAAS, as its administrator."""
        return Region(self.home, bringup.maas_key(self.home))

    def status(self) -> dict[str, Any]:
        """`juju status --format json`."""
        return self.juju.json("status")

    def application(self, name: str) -> tuple[str, str]:
        """Status and message of an application."""
        told = self.status()["applications"][name]["application-status"]
        return told["current"], told.get("message", "")

    def wait(self, what: str, done: Callable[[], Any], *, timeout: float = 180.0) -> Any:
        """Wait until `done()` is true; returns what it returned. A JujuFailed means not yet."""
        deadline = time.monotonic() + timeout
        while True:
            found = done()
            if found:
                return found
            if time.monotonic() > deadline:
                pytest.fail(f"after {timeout:.0f} s still not: {what}\n{self.juju('status')}")
            time.sleep(0.5)

    def wait_settled(self, *, timeout: float = 300.0) -> None:
        """Wait until everything is active and idle again."""
        from sandbox import progress

        self.wait(
            "settled",
            lambda: progress.read_status(self.status(), may_wait=bringup.MAY_WAIT).settled,
            timeout=timeout,
        )

    def kill(self, daemon: str) -> None:
        """Kill a daemon without warning; the supervisor starts it again."""
        assert self.sandbox("kill", daemon).returncode == 0

    def leader(self, application: str) -> str:
        """The unit that leads an application."""
        units = self.status()["applications"][application]["units"]
        return next(name for name, unit in units.items() if unit.get("leader"))


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """A folder and a block of addresses that nobody else has."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sandbox-"))
    home = Home(path, block=100 + os.getpid() % 100)
    yield home
    if os.environ.get("SANDBOX_KEEP"):
        return
    subprocess.run([_SANDBOX, "down"], env={**os.environ, **home.environment}, check=True)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def cloud(home: Home) -> Cloud:
    """A sandbox that came up while its servers, and a unit's hook, were killed."""
    cloud = Cloud(home)
    log = home.path / "up.log"
    with log.open("wb") as opened:
        up = subprocess.Popen(
            [_SANDBOX, "up"],
            env={**os.environ, **home.environment},
            stdout=opened,
            stderr=subprocess.STDOUT,
        )
    _kill_on_the_way(cloud, up)
    try:
        code = up.wait(_UP_WITHIN)
    except subprocess.TimeoutExpired:
        up.kill()
        code = None
    said = log.read_text(encoding="utf-8")
    assert code == 0, f"`sandbox up` ended with {code}:\n{said[-6000:]}"
    return cloud


def _kill_on_the_way(cloud: Cloud, up: subprocess.Popen[bytes]) -> None:
    """The controller, MAAS, the BMCs and a hook die, one after the other, in mid-deploy."""
    _wait_for(up, lambda: _hooks(cloud.home))
    os.kill(_hooks(cloud.home)[0], 9)
    cloud.kill("juju")
    _wait_for(up, lambda: _hooks(cloud.home))
    cloud.kill("maas")
    cloud.kill("bmc")
    _wait_for(up, lambda: len(_hooks(cloud.home)) > 1)
    os.kill(_hooks(cloud.home)[0], 9)
    time.sleep(5)
    cloud.kill("juju")


def _hooks(home: Home) -> list[int]:
    """The processes of hooks that run now."""
    found = processes.of_sandbox(home.path)
    return [pid for pid in found if "JUJU_CONTEXT_ID" in processes.environment_of(pid)]


def _wait_for(up: subprocess.Popen[bytes], reached: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 300
    while up.poll() is None and time.monotonic() < deadline and not reached():
        time.sleep(0.1)


@pytest.fixture
def daemons() -> list[str]:
    """What the supervisor keeps running."""
    return list(supervisor.DAEMONS)
