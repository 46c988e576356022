"""A service whose cluster of charms has lost its quorum: a real process, suspended and resumed."""

from __future__ import annotations

import asyncio
import pathlib
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from sandbox.home import Home
from sandbox.openstack.clusters import Clusters
from sandbox.openstack.layout import Layout


@pytest.fixture
def layout(tmp_path: pathlib.Path) -> Layout:
    return Layout.load(Home(tmp_path, 26))


@pytest.fixture
def database(layout: Layout) -> Iterator[subprocess.Popen[bytes]]:
    """What runs in the database's place."""
    environment = {**layout.home.environment, "SANDBOX_DAEMON": "openstack-mariadb"}
    process = subprocess.Popen(["/bin/sleep", "60"], env=environment)
    yield process
    process.kill()
    process.wait()


@pytest_asyncio.fixture
async def clusters(layout: Layout) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.ensure_future(Clusters(layout).follow())
    yield task
    task.cancel()
    await asyncio.wait({task})


def _suspended(process: subprocess.Popen[bytes]) -> bool:
    stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii")
    return stat.rpartition(")")[2].split()[0] == "T"


async def _becomes(process: subprocess.Popen[bytes], *, suspended: bool) -> None:
    deadline = asyncio.get_running_loop().time() + 10
    while _suspended(process) != suspended:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.05)


def _tell(layout: Layout, **units: str) -> None:
    for unit, state in units.items():
        (layout.made("members", "database") / unit).write_text(state, encoding="ascii")


async def test_the_database_waits_while_no_member_serves(
    layout: Layout, database: subprocess.Popen[bytes], clusters: asyncio.Task[None]
):
    await asyncio.sleep(0.5)
    assert not _suspended(database), "before its charm is there it runs"

    _tell(layout, one="serves", two="away", three="away")
    await asyncio.sleep(0.5)
    assert not _suspended(database)

    _tell(layout, one="away")
    await _becomes(database, suspended=True)

    _tell(layout, two="serves")
    await _becomes(database, suspended=False)


async def test_a_cloud_that_stops_lets_everything_go_on(
    layout: Layout, database: subprocess.Popen[bytes], clusters: asyncio.Task[None]
):
    """A suspended process could not end."""
    _tell(layout, one="away")
    await _becomes(database, suspended=True)

    clusters.cancel()
    await asyncio.wait({clusters})

    assert not _suspended(database)
