"""Faults as words, and series of them from a seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.faults import fault, plan
from sandbox.faults.fault import Fault

UNITS = st.sampled_from(["mysql/0", "nova-compute/12"])
MACHINES = st.sampled_from(["machine:0", "machine:3/lxd/1"])
SPANS = st.floats(0, 600).map(lambda seconds: round(seconds, 1))

FAULTS = st.one_of(
    st.builds(
        Fault,
        st.sampled_from(["kill", "freeze"]),
        UNITS | MACHINES | st.just("controller"),
        seconds=SPANS,
    ),
    st.builds(Fault, st.just("disconnect"), UNITS, seconds=SPANS),
    st.builds(
        Fault,
        st.just("fail-hook"),
        UNITS,
        hook=st.sampled_from(["", "config-changed"]),
        times=st.integers(1, 9),
    ),
    st.builds(
        Fault,
        st.just("kill-at-write"),
        UNITS,
        key=st.sampled_from(["", "plan-"]),
        moments=st.lists(st.sampled_from(fault.MOMENTS), min_size=1).map(",".join),
        times=st.integers(1, 99),
    ),
    st.builds(
        Fault,
        st.just("watchers"),
        delay=SPANS,
        duplicate=st.integers(0, 10).map(lambda tenths: tenths / 10),
        seed=st.integers(0, 9999),
    ),
    st.builds(Fault, st.just("expire-leader"), st.sampled_from(["mysql", "nova-compute"])),
    st.builds(Fault, st.just("clock"), rate=st.sampled_from([1.0, 60.0, 360.0, 0.5])),
    st.builds(Fault, st.just("clear")),
)


@given(FAULTS)
def test_a_fault_is_repeated_by_the_words_that_were_printed(made):
    assert fault.parse(made.words()) == made
    assert Fault(**made.to_document()) == made


@pytest.mark.parametrize(
    "words",
    [
        ["kill", "nobody"],
        ["disconnect", "machine:1"],
        ["fail-hook", "machine:1"],
        ["fail-hook", "app/0", "--times", "0"],
        ["freeze", "app/0", "--for", "-1"],
        ["kill-at-write", "app"],
        ["kill-at-write", "app/0", "--moments", "set,never"],
        ["watchers", "--duplicate", "2"],
        ["clock", "0"],
        ["clock", "fast"],
        ["flood", "app/0"],
        [],
    ],
)
def test_what_cannot_happen_is_refused(words):
    with pytest.raises(fault.NoSuchFault):
        fault.parse(words)


@given(
    seed=st.integers(),
    units=st.lists(st.sampled_from(["a/0", "a/1", "b/0"]), unique=True).map(tuple),
    machines=st.lists(st.sampled_from(["0", "1/lxd/0"]), unique=True).map(tuple),
    count=st.integers(0, 30),
)
def test_a_seed_gives_one_series_that_can_happen(seed, units, machines, count):
    model = plan.Model(units, machines)
    drawn = plan.draw(seed, model, count, 60)
    assert drawn == plan.draw(seed, model, count, 60)
    assert len(drawn) == (count if units else 0)
    for timed in drawn:
        fault.check(timed.fault)
        assert 0 <= timed.after <= 120
        kind, _, machine = timed.fault.target.rpartition(":")
        known = machines if kind else (*units, *model.applications)
        assert machine in known


def test_the_order_in_which_a_model_is_told_does_not_matter():
    one, other = plan.Model(("a/0", "b/0"), ("0", "1")), plan.Model(("b/0", "a/0"), ("1", "0"))
    assert plan.draw(7, one, 20, 60) == plan.draw(7, other, 20, 60)
