"""What cluster agents tell of virtual addresses: always the truth, and at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import knowledge
import snapshot

if TYPE_CHECKING:
    from simulation.world import World

_KNOWN = knowledge.load()
_AGENTS = frozenset(n for n, charm in _KNOWN.charms.items() if _KNOWN.roles[charm.role].agent)
"""The charms of cluster agents."""


def told(world: World) -> Iterator[snapshot.Virtual]:
    """Each cluster's address, on the first node that may keep it."""
    for application in world.applications.values():
        if application.charm not in _AGENTS:
            continue
        nodes = {
            world.machines[principal.machine].hostname: unit.paused
            for unit in application.units.values()
            if (principal := world.unit(unit.principal)) is not None
        }
        away = frozenset(name for name, paused in nodes.items() if paused)
        place = next((name for name in sorted(nodes) if name not in away), "")
        yield snapshot.Virtual(application.name, away, {"res_vip": place})
