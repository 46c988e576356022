"""How soon the next tick of a plan should come. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger import Running

AT_ONCE = 0.2
"""Seconds until an intention that is persisted now is carried out."""

SOON = 1.0
"""Seconds until the next look at what was asked for a moment ago: most of it is short."""

SHORT = 15.0
"""For how many seconds after the last change its outcome is looked for that often."""

LATER = {"running": 5.0, "aborting": 5.0, "waiting": 15.0}
"""Phase of a plan -> seconds between two ticks when nothing has changed for long."""


def interval(running: Running, now: float) -> float | None:
    """Seconds until the next tick that a plan needs; None when any will do.

    Args:
        running: the plan, as it is persisted now.
        now: seconds since the epoch.
    """
    if running.over or running.foreign:
        return None
    phase, journal = running.phase, running.journal
    flying = [record for record in journal.records.values() if record.in_flight]
    changes = [running.begun, *(record.since for record in journal.records.values())]
    changes += [closed.since for closed in journal.closed.values()]
    fresh = now - max(changes) < SHORT
    if phase == "running" and now >= journal.not_before:
        if any(record.state == "intended" and record.attempt == 1 for record in flying):
            return AT_ONCE
        if fresh and not flying:
            # What ended in this tick was over before it was begun: the next can begin.
            return AT_ONCE
    asked = [record for record in flying if record.state == "requested"]
    if fresh and (asked or phase == "waiting"):
        return SOON
    return LATER.get(phase)
