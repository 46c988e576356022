"""The cloud grows and shrinks by plans of the packed coordinator; the tests build on each other.

Its machines come from the pool of the inventory, and MAAS gets them back.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import openstack.exceptions
import pytest

from sandbox import credential_steps
from sandbox.region import Region
from tests.integration.openstack.conftest import COORDINATOR, Cloud

_LEADER = f"{COORDINATOR}/leader"
_ENDS_WITHIN = 900.0
_CANARY = "openstack-coordinator-canary-"


def _ask(cloud: Cloud, action: str, *parameters: str) -> dict[str, Any]:
    task = cloud.run(_LEADER, action, *parameters)
    assert task["status"] == "completed", task.get("message", "")
    return task["results"]


def _carry_out(
    cloud: Cloud, *asked: str, meanwhile: Callable[[Cloud], None] = lambda _: None
) -> None:
    """Make a plan, approve it, and wait until it is done; `meanwhile` comes once it has begun."""
    plan = _ask(cloud, "plan", *asked)
    _ask(cloud, "run", f"hash={plan['hash']}")
    meanwhile(cloud)
    deadline = time.monotonic() + _ENDS_WITHIN
    while (phase := _ask(cloud, "show-plan")["phase"]) != "done":
        if phase in ("held", "aborted") or time.monotonic() > deadline:
            status = cloud.unit(f"{COORDINATOR}/0")["workload-status"]
            pytest.fail(f"the plan is {phase}: {status}\n{_ask(cloud, 'show-plan')['plan']}")
        time.sleep(3)


def _history(cloud: Cloud) -> list[dict[str, Any]]:
    """The plans that came to their end, the newest first."""
    return json.loads(_ask(cloud, "history")["history"])


class Proof:
    """Sees which guests are put to hosts while it looks, and which hosts are enabled meanwhile."""

    def __init__(self, cloud: Cloud) -> None:
        self.proven: set[str] = set()
        self.enabled_in_proof: set[str] = set()
        self._client = cloud.connect()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Proof:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        compute = self._client.compute
        while not self._ended.wait(0.5):
            try:
                # First who is enabled: a host is not while its guest is still to be built.
                enabled = {
                    s.host for s in compute.services(binary="nova-compute", status="enabled")
                }
                servers = list(compute.servers(all_projects=True, name=_CANARY))
            except openstack.exceptions.SDKException:
                continue
            for server in servers:
                host = server.name.removeprefix(_CANARY)
                if server.status == "ACTIVE" and server.hypervisor_hostname == host:
                    self.proven.add(host)
                if server.status == "BUILD" and host in enabled:
                    self.enabled_in_proof.add(host)


def _services(cloud: Cloud) -> dict[str, Any]:
    return {s.host: s for s in cloud.connect().compute.services(binary="nova-compute")}


def _zones(cloud: Cloud) -> dict[str, str]:
    """Host -> zone of its machine in MAAS, of every unit of nova-compute."""
    status = cloud.juju.json("status")
    units = status["applications"]["nova-compute"]["units"]
    machines = [status["machines"][unit["machine"]] for unit in units.values()]
    return {m["hostname"]: m["hardware"].rpartition("availability-zone=")[2] for m in machines}


def _region(cloud: Cloud) -> Region:
    return Region(cloud.home, credential_steps.maas_key(cloud.home))


def _assert_in_service(cloud: Cloud, hosts: set[str]) -> None:
    """Up, enabled, in the zone of their machine and its aggregate, and no canary left."""
    client, zones = cloud.connect(), _zones(cloud)
    for host in hosts:
        service = _services(cloud)[host]
        assert (service.state, service.status) == ("up", "enabled")
        assert service.availability_zone == zones[host]
        assert client.compute.find_hypervisor(host)
    aggregates = {a.name: set(a.hosts or ()) for a in client.compute.aggregates()}
    for host in hosts:
        assert host in aggregates[f"{zones[host]}_az"]
    assert not list(client.compute.servers(all_projects=True, name=_CANARY))


@pytest.fixture(scope="module")
def grown(cloud: Cloud) -> Cloud:
    """The cloud with the one hypervisor that the tests before have left in service."""
    cloud.wait("the pool", lambda: _fit(cloud) >= 5, timeout=300)
    hosts = set(_zones(cloud))
    client = cloud.connect()
    for host, service in _services(cloud).items():
        if host not in hosts:  # its unit was removed, and its service is left, as in the field
            client.compute.delete_service(service)
    return cloud


def _fit(cloud: Cloud) -> int:
    return sum(
        machine["status_name"] == "Ready" and "openstack-compute" in machine["tag_names"]
        for machine in _region(cloud).machines()
    )


def test_fit_machines_of_the_pool_become_hypervisors_with_zones_balanced(grown: Cloud):
    before = set(_zones(grown))
    with Proof(grown) as proof:
        _carry_out(grown, "request=scale-out", "role=compute", "count=2")
    zones = _zones(grown)
    new = set(zones) - before
    assert len(new) == 2
    assert len(set(zones.values())) == 3, f"one in each zone: {zones}"
    assert proof.proven >= new, "a guest has run on each"
    assert not proof.enabled_in_proof & new, "before it was enabled"
    _assert_in_service(grown, new)


def test_units_that_an_operator_adds_end_the_same_way(grown: Cloud):
    """By a plan that begins by itself, as soon as the units are active."""
    before = set(_zones(grown))
    grown.juju("config", COORDINATOR, "take-in-hypervisors=true")
    ended = len(_history(grown))
    with Proof(grown) as proof:
        grown.juju("add-unit", "nova-compute", "-n", "2")
        grown.wait("machines", lambda: len(_zones(grown)) == len(before) + 2)
        grown.wait("a plan", lambda: len(_history(grown)) > ended, timeout=_ENDS_WITHIN)
    assert _history(grown)[0]["phase"] == "done"
    new = set(_zones(grown)) - before
    assert proof.proven >= new
    assert not proof.enabled_in_proof & new
    _assert_in_service(grown, new)


@pytest.fixture(scope="module")
def guests(grown: Cloud, network: str) -> dict[str, str]:
    """Guest -> host: two on a host that has another one in its zone."""
    zones = _zones(grown)
    shared = [host for host in sorted(zones) if list(zones.values()).count(zones[host]) > 1]
    client = grown.connect()
    image, flavor = client.image.find_image("noble-amd64"), client.compute.find_flavor("m1.small")
    for name in ("first", "second"):
        server = client.compute.create_server(
            name=name,
            image_id=image.id,
            flavor_id=flavor.id,
            networks=[{"uuid": network}],
            availability_zone=f"{zones[shared[0]]}:{shared[0]}",
        )
        client.compute.wait_for_server(server, wait=90)
    return _guests(grown)


def _guests(cloud: Cloud) -> dict[str, str]:
    servers = list(cloud.connect().compute.servers(all_projects=True))
    assert {server.status for server in servers} == {"ACTIVE"}
    return {server.id: server.hypervisor_hostname for server in servers}


def _rotate_admin_password(cloud: Cloud) -> None:
    before = _admin_passwords(cloud)
    task = cloud.run("keystone/leader", "rotate-admin-password")
    assert task["status"] == "completed", task.get("message", "")
    # As with the real charm, its leader tells the new one later than the others, and not by this.
    cloud.wait("the others tell it", lambda: len(_admin_passwords(cloud) - before) == 1)
    assert _admin_passwords(cloud) & before


def _admin_passwords(cloud: Cloud) -> set[str]:
    """What the units of keystone tell the coordinator."""
    shown = cloud.juju.json("show-unit", f"{COORDINATOR}/0")[f"{COORDINATOR}/0"]
    (relation,) = (r for r in shown["relation-info"] if r["endpoint"] == "identity-admin")
    return {unit["data"]["service_password"] for unit in relation["related-units"].values()}


def test_a_drained_host_is_empty_and_its_guests_run_elsewhere_in_its_zone(
    grown: Cloud, guests: dict[str, str]
):
    """Though Keystone's administrator gets another password meanwhile."""
    (host,) = set(guests.values())
    _carry_out(grown, "request=drain", f"hosts={host}", meanwhile=_rotate_admin_password)
    moved, zones = _guests(grown), _zones(grown)
    assert moved.keys() == guests.keys()
    assert host not in moved.values()
    assert {zones[target] for target in moved.values()} == {zones[host]}
    service = _services(grown)[host]
    assert service.status == "disabled"
    assert service.disabled_reason.startswith("openstack-coordinator: ")
    # What the coordinator advises where nobody but the leader could tell.
    grown.juju("exec", "--unit", "keystone/leader", "hooks/config-changed")
    grown.wait("all tell the new one", lambda: len(_admin_passwords(grown)) == 1)


def test_an_undrained_host_is_proven_and_in_service_again(grown: Cloud, guests: dict[str, str]):
    (host,) = set(guests.values())
    with Proof(grown) as proof:
        _carry_out(grown, "request=undrain", f"hosts={host}")
    assert host in proof.proven
    assert host not in proof.enabled_in_proof
    _assert_in_service(grown, {host})


def test_a_removed_hypervisor_leaves_nothing_and_its_machine_goes_back_to_the_pool(
    grown: Cloud, guests: dict[str, str]
):
    host = next(iter(_guests(grown).values()))
    status = grown.juju.json("status")
    units = status["applications"]["nova-compute"]["units"]
    (unit,) = (u for u, found in units.items() if _hostname(status, found["machine"]) == host)
    number = units[unit]["machine"]

    _carry_out(grown, "request=scale-in", f"units={unit}")

    assert guests.keys() == _guests(grown).keys()
    assert host not in _guests(grown).values()
    client = grown.connect()
    assert host not in _services(grown)
    assert host not in {provider.name for provider in client.placement.resource_providers()}
    assert host not in {agent.host for agent in client.network.agents()}
    assert not any(host in (a.hosts or ()) for a in client.compute.aggregates())
    status = grown.juju.json("status")
    assert unit not in status["applications"]["nova-compute"]["units"]
    assert number not in status["machines"]
    grown.wait("MAAS has it", lambda: _maas_status(grown, host) == "Ready")
    grown.wait("the pool has it", lambda: _pool_state(grown, host) == "ready", timeout=180)


def _hostname(status: dict[str, Any], machine: str) -> str:
    return status["machines"][machine]["hostname"]


def _maas_status(cloud: Cloud, host: str) -> str:
    (machine,) = (m for m in _region(cloud).machines() if m["hostname"] == host)
    return machine["status_name"]


def _pool_state(cloud: Cloud, host: str) -> str:
    listed = cloud.run("baremetal-inventory/leader", "list-nodes", "role=compute")["results"]
    return next(n["state"] for n in json.loads(listed["nodes"]) if n["hostname"] == host)


def test_new_hosts_are_mapped_by_nova_manage_where_nova_s_api_is(grown: Cloud):
    """As the coordinator does it; nowhere else is there anything to run."""
    command = ("nova-manage", "cell_v2", "discover_hosts", "--verbose")
    unit = "nova-cloud-controller/0"
    ran = json.loads(grown.juju("exec", "--unit", unit, "--format", "json", "--", *command))
    said = ran[unit]["results"]
    assert said["return-code"] == 0
    assert "Found" in said["stdout"]
