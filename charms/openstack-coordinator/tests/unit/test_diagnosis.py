"""Why a unit waits: for another application, for its machine, or for metal that is broken."""

from __future__ import annotations

import copy
from typing import Any

import cloud
import diagnosis
import full_status
import knowledge
import pytest
import snapshot

Document = dict[str, Any]


@pytest.fixture
def status() -> Document:
    return copy.deepcopy(full_status.of_bundle())


def why(status: Document, subject: str = "", **changed: Any) -> tuple[diagnosis.Chain, ...]:
    model = cloud.from_full_status(status)
    return diagnosis.chains(snapshot.Snapshot(0.0, model, **changed), knowledge.load(), subject)


def set_status(status: Document, unit: str, workload: str, message: str) -> Document:
    found = status["applications"][unit.partition("/")[0]]["units"][unit]
    found["workload-status"] = full_status.status(workload, message)
    return found


def test_a_cloud_that_is_well_has_nothing_to_explain(status: Document) -> None:
    assert why(status) == ()
    assert diagnosis.shown(()) == ""


def test_a_unit_with_a_fault_of_its_own_is_its_own_cause(status: Document) -> None:
    set_status(status, "glance/0", "blocked", "no image store")
    (chain,) = why(status)
    assert [str(link) for link in chain.links] == ["unit glance/0: blocked: no image store"]
    assert chain.remedy


def test_what_a_unit_waits_for_is_followed_to_the_one_that_broke(status: Document) -> None:
    """Nova's API waits for identity, and identity is down for a fault of its own."""
    set_status(status, "nova-cloud-controller/0", "waiting", "Incomplete relations: identity")
    set_status(status, "keystone/0", "blocked", "certificate expired")
    chains = why(status, "nova-cloud-controller")
    shown = [(link.kind, link.subject) for link in chains[0].links]
    assert shown == [
        ("unit", "nova-cloud-controller/0"),
        ("relation", "nova-cloud-controller:identity-service"),
        ("unit", "keystone/0"),
    ]
    assert "certificate expired" in diagnosis.shown(chains)


def test_one_root_is_told_once(status: Document) -> None:
    set_status(status, "nova-cloud-controller/0", "waiting", "Incomplete relations: identity")
    set_status(status, "glance/0", "waiting", "Incomplete relations: identity")
    set_status(status, "keystone/0", "blocked", "certificate expired")
    (chain,) = why(status)
    assert [link.subject for link in chain.links] == ["keystone/0"]


def test_a_machine_that_is_down_is_followed_to_its_metal(status: Document) -> None:
    unit = set_status(status, "nova-compute/0", "unknown", "agent lost, see juju show-status-log")
    unit["agent-status"] = full_status.status("lost")
    machine = status["machines"][unit["machine"]]
    machine["agent-status"] = full_status.status("down", "agent is not communicating")
    node = snapshot.Node(
        machine["instance-id"],
        "node07",
        "az1",
        "compute",
        "unfit",
        ("BMC: PSU 2 failed",),
    )
    (chain,) = why(status, "nova-compute/0", nodes={machine["instance-id"]: node})
    assert [link.kind for link in chain.links] == ["unit", "machine", "node"]
    assert str(chain.links[-1]) == "node node07: BMC: PSU 2 failed"
    assert "repair the machine" in chain.remedy


def test_applications_that_wait_for_each_other_end_the_search(status: Document) -> None:
    for name in ("keystone/0", "glance/0", "nova-cloud-controller/0", "neutron-api/0"):
        set_status(status, name, "waiting", "Incomplete relations")
    for chain in why(status):
        subjects = [link.subject for link in chain.links if link.kind == "unit"]
        assert len(subjects) == len(set(subjects))
