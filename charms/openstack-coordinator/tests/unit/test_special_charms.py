"""What the plan of a release owes to single charms, as their sources have it."""

from __future__ import annotations

import full_status
import planner
from example_cloud import at_release
from planning import request
from planning.outcome import Planned, Refused
from plans import KNOWN, TERMS, every, planned


def test_monitors_are_not_held_while_they_take_their_turns() -> None:
    """Each waits for all the others at the end of its own hook, and not for long."""
    wave = next(w for w in planned(at_release("2023.2")).waves if w.name == "ceph-mon")
    kinds = [step.do.kind for step in wave.steps]
    assert "hold-agent" not in kinds
    assert kinds[-2:] == ["set-options", "await-units"]
    gates = {gate.kind for gate in wave.steps[-2].gates}
    assert {"healthy", "ceph-health"} <= gates
    assert wave.steps[-1].do.arguments["version"] == "19.2"


def test_agents_beside_hypervisors_are_restarted_on_empty_hosts_only() -> None:
    plan = planned(at_release("2023.2"))
    names = [wave.name for wave in plan.waves]
    assert names.index("ovn-chassis refreshed") < names.index("first hypervisor, az1")
    assert names.index("ovn-chassis as a whole") > names.index("nova-compute as a whole")
    found = [s for s in every(plan, "run-action") if s.id.startswith("ovn-chassis/")]
    restarts = [step for step in found if step.id.endswith(" restart")]
    assert len(restarts) == 6
    for step in restarts:
        assert step.do.arguments["action"] == "restart-services"
        assert step.do.arguments["parameters"] == {"deferred-only": True}
        assert [gate.kind for gate in step.gates] == ["empty"]
    cleared = [step for step in found if step.id.endswith(" clear deferred")]
    assert [step.undo for step in cleared] == [step.do for step in cleared], "and on the way back"


def test_agents_whose_restarts_somebody_puts_off_stay_so_and_are_restarted_all_the_same() -> None:
    example = at_release("2023.2")
    example.options["ovn-chassis"]["enable-auto-restarts"] = False
    found = planner.plan(example.look(), request.Release(), TERMS, KNOWN)
    assert isinstance(found, Planned)
    assert "ovn-chassis: enable-auto-restarts is false, and stays so" in found.notes
    ids = [step.id for step in every(found.plan)]
    assert not any("ovn-chassis enable-auto-restarts" in one for one in ids)
    assert sum(one.startswith("ovn-chassis/") and one.endswith(" restart") for one in ids) == 6


def test_the_origin_of_the_release_at_hand_is_said_before_its_default_moves() -> None:
    """A charm of another track has another default, which would upgrade what it restarts."""
    example = at_release("2023.2")
    for name, option in (("placement", "openstack-origin"), ("ceph-osd", "source")):
        example.options[name][option] = "bobcat"
    plan = planned(example)
    for name in ("placement", "ceph-osd"):
        wave = next(wave for wave in plan.waves if wave.name == name)
        pinned = next(step for step in wave.steps if step.id.endswith(" as it is"))
        (value,) = pinned.do.arguments["options"].values()
        assert value == "cloud:jammy-bobcat"
        kinds = [step.do.kind for step in wave.steps]
        assert wave.steps.index(pinned) < kinds.index("refresh-charm")
        assert pinned.undo is not None
    said = [step for step in every(planned(at_release("2023.2"))) if " as it is" in step.id]
    assert not [step for step in said if step.do.kind == "set-options"]


def test_who_leads_is_upgraded_first_also_when_the_plan_runs() -> None:
    plan = planned(at_release("2023.2"))
    for name in ("keystone", "glance", "cinder", "nova-cloud-controller", "neutron-api"):
        upgrades = [s for s in every(plan, "upgrade-unit") if s.id.startswith(f"{name}/")]
        assert [gate.kind for gate in upgrades[0].gates] == ["leads"]
        assert not any(step.gates for step in upgrades[1:])
        assert {step.attempts for step in upgrades} == {1}, "a second run would migrate nothing"


def test_an_active_vault_is_the_last_and_there_is_no_way_back_from_its_new_data() -> None:
    example = at_release("2023.1")
    example.application("vault")["charm-channel"] = "1.7/stable"
    ready = full_status.status("active", "Unit is ready (active: true, mlock: disabled)")
    example.unit("vault/0")["workload-status"] = ready
    wave = next(wave for wave in planned(example).waves if wave.name == "vault")
    released = [s.do.arguments["unit"] for s in wave.steps if s.do.kind == "release-agent"]
    assert released == ["vault/1", "vault/2", "vault/0"]
    (channel,) = (step for step in wave.steps if step.do.kind == "set-options")
    assert channel.undo is None


def test_a_gateway_is_not_asked_to_be_well_without_the_agent_of_its_address() -> None:
    wave = next(w for w in planned(at_release("2023.2")).waves if w.name == "ceph-radosgw")
    names = [step.id.partition(" ")[2] for step in wave.steps]
    turn = names.index("release: upgrade")
    assert names[turn + 1] == "settle: upgrade"
    assert wave.steps[turn + 1].do.arguments["idle"] is True
    assert names[turn + 2].startswith("resume: ")
    assert names[turn + 3 : turn + 5] == ["look again: upgrade", "serves: upgrade"]


def test_guests_that_their_charm_does_not_let_go_are_told_of_before_anything_begins() -> None:
    example = at_release("2023.2")
    example.options["nova-compute"]["enable-live-migration"] = False
    found = planner.plan(example.look(), request.Release(), TERMS, KNOWN)
    assert isinstance(found, Refused)
    assert "enable-live-migration is false" in "".join(map(str, found.reasons))


def test_point_releases_of_ceph_side_by_side_are_no_upgrade_that_is_under_way() -> None:
    example = at_release("2023.2")
    example.unit("ceph-osd/0")["workload-version"] = "18.2.4"
    assert isinstance(planner.plan(example.look(), request.Release(), TERMS, KNOWN), Planned)
    example.unit("ceph-osd/0")["workload-version"] = "19.2.0"
    assert isinstance(planner.plan(example.look(), request.Release(), TERMS, KNOWN), Refused)
