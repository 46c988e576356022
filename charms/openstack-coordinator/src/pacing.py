"""How long steps take in this cloud: measured while a plan runs, for the time left. Pure.

An estimate made beforehand knows each kind of operation by a figure of the knowledge, which is
right for nobody's cloud in particular. Once enough steps of a kind have ended in this run, their
mean is what the others of that kind are taken to need. Before, the figure counts as one of them,
by the geometric mean: times differ by factors. Kinds not seen so far keep their figure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from charms.openstack_coordinator.v0.rolling import Journal, Record
from charms.openstack_coordinator.v0.rolling_plan import Plan, Step

ENOUGH = 3
"""How many measured ends of a kind need the knowledge's figure no more."""

_LEAST = 1.0
"""Seconds that any step takes: a tick."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """The steps of one kind of operation that ended in this run."""

    count: int = 0
    """For drains, rounds of migrations."""
    seconds: float = 0.0
    """What they took together, from their intention to their end, without waiting at gates."""


Pace = Mapping[str, Measured]
"""Kind of operation -> what was measured of it."""


def learned(
    pace: Pace, plan: Plan, before: Journal, after: Journal, guests: Mapping[str, int]
) -> Pace:
    """What one tick adds to what is known.

    Args:
        pace: what was known.
        plan: the plan of both journals.
        before: the journal before the tick.
        after: the same after it.
        guests: host -> guests to move, when the plan was made.
    """
    changed = {
        id_: record
        for id_, record in after.records.items()
        if id_ in before.records and before.records[id_] != record
    }
    if not changed:
        return pace
    found = dict(pace)
    for step in _steps(plan, changed):
        old, new = before.records[step.id], changed[step.id]
        took, ended = _took(old, new, waited=bool(before.closed))
        rounds = rounds_of(step, guests)
        if took is None or not rounds:
            continue
        known = found.get(step.do.kind, Measured())
        count = known.count + (rounds if ended else 0)
        found[step.do.kind] = Measured(count, known.seconds + took)
    return found


def each(figures: Mapping[str, float], pace: Pace) -> dict[str, float]:
    """Kind of operation -> seconds: as measured, as far as it was, else the knowledge's figure."""
    measured = {k: _mean(figures.get(k, 0.0), m) for k, m in pace.items() if m.count}
    return {**figures, **measured}


def _mean(figure: float, measured: Measured) -> float:
    mean = measured.seconds / measured.count
    if measured.count >= ENOUGH or not figure:
        return mean
    weight = measured.count / (measured.count + 1)
    return figure ** (1 - weight) * max(mean, _LEAST) ** weight


def cost(step: Step, figures: Mapping[str, float], guests: Mapping[str, int]) -> float:
    """Seconds that a step takes. A kind without a figure, as a way back may have, takes none."""
    if step.do.kind == "soak":
        return float(step.do.arguments["seconds"])
    return figures.get(step.do.kind, 0.0) * rounds_of(step, guests)


def rounds_of(step: Step, guests: Mapping[str, int]) -> int:
    """How many times a step takes what its kind does.

    A drain as often as it has migrations one after another; a soak never: its time is in the plan.
    """
    if step.do.kind == "soak":
        return 0
    if step.do.kind != "drain-host":
        return 1
    arguments = step.do.arguments
    return -(-guests.get(arguments["host"], 0) // arguments["parallel"])


def to_plain(pace: Pace) -> dict[str, list[float]]:
    """The form of the databag."""
    return {kind: [m.count, round(m.seconds, 1)] for kind, m in pace.items()}


def from_plain(plain: Mapping[str, list[float]]) -> dict[str, Measured]:
    """The pace of `to_plain`."""
    return {kind: Measured(int(count), seconds) for kind, (count, seconds) in plain.items()}


def _steps(plan: Plan, changed: Mapping[str, Record]) -> Iterator[Step]:
    for wave in plan.waves:
        if not wave.ids.isdisjoint(changed):
            yield from (step for step in wave.steps if step.id in changed)


def _took(old: Record, new: Record, *, waited: bool) -> tuple[float | None, bool]:
    """Seconds of its own that a step spent between two records, and whether it ended."""
    ended = new.state == "done"
    if old.attempt != new.attempt or not old.in_flight:
        return None, False
    if old.state == "intended" and waited:
        return (0.0, True) if ended else (None, False)
    return (max(0.0, new.since - old.since), ended) if ended or new.in_flight else (None, False)
