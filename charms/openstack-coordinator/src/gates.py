"""Why a gate of a plan is closed, by a snapshot: pure.

A gate whose condition cannot be told from the snapshot is closed, with what is missing for a
reason: silence is no consent.
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import capacity
import cronsim
import observing_units
import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate
from cloud import Application, Unit
from computes import Service
from snapshot import Snapshot, is_of, serving, settled

Arguments = Mapping[str, Any]

PROBE_AGE = 120.0
"""Seconds after which the newest answer of an API is too old to go by."""

_NAMED = 3
"""How many culprits a reason names: it has one line."""

_NO_NOVA = "Nova could not be read"
_NO_POOL = "node-pool is not related, or could not be read"


def judge(gates: Iterable[Gate], snapshot: Snapshot) -> dict[str, str]:
    """Gate key -> why it is closed, empty when it is open: what `rolling.Seen` takes."""
    return {gate.key: closed(gate, snapshot) for gate in gates}


def closed(gate: Gate, snapshot: Snapshot) -> str:
    """Why a gate is closed; empty when it is open."""
    return _GATES[gate.kind](snapshot, gate.arguments)


# -- the model ------------------------------------------------------------------------------


def _quorum(snapshot: Snapshot, asked: Arguments) -> str:
    application = snapshot.cloud.applications.get(asked["application"])
    units = application.units if application else ()
    left = [u for u in units if u.name not in asked["without"] and serving(u)]
    if len(left) >= asked["least"]:
        return ""
    others = ", ".join(sorted(asked["without"]))
    return (
        f"without {others} only {len(left)} of {len(units)} units of {asked['application']} "
        f"would serve, and {asked['least']} are needed"
    )


def _healthy(snapshot: Snapshot, asked: Arguments) -> str:
    wanted, besides = asked["applications"], set(asked["besides"])
    applications = snapshot.cloud.applications
    gone = [name for name in wanted if name not in applications]
    if gone:
        return f"{', '.join(gone)} is gone"
    chosen: Iterable[Application] = (
        [applications[name] for name in wanted] if wanted else applications.values()
    )
    unwell = [
        f"{unit.name} is {_state(unit)}"
        for application in chosen
        for unit in application.units
        if not (settled(unit) and not unit.refreshing)
        and unit.name not in besides
        and unit.principal not in besides
    ]
    return _several(unwell)


def _held(snapshot: Snapshot, asked: Arguments) -> str:
    free = [name for name in asked["units"] if not observing_units.is_held(snapshot, name)]
    if not free:
        return ""
    return f"the agents of {', '.join(free)} are not held (any more); they are asked for again"


def _leads(snapshot: Snapshot, asked: Arguments) -> str:
    application = snapshot.cloud.applications.get(asked["unit"].partition("/")[0])
    leader = next((u.name for u in application.units if u.leader), "") if application else ""
    if leader == asked["unit"]:
        return ""
    who = f"{leader} leads now" if leader else "nobody leads now"
    return f"{who}, and {asked['unit']} would be upgraded before it: abort, and plan again"


def _versions_agree(snapshot: Snapshot, asked: Arguments) -> str:
    application = snapshot.cloud.applications.get(asked["application"])
    if application is None:
        return f"{asked['application']} is gone"
    other = [
        f"{unit.name} has {unit.version or 'no version'}, not {asked['version']}"
        for unit in application.units
        if not is_of(unit.version, asked["version"])
    ]
    return _several(other)


def _vip_away(snapshot: Snapshot, asked: Arguments) -> str:
    unit, agents = snapshot.unit(asked["unit"]), asked["agents"]
    machine = snapshot.cloud.machine(unit) if unit else None
    if machine is None:
        return ""
    told = next((v for v in snapshot.virtual if v.application == agents), None)
    if told is None:
        return f"{agents} has not told yet where the virtual addresses are"
    there = sorted(name for name, node in told.addresses.items() if node == machine.hostname)
    nowhere = sorted(name for name, node in told.addresses.items() if not node)
    if there:
        return f"{', '.join(there)} is still on {asked['unit']} ({machine.hostname})"
    if machine.hostname not in told.away:
        return f"{agents} may still move an address to {asked['unit']}: it is not in standby"
    return f"{agents} has {', '.join(nowhere)} on no node" if nowhere else ""


def _state(unit: Unit) -> str:
    said = f"{unit.workload}, {unit.agent}" if unit.agent != "idle" else unit.workload
    return f"{said}: {unit.message}" if unit.message else said


# -- probe, Ceph ----------------------------------------------------------------------------


def _api_probe(snapshot: Snapshot, asked: Arguments) -> str:
    if snapshot.probe is None:
        return "no probe of the APIs is at work"
    budget = asked["failures"]
    for probed in snapshot.probe:
        if not probed.answered:
            return f"{probed.service} does not answer: {probed.reason}"
        if snapshot.at - probed.at > PROBE_AGE:
            return f"{probed.service} was probed {snapshot.at - probed.at:.0f} s ago"
    failures = sum(probed.failures for probed in snapshot.probe)
    if 0 <= budget < failures:
        spent = [f"{p.service} {p.failures} of {p.requests}" for p in snapshot.probe if p.failures]
        return f"{failures} requests failed: {', '.join(spent)}; resume goes on in spite of that"
    return ""


def _ceph_health(snapshot: Snapshot, asked: Arguments) -> str:
    name = asked["application"]
    ceph = next((c for c in snapshot.ceph or () if c.application == name), None)
    if ceph is None:
        return f"the health of {name} could not be read"
    wrong = sorted(set(ceph.checks) - set(asked["allow"]))
    if ceph.health != "HEALTH_OK" and (wrong or not ceph.checks):
        return f"{name}: {ceph.health}{': ' + ', '.join(wrong) if wrong else ''}"
    missing = [f"osd.{o.id} on {o.host}" for o in ceph.osds if not (o.up and o.inside)]
    return f"not up and in: {_several(missing)}" if missing else ""


# -- hypervisors ----------------------------------------------------------------------------


def _capacity(snapshot: Snapshot, asked: Arguments) -> str:
    nova = snapshot.nova
    if nova is None:
        return _NO_NOVA
    return _several(list(capacity.unplaced(nova, asked["hosts"])))


def _empty(snapshot: Snapshot, asked: Arguments) -> str:
    nova, host = snapshot.nova, asked["host"]
    if nova is None:
        return _NO_NOVA
    service = nova.computes.get(host)
    if service is None:
        return f"Nova knows no compute on {host}"
    if service.enabled:
        return f"{host} is enabled: guests may be scheduled on it"
    guests = nova.guests_by_host.get(host, ())
    moving = [m for m in nova.migrations if host in (m.source, m.target)]
    if guests or moving:
        return f"{host} has {len(guests)} guests and {len(moving)} migrations"
    return ""


def _other_zones_up(snapshot: Snapshot, asked: Arguments) -> str:
    if snapshot.nova is None:
        return _NO_NOVA
    computes = snapshot.nova.computes.values()
    out = [s for s in computes if s.zone != asked["zone"] and _out(s)]
    return _several([f"{s.host} of zone {s.zone} is {_how(s)}" for s in out])


def _down_in_zone(snapshot: Snapshot, asked: Arguments) -> str:
    if snapshot.nova is None:
        return _NO_NOVA
    zone, besides = asked["zone"], asked["besides"]
    computes = snapshot.nova.computes.values()
    out = [s for s in computes if s.zone == zone and s.host != besides and _out(s)]
    if len(out) < asked["most"]:
        return ""
    culprits = _several([f"{s.host} is {_how(s)}" for s in out])
    return f"{len(out)} of at most {asked['most']} hosts of zone {zone} are out: {culprits}"


def _out(service: Service) -> bool:
    return not service.up or (not service.enabled and _by_a_plan(service))


def _by_a_plan(service: Service) -> bool:
    return service.disabled_reason.startswith(steps.MARK.rstrip())


def _how(service: Service) -> str:
    return "down" if not service.up else f"disabled ({service.disabled_reason})"


# -- metal ----------------------------------------------------------------------------------


def _pool(snapshot: Snapshot, asked: Arguments) -> str:
    if snapshot.nodes is None:
        return _NO_POOL
    wrong: list[str] = []
    for system_id in asked["nodes"]:
        node = snapshot.nodes.get(system_id)
        if node is None:
            wrong.append(f"{system_id} is not in the pool")
        elif node.state not in ("ready", "claimed"):
            why = f": {'; '.join(node.reasons)}" if node.reasons else ""
            wrong.append(f"{node.hostname or system_id} is {node.state}{why}")
    return _several(wrong)


def _bmc(snapshot: Snapshot, asked: Arguments) -> str:
    if snapshot.nodes is None:
        return _NO_POOL
    known = [snapshot.nodes[one] for one in asked["nodes"] if one in snapshot.nodes]
    wrong = [
        f"{node.hostname or node.system_id}: {'; '.join(node.reasons) or 'unfit'}"
        for node in known
        if node.state == "unfit" or node.reasons
    ]
    return _several(wrong)


# -- time -----------------------------------------------------------------------------------


def _window(snapshot: Snapshot, asked: Arguments) -> str:
    zone = zoneinfo.ZoneInfo(asked["timezone"])
    # Of the windows that are not over yet, the first: by the clock, which daylight saving bends.
    over = datetime.datetime.fromtimestamp(snapshot.at - asked["hours"] * steps.HOUR, zone)
    begins = next(cronsim.CronSim(asked["cron"], over))
    if begins.timestamp() <= snapshot.at:
        return ""
    return (
        f"the next window begins at {begins.isoformat(timespec='minutes')} ({asked['timezone']})"
    )


def _several(reasons: list[str]) -> str:
    shown = "; ".join(reasons[:_NAMED])
    return f"{shown} (and {len(reasons) - _NAMED} more)" if len(reasons) > _NAMED else shown


_GATES: Mapping[str, Callable[[Snapshot, Arguments], str]] = {
    "quorum": _quorum,
    "healthy": _healthy,
    "held": _held,
    "leads": _leads,
    "versions-agree": _versions_agree,
    "vip-away": _vip_away,
    "api-probe": _api_probe,
    "ceph-health": _ceph_health,
    "capacity": _capacity,
    "empty": _empty,
    "other-zones-up": _other_zones_up,
    "down-in-zone": _down_in_zone,
    "pool": _pool,
    "bmc": _bmc,
    "window": _window,
}
