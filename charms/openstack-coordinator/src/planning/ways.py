"""How the units of one application get to a release: one function for each way of its charm."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate, Step
from snapshot import at_least

from planning.draft import Draft, packages, set_option, step
from planning.restarts import RESTARTS, with_restarts_put_off
from planning.turns import guarded, one_by_one, together

if TYPE_CHECKING:
    from cloud import Unit
    from knowledge import Release

    from planning.survey import Part

# What the classic OpenStack charms agree on, by charmhelpers.
MANAGED = "action-managed-upgrade"
UPGRADE = "openstack-upgrade"


@dataclasses.dataclass(frozen=True)
class Target:
    """Where one application goes."""

    part: Part
    channel: str
    """Empty: its charm stays."""
    pinned: str | None
    """The value of the origin option for the release that it has, in full: its default moves with
    the charm. None where it is that already."""
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
        if target.pinned is not None and part.charm.origin is not None:
            yield set_option(part, part.charm.origin, target.pinned, " as it is")
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
        # The workload moves with it, and reads no data of a newer one.
        work.append(
            dataclasses.replace(set_option(part, part.upgrade.follows, channel), undo=None)
        )
    # What comes back sealed serves nobody until somebody has unsealed it.
    sealed = part.upgrade.sealed
    if deferred or part.upgrade.together:
        yield from together(draft, part, work, what, sealed=sealed)
    else:
        yield from one_by_one(draft, part, work, what, sealed=sealed)


def _origin(target: Target) -> list[Step]:
    if target.origin is None or target.part.charm.origin is None:
        return []
    changed = set_option(target.part, target.part.charm.origin, target.origin)
    # Where the charm upgrades by itself, the option is the upgrade, and nothing takes that back.
    managed = target.part.upgrade.way == "managed" and target.part.option(MANAGED) is not None
    return [changed if managed else dataclasses.replace(changed, undo=None)]


# -- the ways -------------------------------------------------------------------------------


def prepared(draft: Draft, target: Target) -> Iterator[Step]:
    """The charm and its options, so that any unit can be upgraded, and none is yet."""
    if target.outstanding and target.part.option(MANAGED) is not True:
        yield set_option(target.part, MANAGED, value=True)
    yield from charm_steps(draft, target)
    for changed in _origin(target):
        yield dataclasses.replace(changed, gates=draft.within(draft.whole()))


def unit_by_unit(draft: Draft, target: Target) -> Iterator[Step]:
    """One unit at a time, the leader first; the address of each leaves before it is paused.

    Whoever leads when it is upgraded migrates the database: it is the first.
    """
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
    leads = _leads(target, unit)
    if not alone:
        first, *rest = draft.pause(part, unit, part.name)
        yield dataclasses.replace(first, gates=(*first.gates, *leads))
        yield from rest
    upgraded = upgrade_step(unit, target, part.name)
    found = [dataclasses.replace(upgraded, gates=leads), tell_step(unit, target, part.name)]
    if target.packages:
        found.insert(0, packages(unit.name, part.name, part.upgrade.hold))
    if alone:
        found[0] = dataclasses.replace(found[0], gates=draft.entry(draft.whole()))
    yield from found
    if not alone:
        yield from draft.resume(part, unit, part.name)


def _leads(target: Target, unit: Unit) -> tuple[Gate, ...]:
    """The first of all is still the leader, where any is behind."""
    first = target.outstanding == target.part.units and unit is target.part.units[0]
    return (steps.leads(unit.name),) if first and unit.leader else ()


def upgrade_step(unit: Unit, target: Target, lane: str) -> Step:
    """The upgrade of one unit's workload: no way back from here, and no second attempt.

    The charm upgrades packages, then its database. Where that fails, another run finds the
    packages there, and does nothing.
    """
    do = steps.upgrade_unit(unit.name, target.version)
    timeout = target.part.upgrade.timeout
    return step(unit.name, "upgrade", do, None, lane=lane, timeout=timeout, attempts=1)


def tell_step(unit: Unit, target: Target, lane: str) -> Step:
    """The unit tells what it runs now: the proof of its upgrade."""
    do = steps.tell_version(unit.name, target.version)
    return step(unit.name, "tell version", do, steps.nothing(), lane=lane)


def _packages_in_turn(draft: Draft, target: Target, *between: Gate) -> Iterator[Step]:
    """The other packages of units that nothing else pauses, one unit after another.

    They come before the charm and its origin: what is upgraded then is the newest of its release.
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

        gates, sealed = draft.entry(*draft.around(part, unit), *between), part.upgrade.sealed
        yield from guarded(draft, part, unit, "packages", gates, upgraded, sealed=sealed)


def by_restart(draft: Draft, target: Target) -> Iterator[Step]:
    """Packages at once, restarts one unit after another, so that the cluster keeps its quorum."""
    part = target.part
    if not (_moves(target) or target.packages):
        return

    version, timeout = target.version, part.upgrade.timeout
    units = part.application.units

    def work() -> Iterator[Step]:
        yield from charm_steps(draft, target, deferred=deferring)
        for changed in _origin(target):
            yield dataclasses.replace(changed, gates=draft.within(draft.whole()))
            # Who is told to restart before he has the new packages runs the old ones.
            if deferring:
                yield draft.settle(part.name, "settle: upgrade", units, timeout, version)

    deferring = RESTARTS in part.application.options
    if deferring:
        yield from with_restarts_put_off(draft, part, work, packages_too=target.packages)
    else:
        yield from _packages_in_turn(draft, target)
        yield from work()
    yield draft.settle(part.name, "upgraded", units, timeout, version)


def _moves(target: Target) -> bool:
    newer = target.part.application.newest > target.part.application.revision
    return bool(target.outstanding or target.channel or target.origin is not None or newer)


def by_turns(draft: Draft, target: Target) -> Iterator[Step]:
    """All units at once are told, and take their turns by themselves.

    Each waits at the end of its own hook until all are there: whoever were held would have the
    others fail.
    """
    part = target.part
    yield from _required_before(draft, part)
    if not _moves(target):
        return
    monitors = draft.survey.monitors.get(part.name, part.name)
    health = steps.ceph_health(monitors)
    yield from _packages_in_turn(draft, target, health)
    yield from charm_steps(draft, target)
    for changed in _origin(target):
        yield dataclasses.replace(changed, gates=draft.entry(draft.whole(), health), undo=None)
    if target.outstanding or target.origin is not None:
        units, version = part.application.units, target.version if target.outstanding else ""
        timeout = part.upgrade.timeout * len(units)
        settle = draft.settle(part.name, "upgraded", units, timeout, version)
        # Of many, the first may have waited in vain for the last: Juju lets it try again.
        yield dataclasses.replace(settle, attempts=5)


def by_host(draft: Draft, target: Target) -> Iterator[Step]:
    """One host after another, in the order in which the charm has them wait for each other.

    Left alone they go on without the one before after half an hour, in a large cluster many at a
    time. Between two of them Ceph is well but for what the plan itself did.
    """
    part = target.part
    if not _moves(target):
        return
    monitors = draft.survey.monitors.get(part.name, part.name)
    stops = part.upgrade.noout and (target.origin is not None or target.packages)
    health = steps.ceph_health(monitors, [steps.FLAGS_SET] if stops else [])
    set_, unset = steps.set_noout(monitors), steps.unset_noout(monitors)
    noout = [step(monitors, "set noout", set_, unset, lane=part.name)] if stops else []
    if target.packages:
        for one in noout:
            yield dataclasses.replace(one, gates=draft.entry(health))
        noout = []
    yield from _packages_in_turn(draft, target, health)
    yield from charm_steps(draft, target)
    yield from _by_origin(draft, target, noout, health)
    whole = steps.ceph_health(monitors, [steps.FLAGS_SET, steps.UPGRADE_FINISHED])
    if stops:
        nothing = steps.nothing()
        yield step(monitors, "unset noout", unset, nothing, lane=part.name, gates=(whole,))
    if part.upgrade.requires == "after" and target.outstanding:
        release = target.channel or part.application.channel
        required = steps.require_osd_release(monitors, release.partition("/")[0])
        gates = (steps.versions_agree(part.name, target.version), whole)
        yield step(monitors, "require release", required, None, lane=part.name, gates=gates)


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
    if target.outstanding or target.origin is not None:
        yield from _packages_in_turn(draft, target)
    if part.option(MANAGED) is True and target.outstanding:
        yield set_option(part, MANAGED, value=False)
    yield from charm_steps(draft, target)
    yield from _by_origin(draft, target)


def _by_origin(
    draft: Draft, target: Target, first: Sequence[Step] = (), *between: Gate
) -> Iterator[Step]:
    """The option that upgrades every unit: their agents are held, and released in turn.

    `first` is done when all are held, before the option is set.
    """
    part, version = target.part, target.version if target.outstanding else ""
    leads = _leads(target, part.units[0]) if part.units else ()
    change = [dataclasses.replace(changed, undo=None) for changed in _origin(target)]
    if change:
        work = [*first, *change]
        yield from one_by_one(
            draft,
            part,
            work,
            "upgrade",
            version=version,
            sealed=False,
            first=leads,
            between=between,
        )
    elif target.outstanding:
        timeout = part.upgrade.timeout
        yield draft.settle(part.name, "upgraded", part.application.units, timeout, version)


def charm_only(draft: Draft, target: Target) -> Iterator[Step]:
    """The charm, and before it the machine's other packages where they are asked for."""
    yield from _packages_in_turn(draft, target)
    yield from charm_steps(draft, target)
