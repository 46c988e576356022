"""What actions change and answer. Pure, but for what they write into the world's flags."""

from __future__ import annotations

from . import assess, releases
from .handshake import fill
from .world import PAUSED, World


def run(description: dict, world: World, name: str) -> dict[str, str]:
    """Carry out an action; returns its results."""
    if name in (PAUSED.removesuffix("d"), "resume"):
        world.flags[PAUSED] = name != "resume"
        return {}
    if name == "openstack-upgrade":
        return {"outcome": _upgrade(description, world)}
    if name == description["workload"].get("upgrade"):
        world.release = releases.target(description, world)
        return {}
    action = description["actions"][name]
    world.flags.update(action.get("sets", {}))
    results = dict(action.get("results", {}))
    for flag, instead in action.get("results-when", {}).items():
        if world.flags.get(flag):
            results.update(instead)
    values = assess.values(description, world)
    return {key: fill(str(text), values) or "" for key, text in results.items()}


def _upgrade(description: dict, world: World) -> str:
    if not releases.newer(description, world):
        return "no upgrade available."
    if not releases.managed(description, world):
        return "action-managed-upgrade config is False, skipped upgrade."
    world.release = releases.target(description, world)
    return "success, upgrade completed."
