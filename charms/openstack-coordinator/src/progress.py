"""Where a plan stands, in one line for a status. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Literal

import plan_view
from charms.openstack_coordinator.v0 import rolling
from ledger import Running
from planning import draft

Severity = Literal["blocked", "maintenance", "waiting"]

_CURRENT = 2
"""How many steps at work a status names."""


@dataclasses.dataclass(frozen=True)
class Told:
    """What a status says."""

    severity: Severity
    message: str


def tell(running: Running, application: str) -> Told | None:
    """The status of a plan; None when it is over.

    Args:
        running: the plan.
        application: of this charm, for the commands that a remedy names.
    """
    phase, title = running.phase, running.plan.title
    finished, steps = running.counts
    head = f"{title}: {finished} of {steps} steps"
    if phase in ("done", "aborted"):
        return None
    if phase == "held":
        return Told("blocked", f"{title} is held: {_held(running)}; {_remedies(application)}")
    if phase == "paused":
        command = f"juju run {application}/leader resume"
        return Told("maintenance", f"{head}, paused by an operator: {command}")
    if phase == "aborting":
        return Told("maintenance", f"{head}, aborting: waits for {_current(running)}")
    if phase == "waiting" and not _at_work(running):
        key, closed = min(running.journal.closed.items(), key=lambda item: item[1].since)
        since = _clock(closed.since)
        return Told("waiting", f"{head}, waits since {since} at {key.split()[0]}: {closed.reason}")
    left = plan_view.duration(seconds_left(running))
    return Told("maintenance", f"{head}, {_current(running)}, about {left} left")


def seconds_left(running: Running) -> float:
    """An estimate of the time that the rest takes, without waiting at gates."""
    records = running.journal.records
    rest = [
        dataclasses.replace(
            wave,
            steps=tuple(
                s for s in wave.steps if s.id not in records or not records[s.id].finished
            ),
        )
        for wave in running.plan.waves
    ]
    each = running.approval.each
    try:
        return draft.seconds([wave for wave in rest if wave.steps], dict(each), {})
    except KeyError:  # a plan that rolls back may hold words without an estimate
        finished, steps = running.counts
        return running.approval.seconds * (steps - finished) / max(1, steps)


def _held(running: Running) -> str:
    return running.journal.hold


def _remedies(application: str) -> str:
    return f"mend it, then juju run {application}/leader resume; or skip the step, or abort"


def _at_work(running: Running) -> list[str]:
    records = running.journal.records
    wave = rolling.current_wave(running.plan, running.journal)
    steps = wave.steps if wave else ()
    return [s.id for s in steps if s.id in records and records[s.id].state == "requested"]


def _current(running: Running) -> str:
    names = _at_work(running)
    if not names:
        wave = rolling.current_wave(running.plan, running.journal)
        return f"begins {wave.name}" if wave else "ends"
    more = f" (and {len(names) - _CURRENT} more)" if len(names) > _CURRENT else ""
    return f"{', '.join(names[:_CURRENT])}{more}"


def _clock(moment: float) -> str:
    at = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    return at.strftime("%H:%M UTC")
