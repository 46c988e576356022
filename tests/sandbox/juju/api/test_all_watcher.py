"""libjuju's Model over the AllWatcher."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from juju.model import Model

from sandbox.juju.state import annotations, applications, relations, statuses


@contextlib.asynccontextmanager
async def libjuju(controller, model):
    connected = Model()
    await connected.connect(
        endpoint=controller.endpoint,
        uuid=model.uuid,
        username="admin",
        password="letmein",
        cacert=controller.ca,
    )
    try:
        yield connected
    finally:
        await connected.disconnect()


@pytest.fixture
def charm_file(controller, tmp_path):
    path = tmp_path / "keystone_amd64.charm"
    path.write_bytes(controller.packed_charm())
    return path


async def test_libjujus_model_deploys_a_local_charm_and_follows_its_units(
    controller, model, charm_file
):
    async with libjuju(controller, model) as connected:
        await connected.deploy(charm_file, num_units=2, config={"region": "Berlin"})
        application = connected.applications["keystone"]
        await connected.block_until(lambda: len(application.units) == 2, timeout=30)
        assert (await application.get_config())["region"]["value"] == "Berlin"
        unit = connected.units["keystone/0"]
        assert unit.workload_status == "waiting"
        with controller.state() as tx:
            for name in ("keystone/0", "keystone/1"):
                statuses.set_status(tx, model.uuid, "workload", name, "active")
                statuses.set_status(tx, model.uuid, "agent", name, "idle")
        await connected.block_until(lambda: application.status == "active", timeout=30)
        assert connected.machines["0"].data["base"] == "ubuntu@24.04/stable"


async def test_what_goes_away_goes_from_libjujus_model(controller, model, charm_file):
    async with libjuju(controller, model) as connected:
        await connected.deploy(charm_file)
        await connected.block_until(lambda: "keystone/0" in connected.units, timeout=30)
        await connected.remove_application("keystone", block_until_done=True, timeout=30)
        assert connected.applications == {}


async def test_annotations_and_config_are_told(controller, model, charm_file):
    async with libjuju(controller, model) as connected:
        await connected.deploy(charm_file)
        application = connected.applications["keystone"]
        with controller.state() as tx:
            annotations.merge(tx, model.uuid, "application", "keystone", {"team": "identity"})
            applications.set_config(tx, model.uuid, "keystone", {"workers": 4})
        await connected.block_until(
            lambda: application.safe_data["config"].get("workers") == 4,
            timeout=30,
        )
        assert await application.get_annotations() == {"team": "identity"}


async def test_a_stopped_watcher_says_so(controller, model):
    async with controller.connect(model.uuid) as connection:
        watcher = (await controller.call(connection, "Client", 8, "WatchAll"))["watcher-id"]
        frame = {"type": "AllWatcher", "version": 3, "id": watcher, "request": "Next"}
        first = (await connection.rpc(dict(frame)))["response"]["deltas"]
        assert [delta[:2] for delta in first] == [["model", "change"]]
        waiting = asyncio.create_task(connection.rpc(dict(frame)))
        await asyncio.sleep(0.05)
        await connection.rpc({**frame, "request": "Stop"})
        with pytest.raises(Exception, match="watcher has been stopped"):
            await waiting


async def test_libjujus_model_deploys_a_bundle_of_charmhub_charms(controller, model, tmp_path):
    bundle = tmp_path / "bundle.yaml"
    bundle.write_text(
        "default-base: ubuntu@24.04/stable\n"
        "applications:\n"
        "  keystone: {charm: keystone, channel: 2024.1/stable, num_units: 1}\n"
        "  mysql: {charm: mysql-router, channel: 8.0/stable}\n"
        "relations: [[keystone:shared-db, mysql:shared-db]]\n"
    )
    async with libjuju(controller, model) as connected:
        await connected.deploy(str(bundle))
        await connected.block_until(lambda: "keystone/0" in connected.units, timeout=30)
    with controller.state() as tx:
        assert relations.by_key(tx, model.uuid, "keystone:shared-db mysql:shared-db")
