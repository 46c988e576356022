"""How the units of one application get to a release: one function for each way of its charm."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate, Step
from snapshot import at_least

from planning.draft import HELD, LONG, Draft, step

if TYPE_CHECKING:
    from cloud import Unit
    from knowledge import Release

    from planning.survey import Part

# What the classic OpenStack charms agree on, by charmhelpers.
MANAGED = "action-managed-upgrade"
UPGRADE = "openstack-upgrade"
RESTARTS = "enable-auto-restarts"
DEFERRED = "run-deferred-hooks"

_PACKAGES = (
    "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get --yes "
    "-o Dpkg::Options::=--force-confold dist-upgrade"
)


@dataclasses.dataclass(frozen=True)
class Target:
    """Where one application goes."""

    part: Part
    channel: str
    """Empty: its charm stays."""
    origin: str | None
    """The value of the origin option; None where it has none or the value is right."""
    version: str
    """Of its workload; empty where the release does not move it."""
    release: Release
    packages: bool

    @functools.cached_property
    def outstanding(self) -> tuple[Unit, ...]:
        """Units whose workload is not there yet, the leader first."""
        if not self.version:
            return ()
        return tuple(u for u in self.part.units if not at_least(u.version, self.version))

    def behind(self, unit: Unit) -> bool:
        """The unit's workload is not there yet."""
        return bool(self.version) and not at_least(unit.version, self.version)


def managed(part: Part, actions: frozenset[str] | None) -> bool:
    """Each of its units can be upgraded by itself."""
    return (
        part.upgrade.way == "managed"
        and MANAGED in part.application.options
        and (actions is None or UPGRADE in actions)
    )


# -- the charm ------------------------------------------------------------------------------


def charm_steps(draft: Draft, target: Target, *, deferred: bool = False) -> Iterator[Step]:
    """The charm to the head of its channel, then to the release's.

    With `deferred` restarts are put off: the charm may reach all units at once.
    """
    part, application = target.part, target.part.application
    if application.newest > application.revision:
        yield from refreshed(
            draft, part, application.channel, application.newest, "refresh", deferred=deferred
        )
    if target.channel:
        what = f"refresh to {target.channel}"
        yield from refreshed(draft, part, target.channel, None, what, deferred=deferred)


def refreshed(
    draft: Draft, part: Part, channel: str, revision: int | None, what: str, *, deferred: bool
) -> Iterator[Step]:
    """One refresh, unit by unit where it may stop what clients use."""
    application = part.application
    moved = channel != application.channel
    do = steps.refresh_charm(part.name, channel, revision)
    back = steps.refresh_charm(part.name, application.channel, application.revision)
    work = [step(part.name, what, do, back, lane=part.name)]
    if moved and part.upgrade.follows:
        work.append(_option(part, part.upgrade.follows, channel))
    # What comes back sealed serves nobody until somebody has unsealed it.
    sealed = part.upgrade.sealed
    if deferred or part.upgrade.together:
        yield from _together(draft, part, work, what, sealed=sealed)
    else:
        yield from one_by_one(draft, part, work, what, sealed=sealed)


def _together(
    draft: Draft, part: Part, work: list[Step], what: str, *, version: str = "", sealed: bool
) -> Iterator[Step]:
    gates = draft.within(draft.whole())
    yield dataclasses.replace(work[0], gates=(*gates, *work[0].gates))
    yield from work[1:]
    units = [unit.name for unit in part.application.units]
    yield _awaited(part, part.name, f"settle: {what}", units, version, sealed=sealed)


def one_by_one(
    draft: Draft,
    part: Part,
    work: list[Step],
    what: str,
    *,
    version: str = "",
    sealed: bool,
    between: tuple[Gate, ...] = (),
) -> Iterator[Step]:
    """What reaches all units at once, one unit after another: the others' agents are held.

    A unit goes on serving while its agent is held. Its turn comes when the units before it are
    well, and the gates `between` are open; the agent that keeps its virtual address is paused for
    that time.
    """
    units = part.units
    work[0] = dataclasses.replace(work[0], gates=(*work[0].gates, *between))
    if len(units) < 2 or draft.at_once:
        yield from _together(draft, part, work, what, version=version, sealed=sealed)
        return
    names = [unit.name for unit in units]
    yield from _held(draft, part, what, between)
    # Both ways it reaches all of them: none may have gone on by itself meanwhile.
    held = (steps.held(names),)
    for one in work:
        yield dataclasses.replace(one, gates=(*one.gates, *held), undo_gates=held)
    for place, unit in enumerate(units):
        gates = draft.within(*draft.around(part, unit, names[place:]), *between)
        yield from _turn(draft, part, place, gates, what, version=version, sealed=sealed)


def _held(draft: Draft, part: Part, what: str, between: tuple[Gate, ...]) -> Iterator[Step]:
    """All agents held. Undone backwards, one is released when those before it are well again."""
    names = [unit.name for unit in part.units]
    for place, unit in enumerate(part.units):
        hold, guard = steps.hold_agent(unit.name, held_for(place)), draft.guard(part, unit)
        yield step(
            unit.name,
            f"hold: {what}",
            hold,
            steps.release_agent(unit.name, guard.name if guard else ""),
            lane=part.name,
            gates=draft.entry(draft.whole(besides=names), *between) if place == 0 else (),
            undo_gates=draft.ready(part, unit, besides=names[: place + 1]),
        )


def held_for(place: int) -> float:
    """Seconds that the agent of a unit is held at most, the one whose turn comes first shortest.

    So where a plan stands still for that long, the units follow by themselves, and not together.
    """
    return HELD + place * steps.HOUR / 2


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
        hold = steps.hold_agent(unit.name, held_for(place))
        release = steps.release_agent(unit.name)
        yield step(unit.name, f"release: {what}", release, hold, lane=part.name, gates=gates)
        yield _awaited(part, unit.name, f"settle: {what}", [unit.name], version, sealed=sealed)

    yield from _guarded(draft, part, unit, what, gates, released)


def _guarded(
    draft: Draft,
    part: Part,
    unit: Unit,
    what: str,
    gates: tuple[Gate, ...],
    work: Callable[[tuple[Gate, ...]], Iterator[Step]],
) -> Iterator[Step]:
    """Work on a unit that stays in service, while the agent that keeps its address is paused.

    `work` is given the gates of its first step.
    """
    guard = draft.guard(part, unit)
    if guard is None:
        yield from work(gates)
        return
    name, lane = f"{unit.name} {what}", part.name
    pause, resume = steps.pause_unit(guard.name), steps.resume_unit(guard.name)
    yield step(guard.name, f"pause: {name}", pause, resume, lane=lane, gates=gates)
    yield from work(draft.still(part, unit))
    yield step(guard.name, f"resume: {name}", resume, steps.nothing(), lane=lane)


def _awaited(
    part: Part, subject: str, what: str, units: Sequence[str], version: str, *, sealed: bool
) -> Step:
    wait = steps.await_unsealed(units) if sealed else steps.await_units(units, version)
    timeout = steps.DAY if sealed else part.upgrade.timeout
    nothing = steps.nothing()
    return step(subject, what, wait, nothing, lane=part.name, timeout=timeout, attempts=1)


def _option(part: Part, option: str, value: object, suffix: str = "") -> Step:
    """Nothing to undo where the value is what it was at first."""
    before = part.option(option)
    undo = steps.set_options(part.name, {option: before})
    set_ = steps.set_options(part.name, {option: value})
    return step(part.name, f"{option}{suffix}", set_, undo, lane=part.name)


def _origin(target: Target) -> list[Step]:
    if target.origin is None or target.part.charm.origin is None:
        return []
    changed = _option(target.part, target.part.charm.origin, target.origin)
    # Where the charm upgrades by itself, the option is the upgrade, and nothing takes that back.
    managed = target.part.upgrade.way == "managed" and target.part.option(MANAGED) is not None
    return [changed if managed else dataclasses.replace(changed, undo=None)]


# -- the ways -------------------------------------------------------------------------------


def prepared(draft: Draft, target: Target) -> Iterator[Step]:
    """The charm and its options, so that any unit can be upgraded, and none is yet."""
    if target.outstanding and target.part.option(MANAGED) is not True:
        yield _option(target.part, MANAGED, value=True)
    yield from charm_steps(draft, target)
    for changed in _origin(target):
        yield dataclasses.replace(changed, gates=draft.within(draft.whole()))


def unit_by_unit(draft: Draft, target: Target) -> Iterator[Step]:
    """One unit at a time, the leader first; the address of each leaves before it is paused."""
    part = target.part
    yield from prepared(draft, target)
    for unit in part.units:
        if target.behind(unit):
            yield from _one(draft, target, unit)
    if target.outstanding:
        version = target.version
        timeout = part.upgrade.timeout
        yield draft.settle(part.name, "upgraded", part.application.units, timeout, version)


def _one(draft: Draft, target: Target, unit: Unit) -> Iterator[Step]:
    part = target.part
    alone = len(part.application.units) == 1
    if not alone:
        yield from draft.pause(part, unit, part.name)
    found = [upgrade_step(unit, target, part.name)]
    if target.packages:
        found.insert(0, packages(unit.name, part.name, part.upgrade.hold))
    if alone:
        found[0] = dataclasses.replace(found[0], gates=draft.entry(draft.whole()))
    yield from found
    if not alone:
        yield from draft.resume(part, unit, part.name)


def upgrade_step(unit: Unit, target: Target, lane: str) -> Step:
    """The upgrade of one unit's workload: no way back from here."""
    do = steps.upgrade_unit(unit.name, target.version)
    timeout = target.part.upgrade.timeout
    return step(unit.name, "upgrade", do, None, lane=lane, timeout=timeout, attempts=2)


def packages(unit: str, lane: str, hold: tuple[str, ...] = ()) -> Step:
    """The machine's other packages, but for those that must stay."""
    held = " ".join(hold)
    command = f"apt-mark hold {held} && {_PACKAGES}; r=$?; apt-mark unhold {held}; exit $r"
    do = steps.run_command(unit, command if hold else _PACKAGES)
    return step(unit, "packages", do, None, lane=lane, timeout=LONG, attempts=2)


def _packages_in_turn(draft: Draft, target: Target) -> Iterator[Step]:
    """The other packages of units that nothing else pauses, one unit after another.

    Machines of hypervisors have theirs while they are empty.
    """
    part, machines = target.part, {host.unit.machine for host in draft.survey.hosts}
    if not target.packages or part.application.subordinate:
        return
    for unit in part.units:
        if unit.machine in machines:
            continue

        def upgraded(gates: tuple[Gate, ...], unit: Unit = unit) -> Iterator[Step]:
            do = packages(unit.name, part.name, part.upgrade.hold)
            yield dataclasses.replace(do, gates=gates)
            what, sealed = "settle: packages", part.upgrade.sealed
            yield _awaited(part, unit.name, what, [unit.name], "", sealed=sealed)

        gates = draft.entry(*draft.around(part, unit))
        yield from _guarded(draft, part, unit, "packages", gates, upgraded)


def by_restart(draft: Draft, target: Target) -> Iterator[Step]:
    """Packages at once, restarts one unit after another, so that the cluster keeps its quorum."""
    part = target.part
    if not (_moves(target) or target.packages):
        return

    def work() -> Iterator[Step]:
        yield from charm_steps(draft, target, deferred=deferring)
        for changed in _origin(target):
            yield dataclasses.replace(changed, gates=draft.within(draft.whole()))

    deferring = RESTARTS in part.application.options
    if deferring:
        yield from with_restarts_put_off(draft, part, work, packages_too=target.packages)
    else:
        yield from work()
        yield from _packages_in_turn(draft, target)
    timeout = part.upgrade.timeout
    version = target.version
    yield draft.settle(part.name, "upgraded", part.application.units, timeout, version)


def with_restarts_put_off(
    draft: Draft,
    part: Part,
    work: Callable[[], Iterator[Step]],
    *,
    packages_too: bool = False,
) -> Iterator[Step]:
    """What reaches all units at once, with their restarts one after another.

    With `packages_too` each unit's machine gets its other packages before the restart.
    """
    before = part.option(RESTARTS)
    if before is not False:
        yield _option(part, RESTARTS, value=False)
        for unit in part.units:
            yield _deferred(draft, part, unit, "clear deferred hooks")
    yield from work()
    for unit in part.units:
        if packages_too:
            gates = draft.within(*draft.around(part, unit))
            one = packages(unit.name, part.name, part.upgrade.hold)
            yield dataclasses.replace(one, gates=gates)
        yield _deferred(draft, part, unit, "restart")
        wait = steps.await_units([unit.name])
        yield step(
            unit.name, "settle", wait, steps.nothing(), lane=part.name, timeout=LONG, attempts=1
        )
    if before is not False:
        again = _option(part, RESTARTS, value=True, suffix=" again")
        put_off = steps.set_options(part.name, {RESTARTS: False})
        yield dataclasses.replace(again, undo=put_off)


def _moves(target: Target) -> bool:
    newer = target.part.application.newest > target.part.application.revision
    return bool(target.outstanding or target.channel or target.origin is not None or newer)


def _deferred(draft: Draft, part: Part, unit: Unit, what: str) -> Step:
    around = draft.around(part, unit)
    do = steps.run_action(unit.name, DEFERRED)
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


def by_host(draft: Draft, target: Target) -> Iterator[Step]:
    """One host after another, in the order in which the charm has them wait for each other.

    Left alone they go on without the one before after half an hour, in a large cluster many at a
    time. Between two of them Ceph is well but for what the plan itself did.
    """
    part = target.part
    yield from _required_before(draft, part)
    if not _moves(target):
        return
    monitors = draft.survey.monitors.get(part.name, part.name)
    yield from charm_steps(draft, target)
    noout = part.upgrade.noout and target.origin is not None
    set_, unset = steps.set_noout(monitors), steps.unset_noout(monitors)
    first = [step(monitors, "set noout", set_, unset, lane=part.name)] if noout else []
    health = steps.ceph_health(monitors, [steps.FLAGS_SET] if noout else [])
    yield from _by_origin(draft, target, first, health)
    if noout:
        yield step(monitors, "unset noout", unset, steps.nothing(), lane=part.name)
    if part.upgrade.requires == "after" and target.outstanding:
        release = target.channel or part.application.channel
        required = steps.require_osd_release(monitors, release.partition("/")[0])
        agree = steps.versions_agree(part.name, target.version)
        yield step(monitors, "require release", required, None, lane=part.name, gates=(agree,))
    yield from _packages_in_turn(draft, target)


def _required_before(draft: Draft, part: Part) -> Iterator[Step]:
    """An earlier upgrade that left it out makes the next one fail: bug 1929254."""
    if part.upgrade.requires != "before":
        return
    ceph = next((c for c in draft.survey.snapshot.ceph or () if c.application == part.name), None)
    disks = [name for name, mon in draft.survey.monitors.items() if mon == part.name]
    tracks = {draft.survey.parts[name].application.track for name in disks}
    if ceph is None or len(tracks) != 1:
        return
    has = tracks.pop()
    if ceph.required_release and ceph.required_release < has:
        do = steps.require_osd_release(part.name, has)
        gates = draft.entry(steps.ceph_health(part.name, [steps.UPGRADE_FINISHED]))
        yield step(part.name, f"require {has}", do, None, lane=part.name, gates=gates)


def at_once(draft: Draft, target: Target) -> Iterator[Step]:
    """Every unit does it when the option changes: so their agents are held, and let go in turn."""
    part = target.part
    if part.option(MANAGED) is True and target.outstanding:
        yield _option(part, MANAGED, value=False)
    yield from charm_steps(draft, target)
    yield from _by_origin(draft, target)
    if target.outstanding or target.origin is not None:
        yield from _packages_in_turn(draft, target)


def _by_origin(
    draft: Draft, target: Target, first: Sequence[Step] = (), *between: Gate
) -> Iterator[Step]:
    """The option that upgrades every unit: their agents are held, and released in turn.

    `first` is done when all are held, before the option is set.
    """
    part, version = target.part, target.version if target.outstanding else ""
    change = [dataclasses.replace(changed, undo=None) for changed in _origin(target)]
    if change:
        work = [*first, *change]
        yield from one_by_one(
            draft, part, work, "upgrade", version=version, sealed=False, between=between
        )
    elif target.outstanding:
        timeout = part.upgrade.timeout
        yield draft.settle(part.name, "upgraded", part.application.units, timeout, version)


def charm_only(draft: Draft, target: Target) -> Iterator[Step]:
    """The charm, and the machine's other packages where they are asked for."""
    yield from charm_steps(draft, target)
    yield from _packages_in_turn(draft, target)
