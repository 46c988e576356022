"""What reaches all units of an application at once, done by one unit after another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate, Step

from planning.draft import HELD, Draft, step

if TYPE_CHECKING:
    from cloud import Unit

    from planning.survey import Part


def together(
    draft: Draft, part: Part, work: list[Step], what: str, *, version: str = "", sealed: bool
) -> Iterator[Step]:
    """All units at once, and the wait until they are well."""
    gates = draft.within(draft.whole())
    yield dataclasses.replace(work[0], gates=(*gates, *work[0].gates))
    yield from work[1:]
    units = [unit.name for unit in part.application.units]
    yield awaited(part, part.name, f"settle: {what}", units, version, sealed=sealed)


def one_by_one(
    draft: Draft,
    part: Part,
    work: list[Step],
    what: str,
    *,
    version: str = "",
    sealed: bool,
    first: tuple[Gate, ...] = (),
    between: tuple[Gate, ...] = (),
) -> Iterator[Step]:
    """What reaches all units at once, one unit after another: the others' agents are held.

    A unit goes on serving while its agent is held. Its turn comes when the units before it are
    well, and the gates `between` are open, for the first of them those of `first`; the agent that
    keeps its virtual address is paused for that time.
    """
    units = part.units
    work[0] = dataclasses.replace(work[0], gates=(*work[0].gates, *between))
    if len(units) < 2 or draft.at_once:
        yield from together(draft, part, work, what, version=version, sealed=sealed)
        return
    names = [unit.name for unit in units]
    yield from _held(draft, part, what, between)
    # Both ways it reaches all of them: none may have gone on by itself meanwhile.
    held = (steps.held(names),)
    for one in work:
        yield dataclasses.replace(one, gates=(*one.gates, *held), undo_gates=held)
    for place, unit in enumerate(units):
        more = between if place else (*first, *between)
        gates = draft.within(*draft.around(part, unit, names[place:]), *more)
        yield from _turn(draft, part, place, gates, what, version=version, sealed=sealed)


def _held(draft: Draft, part: Part, what: str, between: tuple[Gate, ...]) -> Iterator[Step]:
    """All agents held. Undone backwards, one is released when those before it are well again."""
    names = [unit.name for unit in part.units]
    for place, unit in enumerate(part.units):
        hold, guard = steps.hold_agent(unit.name, held_for(part, place)), draft.guard(part, unit)
        yield step(
            unit.name,
            f"hold: {what}",
            hold,
            steps.release_agent(
                unit.name, guard.name if guard else "", serving=not part.upgrade.needs_agent
            ),
            lane=part.name,
            gates=draft.entry(draft.whole(besides=names), *between) if place == 0 else (),
            undo_gates=draft.ready(part, unit, besides=names[: place + 1]),
        )


def held_for(part: Part, place: int) -> float:
    """Seconds that the agent of a unit is held at most, the one whose turn comes first shortest.

    Each of those before it may take as long as its step does. So where a plan stands still, the
    units follow by themselves, and not together.
    """
    return HELD + place * part.upgrade.timeout


def _turn(
    draft: Draft,
    part: Part,
    place: int,
    gates: tuple[Gate, ...],
    what: str,
    *,
    version: str,
    sealed: bool,
) -> Iterator[Step]:
    unit = part.units[place]

    def released(gates: tuple[Gate, ...]) -> Iterator[Step]:
        hold = steps.hold_agent(unit.name, held_for(part, place))
        release = steps.release_agent(unit.name)
        yield step(unit.name, f"release: {what}", release, hold, lane=part.name, gates=gates)

    yield from guarded(draft, part, unit, what, gates, released, version=version, sealed=sealed)


def guarded(
    draft: Draft,
    part: Part,
    unit: Unit,
    what: str,
    gates: tuple[Gate, ...],
    work: Callable[[tuple[Gate, ...]], Iterator[Step]],
    *,
    version: str = "",
    sealed: bool,
) -> Iterator[Step]:
    """Work on a unit that stays in service, while the agent that keeps its address is paused.

    `work` is given the gates of its first step. Then the unit is well, and of the version.
    """
    guard, settle = draft.guard(part, unit), f"settle: {what}"
    units = [unit.name]
    if guard is None:
        yield from work(gates)
        yield awaited(part, unit.name, settle, units, version, sealed=sealed)
        return
    name, lane = f"{unit.name} {what}", part.name
    pause, resume = steps.pause_unit(guard.name), steps.resume_unit(guard.name)
    yield step(guard.name, f"pause: {name}", pause, resume, lane=lane, gates=gates)
    yield from work(draft.still(part, unit))
    lacking = part.upgrade.needs_agent
    yield awaited(part, unit.name, settle, units, version, sealed=sealed, serving=not lacking)
    yield step(guard.name, f"resume: {name}", resume, steps.nothing(), lane=lane)
    if lacking:
        tell = steps.run_command(unit.name, steps.TELL)
        yield step(unit.name, f"look again: {what}", tell, steps.nothing(), lane=lane)
        yield awaited(part, unit.name, f"serves: {what}", units, version, sealed=sealed)


def awaited(
    part: Part,
    subject: str,
    what: str,
    units: Sequence[str],
    version: str,
    *,
    sealed: bool,
    serving: bool = True,
) -> Step:
    """Wait for units: until somebody has unsealed them, where they come back `sealed`."""
    wait = steps.await_units(units, version, serving=serving)
    if sealed:
        wait = steps.await_unsealed(units)
    timeout = steps.DAY if sealed else part.upgrade.timeout
    nothing = steps.nothing()
    return step(subject, what, wait, nothing, lane=part.name, timeout=timeout, attempts=1)
