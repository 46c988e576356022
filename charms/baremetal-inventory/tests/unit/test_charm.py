"""The charm: its statuses with their remedies, what it asks for, publishes and shows."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from charm import BaremetalInventoryCharm
from charms.baremetal_inventory.v0 import node_pool_testing
from charms.baremetal_inventory.v0.node_pool import Claim, read_pool
from charms.maas_bmc.v0 import baremetal_nodes_testing
from charms.maas_bmc.v0.baremetal_nodes import Sync, read_desires
from charms.maas_bmc.v0.baremetal_nodes_testing import machine
from ops import testing

POLICY = """
roles:
  osd: {min: 1, want: 1, data-disks: {count: 1, size: 1TiB, kinds: [hdd]}}
  compute: {min: 1, want: 2, cores: 16}
"""


def _run(*relations: testing.Relation, policy: str = POLICY, leader: bool = True) -> testing.State:
    context = testing.Context(BaremetalInventoryCharm)
    state = testing.State(leader=leader, relations=relations, config={"policy": policy})
    return context.run(context.on.config_changed(), state)


def _nodes(*machines: Any, **arguments: Any) -> testing.Relation:
    return baremetal_nodes_testing.provider_relation(machines, **arguments)


def test_a_unit_that_does_not_lead_stands_by() -> None:
    assert _run(leader=False).unit_status == testing.ActiveStatus("stands by for the leader")


def test_an_invalid_policy_blocks_with_field_and_remedy() -> None:
    status = _run(policy="roles: {osd: {want: 1, memory: 64}}").unit_status
    assert status == testing.BlockedStatus(
        "policy: roles.osd.memory: write a whole number of GiB or TiB, such as 64GiB"
    )


def test_an_invalid_policy_changes_nothing_that_was_asked_before() -> None:
    relation = _nodes(machine("n1"))
    asked = _run(relation).get_relation(relation.id)
    assert isinstance(asked, testing.Relation)
    assert read_desires(asked.local_app_data).machines
    after = _run(asked, policy="roles: [").get_relation(relation.id)
    assert after.local_app_data == asked.local_app_data


def test_without_maas_bmc_it_is_blocked_with_the_remedy() -> None:
    assert _run().unit_status == testing.BlockedStatus(
        "no relation: integrate baremetal-inventory with maas-bmc"
    )


@pytest.mark.parametrize(
    ("databag", "told"),
    [
        ({}, "baremetal-nodes: nothing published yet"),
        ({"version": "9"}, "baremetal-nodes: version: the other side speaks version 9"),
        ({"version": "1", "sync": "?"}, "baremetal-nodes: sync: Invalid JSON"),
    ],
)
def test_half_filled_or_wrong_data_is_waited_for(databag: dict[str, str], told: str) -> None:
    relation = testing.Relation("baremetal-nodes", remote_app_data=databag)
    status = _run(relation).unit_status
    assert isinstance(status, testing.WaitingStatus)
    assert status.message.startswith(told)


def test_nothing_is_decided_before_every_machine_was_read() -> None:
    relation = _nodes(machine("n1"), sync=Sync(complete=False, unread=7))
    state = _run(relation)
    assert state.unit_status == testing.WaitingStatus("maas-bmc is still to read 7 machines")
    assert not state.get_relation(relation.id).local_app_data.keys() - {"version"}


def test_fit_machines_get_their_roles_and_the_pool_is_published() -> None:
    nodes = _nodes(machine("n1"), machine("n2", disks=[]), machine("n3", cores=2, disks=[]))
    pool = node_pool_testing.requirer_relation()
    state = _run(nodes, pool)
    wishes = read_desires(state.get_relation(nodes.id).local_app_data).machines
    assert {key: wish.role for key, wish in wishes.items()} == {"n1": "osd", "n2": "compute"}
    published = read_pool(state.get_relation(pool.id).local_app_data)
    assert published.nodes["n3"].state == "unfit"
    assert published.nodes["n1"].state == "preparing"
    assert state.unit_status == testing.WaitingStatus(
        "machines are being prepared: osd has 0 of 1, compute has 0 of 1"
    )


def test_with_every_role_served_it_is_active_and_says_how_much_there_is() -> None:
    state = _run(
        _nodes(machine("n1", tags=("openstack-osd",)), machine("n2", tags=("openstack-compute",)))
    )
    assert state.unit_status == testing.ActiveStatus("osd 1 of 1, compute 1 of 2")


def test_too_few_machines_block_with_the_shortfall_of_each_role_and_its_reasons() -> None:
    state = _run(_nodes(machine("n1", cores=8, disks=[], hostname="small")))
    assert state.unit_status == testing.BlockedStatus(
        "osd has 0 of 1 (small: 0 data disks of hdd with 1024 GiB, wants 1: add disks);"
        " compute has 0 of 1 (small: 8 cores, wants 16: use a larger machine)"
    )


def test_a_machine_that_is_being_commissioned_is_waited_for() -> None:
    state = _run(_nodes(machine("n1", status="Commissioning"), machine("n2", status="New")))
    assert isinstance(state.unit_status, testing.WaitingStatus)


def test_a_claim_shows_in_the_pool() -> None:
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    pool = node_pool_testing.requirer_relation(
        [Claim(system_id="n1", owner="coordinator", lease_until=until)]
    )
    state = _run(_nodes(machine("n1", tags=("openstack-osd",))), pool)
    node = read_pool(state.get_relation(pool.id).local_app_data).nodes["n1"]
    assert (node.state, node.owner) == ("claimed", "coordinator")


def test_claims_that_cannot_be_read_name_the_application() -> None:
    pool = testing.Relation("node-pool", remote_app_name="k8s", remote_app_data={"version": "3"})
    status = _run(_nodes(machine("n1", tags=("openstack-osd",))), pool).unit_status
    assert isinstance(status, testing.BlockedStatus)
    assert status.message.startswith("node-pool: k8s: version: the other side speaks version 3")


def _act(name: str, params: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    context = testing.Context(BaremetalInventoryCharm)
    nodes = _nodes(machine("n1", tags=("openstack-osd",)), machine("n2", cores=1, disks=[]))
    state = testing.State(leader=True, relations=[nodes], config={"policy": POLICY})
    context.run(context.on.action(name, params), dataclasses.replace(state, **changes))
    return context.action_results or {}


def test_list_nodes_shows_state_and_reasons() -> None:
    results = _act("list-nodes", {"state": "unfit"})
    (node,) = json.loads(results["nodes"])
    assert node["system_id"] == "n2"
    assert "compute: 1 cores, wants 16: use a larger machine" in node["reasons"]
    assert _act("list-nodes", {"role": "osd"})["count"] == 1


def test_show_pool_shows_counts_and_shortfalls() -> None:
    results = _act("show-pool")
    assert {key: value for key, value in json.loads(results["roles"])[0].items() if value} == {
        "role": "osd",
        "zone": "az1",
        "wanted": 1,
        "ready": 1,
    }
    assert json.loads(results["shortfalls"])[0].startswith("compute has 0 of 1")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"leader": False}, "run it on baremetal-inventory/leader"),
        ({"config": {"policy": ""}}, "policy is empty"),
        ({"relations": []}, "no relation"),
    ],
)
def test_an_action_that_cannot_be_answered_says_why(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(testing.ActionFailed) as failed:
        _act("show-pool", **changes)
    assert told in failed.value.message


def test_the_hook_of_a_unit_that_stands_by_imports_nothing_heavy() -> None:
    """What costs time to import is imported by the leader only."""
    source = pathlib.Path(__file__).parents[2] / "src"
    program = (
        f"import sys; sys.path.insert(0, {str(source)!r}); import charm;"
        "print([m for m in ('pydantic', 'charms') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
