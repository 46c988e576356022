"""Agents beside hypervisors whose new charm restarts what guests use: each on its empty host.

`juju refresh` gives the charm to all of them at once, and so would their restarts come. A charm
with `enable-auto-restarts` puts them off, and a package that is upgraded meanwhile does not
restart them either: each is restarted in the round of its host, once its guests are away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate, Step, Wave

from planning.draft import Draft, in_one_lane, step
from planning.restarts import RESTARTS, deferred_restart, restarts_again, restarts_put_off

if TYPE_CHECKING:
    from cloud import Unit

    from planning.survey import Host, Part


def can_be(draft: Draft, part: Part) -> bool:
    """It has a unit on each hypervisor, and can put off what its new charm would restart."""
    survey = draft.survey
    return (
        part.application.subordinate
        and survey.stage(part) == survey.knowledge.hypervisor_stage
        and RESTARTS in part.application.options
        and not part.upgrade.together
        and not draft.at_once
    )


def refreshed(draft: Draft, part: Part, work: Iterable[Step]) -> Iterator[Wave]:
    """The new charm on all of them, its restarts put off.

    What was put off before is done first, and where the plan goes back, then last: in both cases
    by few at a time.
    """
    put_off = restarts_put_off(part)
    yield from draft.begun(part.name, put_off)
    if put_off:
        for zone, units in _by_zone(draft, part.units):
            clear = tuple(
                _restart(part, unit, "clear deferred", gates=draft.entry(), back=True)
                for unit in units
            )
            name = f"{part.name} as it is, {zone}"
            yield Wave(name, clear, parallel=draft.terms.max_unavailable)
    yield from draft.begun(f"{part.name} refreshed", work)


def in_round(part: Part, host: Host) -> Iterator[Step]:
    """What was put off on one host, while it is empty."""
    for unit in part.units:
        if unit.principal == host.unit.name:
            yield from _restarted(part, unit, host.name, (steps.empty(host.name),))


def restarted(
    draft: Draft, part: Part, done: Collection[str] = (), version: str = ""
) -> Iterator[Wave]:
    """What was put off on hosts that had no round, the first alone; then it is put off no more.

    Args:
        draft: the plan.
        part: the application.
        done: principals whose host had its round.
        version: what all of them run in the end; empty where the plan moves none.
    """
    left = [unit for unit in part.units if unit.principal not in done]
    gates = draft.entry()
    first = True
    for zone, members in _by_zone(draft, left):
        units = list(members)
        if first and len(left) > 1:
            alone = units.pop(0)
            yield Wave(f"first {part.name}", tuple(_restarted(part, alone, alone.name, gates)))
        first = False
        work = tuple(one for unit in units for one in _restarted(part, unit, unit.name, gates))
        if work:
            yield Wave(f"{part.name}, {zone}", work, parallel=draft.terms.max_unavailable)
    units, timeout = part.application.units, part.upgrade.timeout
    settle = draft.settle(part.name, "upgraded", units, timeout, version)
    yield from in_one_lane(f"{part.name} as a whole", [*restarts_again(part), settle])


def _by_zone(draft: Draft, units: Sequence[Unit]) -> Iterator[tuple[str, Iterator[Unit]]]:
    zones = {host.unit.name: host.service.zone for host in draft.survey.hosts}

    def zone(unit: Unit) -> str:
        return zones.get(unit.principal, "no zone")

    return groupby(sorted(units, key=zone), key=zone)


def _restarted(part: Part, unit: Unit, lane: str, gates: tuple[Gate, ...]) -> Iterator[Step]:
    yield _restart(part, unit, "restart", lane=lane, gates=gates)
    wait, timeout = steps.await_units([unit.name], restarted=True), part.upgrade.timeout
    yield step(unit.name, "settle", wait, steps.nothing(), lane=lane, timeout=timeout, attempts=1)


def _restart(
    part: Part,
    unit: Unit,
    what: str,
    *,
    lane: str = "",
    gates: tuple[Gate, ...] = (),
    back: bool = False,
) -> Step:
    do, timeout = deferred_restart(unit.name), part.upgrade.timeout
    undo = do if back else steps.nothing()
    return step(unit.name, what, do, undo, lane=lane or unit.name, gates=gates, timeout=timeout)
