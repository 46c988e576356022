"""python-libjuju, unpatched, against the controller as Juju 3.6 and as 4.0."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from juju.controller import Controller
from juju.model import Model

from tests.clients import charms as packed
from tests.clients.running_controller import RunningController, environment, running

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def juju_3_6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningController]:
    """A controller of Juju 3.6, which is all that Model can work with."""
    with running(tmp_path_factory.mktemp("controller"), "3.6") as controller:
        yield controller


@pytest.fixture(scope="session")
def juju_4_0(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningController]:
    """A controller of Juju 4.0, whose facades are called one by one."""
    with running(tmp_path_factory.mktemp("controller"), "4.0") as controller:
        yield controller


@pytest.fixture(scope="session")
def charms(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the packed charms."""
    return packed.pack(tmp_path_factory.mktemp("charms"))


@pytest_asyncio.fixture
async def controller(juju_3_6: RunningController) -> AsyncIterator[Controller]:
    """A client of the 3.6 controller, connected as JUJU_DATA says."""
    with environment(juju_3_6.environment):
        client = Controller()
        await client.connect("sandbox")
        yield client
        await client.disconnect()


@pytest_asyncio.fixture
async def model(controller: Controller) -> AsyncIterator[Model]:
    """A model of its own, destroyed after the test."""
    name = f"m{next(_NUMBERS)}"
    model = await controller.add_model(name)
    yield model
    await model.disconnect()
    if name in await controller.list_models():
        await controller.destroy_model(name, destroy_storage=True, force=True, max_wait=0)
