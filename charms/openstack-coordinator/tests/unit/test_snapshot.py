"""One value of the whole cloud: whose host a unit runs on, and what counts as well."""

from __future__ import annotations

import dataclasses

import cloud
import computes
import full_status
import pytest
import snapshot
import steps


def nova(*hosts: str) -> snapshot.Nova:
    services = tuple(
        computes.Service("nova-compute", host, "az1", enabled=True, up=True, reported=None)
        for host in hosts
    )
    return snapshot.Nova(services, (), (), (), ())


def whole(**changed: object) -> snapshot.Snapshot:
    model = cloud.from_full_status(full_status.of_bundle())
    return dataclasses.replace(snapshot.Snapshot(0.0, model), **changed)


def test_a_unit_is_found_on_its_host_whether_nova_names_it_in_full_or_not() -> None:
    seen = whole()
    unit = seen.cloud.applications["nova-compute"].units[0]
    machine = seen.cloud.machines[unit.machine]
    assert seen.host(unit) == "", "Nova was not asked"
    for name in (machine.hostname, f"{machine.hostname}.maas"):
        seen = whole(nova=nova("other", name))
        assert seen.host(unit) == name
        assert seen.machine_of_host(name) == machine


def test_a_host_is_named_as_nova_names_it() -> None:
    """MAAS gives a host name, and charms have Nova use the full one."""
    seen = nova("node-1.maas", "node-2.maas", "twin.one", "twin.two")
    assert seen.named("node-1") == "node-1.maas"
    assert seen.named("node-1.maas") == "node-1.maas"
    assert seen.named("node-3") == "node-3", "it has not registered yet"
    assert seen.named("twin") == "twin", "which of the two cannot be told"
    asked = {"host": "node-1", "hosts": ["node-2", "node-3"], "zone": "az1"}
    assert seen.with_names(asked) == {
        "host": "node-1.maas",
        "hosts": ["node-2.maas", "node-3"],
        "zone": "az1",
    }


def test_the_leader_is_whoever_leads_now() -> None:
    seen = whole()
    leader = seen.unit(steps.leader("ceph-mon"))
    assert leader is not None
    assert (leader.application, leader.leader) == ("ceph-mon", True)
    assert seen.unit("ceph-mon/9") is None
    assert seen.unit("nobody/leader") is None


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [
        ("25.0.1", "25", True),
        ("250.1", "25", False),
        ("24.03.2", "24.03", True),
        ("24.3", "24.03", False),
        ("", "25", False),
        ("2", "2.1", False),
    ],
)
def test_versions_are_compared_by_whole_components(
    version: str, wanted: str, *, fits: bool
) -> None:
    assert snapshot.is_of(version, wanted) is fits


def test_the_plans_own_canaries_are_no_guests() -> None:
    guest = snapshot.Guest("1", "web", "node-1", "ACTIVE", "", 1, 512, 0, "live")
    canary = dataclasses.replace(guest, id="2", name=f"{steps.CANARY}node-1")
    seen = dataclasses.replace(nova("node-1", "node-2"), guests=(canary, guest))
    assert seen.guests_by_host == {"node-1": (guest,)}
