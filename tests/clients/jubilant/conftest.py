"""jubilant, unpatched, against the controller as Juju 3.6 and as 4.0."""

from __future__ import annotations

import itertools
import pathlib
import re
from collections.abc import Iterator

import jubilant
import pytest

from tests.clients import charms as packed
from tests.clients.running_controller import RunningController, environment, running

_NUMBERS = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Each release is one group: two workers have a controller each, side by side."""
    for item in items:
        series = item.callspec.params.get("controller") if hasattr(item, "callspec") else None
        if series:
            item.add_marker(pytest.mark.xdist_group(str(series)))


@pytest.fixture(scope="session", params=["3.6", "4.0"])
def controller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningController]:
    """A controller of each release in turn, with `juju` on PATH and the client's data."""
    with (
        running(tmp_path_factory.mktemp("controller"), request.param) as controller,
        environment(controller.environment),
    ):
        yield controller


@pytest.fixture(scope="session")
def charms(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the packed charms."""
    return packed.pack(tmp_path_factory.mktemp("charms"))


@pytest.fixture
def juju(controller: RunningController, request: pytest.FixtureRequest) -> Iterator[jubilant.Juju]:
    """A client with a model of its own, which is destroyed after the test."""
    client = jubilant.Juju(wait_timeout=60)
    name = re.sub(r"[^a-z0-9]+", "-", request.node.originalname.lower())[:40]
    client.add_model(f"{name}-{next(_NUMBERS)}")
    yield client
    if client.model is not None:
        client.destroy_model(client.model, force=True, no_wait=True, destroy_storage=True)


@pytest.fixture(scope="session")
def deployed(controller: RunningController, charms: pathlib.Path) -> Iterator[jubilant.Juju]:
    """A client whose model holds one settled application, `web`: for tests that only look."""
    with jubilant.temp_model() as client:
        client.wait_timeout = 60
        client.deploy(charms / "web.charm")
        settle(client)
        yield client


def settle(client: jubilant.Juju, *apps: str) -> jubilant.Status:
    """Wait until these applications, or all, are active and their agents idle."""
    return client.wait(
        lambda status: (
            jubilant.all_active(status, *apps) and jubilant.all_agents_idle(status, *apps)
        ),
        delay=0.4,
        successes=2,
    )
