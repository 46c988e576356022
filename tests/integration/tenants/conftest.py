"""One OpenStack for all the tests here: its real services, two hypervisors in two zones.

And one controller beside it, for the clusters that live on it.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(HERE), str(ROOT / "charms" / "openstack-coordinator" / "src")]

from running_cloud import HOSTS, OpenStack, connect, offer, until  # noqa: E402
from running_juju import Controller, Hooks  # noqa: E402

from sandbox.home import Home  # noqa: E402
from sandbox.juju.client.store import register  # noqa: E402
from tests.blocks import reserve  # noqa: E402


def _start(home: Home, module: str, output: pathlib.Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **home.environment}
    command = [sys.executable, "-m", module]
    with output.open("wb") as file:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=file, stderr=file)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStack]:
    home = Home(tmp_path_factory.mktemp("openstack"), reserve("tenants"))
    folder, output = home.folder("openstack"), home.folder("log") / "openstack.log"
    hypervisors = folder / "hypervisors"
    hypervisors.mkdir()
    for number, host in enumerate(HOSTS, start=1):
        (hypervisors / host).write_text(home.node_address(number), encoding="ascii")
    process = _start(home, "sandbox.openstack", output)
    try:
        state = folder / "state"
        until(lambda: state.exists() and state.read_text() == "up", 240, "the services are up")
        cloud = connect(home)
        offer(cloud.admin)
        yield cloud
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def controller(cloud: OpenStack) -> Iterator[Controller]:
    home = cloud.home
    process = _start(home, "sandbox.juju.controller", home.folder("log") / "juju.log")
    try:
        until((home.folder("juju") / "controller.json").exists, 60, "the controller is up")
        register(home)
        yield Controller(home)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def hooks(cloud: OpenStack) -> Iterator[Hooks]:
    process = Hooks(cloud.home.folder("log") / "hooks.log")
    yield process
    process.close()
