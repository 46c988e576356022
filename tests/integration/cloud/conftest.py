"""One sandbox for all of these tests: brought up once, with servers killed on the way."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

from sandbox import processes
from sandbox.home import Home
from tests.blocks import reserve
from tests.integration.cloud.cloud import SANDBOX, Cloud

_UP_WITHIN = 900.0


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """A folder and a block of addresses that nobody else has."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sandbox-"))
    home = Home(path, block=reserve("cloud"))
    yield home
    if os.environ.get("SANDBOX_KEEP"):
        return
    subprocess.run([SANDBOX, "down"], env={**os.environ, **home.environment}, check=True)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def cloud(home: Home) -> Cloud:
    """A sandbox that came up while its servers, and a unit's hook, were killed."""
    cloud = Cloud(home)
    log = home.path / "up.log"
    with log.open("wb") as opened:
        up = subprocess.Popen(
            [SANDBOX, "up", "--without-openstack"],
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
    """The controller, MAAS, the BMCs and some hooks die, one after the other, in mid-deploy."""
    _kill_a_hook(cloud.home, up)
    cloud.kill("juju")
    _kill_a_hook(cloud.home, up)
    cloud.kill("maas")
    cloud.kill("bmc")
    _kill_a_hook(cloud.home, up)
    time.sleep(5)
    cloud.kill("juju")


def _kill_a_hook(home: Home, up: subprocess.Popen[bytes]) -> None:
    """Kill the first hook that runs from now on."""
    deadline = time.monotonic() + 300
    while up.poll() is None and time.monotonic() < deadline:
        for pid in processes.of_sandbox(home.path):
            if "JUJU_CONTEXT_ID" in processes.environment_of(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return
        time.sleep(0.05)
