"""A controller of its own for the tests that drive the command end to end."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator

import pytest

from sandbox.home import Home
from sandbox.juju.cli.dispatch import run
from sandbox.juju.client.store import register
from tests.blocks import reserve

"""A block of addresses that no other suite uses."""

_DISPATCH = """#!/bin/sh
case "$JUJU_DISPATCH_PATH" in
  actions/greet)
    action-log "greeting"
    action-set greeting="hello $(action-get name)" ;;
  *)
    status-set active "ready"
    application-version-set 1.2.3 ;;
esac
"""
_MANIFEST = 'bases:\n- name: ubuntu\n  channel: "24.04"\n  architectures: [amd64]\n'
_CONFIG = (
    "options:\n  port: {type: int, default: 80, description: port}\n"
    "  title: {type: string, description: title}\n"
)
_ACTIONS = "greet:\n  description: Say hello\n  params:\n    name: {type: string, default: you}\n"
METADATA = {
    "web": "provides:\n  site: {interface: http}\npeers:\n  cluster: {interface: web-peer}\n",
    "front": "requires:\n  backend: {interface: http}\n",
    "helper": "subordinate: true\nrequires:\n  host: {interface: juju-info, scope: container}\n",
}


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run of the command gave."""

    code: int
    out: str
    err: str


class JujuCommand:
    """Runs command lines as the command does, in this process."""

    def __call__(self, *words: str, code: int = 0) -> Result:
        out, err = io.StringIO(), io.StringIO()
        result = Result(run(words, out, err), out.getvalue(), err.getvalue())
        assert result.code == code, f"juju {' '.join(words)}: {result}"
        return result

    def json(self, *words: str):
        """The output of a command with --format json."""
        return json.loads(self(*words, "--format", "json").out)

    def settled(self, *units: str, seconds: float = 60) -> dict:
        """Wait until exactly these units are there, active and idle; returns the status."""
        deadline = time.monotonic() + seconds
        while True:
            status = self.json("status")
            found = {
                name: unit
                for app in status["applications"].values()
                for principal, unit_ in (app.get("units") or {}).items()
                for name, unit in {principal: unit_, **unit_.get("subordinates", {})}.items()
            }
            if set(found) == set(units) and all(
                unit["workload-status"].get("current") == "active"
                and unit["juju-status"].get("current") == "idle"
                for unit in found.values()
            ):
                return status
            assert time.monotonic() < deadline, status["applications"]
            time.sleep(0.3)


@pytest.fixture(scope="session")
def charms(tmp_path_factory) -> pathlib.Path:
    """A folder with small packed charms."""
    folder = tmp_path_factory.mktemp("charms")
    for name, more in METADATA.items():
        with zipfile.ZipFile(folder / f"{name}.charm", "w") as archive:
            archive.writestr("metadata.yaml", f"name: {name}\nsummary: s\ndescription: d\n{more}")
            archive.writestr("manifest.yaml", _MANIFEST)
            archive.writestr("config.yaml", _CONFIG)
            archive.writestr("actions.yaml", _ACTIONS)
            dispatch = zipfile.ZipInfo("dispatch")
            dispatch.external_attr = 0o755 << 16
            archive.writestr(dispatch, _DISPATCH)
    return folder


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Iterator[Home]:
    """A sandbox whose controller runs while the tests do."""
    home = Home(tmp_path_factory.mktemp("home"), reserve("cli"))
    environment = {**os.environ, **home.environment}
    environment.pop("JUJU_DATA", None)
    log = (home.path / "controller.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.juju.controller"],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        written = home.folder("juju") / "controller.json"
        deadline = time.monotonic() + 60
        while not _listens(home) or not written.exists():
            assert process.poll() is None, (home.path / "controller.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield home
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        log.close()


def _listens(home: Home) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex((home.controller_address, 17070)) == 0


@pytest.fixture
def juju(home: Home, monkeypatch, tmp_path) -> JujuCommand:
    """The command, with this sandbox's controller registered and no model in focus."""
    monkeypatch.setenv("SANDBOX_HOME", str(home.path))
    monkeypatch.setenv("SANDBOX_BLOCK", str(home.block))
    monkeypatch.setenv("JUJU_DATA", str(tmp_path / "juju"))
    for variable in ("JUJU_MODEL", "JUJU_CONTROLLER"):
        monkeypatch.delenv(variable, raising=False)
    register(home)
    return JujuCommand()


@pytest.fixture
def model(juju: JujuCommand, request) -> Iterator[str]:
    """A new model in focus, destroyed after the test."""
    name = "m" + str(abs(hash(request.node.name)) % 10**8)
    juju("add-model", name)
    yield name
    juju("destroy-model", name, "--no-prompt", "--force", "--no-wait")
