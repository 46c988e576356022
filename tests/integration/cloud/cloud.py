"""The sandbox under test, as an operator sees it."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import bringup, credential_steps, progress
from sandbox.client import Juju, JujuFailed
from sandbox.home import Home
from sandbox.region import Region

SANDBOX = pathlib.Path(sys.executable).with_name("sandbox")


class Cloud:
    """The sandbox under test, as an operator sees it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.juju = Juju(home, f"{bringup.CONTROLLER}:{bringup.MODEL}")

    def sandbox(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the `sandbox` command to its end."""
        return subprocess.run(
            [SANDBOX, *arguments],
            env={**os.environ, **self.home.environment},
            capture_output=True,
            text=True,
        )

    def region(self) -> Region:
        """MAAS, as its administrator."""
        return Region(self.home, credential_steps.maas_key(self.home))

    def status(self) -> dict[str, Any]:
        """`juju status --format json`."""
        return self.juju.json("status")

    def application(self, name: str) -> tuple[str, str]:
        """Status and message of an application."""
        told = self.status()["applications"][name]["application-status"]
        return told["current"], told.get("message", "")

    def wait(self, what: str, done: Callable[[], Any], *, timeout: float = 180.0) -> Any:
        """Wait until `done()` is true; returns what it returned. No answer means not yet."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                found = done()
            except JujuFailed:
                found = None
            if found:
                return found
            if time.monotonic() > deadline:
                pytest.fail(f"after {timeout:.0f} s still not: {what}\n{self.juju('status')}")
            time.sleep(0.5)

    def wait_settled(self, *, timeout: float = 300.0) -> None:
        """Wait until everything is active and idle again."""
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
