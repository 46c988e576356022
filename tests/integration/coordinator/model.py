"""A controller's process of one test's own, and the juju command on one model of it."""

from __future__ import annotations

import copy
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from sandbox import processes
from sandbox.home import Home
from sandbox.juju.client import store
from tests.blocks import reserve

CHARM = "openstack-coordinator"
PASSWORD = "open sesame"
_PATIENTLY = ("--wait", "10m", "--format", "json")
SETTLES_WITHIN = 90.0
"""Seconds, on a machine that is busy with other things."""


class Model:
    """A controller's process of this test's own, and the juju command on one model of it."""

    def __init__(self, folder: pathlib.Path, purpose: str = "packed") -> None:
        self.home = Home(folder, reserve(purpose))
        self._environment = {**os.environ, **self.home.environment}
        self._process: subprocess.Popen[bytes] | None = None
        self.name = "openstack"
        self.user = "coordinator"
        """Juju's, for the charm of this model."""

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.juju.controller"],
            env=self._environment,
            stderr=(self.home.folder("log") / "controller.log").open("ab"),
        )
        self.wait(lambda: (self.home.folder("juju") / "controller.json").exists())
        store.register(self.home)
        self.wait(self._answers)

    def beside(self, name: str) -> Model:
        """Another model of the same controller, added now."""
        self.juju("add-model", name, "--no-switch")
        other = copy.copy(self)
        other.name, other.user = name, f"coordinator-{name}"
        other._environment = {**self._environment, "JUJU_MODEL": name}
        return other

    def stop(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(timeout=30)

    def juju(self, *arguments: str, stdin: str | None = None) -> str:
        done = self._run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def message(self, application: str = CHARM) -> str:
        status = json.loads(self.juju("status", "--format", "json"))
        shown = status["applications"][application]["application-status"]
        return f"{shown['current']}: {shown.get('message', '')}"

    def status(self) -> dict[str, Any]:
        """`juju status --format json`."""
        return json.loads(self.juju("status", "--format", "json"))

    def units(self, application: str = "") -> dict[str, dict[str, Any]]:
        """The units of one application, or of all, subordinates among them."""
        found: dict[str, dict[str, Any]] = {}
        for known in self.status()["applications"].values():
            for name, unit in (known.get("units") or {}).items():
                found |= {name: unit, **(unit.get("subordinates") or {})}
        return {n: u for n, u in found.items() if application in ("", n.partition("/")[0])}

    def leader(self, application: str) -> str:
        """The unit that leads; empty while none does."""
        units = self.units(application)
        return next((name for name, unit in units.items() if unit.get("leader")), "")

    def option(self, application: str, name: str) -> str:
        """The value of an option in force."""
        return self.juju("config", application, name).strip()

    def wait(self, true: Callable[[], bool], within: float = SETTLES_WITHIN) -> None:
        deadline = time.monotonic() + within
        while not true():
            assert time.monotonic() < deadline, "it did not settle in time"
            time.sleep(0.3)

    def says(self, *words: str) -> None:
        """Wait until the application's status holds all of these words."""
        seen: list[str] = []

        def matches() -> bool:
            seen.append(self.message())
            return all(word in seen[-1] for word in words)

        try:
            self.wait(matches)
        except AssertionError:
            pytest.fail(f"waited for {words}, saw {seen[-1]}")

    def act(self, action: str, *parameters: str) -> dict[str, Any]:
        """Run an action of the leader to its end; its results."""
        ran = json.loads(self.juju("run", f"{CHARM}/leader", action, *parameters, *_PATIENTLY))
        (task,) = ran.values()
        assert task["status"] == "completed", task.get("message", "")
        return task["results"]

    def give_account(self, access: str = "write") -> None:
        """Make a user for the charm, and give it his password as a secret."""
        self.juju("add-user", self.user)
        self.juju("change-user-password", self.user, "--no-prompt", stdin=f"{PASSWORD}\n")
        self.juju("grant", self.user, access, self.name)
        secret = self.juju("add-secret", "account", f"password={PASSWORD}", *self.account).strip()
        self.juju("config", CHARM, f"juju-credentials={secret}")

    @property
    def account(self) -> tuple[str, str]:
        """What the secret says besides the password."""
        ca = self.home.folder("ca") / "sandbox-ca.pem"
        return f"username={self.user}", f"ca-cert#file={ca}"

    def tickers(self) -> list[int]:
        """The processes that fire the charm's tick."""
        agents = f"{self.home.path}/juju/agents"
        return [
            pid
            for pid in processes.of_sandbox(self.home.path)
            if "tick_loop" in (line := _command_line(pid)) and agents in line
        ]

    def _answers(self) -> bool:
        return self._run("models").returncode == 0

    def _run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        juju = pathlib.Path(sys.executable).with_name("juju")
        return subprocess.run(
            [juju, *arguments],
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
        )


def _command_line(pid: int) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except OSError:
        return ""
