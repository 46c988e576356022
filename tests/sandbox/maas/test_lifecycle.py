"""What a machine's status allows, for machines and histories of all kinds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.maas import lifecycle
from sandbox.maas.lifecycle import Machine, PowerCall, Step
from sandbox.maas.refusals import BadRequest, Conflict, FieldErrors, Forbidden
from sandbox.maas.statuses import RELEASABLE, TRANSITIONS, Status

_LIVED = sorted(TRANSITIONS)

machines = st.builds(
    Machine,
    system_id=st.just("abc123"),
    hostname=st.just("node01"),
    status=st.sampled_from(_LIVED),
    previous_status=st.sampled_from(_LIVED),
    owner=st.sampled_from([None, "admin", "other"]),
    locked=st.booleans(),
    power_state=st.sampled_from(["on", "off", "unknown", "error"]),
    osystem=st.sampled_from(["", "ubuntu"]),
    commissioned=st.booleans(),
    on_network=st.booleans(),
    has_disk=st.booleans(),
)

_SERIES = ("ubuntu", "noble")
OPERATIONS: dict[str, Callable[[Machine], Step]] = {
    "commission": lambda m: lifecycle.commission(m, "admin"),
    "acquire": lambda m: lifecycle.acquire(m, "admin", "agent"),
    "deploy": lambda m: lifecycle.deploy(m, "admin", _SERIES, None),
    "release": lambda m: lifecycle.release(m, "admin"),
    "mark_broken": lambda m: lifecycle.mark_broken(m, "admin", "smoke"),
    "mark_fixed": lambda m: lifecycle.mark_fixed(m, "admin"),
    "abort": lambda m: lifecycle.abort(m, "admin"),
    "override": lambda m: lifecycle.override_failed_testing(m, "admin"),
    "off": lambda m: lifecycle.powered(m, "off"),
    "ok": lambda m: lifecycle.signalled(m, "OK"),
    "testing": lambda m: lifecycle.signalled(m, "TESTING"),
    "failed": lambda m: lifecycle.signalled(m, "FAILED", "a disk"),
    "booted": lifecycle.booted,
}


def _allowed(machine: Machine, name: str) -> Step | None:
    try:
        return OPERATIONS[name](machine)
    except (BadRequest, Conflict, Forbidden):
        return None


def apply(machine: Machine, step: Step) -> Machine:
    fields = {field.name for field in dataclasses.fields(Machine)}
    changes = {name: value for name, value in step.columns.items() if name in fields}
    if step.status is not None and step.status != machine.status:
        changes.update(status=step.status, previous_status=machine.status)
    return dataclasses.replace(machine, **changes)


@given(machine=machines, name=st.sampled_from(sorted(OPERATIONS)))
def test_an_operation_is_refused_or_goes_where_maas_allows(machine: Machine, name: str):
    step = _allowed(machine, name)
    if step is None:
        return
    if step.status in (None, machine.status):
        return
    allowed = TRANSITIONS[machine.status]
    # A release passes through Releasing, even when the machine is off already.
    if machine.status in RELEASABLE:
        allowed = allowed | TRANSITIONS[Status.RELEASING]
    assert step.status in allowed


@given(machine=machines, names=st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=12))
def test_no_history_leaves_an_owner_on_a_machine_that_is_new_or_ready(
    machine: Machine, names: list[str]
):
    machine = dataclasses.replace(machine, status=Status.NEW, owner=None)
    for name in names:
        step = _allowed(machine, name)
        if step is None:
            continue
        machine = apply(machine, step)
        assert machine.owner is None or machine.status not in (Status.NEW, Status.READY)


@given(machine=machines)
def test_a_machine_can_be_claimed_only_when_it_is_ready_and_nobody_elses(machine: Machine):
    claimable = (
        machine.status in (Status.READY, Status.ALLOCATED)
        or Status.ALLOCATED in (TRANSITIONS[machine.status])
    )
    free = machine.owner in (None, "admin")
    try:
        step = lifecycle.acquire(machine, "admin", "agent")
    except Conflict:
        assert not claimable or not free
    else:
        assert claimable
        assert free
        assert step.changes["owner"] == "admin"


@given(machine=machines)
def test_a_failed_power_on_puts_a_commissioned_machine_back_where_it_was(machine: Machine):
    began = dataclasses.replace(machine, status=Status.COMMISSIONING)
    call = PowerCall("on", revert=Status.NEW)
    step = lifecycle.power_failed(began, call, "admin", "no answer")
    assert step.status is Status.NEW
    assert step.notes[-1].description == (
        "(admin) - Aborting COMMISSIONING and reverting to NEW. Unable to power control the "
        "node. Please check power credentials."
    )
    assert step.notes[0].type.description == "Failed to power on node"


def test_a_failed_power_on_fails_a_deployment():
    machine = Machine("abc123", "node01", Status.DEPLOYING, owner="admin")
    step = lifecycle.power_failed(machine, PowerCall("on"), "admin", "no answer")
    assert step.status is Status.FAILED_DEPLOYMENT
    assert step.changes["error_description"] == "no answer"


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        (Status.COMMISSIONING, Status.FAILED_COMMISSIONING),
        (Status.TESTING, Status.FAILED_TESTING),
        (Status.DEPLOYING, Status.FAILED_DEPLOYMENT),
        (Status.RELEASING, Status.FAILED_RELEASING),
        (Status.READY, None),
        (Status.DEPLOYED, None),
    ],
)
def test_only_work_in_progress_can_time_out(status: Status, failed: Status | None):
    step = lifecycle.mark_failed(Machine("a", "n", status), "Node operation timed out")
    assert step.status is failed


def test_hearing_that_a_machine_is_off_ends_its_release_and_nothing_else():
    for status in _LIVED:
        machine = Machine("abc123", "node01", status, owner="admin", commissioned=True)
        step = lifecycle.powered(machine, "off")
        assert (step.status is Status.READY) == (status is Status.RELEASING)


def test_releasing_what_is_ready_or_being_released_is_no_error():
    for status in (Status.READY, Status.RELEASING):
        assert lifecycle.release(Machine("a", "n", status), "admin") == lifecycle.NOTHING


@pytest.mark.parametrize(
    ("status", "operation", "text"),
    [
        (Status.NEW, "deploy", "Can't deploy a machine that is in the 'New' state"),
        (Status.NEW, "release", "Machine cannot be released in its current state ('New')."),
        (Status.READY, "mark_fixed", "Can't mark a non-broken node as 'Ready'."),
        (
            Status.READY,
            "abort",
            "Cannot abort in current state: node abc123 is in state Ready.",
        ),
        (Status.DEPLOYED, "acquire", "Can't allocate a machine belonging to another user."),
    ],
)
def test_a_refusal_is_in_maas_words(status: Status, operation: str, text: str):
    machine = Machine("abc123", "node01", status, owner="other")
    with pytest.raises(Conflict) as caught:
        OPERATIONS[operation](machine)
    assert caught.value.text == text


def test_a_deployed_machine_cannot_be_commissioned():
    with pytest.raises(FieldErrors) as caught:
        lifecycle.commission(Machine("abc123", "node01", Status.DEPLOYED), "admin")
    assert caught.value.text == (
        '{"__all__": ["Commission is not available because of the current state of the node."]}'
    )


def test_a_locked_machine_is_forbidden_without_a_word():
    with pytest.raises(Forbidden) as caught:
        lifecycle.require_unlocked(Machine("a", "n", Status.DEPLOYED, locked=True))
    assert caught.value.text == ""
