"""Long operations as a journaled plan that survives any crash: pure, without I/O or clock.

A plan is data: waves of steps, with gates between them. What an operator approved, by its hash,
is what runs. A journal records how far each step is. A charm drives it from a tick:

    journal = Journal.from_json(databag["journal"])
    seen = observe(watch(plan, journal))                # ask the outside world
    new, requests = advance(plan, journal, seen, now=time.time(), holder=self.unit.name)
    for request in requests:                            # tell the outside world
        perform(request)
    databag["journal"] = new.to_json()

Every step goes check -> request -> verify:

- check: what is done already is recorded and not requested.
- The intention is written down first; only one that an earlier tick persisted is requested. So a
  crash between a request and the journal leaves an intention, and the next check tells what
  came of it. The steps in flight, and with them the bound on parallelism, are never forgotten.
- verify: only an observation ends a step, never the success of a request.

A charm that fails to perform a request persists nothing: the next tick checks again. Performing a
request must be idempotent, or its effect must be seen by the next observation.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from charms.openstack_coordinator.v0.rolling_plan import (
    Gate,
    Plan,
    Step,
    Wave,
    WrongPlan,
    canonical,
)

LIBID = "c9fd2bdcf0a14a8ba503610c18c98155"
LIBAPI = 0
LIBPATCH = 3

TAKEOVER_GRACE = 60.0
"""Seconds that a new leader waits before it requests anything.

Juju's leases last a minute: until then a hook of the former leader may still be at work.
"""

Phase = Literal["running", "waiting", "paused", "held", "aborting", "aborted", "done"]


class PointOfNoReturn(Exception):
    """A step that was begun cannot be undone; the message names it."""


# -- the journal ----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Record:
    """How far a step is. A step without a record was not begun."""

    state: Literal["intended", "requested", "done", "failed", "skipped"]
    since: float
    attempt: int = 1
    """Which attempt it is; 0 for what was done before the plan came to it."""
    reason: str = ""

    @property
    def finished(self) -> bool:
        """Nothing is to be done about it any more."""
        return self.state in ("done", "skipped")

    @property
    def in_flight(self) -> bool:
        """It may have, or get, an effect."""
        return self.state in ("intended", "requested")


@dataclasses.dataclass(frozen=True)
class Closed:
    """A gate that is not open."""

    since: float
    reason: str


@dataclasses.dataclass(frozen=True)
class Journal:
    """Everything that must survive a crash."""

    plan: str
    """The hash of its plan."""
    holder: str = ""
    """The unit that advances it."""
    term: int = 0
    """Rises with every change of the holder: the fencing token of its requests."""
    not_before: float = 0.0
    """Nothing is requested before this time."""
    mode: Literal["running", "paused", "aborting"] = "running"
    hold: str = ""
    """Why the plan waits for the operator; empty when it does not."""
    records: Mapping[str, Record] = dataclasses.field(default_factory=dict)
    closed: Mapping[str, Closed] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def finished(self) -> frozenset[str]:
        """The steps of which nothing is to be done any more."""
        return frozenset(id_ for id_, record in self.records.items() if record.finished)

    def to_json(self) -> str:
        """The form of the databag; what is usual is left out."""
        raw = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        raw["closed"] = {key: dataclasses.asdict(closed) for key, closed in self.closed.items()}
        raw["records"] = {
            id_: [r.state, round(r.since, 3), r.attempt, r.reason]
            for id_, r in self.records.items()
        }
        return canonical(raw)

    @classmethod
    def from_json(cls, text: str) -> Journal:
        """The journal of `to_json`; WrongPlan when the text is none."""
        try:
            raw = json.loads(text)
            records = {id_: Record(*fields) for id_, fields in raw.pop("records").items()}
            closed = {key: Closed(**fields) for key, fields in raw.pop("closed").items()}
            return cls(records=records, closed=closed, **raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WrongPlan(f"this is not a journal: {error}") from error


# -- what the outside world shows -----------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Observation:
    """What is seen of a step: not begun, at work, done, or that an attempt failed."""

    state: Literal["absent", "working", "done", "failed"]
    attempt: int = 0
    """The attempt that failed."""
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Seen:
    """All observations of one tick. What could not be observed is left out."""

    steps: Mapping[str, Observation] = dataclasses.field(default_factory=dict)
    gates: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Gate key -> why it is closed; empty text when it is open."""


@dataclasses.dataclass(frozen=True)
class Request:
    """An operation to perform now."""

    step: Step
    attempt: int
    token: str
    """The same for a repetition of the same attempt, greater for a later term."""


# -- advancing ------------------------------------------------------------------------------


def watch(plan: Plan, journal: Journal) -> tuple[Step, ...]:
    """The steps to observe before `advance`, with their gates and those of `current_wave`."""
    wave = current_wave(plan, journal)
    if wave is None:
        return ()
    watched = [s for s in wave.steps if s.id in journal.records and s.id not in journal.finished]
    lanes = {step.lane for step in watched}
    # What follows them is looked at as well: it can be intended in the tick that ends them.
    for step in wave.steps:
        if step.lane in lanes and step.id not in journal.records:
            lanes.remove(step.lane)
            watched.append(step)
    return (*watched, *_candidates(wave, journal.records))


def current_wave(plan: Plan, journal: Journal) -> Wave | None:
    """The first wave with a step that is not finished; None at the end."""
    return next((wave for wave in plan.waves if not wave.ids <= journal.finished), None)


def phase(plan: Plan, journal: Journal) -> Phase:
    """Where the plan stands."""
    if current_wave(plan, journal) is None:
        return "done"
    if journal.mode == "aborting":
        flying = any(record.in_flight for record in journal.records.values())
        return "aborting" if flying else "aborted"
    if journal.hold:
        return "held"
    if journal.mode == "paused":
        return "paused"
    return "waiting" if journal.closed else "running"


def advance(
    plan: Plan, journal: Journal, seen: Seen, *, now: float, holder: str
) -> tuple[Journal, tuple[Request, ...]]:
    """One short step forward.

    Args:
        plan: what was approved.
        journal: as it was persisted.
        seen: observations of the steps of `watch` and of the gates.
        now: seconds since the epoch.
        holder: the unit that runs this; it must be the leader.

    Returns:
        The journal to persist, and what to request before that.

    Raises:
        WrongPlan: the journal belongs to another plan.
    """
    if journal.plan != plan.hash:
        raise WrongPlan("the journal belongs to another plan")
    if journal.holder != holder:
        grace = TAKEOVER_GRACE if journal.holder else 0.0
        return _taken_over(journal, holder, now + grace), ()
    wave = current_wave(plan, journal)
    if wave is None:
        return journal, ()
    tick = _Tick(wave, journal, seen, now)
    tick.verify()
    requests = tuple(tick.request()) if tick.may_request() else ()
    if tick.may_request():
        tick.intend()
    return tick.result(), requests


class _Tick:
    """One call of `advance`: the records while they change, and the journal before."""

    def __init__(self, wave: Wave, journal: Journal, seen: Seen, now: float) -> None:
        self._wave = wave
        self._journal = journal
        self._seen = seen
        self._now = now
        self._records = dict(journal.records)
        self._closed: dict[str, Closed] = {}
        self._hold = journal.hold

    def may_request(self) -> bool:
        """Nothing forbids to begin or repeat a step."""
        journal = self._journal
        return journal.mode == "running" and not self._hold and self._now >= journal.not_before

    def verify(self) -> None:
        """End, repeat or fail what is in flight, by what is seen of it."""
        for step in self._wave.steps:
            record = self._records.get(step.id)
            if record is None or record.finished:
                continue
            changed = _verified(step, record, self._seen.steps.get(step.id), self._now)
            if self._journal.mode == "aborting" and _only_intended(changed, self._seen, step):
                del self._records[step.id]
                continue
            self._records[step.id] = changed
            if changed.state == "failed" and not self._hold:
                self._hold = f"{step.id}: {changed.reason}"

    def request(self) -> Iterator[Request]:
        """Request what an earlier tick intended."""
        for step in self._wave.steps:
            record = self._records.get(step.id)
            if record is None or record != self._journal.records.get(step.id):
                continue  # changed in this tick: it is not persisted yet
            early = record.attempt > 1 and self._now < record.since + step.retry_after
            if record.state != "intended" or early or step.id not in self._seen.steps:
                continue
            if self._open(step):
                self._records[step.id] = Record("requested", self._now, record.attempt)
                token = f"{self._journal.term}/{step.id}/{record.attempt}"
                yield Request(step, record.attempt, token)

    def intend(self) -> None:
        """Write down what to request in the next tick; what is done already is recorded."""
        for step in _candidates(self._wave, self._records):
            observed = self._seen.steps.get(step.id)
            if observed is None:
                continue
            if observed.state == "done":
                self._records[step.id] = Record("done", self._now, attempt=0)
            elif observed.state == "working":
                self._records[step.id] = Record("requested", self._now)
            elif self._open(step):
                self._records[step.id] = Record("intended", self._now)

    def result(self) -> Journal:
        """The journal after this tick."""
        return dataclasses.replace(
            self._journal, records=self._records, closed=self._closed, hold=self._hold
        )

    def _open(self, step: Step) -> bool:
        shut = [gate for gate in (*self._wave.gates, *step.gates) if not self._is_open(gate)]
        return not shut and not self._hold

    def _is_open(self, gate: Gate) -> bool:
        reason = self._seen.gates.get(gate.key, "it could not be observed")
        if not reason:
            return True
        before = self._journal.closed.get(gate.key)
        since = before.since if before else self._now
        self._closed[gate.key] = Closed(since, reason)
        if self._now - since > gate.patience and not self._hold:
            self._hold = f"{gate.kind} is closed for too long: {reason}"
        return False


def _verified(step: Step, record: Record, observed: Observation | None, now: float) -> Record:
    if observed is not None and observed.state == "done":
        return Record("done", now, record.attempt)
    if record.state == "failed":
        return record
    if observed is not None and observed.state == "working" and record.state == "intended":
        return Record("requested", now, record.attempt)
    if record.state == "intended":
        return record
    if observed is not None and observed.state == "failed" and observed.attempt >= record.attempt:
        return _again(step, record, observed.reason, now)
    if (
        observed is not None
        and observed.state == "absent"
        and now > record.since + step.retry_after
    ):
        return _again(step, record, "the request had no effect", now)
    if now - record.since > step.timeout:
        reason = f"no result within {step.timeout:g} s"
        return Record("failed", now, record.attempt, reason)
    return record


def _again(step: Step, record: Record, reason: str, now: float) -> Record:
    if record.attempt < step.attempts:
        return Record("intended", now, record.attempt + 1)
    return Record("failed", now, record.attempt, reason)


def _only_intended(record: Record, seen: Seen, step: Step) -> bool:
    observed = seen.steps.get(step.id)
    without_effect = observed is not None and observed.state in ("absent", "failed")
    return record.state == "intended" and without_effect


def _candidates(wave: Wave, records: Mapping[str, Record]) -> tuple[Step, ...]:
    """The next step of every lane that is begun, and of as many others as may be begun."""
    lanes: dict[str, list[Step]] = {}
    for step in wave.steps:
        lanes.setdefault(step.lane, []).append(step)
    begun: list[Sequence[Step]] = []
    waiting: list[Sequence[Step]] = []
    for steps in lanes.values():
        left = [s for s in steps if s.id not in records or not records[s.id].finished]
        if left:
            (begun if any(s.id in records for s in steps) else waiting).append(left)
    waiting = waiting[: max(0, wave.parallel - len(begun))]
    return tuple(left[0] for left in (*begun, *waiting) if left[0].id not in records)


def _taken_over(journal: Journal, holder: str, not_before: float) -> Journal:
    return dataclasses.replace(
        journal, holder=holder, term=journal.term + 1, not_before=not_before
    )


# -- what the operator does -----------------------------------------------------------------


def begin(plan: Plan) -> Journal:
    """The journal of a plan of which nothing is done."""
    return Journal(plan.hash)


def pause(journal: Journal) -> Journal:
    """Request nothing more until `resume`; what is in flight is still verified."""
    return dataclasses.replace(journal, mode="paused")


def resume(journal: Journal) -> Journal:
    """Go on: failed steps are begun again, and gates get their patience anew.

    What such a step did all the same is remembered as the plan's own: a rollback takes it back.
    """
    records = {
        id_: Record("intended", r.since) if r.state == "failed" else r
        for id_, r in journal.records.items()
    }
    return dataclasses.replace(journal, mode="running", hold="", records=records, closed={})


def skip(journal: Journal, step: str, reason: str, now: float) -> Journal:
    """Take one step for finished, with a reason that is kept; the plan goes on at `resume`."""
    records = {**journal.records, step: Record("skipped", now, reason=reason)}
    return dataclasses.replace(journal, records=records)


def abort(journal: Journal) -> Journal:
    """Begin nothing more, for good; what was requested is verified to its end."""
    return dataclasses.replace(journal, mode="aborting", hold="")


def rollback(plan: Plan, journal: Journal) -> Plan:
    """The plan that takes back what this one began, the last first.

    A step that may have had an effect is undone as well: undoing, too, checks first. What was
    done before the plan came to it stays. What is taken back waits at the gates of the way back
    alone: the others guard what takes something down, and this brings it up again.

    Raises:
        PointOfNoReturn: a step that was begun has no way back.
    """
    waves = []
    for wave in reversed(plan.waves):
        begun = [s for s in reversed(wave.steps) if _begun(journal.records.get(s.id))]
        for step in begun:
            if step.undo is None:
                raise PointOfNoReturn(f"{step.id} was begun and cannot be undone")
        if begun:
            steps = tuple(
                dataclasses.replace(
                    step,
                    id=f"undo {step.id}",
                    do=step.undo,
                    undo=step.do,
                    gates=step.undo_gates,
                    undo_gates=(),
                )
                for step in begun
                if step.undo is not None
            )
            waves.append(
                dataclasses.replace(wave, name=f"undo {wave.name}", steps=steps, gates=())
            )
    return Plan(f"roll back: {plan.title}", tuple(waves))


def _begun(record: Record | None) -> bool:
    return record is not None and record.state != "skipped" and record.attempt > 0
