"""The packed charm on a running controller: what the operator of a real model would see."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox import packing, processes
from sandbox.home import Home
from sandbox.juju.client import store
from tests.blocks import reserve

CHARM = "openstack-coordinator"
PASSWORD = "open sesame"
SETTLES_WITHIN = 90.0
"""Seconds, on a machine that is busy with other things."""


class Model:
    """A controller's process of this test's own, and the juju command on one model of it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.home = Home(folder, reserve("packed"))
        self._environment = {**os.environ, **self.home.environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.juju.controller"],
            env=self._environment,
            stderr=(self.home.folder("log") / "controller.log").open("ab"),
        )
        self.wait(lambda: (self.home.folder("juju") / "controller.json").exists())
        store.register(self.home)
        self.wait(self._answers)

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

    def wait(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SETTLES_WITHIN
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


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    packing.pack(CHARM)
    running = Model(tmp_path_factory.mktemp("sandbox"))
    running.start()
    running.juju("add-model", "openstack")
    running.juju("deploy", str(packing.packed_path(CHARM)))
    yield running
    running.stop(signal.SIGTERM)
    processes.end(processes.of_sandbox(running.home.path))


def test_without_an_account_it_says_how_to_give_it_one(model: Model) -> None:
    model.says("blocked", "juju-credentials: not set: juju add-secret")


def test_with_an_account_of_its_own_it_says_what_the_model_lacks(model: Model) -> None:
    ca = model.home.folder("ca") / "sandbox-ca.pem"
    model.juju("add-user", "coordinator")
    model.juju("change-user-password", "coordinator", "--no-prompt", stdin=f"{PASSWORD}\n")
    model.juju("grant", "coordinator", "write", "openstack")
    secret = model.juju(
        "add-secret",
        "account",
        "username=coordinator",
        f"password={PASSWORD}",
        f"ca-cert#file={ca}",
    ).strip()
    model.juju("config", CHARM, f"juju-credentials={secret}")
    model.says("blocked", "juju grant-secret <name> openstack-coordinator")
    model.juju("grant-secret", "account", CHARM)
    model.says("blocked", "database: no application provides it", "(and 9 more)")


def test_show_cloud_gives_every_finding_with_its_remedy(model: Model) -> None:
    ran: dict[str, Any] = json.loads(
        model.juju("run", f"{CHARM}/leader", "show-cloud", "format=json", "--format", "json")
    )
    cloud = json.loads(ran[f"{CHARM}/0"]["results"]["cloud"])
    remedies = [finding["remedy"] for finding in cloud["findings"]]
    assert "juju deploy keystone, and relate it as in the bundle" in remedies
    assert len(remedies) == 11


def test_a_change_of_the_model_is_seen_without_any_event_for_the_charm(model: Model) -> None:
    model.juju("deploy", "keystone", "--channel", "2024.1/stable")
    model.says("blocked", "(and 9 more)")
    shown = model.juju("run", f"{CHARM}/leader", "show-cloud")
    assert "keystone: shared-db is not related to a database router" in shown
    model.juju("remove-application", "keystone", "--no-prompt")


def test_a_controller_that_was_killed_finds_it_at_work_again(model: Model) -> None:
    model.stop(signal.SIGKILL)
    model.start()
    model.juju("deploy", "rabbitmq-server", "--channel", "3.12/stable")
    model.says("blocked", "database: no application provides it; identity: no application")


def test_a_password_that_is_wrong_is_told_and_mended_without_a_restart(model: Model) -> None:
    model.juju("change-user-password", "coordinator", "--no-prompt", stdin="another one\n")
    model.says("blocked", "Juju refused the login: user coordinator: invalid entity name or pass")
    model.juju("change-user-password", "coordinator", "--no-prompt", stdin=f"{PASSWORD}\n")
    model.says("blocked", "no application provides it")


def test_the_password_is_in_no_log_and_in_no_status(model: Model) -> None:
    log = model.juju("debug-log", "--replay", "--no-tail")
    assert "openstack-coordinator" in log
    controller = (model.home.folder("log") / "controller.log").read_text()
    shown = model.juju("show-unit", f"{CHARM}/0") + model.juju("status", "--format", "json")
    assert PASSWORD not in log + controller + shown


def test_removed_it_leaves_nothing_running(model: Model) -> None:
    assert model.tickers()
    model.juju("remove-application", CHARM, "--no-prompt")
    model.wait(lambda: not model.tickers())
