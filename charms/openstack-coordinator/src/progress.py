"""Where a plan stands, in one line for a status. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Literal

import pacing
import plan_view
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Step
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


def tell(running: Running, application: str, now: float) -> Told | None:
    """The status of a plan; None when it is over.

    Args:
        running: the plan.
        application: of this charm, for the commands that a remedy names.
        now: seconds since the epoch.
    """
    phase, title = running.phase, running.plan.title
    finished, steps = running.counts
    head = f"{title}: {finished} of {steps} steps"
    if phase in ("done", "aborted"):
        return None
    if running.foreign:
        remedy = f"juju run {application}/leader abort, then plan again"
        return Told("blocked", f"{head}, of another revision of this charm: {remedy}")
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
    left = plan_view.duration(seconds_left(running, now))
    return Told("maintenance", f"{head}, {_current(running)}, about {left} left")


def seconds_left(running: Running, now: float) -> float:
    """An estimate of the time that the rest takes, without waiting at gates."""
    records, guests = running.journal.records, running.approval.guests
    figures = pacing.each(running.approval.each, running.pace)

    def rest(step: Step) -> float:
        record = records.get(step.id)
        if record is not None and record.finished:
            return 0.0
        whole = pacing.cost(step, figures, guests)
        begun = record is not None and record.state == "requested"
        return max(0.0, whole - (now - record.since)) if record and begun else whole

    return draft.seconds(running.plan.waves, rest)


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
