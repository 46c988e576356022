"""What is asked of MAAS and the BMCs, and what is left alone."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from charms.maas_bmc.v0.baremetal_nodes import Bmc, DesiredMachine, ObservedMachine
from charms.maas_bmc.v0.baremetal_nodes_testing import machine
from hypothesis import given
from operations import QUARANTINE_MARK, Operation, due

STATUSES = (
    "New",
    "Commissioning",
    "Failed commissioning",
    "Testing",
    "Failed testing",
    "Ready",
    "Allocated",
    "Deploying",
    "Deployed",
    "Failed deployment",
    "Releasing",
    "Broken",
)
TAGS = ("virtual", "openstack-compute", "openstack-osd", "openstack-control")

observed = st.builds(
    machine,
    st.just("n1"),
    status=st.sampled_from(STATUSES),
    tags=st.sets(st.sampled_from(TAGS)).map(lambda tags: tuple(sorted(tags))),
    pool=st.sampled_from(("default", "cloud")),
    message=st.sampled_from(("", "by hand", f"{QUARANTINE_MARK}bad disk")),
    juju_model=st.sampled_from(("", "a-model")),
    carried_out=st.integers(0, 3),
    bmc=st.builds(Bmc, kind=st.just("redfish"), power=st.sampled_from(("on", "off", "unknown"))),
)
desired = st.builds(
    DesiredMachine,
    system_id=st.just("n1"),
    generation=st.integers(1, 3),
    commission=st.booleans(),
    role=st.sampled_from((None, "", "compute", "osd")),
    pool=st.sampled_from((None, "default", "cloud")),
    power=st.sampled_from((None, "on", "off")),
    release=st.booleans(),
    quarantine=st.sampled_from((None, "", "bad disk")),
)


def _wish(generation: int = 1, **fields: Any) -> DesiredMachine:
    return DesiredMachine.model_validate({"system_id": "n1", "generation": generation, **fields})


def _after(before: ObservedMachine, operation: Operation) -> ObservedMachine:
    """The machine as MAAS would have it after an operation."""
    tags = set(before.tags)
    match operation.kind:
        case "tag":
            tags.add(operation.argument)
        case "untag":
            tags.discard(operation.argument)
    changes: dict[str, object] = {"tags": tuple(sorted(tags))}
    match operation.kind:
        case "move":
            changes["pool"] = operation.argument
        case "commission":
            changes["status"] = "Commissioning"
        case "release":
            changes["status"] = "Releasing"
        case "quarantine":
            changes |= {"status": "Broken", "message": operation.argument}
        case "fix":
            changes |= {"status": "Ready", "message": ""}
        case "on" | "off":
            changes["bmc"] = before.bmc.model_copy(update={"power": operation.kind})
    return before.model_copy(update=changes)


@given(observed, desired)
def test_what_was_carried_out_is_not_asked_for_again(
    before: ObservedMachine, wish: DesiredMachine
) -> None:
    now = before
    for operation in due(before, wish).operations:
        now = _after(now, operation)
    now = now.model_copy(update={"carried_out": wish.generation})
    assert not due(now, wish).operations


@given(observed, desired)
def test_a_crash_before_the_books_are_written_repeats_nothing(
    before: ObservedMachine, wish: DesiredMachine
) -> None:
    now = before
    for operation in due(before, wish).operations:
        now = _after(now, operation)
    # carried_out still says the generation of before.
    assert not due(now, wish).operations


@given(observed, desired)
def test_a_machine_in_use_is_only_tagged_moved_or_released(
    before: ObservedMachine, wish: DesiredMachine
) -> None:
    kinds = {each.kind for each in due(before, wish).operations}
    if before.in_use and before.status != "Broken":
        assert kinds <= {"tag", "untag", "move", "release"}
    if before.juju_model:
        assert "release" not in kinds


@given(observed, desired)
def test_tags_that_are_no_roles_are_never_taken(
    before: ObservedMachine, wish: DesiredMachine
) -> None:
    for operation in due(before, wish).operations:
        if operation.kind == "untag":
            assert operation.argument.startswith("openstack-")


@given(observed)
def test_a_wish_for_nothing_does_nothing(before: ObservedMachine) -> None:
    assert not due(before, _wish(generation=9)).operations


def test_a_role_replaces_another_role() -> None:
    before = machine("n1", tags=("openstack-osd", "virtual"))
    assert due(before, _wish(role="compute")).operations == (
        Operation("untag", "n1", "openstack-osd"),
        Operation("tag", "n1", "openstack-compute"),
    )


def test_a_tag_that_somebody_took_away_is_given_back() -> None:
    before = machine("n1", tags=(), carried_out=5)
    assert due(before, _wish(5, role="osd")).operations == (
        Operation("tag", "n1", "openstack-osd"),
    )


def test_commissioning_is_done_once_per_generation() -> None:
    failed = machine("n1", status="Failed commissioning", carried_out=1)
    assert not due(failed, _wish(1, commission=True)).operations
    assert due(failed, _wish(2, commission=True)).operations == (Operation("commission", "n1"),)


@pytest.mark.parametrize("status", ["Ready", "Commissioning", "Testing"])
def test_a_machine_that_is_commissioned_is_not_commissioned_again(status: str) -> None:
    found = due(machine("n1", status=status), _wish(commission=True))
    assert (found.operations, found.refusal) == ((), "")


@pytest.mark.parametrize(
    ("before", "wish", "refusal"),
    [
        ({"status": "Deployed"}, {"commission": True}, "not commissioned: it is Deployed"),
        ({"status": "Deployed"}, {"power": "on"}, "not switched on: it is Deployed"),
        (
            {"status": "New"},
            {"quarantine": "bad disk"},
            "not put in quarantine: it is New, not Ready",
        ),
        (
            {"status": "Deployed", "juju_model": "m", "juju_machine": "openstack-machine-3"},
            {"release": True},
            "not released: Juju holds it as openstack-machine-3: use remove-machine",
        ),
    ],
)
def test_what_is_refused_says_why(
    before: dict[str, Any], wish: dict[str, Any], refusal: str
) -> None:
    found = due(machine("n1", **before), _wish(**wish))
    assert found.refusal == refusal
    assert not found.operations


def test_only_our_own_quarantine_is_lifted() -> None:
    ours = machine("n1", status="Broken", message=f"{QUARANTINE_MARK}bad disk")
    theirs = machine("n1", status="Broken", message="smoke came out")
    assert due(ours, _wish(quarantine="")).operations == (Operation("fix", "n1"),)
    assert not due(theirs, _wish(quarantine="")).operations
