"""What the peers keep of plans: the one that was made, the one that runs, and those before. Pure.

Everything that must survive a crash, another leader or a restart of the controller is here, in
the application databag of the peer relation. Plans repeat themselves, so they are compressed;
the journal, which changes all the time, is not.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
import zlib
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

import pacing
import steps
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan, WrongPlan, canonical

if TYPE_CHECKING:
    from snapshot import Probed

KEPT = 20
"""Plans of the past that are remembered."""

_CANDIDATE = "plan-candidate"
_PLAN = "plan"
_OPERATION = "plan-operation"
_JOURNAL = "plan-journal"
_REFUSED = "plan-refused"
_PROBE = "plan-probe"
_PACE = "plan-pace"
_HISTORY = "plan-history"


@dataclasses.dataclass(frozen=True)
class Approval:
    """A plan as it was made, and what an operator should know before he approves it."""

    plan: Plan
    asked: Mapping[str, Any]
    """The parameters of the request, from which it can be made again."""
    seconds: float
    """An estimate of the time that it takes."""
    each: Mapping[str, float]
    """Kind of operation -> seconds: from which the time left is estimated."""
    no_return: str
    """The first step that cannot be undone; empty when all can."""
    notes: tuple[str, ...] = ()
    made: float = 0.0
    """When, in seconds since the epoch."""
    guests: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Host -> guests that were to be moved away from it, when the plan was made."""
    vocabulary: int = steps.VOCABULARY
    """Of the revision of the charm that made it: see `steps.VOCABULARY`."""

    @property
    def request(self) -> str:
        """What was asked for, for example release."""
        return str(self.asked.get("request", ""))


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why Juju or OpenStack refused one attempt of a step."""

    attempt: int
    reason: str


@dataclasses.dataclass(frozen=True)
class Running:
    """A plan that was begun."""

    approval: Approval
    journal: rolling.Journal
    begun: float
    """When, in seconds since the epoch."""
    endpoints: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Service -> URL that the probe asks; empty where no probe is set up."""
    refused: Mapping[str, Refusal] = dataclasses.field(default_factory=dict)
    probed: tuple[Probed, ...] = ()
    """Since it began, or since an operator went on in spite of what had failed."""
    ended: float = 0.0
    """When it came to its end; 0 while it has not."""
    pace: pacing.Pace = dataclasses.field(default_factory=dict)
    """What steps took so far."""
    leaving: Mapping[str, int] = dataclasses.field(default_factory=dict, compare=False)
    """Host -> guests and migrations left on it, of the drains that this tick saw; not kept."""
    forgiven: int = 0
    """Requests of the probe that failed before an operator went on in spite of that."""

    @property
    def plan(self) -> Plan:
        """What was approved."""
        return self.approval.plan

    @property
    def phase(self) -> rolling.Phase:
        """Where it stands."""
        return rolling.phase(self.plan, self.journal)

    @property
    def over(self) -> bool:
        """Nothing more is done about it."""
        return self.phase in ("done", "aborted")

    @property
    def hosts_enabled(self) -> list[str]:
        """Hosts that it proved with a guest and took into service."""
        return [
            step.do.arguments["host"]
            for wave in self.plan.waves
            for step in wave.steps
            if step.do.kind == "enable-host" and step.id in self.journal.finished
        ]

    def named(self, wanted: str) -> list[str]:
        """The step of this id; else those to be done yet whose ids go on after it with a colon.

        A colon in a parameter is YAML to `juju run`, and not text.
        """
        ids = [step.id for wave in self.plan.waves for step in wave.steps]
        if wanted in ids:
            return [wanted]
        left = (id_ for id_ in ids if id_ not in self.journal.finished)
        return [id_ for id_ in left if id_.startswith(f"{wanted}: ")]

    @property
    def foreign(self) -> bool:
        """Another revision of the charm made it, whose steps and gates are not all known here."""
        return self.approval.vocabulary != steps.VOCABULARY

    def paused(self) -> Running:
        """As it stands still by an operator's word."""
        return dataclasses.replace(self, journal=rolling.pause(self.journal), refused={})

    def aborted(self) -> Running:
        """As it is ended by an operator's word. Of what is foreign nothing can be verified."""
        journal = rolling.abort(self.journal)
        if self.foreign:
            finished = {id_: r for id_, r in journal.records.items() if not r.in_flight}
            journal = dataclasses.replace(journal, records=finished)
        return dataclasses.replace(self, journal=journal, refused={})

    @property
    def failures(self) -> int:
        """Requests of the probe that failed, of those that count against the error budget."""
        return sum(probed.failures for probed in self.probed)

    def resumed(self) -> Running:
        """As it goes on by an operator's word: what was refused or failed counts no more."""
        return dataclasses.replace(
            self,
            journal=rolling.resume(self.journal),
            refused={},
            probed=tuple(dataclasses.replace(probed, failures=0) for probed in self.probed),
            forgiven=self.forgiven + self.failures,
        )

    @property
    def counts(self) -> tuple[int, int]:
        """Steps that are finished, and all of them."""
        ids = [step.id for wave in self.plan.waves for step in wave.steps]
        records = self.journal.records
        return sum(id_ in records and records[id_].finished for id_ in ids), len(ids)


@dataclasses.dataclass(frozen=True)
class Past:
    """A plan that came to its end."""

    hash: str
    title: str
    begun: float
    ended: float
    phase: str
    finished: int
    steps: int
    skipped: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Step -> the reason why an operator skipped it."""
    failures: int = 0
    """Requests of the probe that failed meanwhile."""
    request: str = ""
    """What was asked for; empty for plans of earlier revisions of the charm."""


class Ledger:
    """The plans in a databag."""

    def __init__(self, databag: MutableMapping[str, str]) -> None:
        self._bag = databag

    @property
    def candidate(self) -> Approval | None:
        """The plan that was made last and not begun."""
        return _approval(self._bag.get(_CANDIDATE, ""))

    def propose(self, approval: Approval) -> None:
        """Keep a plan that was made, for approval."""
        self._bag[_CANDIDATE] = _packed_approval(approval)

    @property
    def running(self) -> Running | None:
        """The plan that was begun last, over or not."""
        approval = _approval(self._bag.get(_PLAN, ""))
        if approval is None:
            return None
        import probing

        operation = json.loads(self._bag[_OPERATION])
        refused = json.loads(self._bag.get(_REFUSED, "") or "{}")
        return Running(
            approval=approval,
            journal=rolling.Journal.from_json(self._bag[_JOURNAL]),
            begun=operation["begun"],
            endpoints=operation["endpoints"],
            refused={id_: Refusal(*fields) for id_, fields in refused.items()},
            probed=probing.from_json(self._bag.get(_PROBE, "")),
            forgiven=operation.get("forgiven", 0),
            ended=operation["ended"],
            pace=pacing.from_plain(json.loads(self._bag.get(_PACE, "") or "{}")),
        )

    @property
    def at_work(self) -> bool:
        """Whether a plan was begun that is not over, without unpacking it."""
        operation = self._bag.get(_OPERATION, "")
        return bool(operation) and not json.loads(operation)["ended"]

    def begin(self, running: Running) -> None:
        """Begin a plan: it is no candidate any more."""
        self._bag[_PLAN] = _packed_approval(running.approval)
        for key in (_CANDIDATE, _REFUSED, _PROBE):
            self._bag[key] = ""
        self.keep(running, None)

    def keep(self, new: Running, old: Running | None) -> None:
        """Persist what has changed of the plan that runs."""
        import probing

        operation = {
            "begun": new.begun,
            "endpoints": dict(new.endpoints),
            "ended": new.ended,
            "forgiven": new.forgiven,
        }
        self._bag[_OPERATION] = canonical(operation)
        self._bag[_JOURNAL] = new.journal.to_json()
        self._bag[_REFUSED] = canonical(
            {id_: [refusal.attempt, refusal.reason] for id_, refusal in new.refused.items()}
        )
        self._bag[_PACE] = canonical(pacing.to_plain(new.pace))
        if old is None or probing.worth_keeping(old.probed, new.probed):
            self._bag[_PROBE] = probing.to_json(new.probed)

    def close(self, running: Running, now: float) -> Running:
        """Note the end of a plan that is over; it stays, so that it can be rolled back."""
        ended = dataclasses.replace(running, ended=now)
        self.keep(ended, running)
        records = running.journal.records
        finished, steps = running.counts
        past = Past(
            hash=running.plan.hash,
            title=running.plan.title,
            begun=running.begun,
            ended=now,
            phase=running.phase,
            finished=finished,
            steps=steps,
            skipped={id_: r.reason for id_, r in records.items() if r.state == "skipped"},
            failures=running.failures + running.forgiven,
            request=running.approval.request,
        )
        kept = [dataclasses.asdict(one) for one in (*self.history, past)][-KEPT:]
        self._bag[_HISTORY] = canonical(kept)
        return ended

    @property
    def history(self) -> tuple[Past, ...]:
        """The plans that came to their end, the last ones last."""
        try:
            return tuple(Past(**raw) for raw in json.loads(self._bag.get(_HISTORY, "") or "[]"))
        except (ValueError, TypeError):
            return ()


def _packed_approval(approval: Approval) -> str:
    raw = {
        "plan": approval.plan.to_json(),
        "asked": dict(approval.asked),
        "seconds": approval.seconds,
        "each": dict(approval.each),
        "no_return": approval.no_return,
        "notes": list(approval.notes),
        "made": approval.made,
        "guests": dict(approval.guests),
        "vocabulary": approval.vocabulary,
    }
    return base64.b85encode(zlib.compress(canonical(raw).encode())).decode()


@functools.lru_cache(maxsize=2)
def _approval(text: str) -> Approval | None:
    """The approval in a databag; None when there is none.

    A hook asks for it several times, and to unpack a plan for 1,000 hypervisors takes 0.2 s.

    Raises:
        WrongPlan: what is there cannot be read.
    """
    if not text:
        return None
    try:
        raw = json.loads(zlib.decompress(base64.b85decode(text)))
        raw.setdefault("vocabulary", 0)
        plan, notes = Plan.from_json(raw.pop("plan")), tuple(raw.pop("notes"))
        return Approval(plan=plan, notes=notes, **raw)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise WrongPlan(f"the plan in the peer relation cannot be read: {error}") from error
