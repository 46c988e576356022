"""Is there room for the guests of some hosts on the others? The planner and a gate ask it alike.

Placement's own candidates depend on more (traits, affinity, NUMA): what is proven here is that
the sums fit, guest by guest, which is what fails first. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snapshot import Guest, Nova

_Room = list[int]
"""Virtual CPUs, memory in MiB, disk in GB."""


def unplaced(nova: Nova, hosts: Collection[str]) -> tuple[str, ...]:
    """Guests of these hosts that fit on no other host of their zone, each with its size.

    Other hosts are those that are enabled and up. The largest guests are placed first, each on
    the host with the most memory left; that is how a scheduler that spreads does it.
    """
    leaving = set(hosts)
    left: list[str] = []
    for zone in sorted({nova.computes[host].zone for host in leaving if host in nova.computes}):
        free = dict(_free(nova, zone, leaving))
        of_zone = [
            guest
            for host in sorted(leaving)
            if host in nova.computes and nova.computes[host].zone == zone
            for guest in nova.guests_by_host.get(host, ())
        ]
        left += _place(of_zone, free, zone)
    return tuple(left)


def _free(nova: Nova, zone: str, leaving: Collection[str]) -> Iterator[tuple[str, _Room]]:
    for room in nova.room:
        service = nova.computes.get(room.host)
        if service is None or room.host in leaving or service.zone != zone:
            continue
        if service.enabled and service.up:
            yield room.host, [room.vcpus, room.memory_mb, room.disk_gb]


def _place(guests: Sequence[Guest], free: dict[str, _Room], zone: str) -> Iterator[str]:
    for guest in sorted(guests, key=lambda g: (-g.memory_mb, -g.vcpus, -g.disk_gb, g.id)):
        needs = (guest.vcpus, guest.memory_mb, guest.disk_gb)
        fitting = [
            host
            for host, room in free.items()
            if all(has >= need for has, need in zip(room, needs, strict=True))
        ]
        if not fitting:
            size = f"{guest.vcpus} VCPU, {guest.memory_mb} MiB, {guest.disk_gb} GB"
            yield f"{guest.name} ({guest.id}) on {guest.host}: {size} fit on no host of {zone}"
            continue
        chosen = min(fitting, key=lambda host: (-free[host][1], host))
        free[chosen] = [has - need for has, need in zip(free[chosen], needs, strict=True)]
