"""`sandbox fault`, `sandbox chaos` and the fixture, against a controller of their own."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time

import pytest

from sandbox import processes, supervisor
from sandbox.home import Home
from sandbox.juju.controller import describe
from sandbox.juju.state import applications, charms, leases, models, runs
from sandbox.juju.state.store import Store
from tests.blocks import reserve
from tests.sandbox.juju.engine.conftest import BASE, pack_charm

TESTS = """
def test_a_leader_is_lost(faults):
    faults.freeze("app/0", seconds=1)
    faults.fail_hook("app/1", "update-status")
    faults.clock(100)
    faults.expire_leader("app")
    assert False, "on purpose"

def test_a_series(faults):
    assert faults.seed == 7
    faults.series(3, within=0.3)
    assert len(faults.done) == 3
"""


@pytest.fixture
def sandbox(tmp_path):
    """A controller under no supervisor, with two units of an application."""
    home = Home(tmp_path / "home", block=reserve("faults"))
    store = Store(home.folder("juju") / "juju.db")
    describe(home, store)
    with store.transaction() as tx:
        model = models.add_model(tx, "test", "admin", "localhost").uuid
        path = pack_charm(tmp_path / "app.charm", "app", "exit 0")
        charm = charms.add_local(tx, model, path, tmp_path / "kept")
        applications.deploy(tx, model, "app", charm, applications.Request(BASE, num_units=2))
    environment = {**os.environ, **supervisor.daemon_environment(home, "juju")}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.juju.controller"],
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        _until(lambda: _idle(home, model))
        yield home
    finally:
        process.terminate()
        process.wait(20)
        store.close()
        processes.end(processes.matching(SANDBOX_HOME=str(home.path)), patience=0)


def _until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _read(home, function, *arguments):
    store = Store(home.folder("juju") / "juju.db")
    try:
        with store.transaction() as tx:
            return function(tx, *arguments)
    finally:
        store.close()


def _idle(home, model):
    return all(
        [run.kind for run in _read(home, runs.of_unit, model, f"app/{n}")][-1:] == ["start"]
        for n in range(2)
    )


def _run(home, *arguments):
    return subprocess.run(
        arguments,
        env={**os.environ, **home.environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _sandbox(home, *arguments):
    return _run(home, str(pathlib.Path(sys.executable).with_name("sandbox")), *arguments)


def test_faults_by_command(sandbox):
    done = _sandbox(sandbox, "fault", "kill", "app/0", "--for", "0.2")
    assert (done.returncode, done.stdout) == (0, "killed app/0, back after 0.2 s\n")
    done = _sandbox(sandbox, "fault", "expire-leader", "app")
    assert "the lease of app/" in done.stdout
    done = _sandbox(sandbox, "fault", "freeze", "controller", "--for", "0.5")
    assert done.stdout == "froze the controller for 0.5 s\n"
    done = _sandbox(sandbox, "fault", "kill", "app/7")
    assert (done.returncode, done.stderr) == (1, "ERROR app/7 not found\n")
    chaos = _sandbox(sandbox, "chaos", "--seed", "3", "--count", "4", "--within", "0.4")
    again = _sandbox(sandbox, "chaos", "--seed", "3", "--count", "4", "--within", "0.4")
    told = [line for line in chaos.stdout.splitlines() if line.startswith("sandbox fault")]
    assert chaos.stdout.startswith("seed 3\n")
    assert len(told) == 4
    assert told == [ln for ln in again.stdout.splitlines() if ln.startswith("sandbox fault")]
    assert _sandbox(sandbox, "fault", "clear").returncode == 0


def test_a_charms_tests_ask_for_faults_and_are_told_how_to_repeat_them(sandbox, tmp_path):
    (tmp_path / "test_charm.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["sandbox.faults.pytest_plugin"]\n')
    command = [sys.executable, "-m", "pytest", "-p", "no:pytest-operator", "--faults-seed=7"]
    done = _run(sandbox, *command, "--rootdir", str(tmp_path), str(tmp_path / "test_charm.py"))
    assert "faults: --faults-seed=7" in done.stdout
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    for line in (
        "sandbox fault freeze app/0 --for 1",
        "sandbox fault fail-hook app/1 --hook update-status",
        "sandbox fault clock 100",
        "sandbox fault expire-leader app",
    ):
        assert line in done.stdout
    # What lasts was undone: the clock runs as the machine's again.
    holders = _read(sandbox, lambda tx: tx.all("SELECT expires FROM leases"))
    assert holders[0]["expires"] < time.time() + 2 * leases.DURATION + 100 * 60
    rate = _read(sandbox, lambda tx: tx.value("SELECT value FROM controller WHERE key = 'clock'"))
    assert '"rate": 1.0' in rate
