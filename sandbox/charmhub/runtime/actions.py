"""What actions change and answer."""

from __future__ import annotations

from . import assess, ceph, plain_json, releases, sealing, upgrade, virtual_addresses
from .handshake import fill
from .world import DEFERRED, PAUSED, World


def run(description: dict, world: World, name: str) -> dict[str, str]:
    """Carry out an action; returns its results."""
    if name in (PAUSED.removesuffix("d"), "resume"):
        if name == "resume" and world.flags.get(PAUSED):
            sealing.seal(description, world)
        world.flags[PAUSED] = name != "resume"
        return {}
    if name == "openstack-upgrade":
        return {"outcome": _upgrade(description, world)}
    if name == description["workload"].get("upgrade"):
        upgrade.move(description, world, releases.target(description, world))
        return {}
    if name == "status" and description["cluster"].get("virtual-addresses"):
        return {"result": plain_json.dumps(virtual_addresses.status(world))}
    if name == "show-deferred-events":
        waits = f"\n- {description['name']} Package update" if world.flags.get(DEFERRED) else " []"
        return {"output": f"hooks: []\nrestarts:{waits}"}
    folder = ceph.place(description, world)
    told = ceph.act(folder, name) if folder else None
    if told is not None:
        return told
    action = description["actions"][name]
    world.flags.update(action.get("sets", {}))
    results = dict(action.get("results", {}))
    values = assess.values(description, world)
    return {key: fill(str(text), values) or "" for key, text in results.items()}


def _upgrade(description: dict, world: World) -> str:
    if not releases.newer(description, world):
        return "no upgrade available."
    if not releases.managed(description, world):
        return "action-managed-upgrade config is False, skipped upgrade."
    upgrade.move(description, world, releases.target(description, world))
    return "success, upgrade completed."
