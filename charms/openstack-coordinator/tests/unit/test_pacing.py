"""The time that is left: by the knowledge's figures at first, by this cloud's own pace later."""

from __future__ import annotations

import dataclasses

import ledger
import pacing
import progress
import pytest
import steps
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan, Step, Wave
from hypothesis import given
from hypothesis import strategies as st

FIGURES = {"pause-unit": 30.0, "upgrade-unit": 300.0, "drain-host": 30.0}
UNITS = tuple(f"keystone/{number}" for number in range(10))
PLAN = Plan(
    "upgrade",
    (
        Wave(
            "keystone",
            tuple(
                Step(f"{unit} upgrade", "keystone", steps.upgrade_unit(unit, "25"), None)
                for unit in UNITS
            ),
        ),
    ),
)
QUICK = 12.0
"""Seconds that an upgrade takes where nothing is upgraded."""


def running(plan: Plan = PLAN, **more: object) -> ledger.Running:
    approval = ledger.Approval(plan, {}, 3000.0, FIGURES, "")
    return dataclasses.replace(
        ledger.Running(approval, rolling.begin(plan), begun=0.0),
        **more,  # type: ignore[arg-type]
    )


def carried_out(count: int, seconds: float = QUICK) -> tuple[ledger.Running, float]:
    """The plan after so many of its steps, one after another, and the time then."""
    now, at_work = 1000.0, running()
    for unit in UNITS[:count]:
        id_ = f"{unit} upgrade"
        for state, after in (("intended", 0.0), ("requested", 1.0), ("done", seconds - 1.0)):
            now += after
            old = at_work.journal
            record = rolling.Record(state, now)  # type: ignore[arg-type]
            new = dataclasses.replace(old, records={**old.records, id_: record})
            pace = pacing.learned(at_work.pace, PLAN, old, new, {})
            at_work = dataclasses.replace(at_work, journal=new, pace=pace)
    return at_work, now


def test_what_was_not_seen_yet_is_estimated_by_the_figures_of_the_knowledge() -> None:
    assert progress.seconds_left(running(), 0.0) == 3000.0


def test_the_first_ends_of_a_kind_bring_its_estimate_nearer_to_what_they_took() -> None:
    each = [
        progress.seconds_left(at_work, now) / (10 - count)
        for count in range(pacing.ENOUGH + 1)
        for at_work, now in [carried_out(count)]
    ]
    assert each == [300.0, pytest.approx(60.0), pytest.approx(35.1, abs=0.1), QUICK]


@given(st.integers(pacing.ENOUGH, 10), st.floats(2.0, 5000.0))
def test_once_enough_of_a_kind_have_ended_the_rest_is_taken_to_need_as_long(
    count: int, seconds: float
) -> None:
    at_work, now = carried_out(count, seconds)
    left = progress.seconds_left(at_work, now)
    assert left == pytest.approx(seconds * (10 - count))


def test_what_a_step_at_work_has_taken_is_no_longer_left() -> None:
    at_work, now = carried_out(0)
    records = {"keystone/0 upgrade": rolling.Record("requested", now)}
    at_work = dataclasses.replace(
        at_work, journal=dataclasses.replace(at_work.journal, records=records)
    )
    assert progress.seconds_left(at_work, now + 100.0) == 2900.0
    assert progress.seconds_left(at_work, now + 999.0) == 2700.0, "never less than the others"


def test_a_wait_at_a_gate_is_no_part_of_what_a_step_takes() -> None:
    before = rolling.Journal(
        PLAN.hash,
        records={"keystone/0 upgrade": rolling.Record("intended", 0.0)},
        closed={"quorum": rolling.Closed(0.0, "two are down")},
    )
    after = dataclasses.replace(
        before, records={"keystone/0 upgrade": rolling.Record("requested", 3600.0)}, closed={}
    )
    assert pacing.learned({}, PLAN, before, after, {}) == {}


def test_neither_a_failed_attempt_nor_a_step_that_was_skipped_tells_a_pace() -> None:
    before = rolling.Journal(
        PLAN.hash, records={"keystone/0 upgrade": rolling.Record("requested", 0.0)}
    )
    for record in (
        rolling.Record("failed", 900.0),
        rolling.Record("intended", 900.0, attempt=2),
        rolling.Record("skipped", 900.0),
    ):
        after = dataclasses.replace(before, records={"keystone/0 upgrade": record})
        assert pacing.learned({}, PLAN, before, after, {}) == {}


def test_a_drain_is_measured_by_the_migrations_that_follow_each_other() -> None:
    drain = Step("n1 drain", "n1", steps.drain_host("n1", parallel=2, cannot="hold"), None)
    plan = Plan("drain", (Wave("one", (drain,)),))
    before = rolling.Journal(plan.hash, records={"n1 drain": rolling.Record("requested", 0.0)})
    after = dataclasses.replace(before, records={"n1 drain": rolling.Record("done", 90.0)})
    pace = pacing.learned({}, plan, before, after, {"n1": 5})
    assert pace == {"drain-host": pacing.Measured(3, 90.0)}
    assert pacing.cost(drain, pacing.each({"drain-host": 7.0}, pace), {"n1": 5}) == 90.0
    assert pacing.cost(drain, {"drain-host": 7.0}, {}) == 0.0, "nobody is on it"


def test_a_soak_takes_what_the_plan_says() -> None:
    soak = Step("first hypervisor soak", "soak", steps.soak(1800.0), None)
    assert pacing.cost(soak, {"soak": 0.0}, {}) == 1800.0
