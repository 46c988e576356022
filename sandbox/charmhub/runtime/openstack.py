"""The sandbox's OpenStack, where one runs: what this unit fronts, and what it asks for.

`<home>/openstack/cloud.json` says that there is one, where its APIs are and who its
administrator is. A unit asks by files beside it: for a hypervisor of its machine's name, and, as
keystone does for those that are related to it, for endpoints in the catalogue.
"""

# ruff: noqa: PTH103, PTH105, PTH108, PTH123 - pathlib costs a hook more than any tool
from __future__ import annotations

import os
import time

from . import handshake, plain_json
from .world import PAUSED, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Importing `typing` costs a hook more than any tool.
    from typing import Any

_STOPS_WITHIN = 20.0
"""Seconds for a nova-compute to end."""
_ROTATES_WITHIN = 20.0
"""Seconds for the administrator to have another password."""
_URLS = ("public_url", "internal_url", "admin_url")


def find(home: str) -> dict | None:
    """The OpenStack of the sandbox with this home, and its folder; None where none runs."""
    folder = f"{home}/openstack"
    try:
        with open(f"{folder}/cloud.json", encoding="ascii") as file:
            cloud: Any = plain_json.loads(file.read())
    except FileNotFoundError:
        return None
    return {**cloud, "folder": folder}


def upstream(description: dict, world: World) -> tuple[str, int] | None:
    """Address and port of the API that the unit fronts."""
    name = description["openstack"].get("fronts")
    return tuple(world.cloud["apis"][name]) if world.cloud and name else None


def ask(description: dict, world: World, *, going: bool) -> None:
    """Ask for everything that the unit brings to the cloud, or take it back."""
    wants = description["openstack"]
    if wants.get("hypervisor"):
        if going:
            _remove(_file(world.cloud, "hypervisors", world.hostname))
        elif handshake.ready(description, world):
            # The service that `remove-from-cloud` has deleted must not come back.
            idle = world.flags.get(PAUSED) or world.flags.get("removed")
            ask_for_hypervisor(world, idle=bool(idle))
    if part := wants.get("member-of"):
        _show_member(description, world, part, going=going)
    # Keystone's leader alone changes the catalogue: its units know different things.
    leads = wants.get("fronts") == "keystone" and world.leader and not going
    if leads and handshake.ready(description, world):
        _ask_for_endpoints(description, world)


def leave(description: dict, world: World) -> None:
    """A member of a cluster is away while it restarts."""
    part = description["openstack"].get("member-of")
    if part and handshake.formed(description, world):
        _write(_file(world.cloud, f"members/{part}", world.slug), "away")


def _show_member(description: dict, world: World, part: str, *, going: bool) -> None:
    """Say whether this member of a cluster serves: with none that does, the part is away."""
    file = _file(world.cloud, f"members/{part}", world.slug)
    if going:
        _remove(file)
    elif handshake.formed(description, world):
        serves = not world.flags.get(PAUSED) and handshake.has_quorum(description, world)
        _write(file, "serves" if serves else "away")


def ask_for_hypervisor(world: World, *, idle: bool) -> None:
    """Ask for the switch of this unit's machine, and unless it is `idle` for its nova-compute.

    Returns when a nova-compute that shall not run has ended, as `systemctl stop` does.
    """
    file = _file(world.cloud, "hypervisors", world.hostname)
    _write(file, f"{world.address} paused" if idle else world.address)
    deadline = time.monotonic() + _STOPS_WITHIN
    while idle and computing(world) and time.monotonic() < deadline:
        time.sleep(0.05)


def _ask_for_endpoints(description: dict, world: World) -> None:
    own = handshake.fill("http://{api_address}:{port}/v3", handshake.Values(description, world))
    _ask_for_endpoint(world, "keystone", dict.fromkeys(_URLS, own))
    for relation in world.at("identity-service"):
        told = [data for _, data in sorted(relation.units.items()) if all(map(data.get, _URLS))]
        # Without a virtual address each unit names itself: one of them must do.
        if told and told[0].get("service"):
            _ask_for_endpoint(world, told[0]["service"], told[0])


def _ask_for_endpoint(world: World, service: str, urls: dict) -> None:
    text = plain_json.dumps({name: urls[name] for name in _URLS})
    _write(_file(world.cloud, "endpoints", f"{service}.json"), text)


def rotate_admin_password(world: World) -> bool:
    """Ask for another password of the administrator; False when it is not his in time.

    The world keeps the old one: the unit tells others of the new one by a later hook.
    """
    wanted = os.urandom(8).hex()
    _write(_file(world.cloud, "administrator", "password"), wanted)
    home = world.cloud["folder"].removesuffix("/openstack")
    deadline = time.monotonic() + _ROTATES_WITHIN
    while time.monotonic() < deadline:
        cloud = find(home)
        if cloud and cloud["admin"]["password"] == wanted:
            return True
        time.sleep(0.1)
    return False


def _file(cloud: Any, folder: str, name: str) -> str:
    return f"{cloud['folder']}/{folder}/{name}"


def computing(world: World) -> bool:
    """Whether the nova-compute of this unit's machine runs."""
    return os.access(_file(world.cloud, "computing", world.hostname), os.F_OK)


def _write(file: str, text: str) -> None:
    try:
        with open(file, encoding="ascii") as present:
            if present.read() == text:
                return
    except FileNotFoundError:
        os.makedirs(file.rpartition("/")[0], exist_ok=True)
    # Two units may write the same at once.
    part = f"{file.rpartition('/')[0]}/../.{os.getpid()}.part"
    with open(part, "w", encoding="ascii", opener=_private) as stream:
        stream.write(text)
    os.replace(part, file)


def _private(file: str, flags: int) -> int:
    # One of them is a password.
    return os.open(file, flags, 0o600)


def _remove(file: str) -> None:
    try:
        os.unlink(file)
    except FileNotFoundError:
        return
