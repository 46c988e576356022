"""What another tool, or a plan that was aborted, left halfway: it is put right before all else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import observing_units
import steps
from charms.openstack_coordinator.v0.rolling_plan import Step, Wave
from snapshot import paused

from planning.draft import Draft, in_one_lane, step

if TYPE_CHECKING:
    from cloud import Unit

    from planning.survey import Part, Survey


def held(survey: Survey) -> list[tuple[Part, Unit]]:
    """Units whose agents a plan still holds, the leader of each application first."""
    return [
        (part, unit)
        for part in survey.parts.values()
        for unit in part.units
        if unit.agent == "executing" and observing_units.holding(survey.snapshot, unit.name)
    ]


def without_rebalancing(survey: Survey) -> frozenset[str]:
    """Monitors that a plan told noout while it upgraded the disks that are still held."""
    held_ = {part.name for part, _ in held(survey)}
    told = {c.application for c in survey.snapshot.ceph or () if "noout" in c.flags}
    return frozenset(told & {mon for disks, mon in survey.monitors.items() if disks in held_})


def out(survey: Survey) -> list[tuple[Part, Unit]]:
    """Units that were left paused."""
    return [(p, u) for p in survey.parts.values() for u in p.application.units if paused(u)]


def waves(draft: Draft) -> Iterator[Wave]:
    """Nothing else begins while a unit serves nobody, or has not heard of what it should."""
    yield from in_one_lane(
        "left paused", (_resumed(part, unit) for part, unit in out(draft.survey))
    )
    left = held(draft.survey)
    found = [one for part, unit in left for one in _released(draft, part, unit, left)]
    for monitors in sorted(without_rebalancing(draft.survey)):
        unset = steps.unset_noout(monitors)
        what = "unset noout: was left set"
        found.append(step(monitors, what, unset, steps.nothing(), lane="held"))
    yield from in_one_lane("left held", found)


def notes(survey: Survey) -> Iterator[str]:
    """What is put right."""
    for _, unit in out(survey):
        yield f"{unit.name}: was left paused, and is resumed first"
    for _, unit in held(survey):
        yield f"{unit.name}: its agent was left held, and is released first"


def _resumed(part: Part, unit: Unit) -> Step:
    return step(
        unit.name,
        "resume: was left paused",
        steps.resume_unit(unit.name),
        steps.nothing(),
        lane=part.name,
        timeout=steps.DAY if part.upgrade.sealed else part.upgrade.timeout,
    )


def _released(
    draft: Draft, part: Part, unit: Unit, left: list[tuple[Part, Unit]]
) -> Iterator[Step]:
    """One at a time: what waited for it may stop its service."""
    others = [other.name for owner, other in left if owner is part]
    release = steps.release_agent(unit.name)
    gates = draft.entry(*draft.ready(part, unit, besides=others))
    if part.upgrade.requires:
        monitors = draft.survey.monitors.get(part.name, part.name)
        gates = (*gates, steps.ceph_health(monitors, [steps.FLAGS_SET]))
    name, what = unit.name, "release: was left held"
    yield step(name, what, release, steps.nothing(), lane="held", gates=gates)
    sealed, timeout = part.upgrade.sealed, part.upgrade.timeout
    yield step(
        name,
        "settle: was left held",
        steps.await_unsealed([name]) if sealed else steps.await_units([name]),
        steps.nothing(),
        lane="held",
        timeout=steps.DAY if sealed else timeout,
        attempts=1,
    )
