"""The daemon itself: started, stopped, and killed with a hook under way, driven by `juju`."""

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

from sandbox import processes
from sandbox.home import Home
from tests.blocks import reserve

SCRIPT = """
[ "$JUJU_HOOK_NAME" = start ] || exit 0
state-set runs="$(cat ../runs 2>/dev/null)x"
printf x >> ../runs
if [ "$(cat ../runs)" = x ]; then exec sleep 60; fi
status-set active "$(state-get runs)"
"""


class Daemon:
    """One controller process and its client."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.home = Home(folder / "home", block=reserve("daemon"))
        self.folder = folder
        self._environment = {**os.environ, **self.home.environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "controller.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.juju.controller"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        self.until(lambda: "serving" in self.log())

    def log(self) -> str:
        return (self.folder / "controller.log").read_text()

    def signal(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(20)
        (self.folder / "controller.log").write_text("")
        return code

    def juju(self, *arguments: str) -> str:
        command = [str(pathlib.Path(sys.executable).with_name("juju")), *arguments]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def unit(self, name: str) -> dict[str, Any]:
        status = json.loads(self.juju("status", "--format", "json"))
        application = status["applications"].get(name.partition("/")[0], {})
        return application.get("units", {}).get(name, {})

    def until(self, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        return value


@pytest.fixture
def daemon(tmp_path: pathlib.Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    daemon.start()
    yield daemon
    processes.end(processes.matching(**daemon.home.environment), patience=5)
    processes.end(processes.matching(SANDBOX_HOME=str(daemon.home.path)), patience=0)


def test_a_killed_daemon_loses_nothing_and_repeats_only_the_hook_it_was_in(daemon, pack, tmp_path):
    """kill -9 in the middle of start: the hook's changes are dropped, and it is run again."""
    document = json.loads((daemon.home.folder("juju") / "controller.json").read_text())
    assert document["addresses"] == [f"{daemon.home.controller_address}:17070"]
    _log_in(daemon)
    daemon.juju("model-config", "automatically-retry-hooks=false")
    charm = pack(tmp_path / "app.charm", "app", SCRIPT)
    daemon.juju("deploy", str(charm))
    agents = daemon.home.folder("juju") / "agents"
    daemon.until(lambda: list(agents.glob("*/unit-app-0/runs")))
    hook = daemon.until(lambda: _only_process(daemon.home))
    assert daemon.signal(signal.SIGKILL) == -signal.SIGKILL
    daemon.start()
    daemon.until(lambda: hook not in processes.matching(JUJU_UNIT_NAME="app/0"))
    daemon.until(
        lambda: (
            daemon.unit("app/0").get("workload-status", {}).get("message")
            == 'hook failed: "start"'
        )
    )
    daemon.juju("resolved", "app/0")
    daemon.until(lambda: daemon.unit("app/0").get("workload-status", {}).get("message") == "xx")
    assert daemon.signal(signal.SIGTERM) == 0
    again = json.loads((daemon.home.folder("juju") / "controller.json").read_text())
    assert again == document


def _only_process(home: Home) -> int | None:
    """The hook; None while a program that it has started runs beside it."""
    found = processes.matching(JUJU_UNIT_NAME="app/0", SANDBOX_HOME=str(home.path))
    return found[0] if len(found) == 1 else None


def test_a_command_of_juju_exec_outlives_the_controller(daemon, pack, tmp_path):
    """As with Juju, whose agents do: what keeps an agent busy does so until it ends."""
    _log_in(daemon)
    daemon.juju("deploy", str(pack(tmp_path / "app.charm", "app", "exit 0")))
    daemon.until(lambda: _agent(daemon) == "idle", 60)
    flag = tmp_path / "flag"
    flag.touch()
    script = f"while [ -e {flag} ]; do sleep 0.1; done; touch {tmp_path}/ended"
    daemon.juju("exec", "--background", "--unit", "app/0", "--", script)
    daemon.until(lambda: _agent(daemon) == "executing")
    assert daemon.signal(signal.SIGKILL) == -signal.SIGKILL
    daemon.start()
    daemon.until(lambda: _agent(daemon) == "executing")
    flag.unlink()
    daemon.until((tmp_path / "ended").exists)
    daemon.until(lambda: _agent(daemon) == "idle")


def _agent(daemon: Daemon) -> str:
    return daemon.unit("app/0").get("juju-status", {}).get("current", "")


def _log_in(daemon: Daemon) -> None:
    register = (
        "from sandbox.home import Home; from sandbox.juju.client import store;"
        "store.register(Home.from_environment())"
    )
    environment = {**os.environ, **daemon.home.environment}
    subprocess.run([sys.executable, "-c", register], env=environment, check=True)
    daemon.juju("add-model", "test")


def test_what_the_daemon_keeps_is_private(daemon):
    folder = daemon.home.folder("juju")
    for name in ("juju.db", "juju.db-wal", "controller.json"):
        assert (folder / name).stat().st_mode & 0o077 == 0, name


def test_a_second_daemon_for_the_same_sandbox_is_refused(daemon):
    second = subprocess.run(
        [sys.executable, "-m", "sandbox.juju.controller"],
        env={**os.environ, **daemon.home.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "holds" in second.stderr
