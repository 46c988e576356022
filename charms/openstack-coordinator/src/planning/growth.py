"""More hypervisors from the pool, and fewer, with their machines given back to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.rolling_plan import Step, Wave
from coherence import Finding

from planning import hypervisors, preflight
from planning.draft import LONG, Draft, Drafted, step
from planning.outcome import NOTHING, reason

if TYPE_CHECKING:
    from cloud import Unit
    from snapshot import Node

    from planning.request import ScaleIn, ScaleOut
    from planning.survey import Host, Part


@dataclasses.dataclass(frozen=True)
class _New:
    """A host to take in: Nova's name for it, and its zone."""

    host: str
    zone: str


def scale_out(draft: Draft, request: ScaleOut) -> Drafted:
    """Units on machines of the pool, or the units that are there and serve nobody yet."""
    part, reasons = _where_to(draft, request.application)
    if part is not None and draft.survey.snapshot.nova is None:
        reasons += preflight.nova(draft.survey)
    nodes: list[Node] = []
    if request.count:
        nodes, short = _nodes(draft, request.role, request.count)
        reasons += short
    taken = sorted(nodes, key=lambda node: node.hostname)
    zoned = _zoned(draft)
    found = [_New(node.hostname, node.zone if zoned else "") for node in taken]
    new = found or _waiting(draft, request.units)
    if not request.count and not new and not reasons:
        reasons.append(reason("hypervisors", "all are in service already", NOTHING))

    def waves() -> Iterator[Wave]:
        if nodes and part is not None:
            yield Wave("units", (_added(draft, part, nodes),))
        yield Wave("new hypervisors", tuple(_taken_in(new)), parallel=max(1, len(new)))

    title = f"{len(new)} hypervisors into service"
    return Drafted(title, tuple(reasons), waves)


def _where_to(draft: Draft, name: str) -> tuple[Part | None, list[Finding]]:
    parts = [part for part in draft.survey.parts.values() if part.hypervisor]
    chosen = [part for part in parts if not name or part.name == name]
    if len(chosen) == 1:
        return chosen[0], []
    names = ", ".join(part.name for part in parts) or "none"
    problem = f"{name} runs no hypervisors" if name else "several applications run hypervisors"
    remedy = f"application= one of {names}"
    return None, [reason("application", problem if parts else "none runs hypervisors", remedy)]


def _nodes(draft: Draft, role: str, count: int) -> tuple[list[Node], list[Finding]]:
    """Machines that are ready, from the zones with the fewest hypervisors."""
    nodes = draft.survey.snapshot.nodes
    if nodes is None:
        remedy = "juju integrate <the coordinator>:node-pool <the inventory>"
        return [], [reason("pool", "is not known: node-pool is not related", remedy)]
    ready = sorted(
        (node for node in nodes.values() if node.role == role and node.state == "ready"),
        key=lambda node: (node.zone, node.hostname, node.system_id),
    )
    if len(ready) < count:
        others = sum(node.role == role and node.state == "preparing" for node in nodes.values())
        problem = f"{len(ready)} machines are ready for {role}, {count} are asked for"
        remedy = (
            f"{others} are being prepared; the inventory's show-nodes tells why others are not"
        )
        return [], [reason("pool", problem, remedy)]
    filled: dict[str, int] = {node.zone: 0 for node in ready}
    for host in draft.survey.hosts:
        filled[host.service.zone] = filled.get(host.service.zone, 0) + 1
    chosen: list[Node] = []
    for _ in range(count):
        best = min(ready, key=lambda node: (filled[node.zone], node.zone, node.hostname))
        ready.remove(best)
        filled[best.zone] += 1
        chosen.append(best)
    return chosen, []


def _zoned(draft: Draft) -> bool:
    nova = draft.survey.snapshot.nova
    return nova is not None and nova.zoned


def _waiting(draft: Draft, units: tuple[str, ...]) -> list[_New]:
    """Units whose hypervisor Nova does not know or use yet, or has in the wrong zone.

    Of all that there are; or just `units`, also where Nova uses them already: unproven, for a
    cloud without zones enables what is new by itself.
    """
    snapshot = draft.survey.snapshot
    nova = snapshot.nova
    mapped = {hypervisor.host for hypervisor in nova.hypervisors} if nova else set()
    found = _unknown(draft, units)
    for host in draft.survey.hosts:
        if units and host.unit.name not in units:
            continue
        zone = _zone(draft, host.unit)
        misplaced = bool(zone) and host.service.zone != zone and not host.guests
        idle = host.ours and not host.service.enabled
        unproven = bool(units) and host.service.enabled
        if host.name not in mapped or misplaced or idle or unproven:
            found.append(_New(host.name, zone if misplaced else host.service.zone))
    return sorted(found, key=lambda new: new.host)


def _unknown(draft: Draft, wanted: tuple[str, ...]) -> list[_New]:
    """Units that Nova has not heard of: they install still, or have just been added."""
    snapshot = draft.survey.snapshot
    if snapshot.nova is None:
        return []
    units = (
        unit for part in draft.survey.parts.values() if part.hypervisor for unit in part.units
    )
    return [
        _New(machine.hostname, _zone(draft, unit))
        for unit in units
        if (not wanted or unit.name in wanted)
        and (machine := snapshot.cloud.machine(unit)) is not None
        and machine.hostname
        and not snapshot.host(unit)
    ]


def _zone(draft: Draft, unit: Unit) -> str:
    """The zone that a unit's hypervisor belongs into: its machine's, where the cloud has zones."""
    machine = draft.survey.snapshot.cloud.machine(unit)
    return machine.zone if machine is not None and _zoned(draft) else ""


def _added(draft: Draft, part: Part, nodes: list[Node]) -> Step:
    ids = [node.system_id for node in nodes]
    return step(
        part.name,
        "add units",
        steps.add_units(part.name, ids),
        None,
        lane=part.name,
        gates=draft.entry(steps.pool(ids), steps.bmc(ids)),
        timeout=LONG,
    )


def _taken_in(new: list[_New]) -> Iterator[Step]:
    """Kept from the scheduler until a guest has run on it."""
    for one in new:
        host, lane = one.host, one.host
        disable = steps.disable_host(host, "new, not proven yet")
        yield step(host, "disable", disable, steps.enable_host(host), lane=lane, timeout=LONG)
        map_ = steps.map_hosts([host])
        yield step(host, "map", map_, steps.nothing(), lane=lane, timeout=LONG)
        if one.zone:
            zone = steps.set_zone(host, one.zone)
            yield step(host, "set zone", zone, steps.nothing(), lane=lane)
        yield from hypervisors.into_service(host)


def scale_in(draft: Draft, request: ScaleIn) -> Drafted:
    """One host after another: emptied, forgotten by Nova and Neutron, its unit removed."""
    by_unit = {host.unit.name: host for host in draft.survey.hosts}
    chosen = [by_unit[name] for name in sorted(set(request.units)) if name in by_unit]
    reasons = [
        reason(name, "is no hypervisor that Nova knows", "juju status; openstack hypervisor list")
        for name in sorted(set(request.units) - by_unit.keys())
    ]
    names = [host.name for host in chosen]
    reasons += preflight.nova(draft.survey)
    reasons += preflight.guests(draft.survey, names, draft.terms)
    nova = draft.survey.snapshot.nova
    if nova is not None and not reasons:
        remedy = "remove fewer, or add room first"
        reasons += preflight.room(nova, names, remedy)

    def waves() -> Iterator[Wave]:
        for host in chosen:
            yield Wave(host.unit.name, tuple(_given_back(draft, host)))

    def notes() -> Iterator[str]:
        for host in chosen:
            beside = _beside(draft, host)
            if beside:
                yield f"machine {host.unit.machine}: stays, for {', '.join(beside)} on it"

    return Drafted(f"remove {', '.join(names)}", tuple(reasons), waves, notes)


def _given_back(draft: Draft, host: Host) -> Iterator[Step]:
    name, unit = host.name, host.unit.name
    for one in hypervisors.out_of_service(draft, host, "to be removed"):
        yield dataclasses.replace(one, lane=name)
    empty = (steps.empty(name),)
    pause, resume = steps.pause_unit(unit), steps.resume_unit(unit)
    yield step(unit, "pause", pause, resume, lane=name, gates=empty)
    forget = steps.remove_compute_service(name)
    yield step(name, "remove service", forget, None, lane=name, gates=empty)
    # Of a network agent that runs Neutron learns again what it has forgotten.
    for agent in _pausable(draft, host):
        stop, start = steps.pause_unit(agent), steps.resume_unit(agent)
        yield step(agent, "pause", stop, start, lane=name, gates=empty)
    yield step(unit, "remove", steps.remove_unit(unit), None, lane=name, timeout=LONG)
    agent = steps.remove_network_agent(name)
    yield step(name, "remove network agent", agent, None, lane=name)
    if not _beside(draft, host) and host.unit.machine:
        machine = host.unit.machine
        gone = steps.remove_machine(machine)
        yield step(f"machine {machine}", "remove", gone, None, lane=name, timeout=LONG)


def _pausable(draft: Draft, host: Host) -> list[str]:
    """The subordinates of its unit that can be paused."""
    actions = draft.survey.snapshot.actions
    return [
        unit.name
        for part in draft.survey.parts.values()
        for unit in part.application.units
        if unit.principal == host.unit.name and "pause" in actions.get(part.name, ())
    ]


def _beside(draft: Draft, host: Host) -> list[str]:
    """Other principals on its machine or in containers of it."""
    machine = host.unit.machine
    applications = draft.survey.snapshot.cloud.applications.values()
    return sorted(
        unit.name
        for application in applications
        for unit in application.units
        if not unit.principal
        and unit.name != host.unit.name
        and (unit.machine == machine or unit.machine.startswith(f"{machine}/"))
    )
