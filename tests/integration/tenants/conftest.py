"""One OpenStack for all the tests here: its real services, two hypervisors in two zones."""

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

from running_cloud import HOSTS, OpenStack, offer, until  # noqa: E402

from sandbox.home import Home  # noqa: E402
from tests.blocks import reserve  # noqa: E402


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStack]:
    home = Home(tmp_path_factory.mktemp("openstack"), reserve("tenants"))
    folder = home.folder("openstack")
    hypervisors = folder / "hypervisors"
    hypervisors.mkdir()
    for number, host in enumerate(HOSTS, start=1):
        (hypervisors / host).write_text(home.node_address(number), encoding="ascii")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.openstack"],
            env={**os.environ, **home.environment},
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        state = folder / "state"
        until(lambda: state.exists() and state.read_text() == "up", 240, "the services are up")
        yield offer(home, process)
    finally:
        process.terminate()
        process.wait(60)
