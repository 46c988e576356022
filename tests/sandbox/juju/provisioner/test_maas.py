"""Machines from a real MAAS region, with nodes whose power is switched over real BMCs."""

from __future__ import annotations

import asyncio

import pytest

from sandbox.juju.placement import Placement
from sandbox.juju.providers.connect import connect, credential_of
from sandbox.juju.providers.maas import MaasProvider
from sandbox.juju.providers.provider import AccessDenied, NoMatch, StartRequest
from sandbox.juju.state import (
    clouds,
    machines,
    model_removal,
    models,
    removal,
    spaces,
    statuses,
    storage,
)

BASE = "ubuntu@24.04/stable"


@pytest.fixture(autouse=True)
async def given_back(metal, region):
    """Every test begins and ends with three Ready machines."""
    yield
    client = region.client()
    for machine in await client.get("machines/"):
        if machine["status_name"] not in ("Ready", "Releasing"):
            await client.post("machines/", "release", [("machines", machine["system_id"])])
    for _ in range(200):
        if {m["status_name"] for m in await client.get("machines/")} == {"Ready"}:
            break
        await asyncio.sleep(0.05)
    await client.close()


async def nodes(region) -> dict[str, dict]:
    client = region.client()
    found = {machine["hostname"]: machine for machine in await client.get("machines/")}
    await client.close()
    return found


def provider_of(metal) -> MaasProvider:
    with metal.store.transaction() as tx:
        model = models.get(tx, metal.model)
        access = clouds.get(tx, model.cloud), credential_of(tx, model)
    provider = connect(metal.home, metal.store, model, *access)
    assert isinstance(provider, MaasProvider)
    return provider


async def test_machines_are_deployed_spread_over_the_zones_and_released_at_the_end(metal, region):
    async with metal.running():
        ids = [metal.add(), metal.add(), metal.add()]
        await metal.until(lambda: metal.started(*ids))
        found = [metal.machine(machine) for machine in ids]
        zones = {machine.hardware["availability-zone"] for machine in found}
        assert zones == {node["zone"]["name"] for node in (await nodes(region)).values()}
        first = found[0]
        assert metal.instance(first.id) == ("running", "Deployed")
        assert first.addresses[0]["space"] == "metal"
        assert first.hardware["mem"] > 60000
        claimed = (await nodes(region))[first.hostname]
        assert claimed["owner_data"]["juju-machine-id"] == f"prod-machine-{first.id}"
        assert claimed["distro_series"] == "noble"
        with metal.store.transaction() as tx:
            assert "metal" in {space.name for space in spaces.all_spaces(tx, metal.model)}
            model_removal.destroy_model(tx, metal.model)
        await metal.until(lambda: not _models(metal))
    left = {node["status_name"] for node in (await nodes(region)).values()}
    assert left <= {"Releasing", "Ready"}


def _models(metal):
    with metal.store.transaction() as tx:
        return models.all_models(tx)


async def test_constraints_and_placement_choose_the_node(metal, region):
    by_name = await nodes(region)
    async with metal.running():
        named = Placement(metal.model, f"system-id={by_name['node02']['system_id']}")
        in_zone = Placement(metal.model, f"zone={by_name['node03']['zone']['name']}")
        one, two = metal.add(named), metal.add(in_zone)
        await metal.until(lambda: metal.machine(one).hostname and metal.machine(two).hostname)
    assert metal.machine(one).hostname == "node02"
    assert metal.machine(two).hardware["availability-zone"] == by_name["node03"]["zone"]["name"]


async def test_a_machine_that_maas_cannot_match_says_so_and_gets_one_when_there_is_one(
    metal, region
):
    client = region.client()
    await client.post("tags/", "", [("name", "fast")])
    node = (await nodes(region))["node01"]["system_id"]
    async with metal.running():
        machine = metal.add(tags=["fast"])
        await metal.until(lambda: "matches constraints" in metal.instance(machine)[1])
        status, message = metal.instance(machine)
        assert status == "provisioning"
        assert "failed to acquire node: No available machine matches constraints" in message
        await client.post("tags/fast/", "update_nodes", [("add", node)])
        await metal.until(lambda: metal.started(machine))
    await client.post("tags/fast/", "update_nodes", [("remove", node)])
    await client.close()
    assert metal.machine(machine).hostname == "node01"


async def test_after_ten_retries_it_gives_up_until_it_is_asked_to_retry(metal):
    async with metal.running(retry_delay=0.01):
        machine = metal.add(cores=1000)
        await metal.until(lambda: metal.instance(machine)[0] == "provisioning error")
        assert metal.instance(machine)[1].startswith("No available machine matches constraints")
        assert "(10 more attempts)" in metal.messages()
        assert "(1 more attempts)" in metal.messages()
        assert "(0 more attempts)" not in metal.messages()
        with metal.store.transaction() as tx:
            tx.update(
                "machines", {"model": metal.model, "id": machine}, constraints_json={"cores": 2}
            )
            machines.retry_provisioning(tx, metal.model, machine)
        await metal.until(lambda: metal.started(machine))


async def test_a_machine_destroyed_while_it_waits_costs_no_node(metal, region):
    async with metal.running(retry_delay=30):
        machine = metal.add(cores=1000)
        await metal.until(lambda: metal.instance(machine)[0] == "provisioning")
        await metal.until(lambda: "retrying in 30s" in metal.instance(machine)[1])
        with metal.store.transaction() as tx:
            removal.destroy_machine(tx, metal.model, machine)
        await metal.until(lambda: metal.machines() == [])


async def test_a_controller_that_dies_after_allocating_claims_no_second_node(metal, region):
    machine = metal.add()
    provider = provider_of(metal)
    owner_data = {"juju-machine-id": f"prod-machine-{machine}"}
    begun = await provider.start(StartRequest(machine, BASE, {}, owner_data=owner_data))
    # Nothing was recorded: the process ended here.
    async with metal.running():
        await metal.until(lambda: metal.started(machine))
    assert metal.machine(machine).instance_id == begun.id
    assert [node["owner"] for node in (await nodes(region)).values()].count("admin") == 1
    await provider.close()


async def test_a_controller_that_dies_before_it_knows_the_disks_starts_the_machine_anew(
    metal, region
):
    machine = metal.add()
    metal.host(machine, ["block"], "maas", 1024)
    provider = provider_of(metal)
    owner_data = {"juju-machine-id": f"prod-machine-{machine}"}
    await provider.start(StartRequest(machine, BASE, {}, owner_data=owner_data))
    async with metal.running():
        await metal.until(lambda: metal.started(machine), 30)
    with metal.store.transaction() as tx:
        assert [s.status for s in storage.all_storage(tx, metal.model)] == ["attached"]
    owners = {node["system_id"]: node["owner"] for node in (await nodes(region)).values()}
    assert [i for i, owner in owners.items() if owner] == [metal.machine(machine).instance_id]
    await provider.close()


async def test_a_node_that_was_allocated_for_nobody_is_given_back(metal, region):
    client = region.client()
    lost = await client.post("machines/", "allocate", [("agent_name", metal.model)])
    foreign = await client.post("machines/", "allocate", [("agent_name", "somebody-else")])
    machine = metal.add()
    async with metal.running():
        await metal.until(lambda: metal.started(machine))
    owners = {node["system_id"]: node["owner"] for node in (await nodes(region)).values()}
    assert owners[foreign["system_id"]] == "admin"
    taken = [i for i, owner in owners.items() if owner and i != foreign["system_id"]]
    assert taken == [metal.machine(machine).instance_id]
    assert owners[lost["system_id"]] is None or lost["system_id"] in taken
    await client.close()


async def test_an_instance_that_is_to_be_kept_stays_in_maas(metal, region):
    async with metal.running():
        machine = metal.add()
        await metal.until(lambda: metal.started(machine))
        hostname = metal.machine(machine).hostname
        with metal.store.transaction() as tx:
            removal.destroy_machine(tx, metal.model, machine, keep_instance=True)
        await metal.until(lambda: metal.machines() == [])
    async with metal.running():
        other = metal.add()
        await metal.until(lambda: metal.started(other))
    assert (await nodes(region))[hostname]["status_name"] == "Deployed"


async def test_disks_for_storage_are_part_of_the_request_and_named_by_their_ids(metal, region):
    machine = metal.add()
    metal.host(machine, ["block", "block"], "maas", 1024)
    async with metal.running():
        await metal.until(lambda: metal.started(machine), 25)
    with metal.store.transaction() as tx:
        locations = {s.location for s in storage.all_storage(tx, metal.model)}
    assert metal.machine(machine).hostname == "node03"
    disks = (await nodes(region))["node03"]["physicalblockdevice_set"]
    assert len(locations) == 2
    assert locations <= {disk["id_path"] for disk in disks}


async def test_a_wrong_key_suspends_the_model_until_the_credential_is_right(metal, region):
    consumer, token, secret = region.key.split(":")
    with metal.store.transaction() as tx:
        wrong = {"maas-oauth": f"{consumer}:{token}:{secret[:-4]}XXXX"}
        clouds.set_credential(tx, "maas", "admin", "key", "oauth1", wrong)
    machine = metal.add()

    def model_status():
        with metal.store.transaction() as tx:
            return statuses.get_status(tx, metal.model, "model", "")

    async with metal.running():
        await metal.until(lambda: model_status().status == "suspended")
        assert model_status().message == "suspended since cloud credential is not valid"
        assert "MAAS does not accept the API key" in model_status().data["reason"]
        with metal.store.transaction() as tx:
            assert clouds.get_credential(tx, "maas", "admin", "key").invalid
            everything = "\n".join(str(tuple(row)) for row in tx.all("SELECT * FROM statuses"))
        assert secret not in everything + metal.messages()
        assert secret[:-4] not in everything + metal.messages()
        with metal.store.transaction() as tx:
            right = {"maas-oauth": region.key}
            clouds.set_credential(tx, "maas", "admin", "key", "oauth1", right)
        await metal.until(lambda: metal.started(machine))
        assert model_status().status == "available"


async def test_an_unreachable_region_is_named_and_everything_goes_on_when_it_returns(
    metal, region
):
    region.stop("maas")
    try:
        machine = metal.add()
        async with metal.running():
            await metal.until(lambda: "cannot reach MAAS" in metal.instance(machine)[1])
            status, message = metal.instance(machine)
            assert status == "provisioning"
            assert f"{region.url}/api/2.0/: connection refused" in message
            region.start("maas")
            await metal.until(lambda: metal.started(machine), 30)
    finally:
        if "maas" not in region.processes:
            region.start("maas")
        await region.answers()


async def test_errors_never_show_the_key(metal, region):
    client = region.client()
    secret = region.key.rpartition(":")[2]
    provider = MaasProvider(client, metal.model)
    with pytest.raises(NoMatch) as refusal:
        await provider.start(StartRequest("0", BASE, {"cores": 10**6}))
    assert secret not in str(refusal.value) + repr(refusal.value)
    consumer, token, _ = region.key.split(":")
    wrong = type(client)(region.url, f"{consumer}:{token}:wrongsecret", [region.certificate])
    with pytest.raises(AccessDenied) as denial:
        await wrong.get("machines/")
    chain = [denial.value, denial.value.__cause__, denial.value.__context__]
    for shown in ("wrongsecret", secret):
        assert all(shown not in repr(error) for error in chain)
    assert secret not in repr(credential(metal))
    await wrong.close()
    await client.close()


def credential(metal):
    with metal.store.transaction() as tx:
        return clouds.get_credential(tx, "maas", "admin", "key")
