"""The status of a model: every part of it, its selection by patterns, and its speed."""

from __future__ import annotations

import time

import pytest
from juju.client import client

from sandbox.juju import clock
from sandbox.juju.api.status import full, rows, selection
from sandbox.juju.state import leases, machines, models, relations, scopes, statuses, units

SUBORDINATE = {
    "subordinate": True,
    "provides": {},
    "peers": {},
    "requires": {"host": {"interface": "juju-info", "scope": "container"}},
}


@pytest.fixture
async def connection(controller, model):
    async with controller.connect(model.uuid) as connection:
        yield connection


def provision(controller, model, machine="0"):
    address = {"value": "127.0.0.5", "type": "ipv4", "scope": "local-cloud", "space": "metal"}
    with controller.state() as tx:
        machines.set_instance(
            tx,
            model.uuid,
            machine,
            instance_id="abc123",
            hostname="node-5",
            hardware={
                "arch": "amd64",
                "cores": 8,
                "mem": 32768,
                "tags": ["openstack-control"],
                "availability-zone": "az1",
            },
            addresses=[address],
        )
        machines.set_started(tx, model.uuid, machine)


async def wire(controller, connection, *patterns):
    """FullStatus as it goes over the wire."""
    return await controller.call(connection, "Client", 8, "FullStatus", patterns=list(patterns))


async def test_a_machine_shows_its_instance_hardware_and_containers(controller, model, connection):
    await controller.deploy(connection, model)
    with controller.state() as tx:
        machines.add_container(tx, model.uuid, "0", base="ubuntu@24.04/stable")
    pending = (await wire(controller, connection))["machines"]["0"]
    assert (pending["instance-id"], pending["dns-name"]) == ("pending", "")
    assert pending["agent-status"]["status"] == "pending"
    provision(controller, model)
    machine = (await wire(controller, connection))["machines"]["0"]
    assert machine["instance-id"] == "abc123"
    assert machine["hostname"] == machine["display-name"] == "node-5"
    assert machine["dns-name"] == "127.0.0.5"
    assert machine["ip-addresses"] == ["127.0.0.5"]
    assert machine["network-interfaces"]["eth0"]["space"] == "metal"
    assert machine["hardware"] == (
        "arch=amd64 cores=8 mem=32768M tags=openstack-control availability-zone=az1"
    )
    assert machine["agent-status"]["status"] == "started"
    assert machine["instance-status"]["status"] == "running"
    assert machine["base"] == {"name": "ubuntu", "channel": "24.04/stable"}
    assert machine["containers"]["0/lxd/0"]["id"] == "0/lxd/0"


async def test_a_unit_shows_its_agent_workload_ports_leader_and_subordinates(
    controller, model, connection
):
    await controller.deploy(connection, model)
    await controller.deploy(
        connection,
        model,
        "maas-bmc",
        controller.packed_charm("maas-bmc", **SUBORDINATE),
        **{"num-units": 0},
    )
    provision(controller, model)
    with controller.state() as tx:
        relation = relations.add(tx, model.uuid, "maas-bmc", "keystone")
        scopes.enter(tx, relation, units.get(tx, model.uuid, "keystone/0"))
        statuses.set_status(tx, model.uuid, "workload", "keystone/0", "active", "ready")
        statuses.set_status(tx, model.uuid, "agent", "keystone/0", "idle")
        ports = [{"protocol": "tcp", "from-port": 5000, "to-port": 5000}]
        tx.update("units", {"model": model.uuid, "name": "keystone/0"}, ports_json=ports)
        leases.claim(tx, model.uuid, "keystone/0", time.time())
    status = await wire(controller, connection)
    keystone, subordinate = (status["applications"][n] for n in ("keystone", "maas-bmc"))
    unit = keystone["units"]["keystone/0"]
    assert unit["workload-status"]["info"] == "ready"
    assert unit["agent-status"]["status"] == "idle"
    assert unit["public-address"] == "127.0.0.5"
    assert (unit["machine"], unit["opened-ports"], unit["leader"]) == ("0", ["5000/tcp"], True)
    assert unit["subordinates"]["maas-bmc/0"]["machine"] == ""
    assert unit["subordinates"]["maas-bmc/0"]["public-address"] == "127.0.0.5"
    assert keystone["status"]["status"] == "active"
    assert keystone["endpoint-bindings"] == {
        "": "alpha",
        "cluster": "alpha",
        "identity-service": "alpha",
        "shared-db": "alpha",
    }
    assert subordinate["units"] is None
    assert subordinate["subordinate-to"] == ["keystone"]
    assert status["relations"][1]["endpoints"][0]["subordinate"] is True


async def test_a_failed_hook_shows_as_an_error_of_the_workload_beside_an_idle_agent(
    controller, model, connection
):
    await controller.deploy(connection, model)
    with controller.state() as tx:
        statuses.set_status(
            tx, model.uuid, "agent", "keystone/0", "error", 'hook failed: "install"'
        )
    application = (await wire(controller, connection))["applications"]["keystone"]
    unit = application["units"]["keystone/0"]
    assert unit["workload-status"]["status"] == "error"
    assert unit["workload-status"]["info"] == 'hook failed: "install"'
    assert unit["agent-status"]["status"] == "idle"
    assert application["status"]["status"] == "error"


async def test_libjuju_reads_the_whole_status(controller, model, connection):
    await controller.deploy(connection, model)
    facade = client.ClientFacade.from_connection(connection)
    status = await facade.FullStatus(patterns=[], include_storage=True)
    assert status.model.version == "3.6.28"
    assert status.model.cloud_tag == "cloud-sandbox"
    unit = status.applications["keystone"].units["keystone/0"]
    assert unit.workload_status.info == "waiting for machine"
    assert status.machines["0"].instance_id == "pending"
    assert status.relations[0].endpoints[0].role == "peer"


@pytest.fixture
async def several(controller, model, connection):
    await controller.deploy(connection, model, **{"num-units": 2})
    await controller.deploy(connection, model, "glance", controller.packed_charm("glance"))
    with controller.state() as tx:
        statuses.set_status(tx, model.uuid, "workload", "keystone/1", "blocked", "no database")
        statuses.set_status(tx, model.uuid, "workload", "glance/0", "active")
    return connection


@pytest.mark.parametrize(
    ("patterns", "applications", "machine_ids"),
    [
        (["glance"], {"glance"}, {"2"}),
        (["key*"], {"keystone"}, {"0", "1"}),
        (["keystone/1"], {"keystone"}, {"1"}),
        (["blocked"], {"keystone"}, {"1"}),
        (["2"], {"glance"}, {"2"}),
        (["active", "keystone/0"], {"glance", "keystone"}, {"0", "2"}),
        (["nothing"], set(), set()),
    ],
)
async def test_patterns_select_what_they_name_with_its_machines(
    controller, several, patterns, applications, machine_ids
):
    status = await wire(controller, several, *patterns)
    assert set(status["applications"]) == applications
    assert set(status["machines"]) == machine_ids


def test_a_model_of_two_thousand_units_is_shown_in_less_than_a_second(controller, model):
    fill(controller, model, count=2000)
    started = time.process_time()
    with controller.state() as tx:
        read = rows.read(tx, models.get(tx, model.uuid))
    document = full.full_status(
        read, selection.select(read, []), clock.now(), {}, with_storage=True
    )
    took = time.process_time() - started
    shown = sum(len(app["units"]) for app in document["applications"].values())
    assert shown == 2000
    assert took < 1, "seconds of CPU: the test must not fail because the machine is busy"


def fill(controller, model, count):
    """Rows of a model of this many units on as many machines, ten applications."""
    uuid, now = model.uuid, clock.stamp()
    with controller.state() as tx:
        for number in range(10):
            url = f"local:app{number}-0"
            metadata = {"name": f"app{number}", "provides": {"api": {"interface": "http"}}}
            tx.insert(
                "charms",
                model=uuid,
                url=url,
                name=f"app{number}",
                revision=0,
                source="local",
                sha256="",
                archive="",
                metadata_json=metadata,
                config_json={},
                actions_json={},
                bases_json=[],
            )
            tx.insert(
                "applications",
                model=uuid,
                name=f"app{number}",
                charm_url=url,
                base="ubuntu@24.04/stable",
                bindings_json={"": "alpha", "api": "alpha"},
                created=now,
            )
        for number in range(count):
            name = f"app{number % 10}/{number // 10}"
            tx.insert(
                "machines", model=uuid, id=str(number), base="ubuntu@24.04/stable", created=now
            )
            tx.insert(
                "units",
                model=uuid,
                name=name,
                application=f"app{number % 10}",
                number=number // 10,
                machine=str(number),
                created=now,
            )
            for kind, entity in (("workload", name), ("agent", name), ("machine", str(number))):
                tx.insert(
                    "statuses", model=uuid, kind=kind, entity=entity, status="idle", since=now
                )
