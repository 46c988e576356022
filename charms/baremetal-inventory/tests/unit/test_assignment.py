"""Roles: stable, balanced, and never at the expense of what somebody uses."""

from __future__ import annotations

import datetime
import random
from collections import Counter
from typing import Any

import hypothesis.strategies as st
import policy
import pytest
from assignment import MOST_ATTEMPTS
from charms.baremetal_inventory.v0.node_pool import Claim, Claims
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine, ObservedMachine
from charms.maas_bmc.v0.baremetal_nodes_testing import machine
from decision import Decision, decide
from hypothesis import given, settings

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
POLICY = policy.parse(
    """
    roles:
      control: {min: 1, want: 1, assign: by-operator, cores: 16}
      osd: {min: 1, want: 3, cores: 8, data-disks: {count: 1, size: 1TiB, kinds: [hdd]}}
      compute: {min: 1, want: 4, cores: 24}
    leave-alone: [lent]
    commission-at-once: 5
    """
)
GOOD_BMC = {"kind": "redfish", "reachable": True, "health": "ok", "power": "off"}
DEAD_BMC = {"kind": "redfish", "reachable": False, "problem": "no answer"}

Fleet = dict[str, ObservedMachine]
Wishes = dict[str, DesiredMachine]


def _fleet(*machines: ObservedMachine) -> Fleet:
    return {each.system_id: each for each in machines}


def _decide(fleet: Fleet, before: Wishes | None = None, claims: Claims | None = None) -> Decision:
    return decide(fleet, POLICY, before or {}, claims or Claims(), NOW)


def _roles(decision: Decision) -> dict[str, str]:
    return {key: node.role for key, node in decision.pool.nodes.items() if node.role}


def _carried_out(fleet: Fleet, wishes: Wishes) -> Fleet:
    """The fleet after maas-bmc has done what was asked, and MAAS what it does by itself."""
    after = {}
    for key, each in fleet.items():
        wish = wishes.get(key)
        changes: dict[str, Any] = {}
        if each.status == "Commissioning":
            changes["status"] = "Ready"
        if wish is not None:
            if wish.generation > each.carried_out and wish.commission:
                changes["status"] = "Commissioning"
            if wish.role is not None:
                others = [tag for tag in each.tags if not tag.startswith("openstack-")]
                role = [f"openstack-{wish.role}"] if wish.role else []
                changes["tags"] = (*others, *role)
            changes["carried_out"] = wish.generation
        after[key] = each.model_copy(update=changes)
    return after


def _settle(fleet: Fleet, wishes: Wishes | None = None) -> tuple[Fleet, Decision]:
    """Go on until nothing changes any more; fails when that takes too long."""
    wishes = wishes or {}
    for _ in range(40):
        decision = _decide(fleet, wishes)
        after = _carried_out(fleet, dict(decision.wished))
        if after == fleet and dict(decision.wished) == wishes:
            return fleet, decision
        fleet, wishes = after, dict(decision.wished)
    raise AssertionError("it does not settle")


members = st.builds(
    lambda number, **fields: machine(f"n{number:02}", **fields),
    st.integers(0, 99),
    status=st.sampled_from(("New", "Commissioning", "Failed testing", "Ready", "Deployed")),
    zone=st.sampled_from(("az1", "az2", "az3")),
    cores=st.sampled_from((4, 12, 32)),
    tags=st.sampled_from(
        ((), (), (), ("lent",), ("openstack-control",), ("openstack-compute",), ("openstack-osd",))
    ),
    owner=st.sampled_from(("", "someone")),
    bmc=st.sampled_from((GOOD_BMC, GOOD_BMC, GOOD_BMC, DEAD_BMC)),
)
fleets = st.lists(members, max_size=25, unique_by=lambda each: each.system_id).map(
    lambda each: _fleet(*each)
)


@settings(max_examples=60, deadline=None)
@given(fleets)
def test_it_settles_and_then_wants_nothing_new(fleet: Fleet) -> None:
    settled, decision = _settle(fleet)
    again = _decide(settled, dict(decision.wished))
    assert again.wished == decision.wished
    assert again.pool == decision.pool


@settings(max_examples=60, deadline=None)
@given(fleets, st.integers(0, 1000))
def test_the_order_of_the_input_does_not_matter(fleet: Fleet, seed: int) -> None:
    keys = random.Random(seed).sample(list(fleet), len(fleet))  # noqa: S311
    shuffled = {key: fleet[key] for key in keys}
    assert _decide(shuffled) == _decide(fleet)


@settings(max_examples=60, deadline=None)
@given(fleets, fleets)
def test_a_machine_that_stays_fit_keeps_its_role(fleet: Fleet, newcomers: Fleet) -> None:
    settled, decision = _settle(fleet)
    roles = _roles(decision)
    grown = {**newcomers, **settled}
    _, later = _settle(grown, dict(decision.wished))
    assert {key: _roles(later).get(key) for key in roles} == roles


@settings(max_examples=60, deadline=None)
@given(fleets)
def test_what_somebody_uses_is_not_touched(fleet: Fleet) -> None:
    settled, decision = _settle(fleet)
    for key, before in fleet.items():
        if before.in_use or "lent" in before.tags:
            assert key not in decision.wished
            assert settled[key].tags == before.tags


@settings(max_examples=60, deadline=None)
@given(fleets)
def test_no_unfit_machine_gets_a_role_and_each_says_why(fleet: Fleet) -> None:
    _, decision = _settle(fleet)
    for node in decision.pool.nodes.values():
        if node.state == "unfit":
            assert node.reasons
        if node.state == "ready":
            assert fleet[node.system_id].bmc.reachable
            assert fleet[node.system_id].cores >= POLICY.roles[node.role].cores


@settings(max_examples=60, deadline=None)
@given(fleets)
def test_no_role_gets_more_than_it_wants_unless_it_had_more(fleet: Fleet) -> None:
    _, decision = _settle(fleet)
    tagged = Counter(each.role for each in fleet.values() if "lent" not in each.tags)
    given_out = Counter(_roles(decision).values())
    for name in ("osd", "compute"):
        assert given_out[name] <= max(POLICY.roles[name].want, 0) + tagged[name]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(("az1", "az2", "az3")), min_size=1, max_size=20), st.randoms())
def test_zones_are_balanced_in_whatever_order_machines_become_ready(
    zones: list[str], chance: random.Random
) -> None:
    fleet = _fleet(
        *(
            machine(f"n{number:02}", zone=zone, status="New", disks=[], bmc=GOOD_BMC)
            for number, zone in enumerate(zones)
        )
    )
    wishes: Wishes = {}
    for _ in range(12):
        wishes = dict(_decide(fleet, wishes).wished)
        done = _carried_out(fleet, wishes)
        late = {key for key, each in fleet.items() if each.status == "Commissioning"}
        held_up = {key for key in late if chance.random() < 0.5}
        fleet = {key: fleet[key] if key in held_up else done[key] for key in fleet}
    fleet, decision = _settle(fleet, wishes)
    there = Counter(zones)
    compute = Counter(fleet[key].zone for key, role in _roles(decision).items() if role)
    assert compute.total() == min(4, len(zones))
    for count in compute.values():
        for other in there:
            assert count - compute[other] <= 1 or compute[other] == there[other]


def test_within_a_zone_the_machine_with_the_most_memory_is_taken() -> None:
    fleet = _fleet(
        *(machine(f"n{n}", memory_mib=n * 65536, disks=[], zone="az1") for n in range(1, 8))
    )
    assert sorted(_roles(_decide(fleet))) == ["n4", "n5", "n6", "n7"]


def test_a_new_machine_is_commissioned_once_its_bmc_was_heard() -> None:
    fleet = _fleet(
        machine("n1", status="New", bmc=GOOD_BMC),
        machine("n2", status="New", bmc={"kind": "redfish", "reachable": None}),
        machine("n3", status="New", bmc=DEAD_BMC),
        machine("n4", status="New", bmc={"kind": "manual", "reachable": None}),
    )
    decision = _decide(fleet)
    assert sorted(decision.wished) == ["n1", "n4"]
    assert all(wish.commission for wish in decision.wished.values())
    assert decision.pool.nodes["n3"].reasons == ("its BMC cannot be used: no answer",)
    assert decision.pool.nodes["n2"].state == "preparing"


def test_a_bounded_number_is_commissioned_at_the_same_time() -> None:
    fleet = _fleet(*(machine(f"n{n:02}", status="New", bmc=GOOD_BMC) for n in range(12)))
    wishes = dict(_decide(fleet).wished)
    assert len(wishes) == 5
    underway = _carried_out(fleet, wishes)
    assert dict(_decide(underway, wishes).wished) == wishes


def test_commissioning_that_fails_is_tried_again_a_few_times_and_then_explained() -> None:
    fleet = _fleet(machine("n1", status="New", bmc=GOOD_BMC))
    wishes: Wishes = {}
    asked = 0
    for _ in range(MOST_ATTEMPTS + 3):
        wishes = dict(_decide(fleet, wishes).wished)
        if wishes["n1"].generation > fleet["n1"].carried_out:
            asked += 1
        changes = {"status": "Failed commissioning", "carried_out": wishes["n1"].generation}
        fleet = _fleet(fleet["n1"].model_copy(update=changes))
    assert asked == MOST_ATTEMPTS
    node = _decide(fleet, wishes).pool.nodes["n1"]
    assert node.state == "unfit"
    assert "commissioning was asked for 3 times: commission it in MAAS" in node.reasons


def test_a_machine_that_failed_before_we_came_is_left_to_whoever_knows_why() -> None:
    decision = _decide(_fleet(machine("n1", status="Failed testing")))
    assert not decision.wished
    assert decision.pool.nodes["n1"].state == "unfit"


def _ill(member: ObservedMachine) -> ObservedMachine:
    return member.model_copy(update={"bmc": machine("x", bmc=DEAD_BMC).bmc})


def test_an_ill_machine_gives_its_role_to_one_that_is_well() -> None:
    fleet, decision = _settle(_fleet(*(machine(f"n{n}", disks=[]) for n in range(5))))
    lost = next(key for key, role in _roles(decision).items() if role == "compute")
    fleet[lost] = _ill(fleet[lost])
    fleet, later = _settle(fleet, dict(decision.wished))
    assert lost not in _roles(later)
    assert fleet[lost].role == ""
    assert Counter(_roles(later).values())["compute"] == 4


def test_an_ill_machine_that_nobody_can_replace_keeps_its_role_and_says_why() -> None:
    fleet, decision = _settle(_fleet(*(machine(f"n{n}", disks=[]) for n in range(4))))
    fleet["n0"] = _ill(fleet["n0"])
    fleet, later = _settle(fleet, dict(decision.wished))
    assert fleet["n0"].role == "compute"
    assert later.pool.nodes["n0"].state == "unfit"
    assert later.pool.nodes["n0"].reasons == ("its BMC cannot be used: no answer",)


@settings(max_examples=40, deadline=None)
@given(fleets)
def test_when_no_bmc_can_be_reached_nobody_loses_a_role(fleet: Fleet) -> None:
    settled, decision = _settle(fleet)
    dark = {key: _ill(each) for key, each in settled.items()}
    after, later = _settle(dark, dict(decision.wished))
    assert _roles(later) == _roles(decision)
    assert {key: each.tags for key, each in after.items()} == {
        key: each.tags for key, each in settled.items()
    }


def test_a_machine_that_is_unfit_for_good_loses_the_role_that_it_was_given() -> None:
    fleet, decision = _settle(_fleet(*(machine(f"n{n}", disks=[]) for n in range(4))))
    fleet["n0"] = fleet["n0"].model_copy(update={"cores": 4})
    fleet, later = _settle(fleet, dict(decision.wished))
    assert fleet["n0"].role == ""
    assert "n0" not in _roles(later)


def test_a_deployed_machine_keeps_its_role_whatever_its_bmc_says() -> None:
    fleet, decision = _settle(_fleet(*(machine(f"n{n}", disks=[]) for n in range(4))))
    fleet["n0"] = fleet["n0"].model_copy(
        update={
            "status": "Deployed",
            "juju_model": "m",
            "juju_machine": "openstack-machine-7",
            "bmc": machine("x", bmc=DEAD_BMC).bmc,
        }
    )
    node = _decide(fleet, dict(decision.wished)).pool.nodes["n0"]
    assert (node.role, node.state, node.owner) == ("compute", "claimed", "openstack-machine-7")


def test_a_role_that_the_operator_gave_is_never_taken_away() -> None:
    weak = machine("n1", cores=2, tags=("openstack-compute",))
    settled, decision = _settle(_fleet(weak))
    assert settled["n1"].tags == ("openstack-compute",)
    assert not decision.wished
    assert decision.pool.nodes["n1"].state == "unfit"


def test_control_nodes_are_judged_but_tagged_by_the_operator() -> None:
    good, weak = machine("n1", tags=("openstack-control",)), machine("n2", cores=4, disks=[])
    decision = _decide(_fleet(good, weak))
    assert decision.pool.nodes["n1"].state == "ready"
    assert not decision.wished


def test_a_claim_holds_a_ready_machine_until_its_lease_ends() -> None:
    fleet = _fleet(machine("n1", tags=("openstack-compute",)))
    until = NOW + datetime.timedelta(minutes=5)
    claims = Claims((Claim(system_id="n1", owner="coordinator", lease_until=until),))
    node = _decide(fleet, claims=claims).pool.nodes["n1"]
    assert (node.state, node.owner, node.lease_until) == ("claimed", "coordinator", until)
    later = decide(fleet, POLICY, {}, claims, until).pool.nodes["n1"]
    assert (later.state, later.owner, later.lease_until) == ("ready", "", None)


def test_a_shortfall_names_the_machines_that_came_nearest() -> None:
    fleet = _fleet(
        machine("n1", tags=("openstack-control",)),
        machine("n2", tags=("openstack-osd",)),
        machine("n3", cores=12, disks=[], hostname="small"),
        machine("n4", cores=12, disks=[], bmc=DEAD_BMC, hostname="dead"),
    )
    shortfalls = [str(each) for each in _decide(fleet).pool.shortfalls]
    assert shortfalls == [
        "compute has 0 of 1 (small: 12 cores, wants 24: use a larger machine;"
        " dead: its BMC cannot be used: no answer)"
    ]


def test_without_any_free_machine_the_remedy_is_to_enlist_more() -> None:
    fleet = _fleet(machine("n1", status="Deployed"))
    texts = [str(each) for each in _decide(fleet).pool.shortfalls]
    assert "compute has 0 of 1 (no machine is free: enlist more in MAAS)" in texts
    assert any(
        text.startswith("control has 0 of 1 (tag fit machines openstack-control") for text in texts
    )


@pytest.mark.parametrize(("zones", "blocked"), [(("az1", "az1"), True), (("az1", "az2"), False)])
def test_a_role_that_must_be_spread_says_when_it_is_not(
    zones: tuple[str, str], blocked: bool
) -> None:
    spread = policy.parse("roles: {osd: {min: 2, want: 2, zones: 2}}")
    fleet = _fleet(
        *(machine(f"n{n}", zone=z, tags=("openstack-osd",)) for n, z in enumerate(zones))
    )
    shortfalls = decide(fleet, spread, {}, Claims(), NOW).pool.shortfalls
    assert bool(shortfalls) is blocked
    if blocked:
        assert "they are in 1 zones, wants 2" in str(shortfalls[0])
