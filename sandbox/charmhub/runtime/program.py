"""One hook or action of a stand-in: gather the world, let it decide, apply what it decided."""

# ruff: noqa: PTH123 - pathlib costs a hook more than any tool
from __future__ import annotations

import os
import time

from . import (
    actions,
    assess,
    ceph,
    deferral,
    handshake,
    health,
    hook_tools,
    openstack,
    plain_json,
    releases,
    sealing,
    upgrade,
    virtual_addresses,
)
from . import world as worlds
from .world import Refused, Relation, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Importing `typing` costs a hook more than any tool.
    from typing import Any

# After these the address and the configuration may be others.
_READS_CONFIG = ("install", "config-changed", "start", "upgrade-charm")
# After these Juju's idea of the status is not what this charm set last.
_SHOWS_STATUS = ("install", "start", "upgrade-charm", "update-status")
_GOING = ("stop", "remove")
# For these charmhelpers sets the status at most (pause_unit, resume_unit): the version is set by
# assess_status, with which a hook ends.
_LEAVES_VERSION = ("pause", "resume", actions.UPGRADE)


def main() -> None:
    """Run what JUJU_DISPATCH_PATH names: hooks/amqp-relation-changed, actions/pause."""
    environment = os.environ
    kind, _, event = environment["JUJU_DISPATCH_PATH"].rpartition("/")
    with open(f"{environment['JUJU_CHARM_DIR']}/src/description.json", encoding="utf-8") as file:
        description: Any = plain_json.loads(file.read())
    state, world = gathered(description, event)
    tells_version = True
    if kind == "actions":
        _act(description, world, event)
        tells_version = _tells_version(description, event)
    else:
        _observe(description, world, event)
    _settle(description, world, event, tells_version=tells_version)
    keep(world, state)


def _tells_version(description: dict, action: str) -> bool:
    """Whether the action sets the version of the workload."""
    if description["status"].get("wording") == "reactive":
        # With the status, in _assess_status of charms.openstack and of vault.
        return True
    if action == actions.UPGRADE and description["workload"].get("ends-as-hook"):
        # actions/openstack_upgrade.py of keystone becomes its hook config-changed.
        return True
    return action not in _LEAVES_VERSION


def _settle(description: dict, world: World, event: str, *, tells_version: bool) -> None:
    """Let everything be as the unit's world asks for: its server, what others are told, status."""
    going = event in _GOING
    down = run_services(description, world, going=going)
    if going:
        sealing.forget(world)
        return
    _publish(description, world)
    if tells_version:
        _show_version(description, world)
    _show(world, assess.status(description, world, down=down), anew=event in _SHOWS_STATUS)


def run_services(description: dict, world: World, *, going: bool = False) -> list[str]:
    """Let the unit's services run or not, as its world asks for.

    Returns:
        Those that should run and do not.
    """
    if description["cluster"] and handshake.formed(description, world):
        # Most clusters survive the loss of members.
        world.flags[handshake.FORMED] = True
    world.sealed = sealing.sealed(description, world)
    serves = _serve(description, world, going=going)
    if (description["cluster"] or {}).get("virtual-addresses"):
        virtual_addresses.keep(description, world, going=going)
    if world.cloud:
        openstack.ask(description, world, going=going)
    ceph.tell(description, world, going=going)
    beside = virtual_addresses.stopped_beside(description, world)
    return beside if serves else [description["name"], *beside]


def gathered(description: dict, event: str = "") -> tuple[dict[str, str], World]:
    """The unit's state as Juju keeps it, and the world that it and the environment make."""
    environment = os.environ
    world = World(
        environment["JUJU_UNIT_NAME"],
        model=environment["JUJU_MODEL_UUID"],
        machine=environment.get("JUJU_MACHINE_ID", ""),
        zone=environment.get("JUJU_AVAILABILITY_ZONE", ""),
        host=environment.get("HOSTNAME", ""),
    )
    home, sandboxed, _ = environment["JUJU_CHARM_DIR"].partition("/juju/agents/")
    if sandboxed:
        world.shared = f"{home}/shared/{world.model}"
        if description["openstack"]:
            world.cloud = openstack.find(home)
    state = hook_tools.ask("state-get") or {}
    worlds.load(world, state)
    if event in _READS_CONFIG:
        options = hook_tools.ask("config-get")
        before = world.config
        world.config = {name: options.get(name) for name in description["reads"]}
        world.turned = deferral.turned(before, world.config)
        world.address = hook_tools.ask("network-get", description["binding"], "--ingress-address")
    if description["needs-leader"]:
        world.leader = bool(hook_tools.ask("is-leader"))
    return state, world


def _act(description: dict, world: World, name: str) -> None:
    if world.cloud and name == "rotate-admin-password":
        _rotate_admin_password(world)
        return
    try:
        results = _carried_out(description, world, name)
    except Refused as error:
        hook_tools.call("action-fail", str(error))
        return
    if results:
        hook_tools.call("action-set", *(f"{key}={value}" for key, value in results.items()))


def _carried_out(description: dict, world: World, name: str) -> dict[str, str]:
    if restarts := description["actions"][name].get("restarts"):
        asked = hook_tools.ask("action-get") or {}
        if services := deferral.services(description, world, restarts, asked):
            upgrade.restart(description, world, services)
    found = {}
    if world.cloud and name in description["openstack"].get("actions", ()):
        # It brings an HTTP client, which no hook needs.
        from . import nova

        found = nova.run(world, name)
    return {**actions.run(description, world, name), **found}


def _rotate_admin_password(world: World) -> None:
    if not world.leader:
        hook_tools.call("action-fail", "This unit is not the leader and cannot rotate it")
    elif not openstack.rotate_admin_password(world):
        hook_tools.call("action-fail", "Keystone has not taken the new password")
    else:
        # The real charm puts the password itself there: what counts is that the others hear of it.
        hook_tools.call("leader-set", f"admin-password-rotated={time.time()}")


def _observe(description: dict, world: World, event: str) -> None:
    if "JUJU_RELATION_ID" in os.environ:
        _observe_relation(description, world, event.rpartition("-relation-")[2])
    elif event.endswith("-storage-attached"):
        world.devices[os.environ["JUJU_STORAGE_ID"]] = event.removesuffix("-storage-attached")
    elif event.endswith("-storage-detaching"):
        world.devices.pop(os.environ["JUJU_STORAGE_ID"], None)
    elif event == "upgrade-charm":
        upgrade.refreshed(description, world)
    elif event in ("install", "config-changed") and releases.moves_by_itself(description, world):
        _move(description, world)
    if event in _READS_CONFIG:
        upgrade.follow_channel(description, world)
    deferral.observe(description, world, event)


def _move(description: dict, world: World) -> None:
    """Move to the release of the origin; where units take turns, the status says so meanwhile."""
    release = releases.target(description, world)
    rolls = upgrade.takes_turn(description, world, release)
    if rolls:
        _tell(world, "maintenance", f"Upgrading {upgrade.rolls(description)}")
    upgrade.move(description, world, release)
    if rolls and description["workload"]["ceph"] == "mon":
        _tell(world, "maintenance", "Finishing upgrade")
        upgrade.await_monitors(description, world)


def _tell(world: World, *status: str) -> None:
    """Show a status in the middle of a hook."""
    hook_tools.call("status-set", *status)
    world.shown.pop("status", None)


def _observe_relation(description: dict, world: World, what: str) -> None:
    environment = os.environ
    key = environment["JUJU_RELATION_ID"]
    if what == "broken":
        world.relations.pop(key, None)
        return
    relation = world.relations.setdefault(
        key, Relation(environment["JUJU_RELATION"], environment.get("JUJU_REMOTE_APP", ""))
    )
    unit = environment.get("JUJU_REMOTE_UNIT")
    if not unit:
        return
    if what == "departed":
        relation.units.pop(unit, None)
        return
    data = hook_tools.ask("relation-get", "-r", key, "-", unit) or {}
    keys = description["keeps"].get(relation.endpoint, ())
    wanted = {name.format(slug=world.slug) for name in keys}
    relation.units[unit] = {name: value for name, value in data.items() if name in wanted}


def _serve(description: dict, world: World, *, going: bool) -> bool:
    """Let the health endpoint run or not, as it should; false when it should and does not."""
    port = handshake.port(description, world)
    if port is None or not world.address:
        return True
    before = world.shown.get("port")
    if before not in (None, port):
        health.stop(world.address, before, world.unit)
        hook_tools.call("close-port", f"{before}/tcp")
    if not going and before != port:
        hook_tools.call("open-port", f"{port}/tcp")
        world.shown["port"] = port
    if going or world.flags.get(worlds.PAUSED) or not handshake.able(description, world):
        health.stop(world.address, port, world.unit)
        return True
    if health.running(world.address, port, world.unit) is not None:
        return True
    api = openstack.upstream(description, world)
    at = (world.address, port)
    return health.start(at, world.unit, description["name"], world.shared, api)


def _publish(description: dict, world: World) -> None:
    for key, relation in world.relations.items():
        bag = handshake.databag(description, world, relation)
        if bag == relation.said:
            continue
        changes = {name: "" for name in relation.said if name not in bag}
        changes.update(
            (name, value) for name, value in bag.items() if relation.said.get(name) != value
        )
        hook_tools.call("relation-set", "-r", key, "--file", "-", given=plain_json.dumps(changes))
        relation.said = bag


def _show_version(description: dict, world: World) -> None:
    version = releases.version(description, world) if world.release else ""
    if version and world.shown.get("version") != version:
        hook_tools.call("application-version-set", version)
        world.shown["version"] = version


def _show(world: World, status: assess.Status, *, anew: bool) -> None:
    if anew or world.shown.get("status") != list(status):
        hook_tools.call("status-set", *status)
        world.shown["status"] = list(status)


def keep(world: World, state: dict[str, str]) -> None:
    """Let Juju keep what changed of the unit's state."""
    entries = worlds.dump(world)
    changed = {key: text for key, text in entries.items() if state.get(key) != text}
    if changed:
        hook_tools.call("state-set", "--file", "-", given=plain_json.dumps(changed))
    for key in state:
        if key not in entries:
            hook_tools.call("state-delete", key)
