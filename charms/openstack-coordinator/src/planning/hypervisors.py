"""Hypervisors one after another: disabled, emptied, proven empty, worked on, proven, enabled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate, Step, Wave

from planning import put_off
from planning.draft import LONG, SHORT, Draft, in_one_lane, packages, step
from planning.ways import Target, tell_step, upgrade_step

if TYPE_CHECKING:
    from planning.survey import Host, Part

Work = Callable[["Host"], Sequence[Step]]
"""What is done to a host while it is empty."""


def zone_by_zone(draft: Draft, hosts: Iterable[Host], work: Work) -> Iterator[Wave]:
    """Zones in their order, and in each as many hosts at a time as the terms allow.

    What a plan before this one left out of service comes first: while it is out, no other may
    go. Then the first host of all goes alone, and the others wait for the soak.
    """
    found = list(hosts)
    out = [host for host in found if host.ours and not host.service.enabled]
    yield from in_one_lane(
        "left out of service", (one for host in out for one in _rounds(draft, host, work))
    )
    left = (host for host in found if host not in out)
    ordered = sorted(left, key=lambda host: host.service.zone)  # stable: the emptiest first
    first = True
    for zone, members in groupby(ordered, key=lambda host: host.service.zone):
        batch = list(members)
        if first and len(ordered) > 1:
            alone = batch.pop(0)
            yield Wave(f"first hypervisor, {zone}", tuple(_rounds(draft, alone, work)))
            yield from _soak(draft)
        first = False
        if batch:
            rounds = tuple(one for host in batch for one in _rounds(draft, host, work))
            yield Wave(f"hypervisors, {zone}", rounds, parallel=draft.terms.max_unavailable)


def _soak(draft: Draft) -> Iterator[Wave]:
    seconds = draft.terms.soak
    if seconds > 0:
        wait = steps.soak(seconds)
        found = step(
            "first hypervisor",
            "soak",
            wait,
            steps.nothing(),
            lane="soak",
            timeout=seconds + SHORT,
            attempts=1,
        )
        yield from in_one_lane("soak", [found])


def _rounds(draft: Draft, host: Host, work: Work) -> Iterator[Step]:
    yield from out_of_service(draft, host, "to be upgraded")
    yield from work(host)
    if host.ours:
        yield from into_service(host.name)


def out_of_service(draft: Draft, host: Host, why: str) -> Iterator[Step]:
    """Scheduling off, then every guest away. What is then seen of its guests is what counts."""
    name, zone = host.name, host.service.zone
    most = draft.terms.max_unavailable
    gates = draft.entry(
        steps.other_zones_up(zone),
        steps.down_in_zone(zone, most, name),
        steps.capacity([name]),
        *_metal(draft, host),
        *(steps.ceph_health(m, [steps.FLAGS_SET]) for m in draft.survey.monitors_beside([host])),
    )
    undo = steps.enable_host(name) if host.ours else steps.nothing()
    disable = steps.disable_host(name, why)
    yield step(name, "disable", disable, undo, lane=name, gates=gates)
    drain = steps.drain_host(
        name,
        parallel=draft.terms.migrations,
        cannot=draft.terms.cannot,
        words=_words(draft, host),
    )
    yield step(
        name,
        "drain",
        drain,
        steps.nothing(),
        lane=name,
        gates=draft.within(steps.capacity([name])),
        timeout=LONG,
    )


def _words(draft: Draft, host: Host) -> dict[str, steps.Word]:
    """Of the operator's words those for guests that are here; one that comes later has none."""
    nova = draft.survey.snapshot.nova
    here = nova.guests_by_host.get(host.name, ()) if nova else ()
    return {g.id: draft.terms.words[g.id] for g in here if g.id in draft.terms.words}


def _metal(draft: Draft, host: Host) -> tuple[Gate, ...]:
    """A machine that is about to fail by itself must not be the one that is missed."""
    machine = draft.survey.snapshot.cloud.machine(host.unit)
    nodes = draft.survey.snapshot.nodes
    if nodes is None or machine is None or machine.instance_id not in nodes:
        return ()
    return (steps.bmc([machine.instance_id]),)


def upgrade(targets: dict[str, Target], agents: Sequence[Part] = ()) -> Work:
    """Pause, upgrade and resume the unit, only while the host is proven empty.

    What the `agents` beside it have put off is done meanwhile.
    """

    def work(host: Host) -> list[Step]:
        target = targets[host.part.name]
        unit, lane = host.unit, host.name
        restarts = [one for part in agents for one in put_off.in_round(part, host)]
        if not target.behind(unit):
            return restarts
        empty = (steps.empty(host.name),)
        pause, resume = steps.pause_unit(unit.name), steps.resume_unit(unit.name)
        found = [step(unit.name, "pause", pause, resume, lane=lane, gates=empty)]
        if target.packages:
            found.append(dataclasses.replace(packages(unit.name, lane), gates=empty))
        one = upgrade_step(unit, target, lane)
        found += [dataclasses.replace(one, gates=empty), tell_step(unit, target, lane)]
        return [*found, *restarts, _resume(host)]

    return work


def _resume(host: Host) -> Step:
    unit, timeout = host.unit, host.part.upgrade.timeout
    do = steps.resume_unit(unit.name)
    return step(unit.name, "resume", do, steps.nothing(), lane=host.name, timeout=timeout)


def into_service(name: str) -> Iterator[Step]:
    """A canary guest proves the host; then it is scheduled again."""
    boot, remove = steps.boot_canary(name), steps.remove_canary(name)
    yield step(name, "boot canary", boot, remove, lane=name)
    yield step(name, "remove canary", remove, steps.nothing(), lane=name)
    back = steps.disable_host(name, "rolled back")
    yield step(name, "enable", steps.enable_host(name), back, lane=name)
