"""Is there room for the guests of some hosts on the others? The planner and a gate ask it alike.

Placement's own candidates depend on more (traits, affinity, NUMA): what is proven here is that
the sums fit, guest by guest, which is what fails first. Pure.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snapshot import Guest, Nova, Room

_Free = tuple[int, str, int, int]
"""Memory in MiB, negative so that the roomiest comes first; host; virtual CPUs; disk in GB."""


def unplaced(nova: Nova, hosts: Collection[str]) -> tuple[str, ...]:
    """Guests of these hosts that fit on no other host of their zone, each with its size.

    Other hosts are those that are enabled and up. The largest guests are placed first, each on
    the host with the most memory left; that is how a scheduler that spreads does it.
    """
    leaving = set(hosts)
    left: list[str] = []
    for zone in sorted({nova.computes[host].zone for host in leaving if host in nova.computes}):
        of_zone = [
            guest
            for host in sorted(leaving)
            if host in nova.computes and nova.computes[host].zone == zone
            for guest in nova.guests_by_host.get(host, ())
        ]
        if of_zone:
            rooms = nova.room_by_zone.get(zone, ())
            left += _place(of_zone, [room for room in rooms if room.host not in leaving], zone)
    return tuple(left)


def _place(guests: Sequence[Guest], rooms: Sequence[Room], zone: str) -> Iterator[str]:
    free = [(-room.memory_mb, room.host, room.vcpus, room.disk_gb) for room in rooms]
    heapq.heapify(free)
    for guest in sorted(guests, key=lambda g: (-g.memory_mb, -g.vcpus, -g.disk_gb, g.id)):
        passed: list[_Free] = []
        while free:
            memory, host, vcpus, disk = heapq.heappop(free)
            fits = -memory >= guest.memory_mb and vcpus >= guest.vcpus and disk >= guest.disk_gb
            if fits:
                rest = (memory + guest.memory_mb, host, vcpus - guest.vcpus, disk - guest.disk_gb)
                heapq.heappush(free, rest)
                break
            passed.append((memory, host, vcpus, disk))
        else:
            size = f"{guest.vcpus} VCPU, {guest.memory_mb} MiB, {guest.disk_gb} GB"
            yield f"{guest.name} ({guest.id}) on {guest.host}: {size} fit on no host of {zone}"
        for room in passed:
            heapq.heappush(free, room)
