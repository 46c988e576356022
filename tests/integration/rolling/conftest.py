"""A small control plane of an older release, and three units of the packed coordinator."""

from __future__ import annotations

import pathlib
import signal
from collections.abc import Iterator

import pytest

from sandbox import packing, processes
from tests.integration.coordinator.model import CHARM, Model

_BUNDLE = pathlib.Path(__file__).with_name("control-plane.yaml")
_SETTLES_WITHIN = 300.0


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    packing.pack(CHARM)
    running = Model(tmp_path_factory.mktemp("rolling"), "rolling")
    running.start()
    try:
        running.juju("add-model", "openstack")
        running.juju("deploy", str(_BUNDLE))
        running.juju("config", "keystone", f"vip={running.home.virtual_address(5)}")
        running.juju("deploy", str(packing.packed_path(CHARM)), "-n", "3")
        running.give_account("admin")
        running.juju("grant-secret", "account", CHARM)
        running.wait(lambda: _settled(running), _SETTLES_WITHIN)
        yield running
    finally:
        running.stop(signal.SIGTERM)
        processes.end(processes.of_sandbox(running.home.path))


def _settled(model: Model) -> bool:
    return all(
        unit["workload-status"]["current"] == "active" and unit["juju-status"]["current"] == "idle"
        for name, unit in model.units().items()
        if not name.startswith(CHARM)
    )
