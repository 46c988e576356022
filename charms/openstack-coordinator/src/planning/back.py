"""The way back of a plan: as the way there, a virtual address leaves before what it may hit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import steps
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan, Step

from planning.draft import LONG, step


def rollback(plan: Plan, journal: rolling.Journal) -> Plan:
    """The plan that takes back what this one began, the last first.

    An agent that is released runs what has waited for it, which restarts its service: the agent
    that keeps the virtual address is paused for that time.

    Raises:
        PointOfNoReturn: a step that was begun has no way back.
    """
    back = rolling.rollback(plan, journal)
    waves = (
        dataclasses.replace(wave, steps=tuple(one for s in wave.steps for one in _guarded(s)))
        for wave in back.waves
    )
    return Plan(back.title, tuple(waves))


def _guarded(released: Step) -> Iterator[Step]:
    guard = released.do.arguments.get("guard", "")
    if released.do.kind != "release-agent" or not guard:
        yield released
        return
    unit, lane, what = released.do.arguments["unit"], released.lane, released.id
    pause, resume = steps.pause_unit(guard), steps.resume_unit(guard)
    yield step(guard, f"pause: {what}", pause, resume, lane=lane, gates=released.gates)
    away = steps.vip_away(unit, guard.partition("/")[0])
    yield dataclasses.replace(released, gates=(away,))
    serving = not released.do.arguments.get("idle")
    settled, nothing = steps.await_units([unit], serving=serving), steps.nothing()
    yield step(unit, f"settle: {what}", settled, nothing, lane=lane, timeout=LONG, attempts=1)
    yield step(guard, f"resume: {what}", resume, nothing, lane=lane)
