"""From one snapshot and a request to a plan, or to every reason why there is none.

    outcome = planner.plan(snapshot, request.Release("2024.1"), request.Terms(), knowledge.load())

Pure: the same plan, byte for byte, whatever the order of the input and the hash seed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pacing
from charms.openstack_coordinator.v0.rolling_plan import Plan, Wave
from coherence import Finding
from planning import draft, growth, maintenance, refresh, release, request
from planning.outcome import NOTHING, Planned, Refused, reason, refused
from planning.survey import Survey

if TYPE_CHECKING:
    from knowledge import Knowledge
    from snapshot import Snapshot


def plan(
    snapshot: Snapshot,
    asked: request.Request,
    terms: request.Terms,
    knowledge: Knowledge,
) -> Planned | Refused:
    """What the request takes.

    Args:
        snapshot: the cloud now.
        asked: the request.
        terms: on what terms it is carried out.
        knowledge: what the charm knows.
    """
    drafted = draft.Draft(Survey(snapshot, knowledge), terms)
    if isinstance(asked, request.Release):
        at_once = asked.strategy == "all-in-one"
        return _release(dataclasses.replace(drafted, at_once=at_once), asked)
    if isinstance(asked, request.Refresh):
        found = refresh.refresh(drafted, asked)
    elif isinstance(asked, request.Restart):
        found = refresh.restart(drafted, asked)
    elif isinstance(asked, request.Drain):
        found = maintenance.drain(drafted, asked)
    elif isinstance(asked, request.Undrain):
        found = maintenance.undrain(drafted, asked)
    elif isinstance(asked, request.ScaleOut):
        found = growth.scale_out(drafted, asked)
    else:
        found = growth.scale_in(drafted, asked)
    return _outcome(drafted, found.title, found.reasons, found.waves, found.notes)


def _release(drafted: draft.Draft, asked: request.Release) -> Planned | Refused:
    upgrade = release.Upgrade(drafted, asked)
    target = upgrade.target()
    if isinstance(target, Finding):
        return refused([target])
    how = "" if asked.strategy == "rolling" else f", {asked.strategy}"
    return _outcome(
        drafted,
        f"OpenStack {target.name}{how}",
        upgrade.reasons(target),
        lambda: upgrade.waves(target),
        lambda: upgrade.notes(target),
    )


def _outcome(
    drafted: draft.Draft,
    title: str,
    reasons: Iterable[Finding],
    waves: draft.Later[Wave],
    notes: draft.Later[str],
) -> Planned | Refused:
    against = tuple(reasons)
    if against:
        return refused(against)
    found = Plan(title, tuple(waves()))
    if not found.waves:
        return refused([reason(title, "nothing is left to do", NOTHING)])
    nova = drafted.survey.snapshot.nova
    guests = {host: len(on) for host, on in nova.guests_by_host.items()} if nova else {}
    figures = drafted.survey.knowledge.seconds
    takes = draft.seconds(found.waves, lambda step: pacing.cost(step, figures, guests))
    steps = (step for wave in found.waves for step in wave.steps)
    no_return = next((step.id for step in steps if step.undo is None), "")
    return Planned(found, takes, no_return, tuple(notes()), _moved(found, guests))


def _moved(plan: Plan, guests: dict[str, int]) -> dict[str, int]:
    """Of the guests of each host those that the plan moves."""
    drained = (
        step.do.arguments["host"]
        for wave in plan.waves
        for step in wave.steps
        if step.do.kind == "drain-host"
    )
    return {host: guests[host] for host in drained if guests.get(host)}
