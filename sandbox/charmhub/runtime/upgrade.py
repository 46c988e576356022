"""A unit moves to another release of its workload: what that takes away while it lasts."""

from __future__ import annotations

import time

from . import ceph, handshake, health, locking, openstack, sealing
from .world import DEFERRED, World


def move(description: dict, world: World, release: str) -> None:
    """Install a release. Where there is one already, the unit's service is away meanwhile.

    The units of some charms take turns, as Ceph's do by a lock in Ceph.
    """
    if not world.release:
        world.release = release
        return
    if description["workload"].get("rolls") and world.shared:
        with locking.Held(f"{world.shared}/turns/{world.application}"):
            _install(description, world, release)
    else:
        _install(description, world, release)


def _install(description: dict, world: World, release: str) -> None:
    if world.config.get("enable-auto-restarts") is False:
        # The packages are new, what runs is not: until somebody runs the deferred restart.
        world.flags[DEFERRED] = True
    else:
        stop_service(description, world)
        time.sleep(description["upgrade-takes"])
    world.release = release


def refreshed(description: dict, world: World) -> None:
    """Take over another revision of the charm.

    An API's is restarted, since the new charm writes its configuration anew. What has no origin
    is of the release that the charm is made for.
    """
    if description["openstack"].get("fronts"):
        stop_service(description, world)
        time.sleep(description["restart-takes"])
    elif "origin" not in description["workload"] and world.release != description["release"]:
        stop_service(description, world)
        world.release = description["release"]


def restart(description: dict, world: World, *, only_deferred: bool = False) -> None:
    """Stop the unit's service, which starts again after; with it goes what was put off."""
    if world.flags.pop(DEFERRED, False) or not only_deferred:
        stop_service(description, world)


def stop_service(description: dict, world: World) -> None:
    """Stop the unit's service at once, whoever uses it; what follows may start it again."""
    port = handshake.port(description, world)
    if port and world.address:
        health.stop(world.address, port, world.unit, at_once=True)
    if world.cloud and description["openstack"].get("hypervisor"):
        openstack.ask_for_hypervisor(world, idle=True)
    if world.cloud:
        openstack.leave(description, world)
    ceph.leave(description, world)
    sealing.seal(description, world)
