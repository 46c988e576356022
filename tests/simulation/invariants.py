"""What a plan must never do, by what is true and not by what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import knowledge

if TYPE_CHECKING:
    from simulation.agents import SimUnit
    from simulation.world import World

KNOWN = knowledge.load()


class Wrong(AssertionError):
    """The plan did what it must never do."""


def one_at_a_time(world: World, unit: SimUnit) -> None:
    """No two units of an application are down by the plan, but for agents of single hosts."""
    application = world.applications[unit.application]
    if KNOWN.roles[KNOWN.charms[application.charm].role].hypervisor:
        return
    down = [u.name for u in application.units.values() if u.ours]
    most = world.most_down if application.charm == "ovn-chassis" else 1
    if len(down) > most and len(application.units) > 1:
        raise Wrong(f"{' and '.join(down)} are down together, by the plan")


def may_be_asked(world: World, kind: str, asked: Mapping[str, Any]) -> None:
    """What takes a unit down leaves enough others, and who is upgraded first leads."""
    name = asked.get("unit", "")
    takes_down = kind in ("pause-unit", "release-agent") or (
        kind == "run-action" and asked.get("action") == "restart-services"
    )
    unit = world.unit(name)
    if kind == "upgrade-unit" and unit is not None:
        _leads(world, unit)
    if not takes_down or unit is None:
        return
    application = world.applications[unit.application]
    if application.charm == "ovn-chassis":
        return  # each serves its own host only
    if KNOWN.roles[KNOWN.charms[application.charm].role].hypervisor:
        host = world.machines[unit.machine].hostname
        if not world.hosts.empty(host) or world.hosts.hosts[host].enabled:
            raise Wrong(f"{kind} of {name} while {host} is in service or has guests")
        return
    if kind == "release-agent" and unit.charm == (application.channel, application.revision):
        return  # nothing waits for it that stops its service: it goes back
    others = [u for u in application.units.values() if u is not unit]
    votes = KNOWN.upgrades[application.charm].quorum == "majority"
    size = len(application.units)
    least = size // 2 + 1 if votes and size > 2 else 1
    if others and sum(u.serves for u in others) < min(least, len(others)):
        raise Wrong(f"{kind} of {name} leaves fewer than {least} others in service")


def _leads(world: World, unit: SimUnit) -> None:
    """Who leads migrates the database for all: it is upgraded before the others."""
    application = world.applications[unit.application]
    version = world.version_of(application)
    others = [u for u in application.units.values() if u is not unit]
    if KNOWN.roles[KNOWN.charms[application.charm].role].hypervisor:
        return
    if others and not unit.leader and not any(u.runs == version for u in others):
        raise Wrong(f"{unit.name} is upgraded first, and does not lead")
