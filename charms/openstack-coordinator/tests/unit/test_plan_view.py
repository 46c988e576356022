"""A plan as an operator reads it before he approves it, and while it runs."""

from __future__ import annotations

import json

import knowledge
import plan_view
import planner
import pytest
import steps
from charms.openstack_coordinator.v0 import rolling
from example_cloud import at_release
from planning import request
from planning.outcome import Planned, Refused


@pytest.fixture(scope="module")
def planned() -> Planned:
    seen = at_release("2023.2", ha=False).look()
    found = planner.plan(seen, request.Release(), request.Terms(), knowledge.load())
    assert isinstance(found, Planned)
    return found


def test_the_table_tells_hash_time_point_of_no_return_and_every_step(planned: Planned) -> None:
    text = plan_view.table(planned)
    assert text.startswith("OpenStack 2024.1: ")
    assert f"hash: {planned.plan.hash}" in text
    assert "no way back from: ceph-mon source" in text
    assert "note: keystone: has one unit, and serves nobody while it is upgraded" in text
    for wave in planned.plan.waves:
        assert all(step.id in text for step in wave.steps)


def test_with_a_journal_the_table_tells_how_far_each_step_is(planned: Planned) -> None:
    first = planned.plan.waves[0].steps[0].id
    records = {first: rolling.Record("done", 1.0)}
    text = plan_view.table(planned, rolling.Journal(planned.plan.hash, records=records))
    assert f"   done      {first}: " in text


def test_the_document_holds_the_plan_that_its_hash_is_of(planned: Planned) -> None:
    told = json.loads(json.dumps(plan_view.document(planned)))
    assert told["hash"] == planned.plan.hash
    assert told["estimate"] == round(planned.seconds)
    assert told["plan"]["title"] == "OpenStack 2024.1"


def test_the_picture_has_a_box_for_each_wave_and_marks_what_cannot_be_undone(
    planned: Planned,
) -> None:
    text = plan_view.mermaid(planned.plan)
    assert text.count("subgraph") == len(planned.plan.waves)
    assert '{{"keystone/0 upgrade"}}' in text
    journal = rolling.Journal("", records={"keystone/0 upgrade": rolling.Record("failed", 1.0)})
    assert '{{"keystone/0 upgrade"}}:::failed' in plan_view.mermaid(planned.plan, journal)


def test_a_refusal_names_every_reason_with_its_remedy() -> None:
    seen = at_release("zed").look(nova=None)
    found = planner.plan(seen, request.Release(), request.Terms(), knowledge.load())
    assert isinstance(found, Refused)
    text = plan_view.refusal(found)
    assert text.count("remedy: ") == len(found.reasons)


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (steps.set_options("glance", {"vip": "10.0.0.1"}), "set-options glance vip=10.0.0.1"),
        (steps.await_units([f"a/{n}" for n in range(9)]), "await-units a/0,a/1,a/2,a/3,... (9)"),
        (steps.soak(1800.0), "soak seconds=1800"),
        (steps.nothing(), "nothing"),
    ],
)
def test_an_operation_is_told_in_few_words(operation: steps.Operation, words: str) -> None:
    assert plan_view.words(operation) == words


@pytest.mark.parametrize(
    ("seconds", "text"), [(30, "1 min"), (3599, "1 h 00 min"), (7260, "2 h 01 min")]
)
def test_times_are_told_in_hours_and_minutes(seconds: float, text: str) -> None:
    assert plan_view.duration(seconds) == text
