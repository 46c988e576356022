"""Placement directives read as Juju's do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.juju import errors, placement
from sandbox.juju.placement import Placement

MODEL = "deadbeef-0000-4000-8000-000000000000"
numbers = st.integers(0, 10**6).map(str)
containers = st.builds(lambda host, n: f"{host}/lxd/{n}", numbers, numbers)


@given(st.one_of(numbers, containers))
def test_a_machine_id_places_on_that_machine(machine):
    assert placement.parse(machine) == Placement("#", machine)
    assert placement.parse(f"#:{machine}") == Placement("#", machine)
    assert placement.parse(f"lxd:{machine}") == Placement("lxd", machine)


@given(st.text(max_size=30))
def test_any_text_is_a_placement_or_refused(text):
    try:
        placement.parse(text)
    except errors.NotValid:
        return


def test_new_and_nothing_leave_the_choice_to_juju():
    assert placement.parse("") is None
    assert placement.parse("new") is None


def test_a_container_without_a_host_goes_onto_a_new_machine():
    assert placement.parse("lxd") == placement.parse("lxd:new") == Placement("lxd")


def test_a_directive_without_scope_is_for_the_provider_of_the_model():
    assert placement.parse("zone=az1", model=MODEL) == Placement(MODEL, "zone=az1")
    assert placement.parse("system-id=4y3h7n", model=MODEL) == Placement(MODEL, "system-id=4y3h7n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":0", "placement scope missing"),
        ("somewhere", "placement scope missing"),
        ("lxd:node1", 'invalid value "node1" for "lxd" scope: expected machine-id'),
        ("#:01", 'invalid value "01" for "#" scope: expected machine-id'),
    ],
)
def test_what_juju_refuses_is_refused_in_its_words(text, message):
    with pytest.raises(errors.NotValid) as refusal:
        placement.parse(text)
    assert str(refusal.value) == message


def test_a_scope_must_be_the_model_itself():
    own = Placement("prod", "zone=az1")
    assert placement.resolve(own, model_uuid=MODEL, model_name="prod") == Placement(
        MODEL, "zone=az1"
    )
    with pytest.raises(errors.NotValid, match='invalid model UUID "stage"'):
        placement.resolve(Placement("stage", "x"), model_uuid=MODEL, model_name="prod")
