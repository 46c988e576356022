"""Hypervisors taken into service and given back: which hosts, by which steps."""

from __future__ import annotations

import dataclasses

import steps
from example_cloud import Example, at_release
from planning import request
from planning.outcome import Planned
from plans import every, outcome, planned, refused


def test_units_of_an_operator_are_taken_in_as_those_of_a_plan() -> None:
    """`juju add-unit` by hand: what Nova has not mapped yet is mapped, proven and enabled."""
    example = at_release("2024.1")
    assert example.nova is not None
    new = example.nova.hypervisors[-1].host
    example.nova = dataclasses.replace(example.nova, hypervisors=example.nova.hypervisors[:-1])
    plan = planned(example, request.ScaleOut())
    kinds = ["disable-host", "map-hosts", "set-zone", "boot-canary", "remove-canary"]
    assert [s.do.kind for s in every(plan)] == [*kinds, "enable-host"]
    assert {s.lane for s in every(plan)} == {new}


def edited_service(example: Example, **changed: object) -> str:
    """The last of the hypervisors, with a service that differs; returns its host."""
    assert example.nova is not None
    *others, last = example.nova.services
    services = (*others, dataclasses.replace(last, **changed))
    example.nova = dataclasses.replace(example.nova, services=services)
    return last.host


def test_units_that_nova_has_not_heard_of_yet_are_waited_for_and_taken_in() -> None:
    example = at_release("2024.1")
    assert example.nova is not None
    *known, new = example.nova.services
    example.nova = dataclasses.replace(
        example.nova, services=tuple(known), hypervisors=example.nova.hypervisors[:-1]
    )
    plan = planned(example, request.ScaleOut())
    assert {s.lane for s in every(plan)} == {new.host}
    assert [s.do.arguments["zone"] for s in every(plan, "set-zone")] == [new.zone]


def test_hosts_that_nova_disabled_because_they_are_new_are_taken_in() -> None:
    """Where `enable-new-services` is false no guest can come before the proof."""
    example = at_release("2024.1")
    reason = "New compute service disabled due to config option."
    new = edited_service(example, enabled=False, disabled_reason=reason)
    plan = planned(example, request.ScaleOut())
    assert [s.do.arguments["host"] for s in every(plan, "enable-host")] == [new]


def test_only_the_units_that_are_named_are_taken_in() -> None:
    """A host that is out for maintenance stays out when others arrive."""
    example = at_release("2024.1")
    assert example.nova is not None
    example.nova = dataclasses.replace(example.nova, hypervisors=example.nova.hypervisors[:-1])
    drained = example.nova.services[0].host
    first, *others = example.nova.services
    ours = dataclasses.replace(first, enabled=False, disabled_reason=f"{steps.MARK}maintenance")
    example.nova = dataclasses.replace(example.nova, services=(ours, *others))
    (new,) = {s.lane for s in every(planned(example, request.ScaleOut()))} - {drained}
    unit = next(u for u, host in hosts_of(example).items() if host == new)

    plan = planned(example, request.ScaleOut(units=(unit,)))

    assert {s.lane for s in every(plan)} == {new}


def test_what_nova_enabled_by_itself_is_proven_where_a_unit_is_named() -> None:
    """A cloud without zones tells nothing that is new from what is in service."""
    example = at_release("2024.1")
    units = hosts_of(example)
    (found,) = refused(example, request.ScaleOut())
    assert found == "hypervisors: all are in service already"
    plan = planned(example, request.ScaleOut(units=("nova-compute/2",)))
    kinds = [step.do.kind for step in every(plan)]
    assert kinds.index("disable-host") < kinds.index("boot-canary") < kinds.index("enable-host")
    assert {step.lane for step in every(plan)} == {units["nova-compute/2"]}


def test_what_somebody_else_disabled_is_not_taken_in() -> None:
    example = at_release("2024.1")
    out = edited_service(example, enabled=False, disabled_reason="disk swap, Ann")
    (unit,) = (unit for unit, host in hosts_of(example).items() if host == out)
    (found,) = refused(example, request.ScaleOut(units=(unit,)))
    assert found == "hypervisors: all are in service already"


def hosts_of(example: Example) -> dict[str, str]:
    """Unit of nova-compute -> the name of its host."""
    machines = example.status["machines"]
    units = example.status["applications"]["nova-compute"]["units"]
    return {name: machines[unit["machine"]]["hostname"] for name, unit in units.items()}


def test_a_cloud_without_zones_gets_none() -> None:
    example = at_release("2024.1")
    assert example.nova is not None
    services = tuple(dataclasses.replace(s, zone="nova") for s in example.nova.services)
    example.nova = dataclasses.replace(
        example.nova, services=services, hypervisors=example.nova.hypervisors[:-1], guests=()
    )
    plan = planned(example, request.ScaleOut())
    assert {s.do.arguments["zone"] for s in every(plan, "set-zone")} <= {"nova"}
    assert len({s.lane for s in every(plan)}) == 1, "only the one that is in no cell"


def test_a_machine_with_disks_of_ceph_stays_when_its_hypervisor_goes() -> None:
    example = at_release("2024.1")
    machine = example.unit("nova-compute/5")["machine"]
    example.unit("ceph-osd/0")["machine"] = machine
    found = outcome(example, request.ScaleIn(("nova-compute/5",)))
    assert isinstance(found, Planned)
    kinds = [s.do.kind for s in every(found.plan)]
    assert "remove-unit" in kinds
    assert "remove-machine" not in kinds
    assert found.notes == (f"machine {machine}: stays, for ceph-osd/0 on it",)


def test_without_nova_the_cloud_does_not_grow() -> None:
    example = at_release("2024.1")
    example.nova = None
    found = refused(example, request.ScaleOut())
    assert "nova: it cannot be read, so that no guest can be protected" in found
