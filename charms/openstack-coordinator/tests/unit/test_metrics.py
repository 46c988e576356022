"""What Prometheus is told of the coordinator: true, complete, few, and nothing that is private."""

from __future__ import annotations

import dataclasses

import knowledge
import ledger
import metrics
import planner
import pytest
import snapshot
from charms.openstack_coordinator.v0 import exposition, rolling
from example_cloud import at_release
from hypothesis import given
from hypothesis import strategies as st
from planning import request
from planning.outcome import Planned
from test_eyes_rules import promtool

NOW = 10_000.0


@pytest.fixture(scope="module")
def running() -> ledger.Running:
    """A release upgrade that was begun a moment ago."""
    seen = at_release("2023.2").look()
    found = planner.plan(seen, request.Release(), request.Terms(), knowledge.load())
    assert isinstance(found, Planned)
    approval = ledger.Approval(
        found.plan, {"request": "release"}, found.seconds, knowledge.load().seconds, ""
    )
    probed = (snapshot.Probed("nova", 40, 2, NOW - 5, answered=False, reason="10.0.0.9: 503"),)
    return ledger.Running(approval, rolling.begin(found.plan), begun=9_000.0, probed=probed)


def view(running: ledger.Running | None = None, **more: object) -> metrics.View:
    return dataclasses.replace(
        metrics.View(NOW, failed=False, ready=True, running=running),
        **more,  # type: ignore[arg-type]
    )


def shown(view: metrics.View) -> dict[str, float]:
    """Name and label values -> value."""
    return {
        " ".join((sample.family.name.removeprefix("openstack_coordinator_"), *sample.labels)): (
            sample.value
        )
        for sample in metrics.of_leader(view)
    }


def test_a_standby_tells_that_it_does_not_lead_and_nothing_else() -> None:
    assert exposition.text(metrics.of_standby()) == (
        "# HELP openstack_coordinator_leader 1 on the unit that carries plans out, 0 on those "
        "that stand by.\n"
        "# TYPE openstack_coordinator_leader gauge\n"
        "openstack_coordinator_leader 0\n"
    )


def test_without_a_plan_the_leader_tells_of_itself_and_of_the_cloud() -> None:
    told = shown(view(ready=False, findings={"blocked": 2}))
    assert told["leader"] == 1
    assert told["tick_timestamp_seconds"] == NOW
    assert (told["cloud_ready"], told["findings blocked"], told["findings waiting"]) == (0, 2, 0)
    assert told["plan_phase none"] == 1
    assert sum(value for name, value in told.items() if name.startswith("plan_phase")) == 1


def test_of_a_plan_at_work_it_tells_how_far_it_is(running: ledger.Running) -> None:
    first, second = (step.id for step in running.plan.waves[0].steps[:2])
    records = {
        first: rolling.Record("done", 9_100.0),
        second: rolling.Record("requested", 9_200.0),
    }
    journal = dataclasses.replace(running.journal, records=records)
    told = shown(view(dataclasses.replace(running, journal=journal)))
    steps = sum(len(wave.steps) for wave in running.plan.waves)
    assert told["plan_phase running"] == 1
    assert told[f"plan_info release {running.plan.short}"] == 1
    assert told["plan_steps done"] == told["plan_steps requested"] == 1
    assert told["plan_steps pending"] == steps - 2
    assert (told["plan_wave"], told["plan_waves"]) == (1, len(running.plan.waves))
    assert sum(v for k, v in told.items() if k.startswith("plan_wave_steps")) == len(
        running.plan.waves[0].steps
    )
    assert 0 < told["plan_left_seconds"] < told["plan_estimate_seconds"]
    kind = running.plan.waves[0].steps[1].do.kind
    assert told[f"step_since_timestamp_seconds {kind}"] == 9_200.0


def test_of_the_probe_it_tells_what_is_left_of_the_error_budget(running: ledger.Running) -> None:
    probing = at_release("2023.2").look()
    probing = dataclasses.replace(probing, probe=running.probed)
    terms = request.Terms(failures=3)
    found = planner.plan(probing, request.Restart(("keystone",)), terms, knowledge.load())
    assert isinstance(found, Planned)
    approval = dataclasses.replace(running.approval, plan=found.plan)
    told = shown(
        view(dataclasses.replace(running, approval=approval, journal=rolling.begin(found.plan)))
    )
    assert (told["probe_requests_total nova"], told["probe_failures_total nova"]) == (40, 2)
    assert told["probe_answered nova"] == 0
    assert (told["error_budget"], told["error_budget_left"]) == (3, 1)


def test_of_a_closed_gate_it_tells_the_kind_and_since_when(running: ledger.Running) -> None:
    gates = [g for wave in running.plan.waves for s in wave.steps for g in s.gates]
    closed = {
        gate.key: rolling.Closed(since, "keystone/1 is blocked: it lacks 10.0.0.7")
        for gate, since in zip(
            [g for g in gates if g.kind == "quorum"], (50.0, 40.0), strict=False
        )
    }
    told = shown(
        view(
            dataclasses.replace(
                running, journal=dataclasses.replace(running.journal, closed=closed)
            )
        )
    )
    assert told["plan_phase waiting"] == 1
    assert told["gates_closed quorum"] == 2
    assert told["gate_closed_timestamp_seconds quorum"] == 40.0
    assert told["gates_closed healthy"] == 0, "a gate that is open is shown as such"


@pytest.mark.parametrize("cause", ["step", "gate"])
def test_of_a_held_plan_it_tells_what_holds_it(running: ledger.Running, cause: str) -> None:
    step = running.plan.waves[0].steps[0]
    gate = next(g for wave in running.plan.waves for s in wave.steps for g in s.gates)
    if cause == "step":
        records = {step.id: rolling.Record("failed", 5.0, 3, "secret-looking reason")}
        journal = dataclasses.replace(running.journal, records=records, hold="it failed")
        kind = step.do.kind
    else:
        closed = {gate.key: rolling.Closed(1.0, "one is down")}
        journal = dataclasses.replace(running.journal, closed=closed, hold="too long")
        kind = gate.kind
    told = shown(view(dataclasses.replace(running, journal=journal)))
    assert told["plan_phase held"] == 1
    assert told[f"plan_hold_info {cause} {kind}"] == 1


def test_of_drains_it_tells_how_many_and_which_guests_are_left(running: ledger.Running) -> None:
    told = shown(view(dataclasses.replace(running, leaving={"node07": 4})))
    drains = sum(s.do.kind == "drain-host" for wave in running.plan.waves for s in wave.steps)
    assert told["drains pending"] == drains > 0
    assert told["drain_guests_left node07"] == 4


def test_of_a_plan_that_ended_it_tells_how_and_when() -> None:
    past = ledger.Past("f" * 64, "OpenStack 2024.1", 1.0, 900.0, "done", 12, 12, request="release")
    told = shown(view(past=past))
    assert told["plan_phase done"] == 1
    assert (told["plan_begun_timestamp_seconds"], told["plan_ended_timestamp_seconds"]) == (1, 900)
    assert "plan_left_seconds" not in told


def test_prometheus_reads_it_and_finds_nothing_to_mend(running: ledger.Running) -> None:
    closed = {gate.key: rolling.Closed(1.0, "x") for gate in running.plan.waves[0].steps[0].gates}
    journal = dataclasses.replace(running.journal, closed=closed, hold="x")
    busy = dataclasses.replace(running, journal=journal, leaving={"node07": 4})
    promtool("check", "metrics", given=exposition.text(metrics.of_leader(view(busy))))


def test_no_reason_address_or_message_becomes_a_label(running: ledger.Running) -> None:
    step = running.plan.waves[0].steps[0]
    records = {step.id: rolling.Record("failed", 5.0, 3, "open sesame at 10.0.0.9")}
    journal = dataclasses.replace(running.journal, records=records, hold="open sesame", closed={})
    text = exposition.text(metrics.of_leader(view(dataclasses.replace(running, journal=journal))))
    assert "sesame" not in text
    assert "10.0.0.9" not in text


def test_only_what_is_in_the_catalogue_is_exposed_and_its_names_are_prometheus_own(
    running: ledger.Running,
) -> None:
    for sample in metrics.of_leader(view(running)):
        assert sample.family in metrics.CATALOGUE
        assert len(sample.labels) == len(sample.family.labels)
    names = [family.name for family in metrics.CATALOGUE]
    assert len(set(names)) == len(names)
    for family in metrics.CATALOGUE:
        assert (family.kind == "counter") == family.name.endswith("_total")
        assert family.help.endswith(".")


@given(st.text(), st.floats())
def test_any_text_and_any_number_is_written_as_one_line(label: str, value: float) -> None:
    family = exposition.Family("x", "help\nwith \\ and lines", ("name",))
    lines = exposition.text([exposition.Sample(family, value, (label,))]).split("\n")
    assert len(lines) == 4
    assert lines[2].startswith('x{name="')
