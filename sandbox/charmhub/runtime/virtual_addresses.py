"""What hacluster decides: which units may keep a virtual address. Servers contend by it.

`<shared>/virtual/<unit>` holds the addresses that an API's unit may keep, `held/<address>`
beside it names the unit that keeps one: see server.py.
"""

# ruff: noqa: PTH103, PTH105, PTH108, PTH123, PTH208 - pathlib costs a hook more than any tool
from __future__ import annotations

import os
import time

from . import handshake
from .world import PAUSED, World

_STARTED = "clones-started"
"""The unit itself has started what Pacemaker had stopped beside it."""
_AWAY_WITHIN = 5.0
"""Seconds for an address to move away from a unit that may no longer keep it."""


def asked(world: World) -> dict[str, list[str]]:
    """By principal unit, which for hacluster is one: the addresses that it asks to be kept."""
    found = {}
    for relation in world.at("ha"):
        for unit, data in relation.units.items():
            told = data.get("json_resource_params") or ""
            # {"res_keystone_vip": "params ip=\"10.0.0.1\""}
            addresses = told.partition('ip=\\"')[2].partition('\\"')[0]
            if addresses:
                found[unit] = addresses.split()
    return found


def keep(description: dict, world: World, *, going: bool) -> None:
    """Let the principal's unit have its addresses or not; returns when they have moved away."""
    place = f"{world.shared}/virtual"
    may = not going and not world.flags.get(PAUSED) and handshake.stands(description, world)
    wanted = asked(world) if may else {}
    given = world.shown.setdefault("virtual", {})
    for unit in asked(world):
        slug = unit.replace("/", "-")
        if going:
            _remove(f"{place}/nodes/{slug}")
        else:
            word = "standby" if world.flags.get(PAUSED) else "online"
            _write(f"{place}/nodes", slug, f"{world.hostname} {word}")
    for unit in set(given).difference(wanted):
        slug = unit.replace("/", "-")
        _remove(f"{place}/{slug}")
        _until_away(place, slug, given.pop(unit))
    for unit, addresses in wanted.items():
        _write(place, unit.replace("/", "-"), " ".join(addresses))
        given[unit] = addresses


def standby(world: World) -> bool:
    """Whether the hacluster beside this unit is paused, so that Pacemaker runs nothing here."""
    try:
        with open(f"{world.shared}/virtual/nodes/{world.slug}", encoding="ascii") as file:
            return file.read().endswith("standby")
    except FileNotFoundError:
        return False


def stopped_beside(description: dict, world: World) -> list[str]:
    """Of what Pacemaker runs beside the unit, what its charm asks after and does not find.

    hooks/utils.py of ceph-radosgw does so; other API charms leave it to hacluster
    (get_managed_services_and_ports in charmhelpers).
    """
    clones = description["status"].get("clones", [])
    if not clones or not standby(world):
        world.flags.pop(_STARTED, None)
        return []
    return [] if world.flags.get(_STARTED) else clones


def resumed_beside(world: World) -> None:
    """The action resume starts all of the unit's services, Pacemaker's on a standby node too."""
    if standby(world):
        world.flags[_STARTED] = True


def held(place: str, address: str) -> str:
    """The unit that holds an address, with a dash for its slash; empty when nobody does."""
    try:
        with open(f"{place}/held/{address}", encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def status(world: World) -> dict:
    """What crm_mon says of the cluster, as the real charm's action puts it into JSON."""
    place, groups, standing = f"{world.shared}/virtual", {}, {}
    for unit, addresses in asked(world).items():
        name = unit.partition("/")[0]
        nodes = _nodes(place, name)
        groups[f"grp_{name}_vips"] = [
            _resource(f"res_{name}_{number}_vip", nodes.get(held(place, address), ("", ""))[0])
            for number, address in enumerate(addresses)
        ]
        for host, word in nodes.values():
            standby = "true" if word == "standby" else "false"
            standing[host] = {"name": host, "online": "true", "standby": standby}
    return {"nodes": standing, "resources": {"groups": groups, "clones": {}}}


def _resource(name: str, node: str) -> dict:
    return {
        "id": name,
        "resource_agent": "ocf::heartbeat:IPaddr2",
        "role": "Started" if node else "Stopped",
        "nodes": [{"name": node, "cached": "true"}] if node else [],
    }


def _nodes(place: str, application: str) -> dict[str, tuple[str, str]]:
    """Unit, with a dash for its slash -> host name of its machine, and online or standby."""
    folder, found = f"{place}/nodes", {}
    for slug in sorted(os.listdir(folder) if os.access(folder, os.F_OK) else ()):
        if slug.rpartition("-")[0] == application:
            with open(f"{folder}/{slug}", encoding="ascii") as file:
                host, word = file.read().split()
            found[slug] = (host, word)
    return found


def _until_away(place: str, slug: str, addresses: list[str]) -> None:
    deadline = time.monotonic() + _AWAY_WITHIN
    while any(held(place, address) == slug for address in addresses):
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def _write(place: str, slug: str, text: str) -> None:
    try:
        with open(f"{place}/{slug}", encoding="ascii") as present:
            if present.read() == text:
                return
    except FileNotFoundError:
        os.makedirs(place, exist_ok=True)
    part = f"{place}/.{slug}.{os.getpid()}.part"
    with open(part, "w", encoding="ascii") as stream:
        stream.write(text)
    os.replace(part, f"{place}/{slug}")


def _remove(file: str) -> None:
    try:
        os.unlink(file)
    except FileNotFoundError:
        return
