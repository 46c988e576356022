"""Which guests of a host to move next, and which cannot be: pure.

A drain takes many requests, and lasts. Each tick asks here what to do now, so that a drain goes
on wherever a crash or another leader left it: all that it needs to know, Nova knows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from snapshot import Guest, Nova

TRIES = 3
"""On how many hosts a live migration is tried."""

_MIDWAY = frozenset({"BUILD", "MIGRATING", "REBOOT", "HARD_REBOOT", "REBUILD", "RESIZE"})


@dataclasses.dataclass(frozen=True)
class Move:
    """One request to Nova."""

    guest: str
    how: Literal["live", "cold", "confirm"]
    target: str = ""
    """The host to go to; empty: the scheduler chooses."""


@dataclasses.dataclass(frozen=True)
class Drain:
    """What one look at a host that is being emptied leads to."""

    left: int
    """Guests that are on it, and migrations into or out of it."""
    moves: tuple[Move, ...]
    """What to ask for now."""
    stuck: tuple[str, ...]
    """The guests that cannot go, each with its reason and what to do."""
    moving: int
    """Migrations that go on."""

    @property
    def done(self) -> bool:
        """The host is empty."""
        return not self.left

    @property
    def failed(self) -> bool:
        """Nothing moves any more, and guests are left."""
        return bool(self.stuck) and not self.moves and not self.moving


def look(arguments: Mapping[str, Any], nova: Nova, since: float) -> Drain:
    """Decide about a host.

    Args:
        arguments: of `steps.drain_host`.
        nova: a fresh look that has the guests and migrations of the host.
        since: when the attempt began, in seconds since the epoch: migrations that failed before
            count no more.
    """
    host = arguments["host"]
    guests = nova.guests_by_host.get(host, ())
    flying = [m for m in nova.migrations if host in (m.source, m.target)]
    under_way = {m.guest for m in flying}
    # A guest that was moved cold is at its target, and still holds its place here, until then.
    waiting = [m for m in flying if m.source == host and m.status == "finished"]
    confirm = [Move(m.guest, "confirm") for m in waiting if m.kind == "migration"]
    moves: list[Move] = []
    stuck = [
        f"{m.guest}: its owner has to confirm or revert its resize"
        for m in waiting
        if m.kind == "resize"
    ]
    for guest in guests:
        if guest.id in under_way or guest.task or guest.status in _MIDWAY:
            continue
        move = _move(guest, arguments, nova, since)
        if isinstance(move, str):
            stuck.append(f"{guest.name} ({guest.id}): {move}")
        else:
            moves.append(move)
    free = max(0, arguments["parallel"] - len(flying))
    busy = sum(bool(g.task) or g.status in _MIDWAY for g in guests if g.id not in under_way)
    return Drain(
        left=len(guests) + len(flying),
        moves=(*confirm, *moves[:free]),
        stuck=tuple(stuck),
        moving=len(flying) - len(waiting) + busy,
    )


def _move(guest: Guest, arguments: Mapping[str, Any], nova: Nova, since: float) -> Move | str:
    """How to move a guest, or why it cannot be."""
    failed = [m for m in nova.failed if m.guest == guest.id and m.at >= since]
    if guest.movable == "live":
        if len(failed) < TRIES:
            target = _elsewhere(guest, failed[-1].target, nova, failed) if failed else ""
            return Move(guest.id, "live", target)
        reason = f"its live migration failed {len(failed)} times"
    elif guest.movable == "no":
        return f"it cannot be moved: {guest.why}; repair or delete it"
    else:
        reason = f"it cannot be migrated live: {guest.why}"
    word = arguments["words"].get(guest.id, arguments["cannot"])
    if word == "cold":
        cold = len(failed) - (TRIES if guest.movable == "live" else 0)
        if cold < TRIES:
            return Move(guest.id, "cold")
        return f"its cold migration failed {cold} times; see openstack server event list"
    return f"{reason}; stop and move it yourself, or plan with cold={guest.id}"


def _elsewhere(guest: Guest, last: str, nova: Nova, failed: list[Any]) -> str:
    """The roomiest host of the guest's zone on which it was not tried; empty when none is left."""
    tried = {m.target for m in failed} | {guest.host, last}
    zones = {host: service.zone for host, service in nova.computes.items()}
    fitting = [
        room
        for room in nova.room
        if room.host not in tried
        and zones.get(room.host) == zones.get(guest.host)
        and nova.computes[room.host].enabled
        and nova.computes[room.host].up
        and room.vcpus >= guest.vcpus
        and room.memory_mb >= guest.memory_mb
        and room.disk_gb >= guest.disk_gb
    ]
    best = max(fitting, key=lambda r: (r.memory_mb, r.vcpus, r.host), default=None)
    return best.host if best else ""
