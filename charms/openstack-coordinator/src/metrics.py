"""What the charm tells Prometheus: every metric, and its value at one moment. Pure.

All values come from what the charm has in hand after a tick: nothing is asked for the metrics'
sake. Labels are few and bounded: phases, states, kinds of steps and gates, services of the
catalogue, hosts that are being emptied. Reasons, names of guests and messages are in the status.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import progress
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.exposition import Family, Sample
from charms.openstack_coordinator.v0.rolling_plan import short

if TYPE_CHECKING:
    from charms.openstack_coordinator.v0.rolling_plan import Step
    from ledger import Past, Running

PHASES = ("none", "running", "waiting", "paused", "held", "aborting", "aborted", "done")
STATES = ("pending", "intended", "requested", "done", "failed", "skipped")
SEVERITIES = ("blocked", "waiting")

_P = "openstack_coordinator_"

LEADER = Family(f"{_P}leader", "1 on the unit that carries plans out, 0 on those that stand by.")
TICK = Family(
    f"{_P}tick_timestamp_seconds",
    "When the leader ticked last, in seconds since the epoch.",
)
TICK_FAILED = Family(f"{_P}tick_failed", "1 when that tick could not read the model, else 0.")
READY = Family(f"{_P}cloud_ready", "1 when OpenStack lacked nothing at the last look, else 0.")
FINDINGS = Family(
    f"{_P}findings", "What OpenStack lacked at the last look, by severity.", ("severity",)
)
PHASE = Family(
    f"{_P}plan_phase", "1 for the phase of the plan that was begun last, else 0.", ("phase",)
)
INFO = Family(
    f"{_P}plan_info",
    "1, with the request of the plan that was begun last and the first digits of its hash.",
    ("request", "hash"),
)
BEGUN = Family(
    f"{_P}plan_begun_timestamp_seconds", "When the plan was begun, in seconds since the epoch."
)
ENDED = Family(
    f"{_P}plan_ended_timestamp_seconds", "When the plan ended, in seconds since the epoch."
)
ESTIMATE = Family(
    f"{_P}plan_estimate_seconds", "What the plan was estimated to take when it was made."
)
LEFT = Family(
    f"{_P}plan_left_seconds",
    "An estimate of what the rest of the plan takes, without waiting at gates.",
)
STEPS = Family(f"{_P}plan_steps", "Steps of the plan, by state.", ("state",))
RETRIED = Family(f"{_P}plan_steps_retried", "Steps of the plan that took more than one attempt.")
WAVE = Family(f"{_P}plan_wave", "The wave at work, from 1; that of the end when the plan is over.")
WAVES = Family(f"{_P}plan_waves", "Waves of the plan.")
WAVE_STEPS = Family(f"{_P}plan_wave_steps", "Steps of the wave at work, by state.", ("state",))
HOLD = Family(
    f"{_P}plan_hold_info",
    "1 while the plan is held, with the kind of the step that failed or the gate that is closed.",
    ("cause", "kind"),
)
STEP_SINCE = Family(
    f"{_P}step_since_timestamp_seconds",
    "Since when the oldest step of a kind is at work, in seconds since the epoch.",
    ("operation",),
)
GATES = Family(
    f"{_P}gates_closed",
    "Gates that are closed now, for each kind that the plan has; 0 when open.",
    ("gate",),
)
GATE_SINCE = Family(
    f"{_P}gate_closed_timestamp_seconds",
    "Since when the first gate of a kind is closed, in seconds since the epoch.",
    ("gate",),
)
REQUESTS = Family(
    f"{_P}probe_requests_total",
    "Requests of the probe to an API since the plan began.",
    ("service",),
    "counter",
)
FAILURES = Family(
    f"{_P}probe_failures_total", "Those of them that failed.", ("service",), "counter"
)
ANSWERED = Family(
    f"{_P}probe_answered",
    "1 when the newest request to an API was answered, else 0.",
    ("service",),
)
PROBED = Family(
    f"{_P}probe_timestamp_seconds",
    "When an API was probed last, in seconds since the epoch.",
    ("service",),
)
BUDGET = Family(
    f"{_P}error_budget", "Requests of the probe that may fail before the plan takes no more down."
)
BUDGET_LEFT = Family(f"{_P}error_budget_left", "What is left of it; below 0 when it is overspent.")
DRAINS = Family(f"{_P}drains", "Hosts that the plan empties, by state.", ("state",))
GUESTS = Family(
    f"{_P}drain_guests_left", "Guests and migrations left on a host being emptied.", ("host",)
)

CATALOGUE: tuple[Family, ...] = (
    *(LEADER, TICK, TICK_FAILED, READY, FINDINGS, PHASE, INFO, BEGUN, ENDED, ESTIMATE, LEFT),
    *(STEPS, RETRIED, WAVE, WAVES, WAVE_STEPS, HOLD, STEP_SINCE, GATES, GATE_SINCE, REQUESTS),
    *(FAILURES, ANSWERED, PROBED, BUDGET, BUDGET_LEFT, DRAINS, GUESTS),
)
"""All of them, in the order of the reference."""


@dataclasses.dataclass(frozen=True)
class View:
    """What the leader has in hand after a tick."""

    now: float
    """Seconds since the epoch."""
    failed: bool
    """The tick could not read the model."""
    ready: bool | None
    """Of the last look; None where there was none, or it failed."""
    findings: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Severity -> findings of the last look."""
    running: Running | None = None
    """The plan at work."""
    past: Past | None = None
    """The last plan that ended."""


def of_standby() -> Iterator[Sample]:
    """Of a unit that does not lead. It knows nothing else for sure."""
    yield Sample(LEADER, 0)


def of_leader(view: View) -> Iterator[Sample]:
    """Of the unit that leads."""
    yield Sample(LEADER, 1)
    yield Sample(TICK, view.now)
    yield Sample(TICK_FAILED, view.failed)
    if view.ready is not None:
        yield Sample(READY, view.ready)
        for severity in SEVERITIES:
            yield Sample(FINDINGS, view.findings.get(severity, 0), (severity,))
    if view.running is not None:
        yield from _of_plan(view.running, view.now)
    elif view.past is not None:
        yield from _phase(view.past.phase)
        yield Sample(INFO, 1, (view.past.request, short(view.past.hash)))
        yield Sample(BEGUN, view.past.begun)
        yield Sample(ENDED, view.past.ended)
    else:
        yield from _phase("none")


def _phase(phase: str) -> Iterator[Sample]:
    for known in PHASES:
        yield Sample(PHASE, known == phase, (known,))


def _of_plan(running: Running, now: float) -> Iterator[Sample]:
    plan, journal = running.plan, running.journal
    yield from _phase(running.phase)
    # Its hash, which the journal has: of a large plan it takes a while.
    yield Sample(INFO, 1, (running.approval.request, short(journal.plan)))
    yield Sample(BEGUN, running.begun)
    yield Sample(ESTIMATE, running.approval.seconds)
    yield Sample(LEFT, progress.seconds_left(running, now))
    every = [step for wave in plan.waves for step in wave.steps]
    yield from _by_state(STEPS, every, journal)
    yield Sample(RETRIED, sum(record.attempt > 1 for record in journal.records.values()))
    wave = rolling.current_wave(plan, journal)
    yield Sample(WAVE, plan.waves.index(wave) + 1 if wave else len(plan.waves))
    yield Sample(WAVES, len(plan.waves))
    yield from _by_state(WAVE_STEPS, wave.steps if wave else (), journal)
    yield from _hold(every, journal)
    yield from _at_work(every, journal)
    yield from _gates(every, journal)
    yield from _probe(running, every)
    drains = [step for step in every if step.do.kind == "drain-host"]
    yield from _by_state(DRAINS, drains, journal)
    for host, left in sorted(running.leaving.items()):
        yield Sample(GUESTS, left, (host,))


def _by_state(
    family: Family, steps: list[Step] | tuple[Step, ...], journal: rolling.Journal
) -> Iterator[Sample]:
    records = journal.records
    found = Counter(records[s.id].state if s.id in records else "pending" for s in steps)
    for state in STATES:
        yield Sample(family, found[state], (state,))


def _hold(steps: list[Step], journal: rolling.Journal) -> Iterator[Sample]:
    if not journal.hold:
        return
    records = journal.records
    failed = [s.do.kind for s in steps if s.id in records and records[s.id].state == "failed"]
    if failed:
        yield Sample(HOLD, 1, ("step", failed[0]))
        return
    oldest = min(journal.closed.items(), key=lambda item: item[1].since, default=None)
    yield Sample(HOLD, 1, ("gate", _kind_of(oldest[0]) if oldest else "unknown"))


def _at_work(steps: list[Step], journal: rolling.Journal) -> Iterator[Sample]:
    since: dict[str, float] = {}
    for step in steps:
        record = journal.records.get(step.id)
        if record is not None and record.state == "requested":
            since[step.do.kind] = min(record.since, since.get(step.do.kind, record.since))
    for kind, moment in sorted(since.items()):
        yield Sample(STEP_SINCE, moment, (kind,))


def _gates(steps: list[Step], journal: rolling.Journal) -> Iterator[Sample]:
    closed = Counter(_kind_of(key) for key in journal.closed)
    since: dict[str, float] = {}
    for key, one in journal.closed.items():
        kind = _kind_of(key)
        since[kind] = min(one.since, since.get(kind, one.since))
    for kind in sorted({gate.kind for step in steps for gate in step.gates}):
        yield Sample(GATES, closed[kind], (kind,))
    for kind, moment in sorted(since.items()):
        yield Sample(GATE_SINCE, moment, (kind,))


def _kind_of(key: str) -> str:
    """The kind of a gate by its key, which begins with it."""
    return key.partition(" ")[0]


def _probe(running: Running, steps: list[Step]) -> Iterator[Sample]:
    for family, value in (
        (REQUESTS, "requests"),
        (FAILURES, "failures"),
        (ANSWERED, "answered"),
        (PROBED, "at"),
    ):
        for probed in running.probed:
            yield Sample(family, getattr(probed, value), (probed.service,))
    budget = _budget(steps)
    if budget is not None:
        yield Sample(BUDGET, budget)
        yield Sample(BUDGET_LEFT, budget - running.failures)


def _budget(steps: list[Step]) -> int | None:
    """The error budget of the plan; None where it waits at no probe, or has no budget."""
    asked = (
        int(gate.arguments["failures"])
        for step in steps
        for gate in step.gates
        if gate.kind == "api-probe"
    )
    budget = next(asked, -1)
    return budget if budget >= 0 else None
