"""A unit moves to another release of its workload: what that takes away while it lasts."""

from __future__ import annotations

import time

from . import ceph, deferral, handshake, health, locking, openstack, releases, sealing
from .world import PAUSED, World

EVERY_MONITOR_WITHIN = 600.0
"""Seconds for which an upgraded monitor waits for the others until its hook fails."""
_LOOK = 0.2
"""Seconds between two looks at them; charms.ceph takes 30."""


class NotUpgraded(Exception):
    """Some monitors are of an older release still."""


def move(description: dict, world: World, release: str) -> None:
    """Install a release. Where there is one already, the unit's service is away meanwhile."""
    if not world.release:
        world.release = release
    elif not rolls(description) or not world.shared:
        install(description, world, release)
    elif takes_turn(description, world, release):
        with locking.Held(f"{world.shared}/turns/{world.application}"):
            install(description, world, release)
            # It runs again before the next one stops.
            ceph.tell(description, world, going=False)
    else:
        # check_for_upgrade of ceph-mon and ceph-osd: with no newer Ceph in it, nothing is done.
        world.release = release


def rolls(description: dict) -> str:
    """What its units call themselves where they take turns by a lock in Ceph; empty elsewhere."""
    return description["workload"].get("rolls", "")


def takes_turn(description: dict, world: World, release: str) -> bool:
    """Whether the unit takes its turn to get to this release: one with another Ceph in it."""
    if not rolls(description) or not world.release or not world.shared:
        return False
    versions = description["versions"]
    return ceph.release_of(versions[world.release]) != ceph.release_of(versions[release])


def await_monitors(description: dict, world: World) -> None:
    """Wait until all monitors run the unit's release.

    So does wait_for_all_monitors_to_upgrade of charms.ceph, when the unit's turn is over.

    Raises:
        NotUpgraded: they do not in time.
    """
    deadline = time.monotonic() + EVERY_MONITOR_WITHIN
    while behind := ceph.behind(description, world):
        if time.monotonic() > deadline:
            raise NotUpgraded(f"older after {EVERY_MONITOR_WITHIN:.0f} s: {', '.join(behind)}")
        time.sleep(_LOOK)


def install(description: dict, world: World, release: str) -> None:
    """Install the packages of a release."""
    _renew(description, world, description["upgrade-takes"])
    world.release = release


def _renew(description: dict, world: World, takes: float) -> None:
    """Packages are new: what runs stops for a while or, where restarts are put off, goes on."""
    if deferral.puts_off(world):
        deferral.queue(description, world)
        return
    stop_service(description, world)
    time.sleep(takes)


def refreshed(description: dict, world: World) -> None:
    """Take over another revision of the charm.

    An API's is restarted, since the new charm writes its configuration anew. What has no origin
    is of the release that the charm is made for.
    """
    workload = description["workload"]
    if description["openstack"].get("fronts"):
        stop_service(description, world)
        time.sleep(description["restart-takes"])
    elif "origin" in workload or "snap" in workload:
        return
    elif world.release != description["release"]:
        _renew(description, world, 0)
        world.release = description["release"]


def follow_channel(description: dict, world: World) -> None:
    """Refresh the snap of a charm that has one, when its channel is another.

    snap_refresh in vault_handlers.py: in whichever hook sees it first, and what was paused runs
    after it. The status is that of before until the hook ends.
    """
    channel, installed = releases.channel(description, world), world.flags.get("channel")
    if not channel or not releases.is_channel(channel) or channel == installed:
        return
    world.flags["channel"] = channel
    if installed:
        install(description, world, releases.target(description, world))
        world.flags[PAUSED] = False


def restart(description: dict, world: World, services: list[str] | None = None) -> None:
    """Stop the unit's service, which starts again after; what waited for that waits no more."""
    deferral.restarted(world, services)
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
