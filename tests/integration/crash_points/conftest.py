"""Three clouds alike, each upgraded by its coordinator: undisturbed, and killed at its writes."""

from __future__ import annotations

import concurrent.futures
import pathlib
import signal
from collections.abc import Iterator, Mapping

import pytest

from sandbox import packing, processes
from tests.integration.coordinator.model import CHARM, Model
from tests.integration.crash_points import upgrade
from tests.integration.crash_points.upgrade import MOMENTS, Upgrade

_BUNDLE = pathlib.Path(__file__).parent.parent / "rolling" / "control-plane.yaml"
_SETTLES_WITHIN = 600.0


@pytest.fixture(scope="session")
def upgrades(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Upgrade]]:
    """Name of a cloud -> what became of it."""
    packing.pack(CHARM)
    running = Model(tmp_path_factory.mktemp("crash-points"), "crash-points")
    running.start()
    try:
        clouds = [_deployed(running.beside(name), at) for at, name in enumerate(MOMENTS, 1)]
        with concurrent.futures.ThreadPoolExecutor() as at_once:
            found = dict(zip(MOMENTS, at_once.map(_upgraded, clouds), strict=True))
        yield found
    finally:
        running.stop(signal.SIGTERM)
        processes.end(processes.of_sandbox(running.home.path))


def _deployed(cloud: Model, number: int) -> Model:
    """A cloud with a virtual address of its own: one that two contend for never moves away."""
    cloud.juju("deploy", str(_BUNDLE))
    cloud.juju("config", "keystone", f"vip={cloud.home.virtual_address(number)}")
    cloud.juju("deploy", str(packing.packed_path(CHARM)))
    cloud.give_account("admin")
    cloud.juju("grant-secret", "account", CHARM)
    return cloud


def _upgraded(cloud: Model) -> Upgrade:
    cloud.wait(lambda: _settled(cloud), _SETTLES_WITHIN)
    return upgrade.upgraded(cloud)


def _settled(cloud: Model) -> bool:
    return all(
        unit["workload-status"]["current"] == "active" and unit["juju-status"]["current"] == "idle"
        for name, unit in cloud.units().items()
        if not name.startswith(CHARM)
    )
