"""Plans of upkeep: restarts, drains, refreshes that are taken back, packages of machines."""

from __future__ import annotations

import asking
import pytest
import steps
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan
from example_cloud import at_release
from planning import back as planned_back
from planning import request
from planning.outcome import Planned, Refused
from plans import KNOWN, every, outcome, planned


def test_a_restart_pauses_one_unit_at_a_time_and_needs_a_quorum() -> None:
    plan = planned(at_release("2024.1"), request.Restart(("keystone",)))
    kinds = [s.do.kind for s in every(plan)]
    assert kinds == ["pause-unit", "pause-unit", "resume-unit", "resume-unit"] * 3 + [
        "await-units"
    ]
    assert {(name, least) for name, _, least in quorums(plan)} == {
        ("keystone", 1),
        ("keystone-hacluster", 2),
    }
    plan = planned(at_release("2024.1"), request.Restart(("mysql-innodb-cluster",)))
    assert quorums(plan) == [
        ("mysql-innodb-cluster", [f"mysql-innodb-cluster/{number}"], 2) for number in range(3)
    ]


def quorums(plan: Plan) -> list[tuple[str, list[str], int]]:
    gates = (g.arguments for s in every(plan) for g in s.gates if g.kind == "quorum")
    return [(asked["application"], asked["without"], asked["least"]) for asked in gates]


def test_a_refresh_that_is_undone_goes_back_unit_by_unit_too() -> None:
    example = at_release("2024.1")
    example.application("glance")["can-upgrade-to"] = "ch:amd64/glance-705"
    plan = planned(example, request.Refresh(("glance",)))
    refresh = next(every(plan, "refresh-charm"))
    assert [gate.kind for gate in refresh.undo_gates] == ["held"]
    done = {s.id: rolling.Record("done", 1.0) for s in every(plan)}
    back = planned_back.rollback(plan, rolling.Journal(plan.hash, records=done))
    shown = [s for s in every(back) if "hold: " in s.id]
    assert len(shown) == 3 * 4
    for number, unit in enumerate(("glance/2", "glance/1", "glance/0")):
        pause, release, settle, resume = shown[4 * number : 4 * number + 4]
        assert release.do.kind == "release-agent"
        assert (release.do.arguments["unit"], settle.do.arguments["units"]) == (unit, [unit])
        guard = release.do.arguments["guard"]
        assert (pause.do, resume.do) == (steps.pause_unit(guard), steps.resume_unit(guard))
        assert {gate.kind for gate in pause.gates} == {"healthy", "quorum"}
        assert release.gates == (steps.vip_away(unit, "glance-hacluster"),)


def test_without_high_availability_nothing_is_paused_on_the_way_back() -> None:
    example = at_release("2024.1", ha=False)
    example.application("rabbitmq-server")["can-upgrade-to"] = "ch:amd64/rabbitmq-server-999"
    plan = planned(example, request.Refresh(("rabbitmq-server",)))
    done = {s.id: rolling.Record("done", 1.0) for s in every(plan)}
    journal = rolling.Journal(plan.hash, records=done)
    assert planned_back.rollback(plan, journal) == rolling.rollback(plan, journal)


def test_a_refresh_can_be_undone_to_its_end() -> None:
    example = at_release("2024.1")
    example.application("glance")["can-upgrade-to"] = "ch:amd64/glance-705"
    found = outcome(example, request.Refresh(("glance",)))
    assert isinstance(found, Planned)
    assert found.no_return == ""
    refresh = next(every(found.plan, "refresh-charm"))
    assert refresh.undo == steps.refresh_charm("glance", "2024.1/stable", 700)


def test_all_hosts_of_a_drain_are_off_before_a_guest_moves() -> None:
    """A guest that moved to the next host to be drained would move again."""
    example = at_release("2024.1", hypervisors=9)
    plan = planned(example, request.Drain(("node-103", "node-6")))
    kinds = [step.do.kind for step in every(plan, "disable-host", "drain-host")]
    assert kinds == ["disable-host"] * 2 + ["drain-host"] * 2


# -- the machines' other packages -----------------------------------------------------------


def test_packages_reach_every_machine_once_and_never_under_guests() -> None:
    example = at_release("2023.2")
    plan = planned(example, request.Release(packages=True))
    done = [s for s in every(plan, "run-command") if s.id.partition(" ")[2] == "packages"]
    units = [step.do.arguments["unit"] for step in done]
    assert len(units) == len(set(units))
    principals = {
        unit.name
        for application in example.look().cloud.applications.values()
        for unit in application.units
        if application.charm in KNOWN.upgrades and not unit.principal
    }
    assert set(units) == principals
    for step in done:
        if step.do.arguments["unit"].startswith("nova-compute/"):
            assert [gate.kind for gate in step.gates] == ["empty"]


def test_packages_of_a_queue_come_while_its_restarts_are_put_off() -> None:
    plan = planned(at_release("2023.2"), request.Release(packages=True))
    (wave,) = (wave for wave in plan.waves if wave.name == "rabbitmq-server")
    names = [step.id.partition(" ")[2] for step in wave.steps]
    assert names[0] == "enable-auto-restarts"
    assert names[4:7] == ["packages"] * 3
    assert names[7:-2] == ["restart", "settle"] * 3
    assert names[-2] == "enable-auto-restarts again"


def test_packages_are_the_newest_of_the_release_at_hand_before_it_is_left() -> None:
    plan = planned(at_release("2023.2"), request.Release(packages=True))
    for wave in plan.waves:
        names = [step.id.partition(" ")[2] for step in wave.steps]
        if "packages" in names and wave.name in KNOWN.upgrades:
            last = len(names) - names[::-1].index("packages")
            moves = [n for n, s in enumerate(wave.steps, 1) if s.id.endswith(" source")]
            assert not moves or last < moves[0], wave.name


def test_packages_of_one_unit_alone_wait_until_all_is_well() -> None:
    plan = planned(at_release("2023.2", ha=False), request.Release(packages=True))
    (step,) = (step for step in every(plan) if step.id == "keystone/0 packages")
    assert "healthy" in {gate.kind for gate in step.gates}


def test_packages_alone_are_no_release() -> None:
    found = outcome(at_release("2024.1"), request.Release("2024.1", packages=True))
    assert isinstance(found, Refused)
    assert str(found.reasons[0]) == "release: the cloud runs 2024.1 already"


def test_the_action_asks_for_packages_and_for_quiet_machines() -> None:
    asked = {"request": "release", "packages": True, "unattended-off": True}
    assert asking.request_of(asked) == request.Release(packages=True, unattended=True)
    with pytest.raises(asking.WrongRequest, match="packages: a request for drain takes hosts"):
        asking.request_of({"request": "drain", "hosts": "node-6", "packages": True})
    quiet = {"request": "drain", "hosts": "node-6", "packages": False, "unattended-off": False}
    assert asking.request_of(quiet) == request.Drain(("node-6",))


def test_a_release_is_known_by_its_codename_too() -> None:
    """Juju reads 2024.1 as a number: at the command line the codename is the shorter way."""
    bobcat = at_release("2023.2")
    asked = asking.request_of({"request": "release", "release": "caracal"})
    assert planned(bobcat, asked).hash == planned(bobcat, request.Release("2024.1")).hash
    found = outcome(bobcat, request.Release("dalmatian"))
    assert isinstance(found, Refused)
    assert str(found.reasons[0]) == "release: dalmatian is not known"
