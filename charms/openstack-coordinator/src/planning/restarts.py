"""Restarts that a charm puts off, one unit after another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate, Operation, Step

from planning.draft import LONG, Draft, packages, set_option, step
from planning.turns import guarded

if TYPE_CHECKING:
    from cloud import Unit

    from planning.survey import Part

RESTARTS = "enable-auto-restarts"
"""The option by which charms of OpenStack put restarts off, by charmhelpers."""


def with_restarts_put_off(
    draft: Draft,
    part: Part,
    work: Callable[[], Iterator[Step]],
    *,
    packages_too: bool = False,
) -> Iterator[Step]:
    """What reaches all units at once, with their restarts one after another.

    With `packages_too` each unit's machine gets its other packages before.
    """
    put_off = restarts_put_off(part)
    yield from put_off
    for unit in part.units if put_off else ():
        yield _deferred(draft, part, unit, "clear deferred")
    for unit in part.units if packages_too else ():
        gates = draft.within(*draft.around(part, unit))
        one = packages(unit.name, part.name, part.upgrade.hold)
        yield dataclasses.replace(one, gates=gates)
    yield from work()
    for unit in part.units:
        yield _deferred(draft, part, unit, "restart")
        wait = steps.await_units([unit.name], restarted=True)
        yield step(
            unit.name, "settle", wait, steps.nothing(), lane=part.name, timeout=LONG, attempts=1
        )
    yield from restarts_again(part)


def restarts_put_off(part: Part) -> list[Step]:
    """Nothing is restarted by itself from here on; empty where somebody has it so."""
    return [] if part.option(RESTARTS) is False else [set_option(part, RESTARTS, value=False)]


def restarts_again(part: Part) -> list[Step]:
    """As it was before."""
    if part.option(RESTARTS) is False:
        return []
    again = set_option(part, RESTARTS, value=True, suffix=" again")
    put_off = steps.set_options(part.name, {RESTARTS: False})
    return [dataclasses.replace(again, undo=put_off)]


def deferred_restart(unit: str) -> Operation:
    """What was put off, now: of the charms that can, only this action restarts services of all."""
    return steps.run_action(unit, "restart-services", {"deferred-only": True})


def restarted(draft: Draft, part: Part, action: str) -> Iterator[Step]:
    """The service of one unit after another, by an action of its charm."""
    sealed, timeout = part.upgrade.sealed, part.upgrade.timeout
    for place, unit in enumerate(part.units):
        do, nothing = steps.run_action(unit.name, action), steps.nothing()
        one = step(unit.name, "restart", do, nothing, lane=part.name, timeout=timeout)

        def work(gates: tuple[Gate, ...], one: Step = one) -> Iterator[Step]:
            yield dataclasses.replace(one, gates=gates)

        whole = (draft.whole(),) if place == 0 else ()
        gates = draft.entry(*draft.around(part, unit), *whole)
        yield from guarded(draft, part, unit, "restart", gates, work, sealed=sealed)


def _deferred(draft: Draft, part: Part, unit: Unit, what: str) -> Step:
    around = draft.around(part, unit)
    do = deferred_restart(unit.name)
    # On the way back, too, what was put off is done unit by unit.
    return step(
        unit.name,
        what,
        do,
        do,
        lane=part.name,
        gates=draft.within(*around),
        undo_gates=around,
        timeout=part.upgrade.timeout,
    )
