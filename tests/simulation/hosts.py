"""Nova, Placement and Ceph of the model."""

from __future__ import annotations

import dataclasses
import itertools
import random

import computes
import snapshot
import steps

from simulation.agents import Timeline

SIZE = (16, 65536, 500)


@dataclasses.dataclass
class SimHost:
    """A hypervisor, as Nova has it."""

    name: str
    zone: str
    enabled: bool = True
    up: bool = True
    reason: str = ""
    mapped: bool = True
    agent: bool = True


@dataclasses.dataclass
class SimGuest:
    """A guest, and where it is."""

    id: str
    host: str
    movable: str = "live"
    status: str = "ACTIVE"
    name: str = ""
    moved: int = 0


@dataclasses.dataclass
class SimMigration:
    """A migration that goes on, or failed."""

    guest: str
    source: str
    target: str
    at: float
    kind: str


class Hosts:
    """All hosts, their guests and what moves between them."""

    def __init__(self, timeline: Timeline, luck: random.Random) -> None:
        self.timeline = timeline
        self.luck = luck
        self.hosts: dict[str, SimHost] = {}
        self.guests: dict[str, SimGuest] = {}
        self.moving: dict[str, SimMigration] = {}
        self.failed: list[SimMigration] = []
        self.noout = False
        self.changed = True
        self._canaries = itertools.count()

    # -- what Nova shows --------------------------------------------------------------------

    def nova(self, shift: float) -> snapshot.Nova:
        """Services, guests and migrations; `shift` is how wrong the clock is."""
        return snapshot.Nova(
            services=tuple(
                computes.Service(
                    "nova-compute", h.name, h.zone, h.enabled, h.up, None, h.name, h.reason
                )
                for h in self.hosts.values()
            ),
            hypervisors=tuple(
                computes.Hypervisor(h.name, *(16, 0, 65536, 0, 500, 0), 0)
                for h in self.hosts.values()
                if h.mapped
            ),
            guests=tuple(self._guest(guest) for guest in self.guests.values()),
            migrations=tuple(self._migration(m, "running", shift) for m in self.moving.values()),
            room=tuple(snapshot.Room(h.name, *self._room(h)) for h in self.hosts.values()),
            agents=tuple(h.name for h in self.hosts.values() if h.agent),
            failed=tuple(self._migration(m, "error", shift) for m in self.failed),
        )

    def _guest(self, guest: SimGuest) -> snapshot.Guest:
        task = "migrating" if guest.id in self.moving else ""
        why = "" if guest.movable == "live" else "it has a GPU"
        name = guest.name or f"guest-{guest.id}"
        return snapshot.Guest(
            guest.id,
            name,
            guest.host,
            guest.status,
            task,
            1,
            2048,
            0,
            "live" if guest.movable == "live" else "cold",
            why,
        )

    def _migration(self, m: SimMigration, status: str, shift: float) -> snapshot.Migration:
        return snapshot.Migration(m.guest, m.source, m.target, status, m.at + shift, m.kind)

    def _room(self, host: SimHost) -> tuple[int, int, int]:
        used = len(self.on(host.name))
        used += sum(m.target == host.name for m in self.moving.values())
        return SIZE[0] - used, SIZE[1] - 2048 * used, SIZE[2]

    def on(self, host: str) -> list[SimGuest]:
        """The guests of a host but for canaries."""
        return [
            g
            for g in self.guests.values()
            if g.host == host and not g.name.startswith(steps.CANARY)
        ]

    def empty(self, host: str) -> bool:
        """No guest, and nothing on its way in or out."""
        flying = (m for m in self.moving.values() if host in (m.source, m.target))
        return not self.on(host) and not any(flying)

    # -- what is asked of it ----------------------------------------------------------------

    def migrate(self, guest: str, how: str, target: str) -> None:
        """Begin a migration; the scheduler chooses where no target is named."""
        moved = self.guests[guest]
        if guest in self.moving:
            raise AssertionError(f"{guest} is asked to move while it moves")
        zone = self.hosts[moved.host].zone
        free = [
            h.name
            for h in self.hosts.values()
            if h.zone == zone and h.enabled and h.up and h.mapped and h.name != moved.host
        ]
        where = target if target in free else self.luck.choice(free) if free else ""
        kind = "live-migration" if how == "live" else "migration"
        migration = SimMigration(guest, moved.host, where, self.timeline.now, kind)
        if not where:
            self.failed.append(migration)
            return
        self.moving[guest] = migration
        self.changed = True
        self.timeline.after(self.luck.uniform(5, 90), lambda: self._arrive(migration))

    def _arrive(self, migration: SimMigration) -> None:
        if self.moving.get(migration.guest) is not migration:
            return
        del self.moving[migration.guest]
        self.changed = True
        guest, target = self.guests[migration.guest], self.hosts.get(migration.target)
        source = self.hosts.get(migration.source)
        well = target is not None and target.up and source is not None and source.up
        if not well or self.luck.random() < 0.1:
            self.failed.append(migration)
            return
        guest.host = migration.target
        guest.moved += 1

    def arrive(self, host: str) -> None:
        """A guest that the scheduler had placed before the host was disabled."""
        id_ = f"late-{next(self._canaries)}"
        self.guests[id_] = SimGuest(id_, host)
        self.changed = True

    def boot_canary(self, host: str, chance: float) -> None:
        """A guest that comes up after a while, or not at all."""
        name = f"{steps.CANARY}{host}"
        for stray in [g for g in self.guests.values() if g.name == name]:
            if stray.status != "ERROR":
                raise AssertionError(f"{host} is asked for a second canary")
            del self.guests[stray.id]
        id_ = f"canary-{next(self._canaries)}"
        self.guests[id_] = SimGuest(id_, host, status="BUILD", name=name)
        self.changed = True

        def come_up() -> None:
            if id_ in self.guests:
                bad = self.luck.random() < chance or not self.hosts[host].up
                self.guests[id_].status = "ERROR" if bad else "ACTIVE"
                self.changed = True

        self.timeline.after(self.luck.uniform(5, 40), come_up)

    def remove_canary(self, host: str) -> None:
        """Delete it."""
        name = f"{steps.CANARY}{host}"
        self.guests = {id_: g for id_, g in self.guests.items() if g.name != name}
        self.changed = True
