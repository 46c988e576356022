"""Machines of this host: at once, each with an address that no other one has."""

from __future__ import annotations

import pathlib

from sandbox.juju.placement import Placement
from sandbox.juju.state import machines, model_removal, models, removal, storage


async def test_a_machine_starts_at_once_with_an_address_of_its_own(local):
    async with local.running():
        first, second = local.add(cores=4), local.add()
        await local.until(lambda: local.started(first, second))
    machine = local.machine(first)
    assert machine.instance_id == f"juju-{local.model[-6:]}-0"
    assert machine.hardware["cores"] == 4
    assert machine.address == local.home.container_address(0)
    assert local.machine(second).address == local.home.container_address(1)
    assert local.instance(first) == ("running", "Running")


async def test_a_container_starts_when_its_host_does_and_ends_with_it(local):
    container = local.add(Placement("lxd"))
    assert container == "0/lxd/0"
    async with local.running():
        await local.until(lambda: local.started("0", container))
        assert local.machine(container).instance_id == f"juju-{local.model[-6:]}-0-lxd-0"
        with local.store.transaction() as tx:
            removal.destroy_machine(tx, local.model, "0", force=True)
        await local.until(lambda: local.machines() == [])
        local.add()
        await local.until(lambda: local.started("1"))
    assert local.machine("1").address == local.home.container_address(0)


async def test_addresses_are_unique_over_all_models_and_used_again_after_removal(local):
    with local.store.transaction() as tx:
        other = models.add_model(tx, "other", "admin", "localhost").uuid
        machines.add_machine(tx, other, base="ubuntu@24.04/stable")
    local.add()
    async with local.running():
        await local.until(lambda: local.started("0"))
        with local.store.transaction() as tx:
            assert (
                machines.get(tx, other, "0").address != machines.get(tx, local.model, "0").address
            )
            model_removal.destroy_model(tx, other)
        await local.until(lambda: len(_addresses(local)) == 1)
        local.add()
        await local.until(lambda: local.started("1"))
    assert len(_addresses(local)) == 2
    assert max(_addresses(local)) <= 1


def _addresses(local) -> list[int]:
    with local.store.transaction() as tx:
        return [row["number"] for row in tx.all("SELECT number FROM address_numbers")]


async def test_storage_is_a_file_of_its_size_or_a_folder_once_the_machine_runs(local):
    machine = local.add()
    local.host(machine, ["block", "filesystem"], "loop", 16)
    async with local.running():
        await local.until(lambda: local.started(machine))
        await local.until(lambda: all(s.status == "attached" for s in _storage(local)))
    block, folder = (pathlib.Path(instance.location) for instance in _storage(local))
    assert block.stat().st_size == 16 * 1024**2
    assert folder.is_dir()


def _storage(local):
    with local.store.transaction() as tx:
        return storage.all_storage(tx, local.model)
