"""What actions change and answer."""

from __future__ import annotations

from . import (
    assess,
    ceph,
    deferral,
    plain_json,
    releases,
    sealing,
    upgrade,
    virtual_addresses,
)
from .handshake import fill
from .world import PAUSED, World

UPGRADE = "openstack-upgrade"


def run(description: dict, world: World, name: str) -> dict[str, str]:
    """Carry out an action; returns its results."""
    if name == "pause":
        world.flags[PAUSED] = True
        return {}
    if name == "resume":
        _resume(description, world)
        return {}
    if name == UPGRADE:
        return {"outcome": _upgrade(description, world)}
    if name == description["workload"].get("upgrade"):
        upgrade.move(description, world, releases.target(description, world))
        return {}
    if name == "status" and description["cluster"].get("virtual-addresses"):
        return {"result": plain_json.dumps(virtual_addresses.status(world))}
    if name == "show-deferred-events":
        return {"output": deferral.events(world)}
    folder = ceph.place(description, world)
    told = ceph.act(folder, name) if folder else None
    if told is not None:
        return told
    action = description["actions"][name]
    world.flags.update(action.get("sets", {}))
    results = dict(action.get("results", {}))
    values = assess.values(description, world)
    return {key: fill(str(text), values) or "" for key, text in results.items()}


def _resume(description: dict, world: World) -> None:
    if world.flags.get(PAUSED):
        sealing.seal(description, world)
    world.flags[PAUSED] = False
    # check_restart_timestamps of charmhelpers: what was started since needs no restart.
    deferral.restarted(world)
    virtual_addresses.resumed_beside(world)


def _upgrade(description: dict, world: World) -> str:
    """What do_action_openstack_upgrade of charmhelpers says; in none of these has it failed."""
    if not releases.newer(description, world):
        return "no upgrade available"
    if not releases.managed(description, world):
        return "action-managed-upgrade config is False, skipped upgrade"
    upgrade.move(description, world, releases.target(description, world))
    if description["workload"].get("resumes"):
        # actions/openstack_upgrade.py of cinder: a unit that was paused is so no more.
        world.flags[PAUSED] = False
    return "success, upgrade completed"
