"""The snapshot and the knowledge side by side, indexed once for all that plan."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import coherence
from snapshot import Snapshot, at_least
from steps import MARK, NEW

if TYPE_CHECKING:
    from cloud import Application, Unit
    from computes import Service
    from knowledge import Charm, Knowledge, Release, Upgrade


@dataclasses.dataclass(frozen=True)
class Part:
    """An application of OpenStack, and how it is upgraded."""

    application: Application
    charm: Charm
    upgrade: Upgrade
    hypervisor: bool
    units: tuple[Unit, ...]
    """In the order of their turns: the leader first, then by number, or as the way wants it."""

    @property
    def name(self) -> str:
        """The application's name."""
        return self.application.name

    @property
    def least(self) -> int:
        """How many other units must serve while one is down; 0 for a single one."""
        count = len(self.application.units)
        if self.upgrade.quorum == "majority" and count > 1:
            return count // 2 + 1 if count > 2 else 1
        return min(1, count - 1) if count else 0

    def option(self, name: str) -> object:
        """The value in force; None when there is no such option."""
        return self.application.options.get(name)


@dataclasses.dataclass(frozen=True)
class Host:
    """A hypervisor: the unit of Juju, and the host of Nova."""

    part: Part
    unit: Unit
    name: str
    service: Service
    guests: int

    @property
    def ours(self) -> bool:
        """It may be enabled: it is, or a plan disabled it, or Nova because it is new."""
        return self.service.enabled or self.service.disabled_reason.startswith((MARK, NEW))


@dataclasses.dataclass(frozen=True)
class Survey:
    """One look, seen with knowledge."""

    snapshot: Snapshot
    knowledge: Knowledge

    @functools.cached_property
    def parts(self) -> Mapping[str, Part]:
        """Application -> part, in the order of upgrades."""
        knowledge = self.knowledge
        ordered = sorted(
            self._parts.values(),
            key=lambda part: (
                self.stage(part),
                part.application.subordinate,
                knowledge.place(part.application.charm)[1],
                part.name,
            ),
        )
        return {part.name: part for part in ordered}

    @functools.cached_property
    def _parts(self) -> Mapping[str, Part]:
        return {
            member.application.name: self._part(member)
            for member in coherence.members(self.snapshot.cloud, self.knowledge)
        }

    def _part(self, member: coherence.Member) -> Part:
        application, cloud = member.application, self.snapshot.cloud
        upgrade = self.knowledge.upgrades[application.charm]

        def turn(unit: Unit) -> tuple[bool, bool, str]:
            last = bool(upgrade.last) and upgrade.last in unit.message
            if upgrade.way != "by-host":
                return last, not unit.leader, ""
            machine = cloud.machine(unit)
            return last, False, machine.hostname if machine else ""

        hypervisor = self.knowledge.roles[member.charm.role].hypervisor
        units = tuple(sorted(application.units, key=turn))
        return Part(application, member.charm, upgrade, hypervisor, units)

    @functools.cached_property
    def agents(self) -> Mapping[str, Unit]:
        """Unit -> the unit beside it that keeps its virtual address."""
        roles = self.knowledge.roles
        return {
            unit.principal: unit
            for part in self.parts.values()
            if roles[part.charm.role].agent
            for unit in part.application.units
            if unit.principal
        }

    @functools.cached_property
    def hosts(self) -> tuple[Host, ...]:
        """Those that both Juju and Nova know, by zone, the emptiest first."""
        nova = self.snapshot.nova
        if nova is None:
            return ()
        found = []
        for part in self.parts.values():
            for unit in part.application.units if part.hypervisor else ():
                name = self.snapshot.host(unit)
                if name:
                    guests = len(nova.guests_by_host.get(name, ()))
                    found.append(Host(part, unit, name, nova.computes[name], guests))
        found.sort(key=lambda host: (host.service.zone, host.guests, host.name))
        return tuple(found)

    def host(self, name: str) -> Host | None:
        """The hypervisor of this name, in full or its first part."""
        return next((h for h in self.hosts if name in (h.name, h.name.partition(".")[0])), None)

    @functools.cached_property
    def monitors(self) -> Mapping[str, str]:
        """Application of Ceph's disks -> that of the monitors that it is related to."""
        found = {}
        for part in self.parts.values():
            others = (o for ends in part.application.relations.values() for o in ends)
            for other in sorted(others) if part.upgrade.noout else ():
                if other in self.parts and self.parts[other].upgrade.requires == "before":
                    found[part.name] = other
        return found

    def monitors_beside(self, hosts: Iterable[Host]) -> list[str]:
        """The monitors of disks that are on these hosts' machines."""
        machines = {host.unit.machine for host in hosts}
        return sorted(
            {
                monitors
                for disks, monitors in self.monitors.items()
                for unit in self.parts[disks].application.units
                if unit.machine in machines
            }
        )

    def failure_domains(self, monitors: str, hosts: Collection[str]) -> list[str]:
        """The failure domains of Ceph whose disks are on these hosts; none where it is unread."""
        known = self.snapshot.ceph or ()
        ceph = next((one for one in known if one.application == monitors), None)
        osds = ceph.osds if ceph else ()
        return sorted({osd.domain or osd.host for osd in osds if osd.host in hosts})

    @functools.cached_property
    def compute_machines(self) -> frozenset[str]:
        """Machines that run guests."""
        units = (u for part in self._parts.values() if part.hypervisor for u in part.units)
        return frozenset(unit.machine for unit in units if unit.machine)

    def stage(self, part: Part) -> int:
        """The stage in which it is upgraded: a subordinate in that of its last principal."""
        knowledge = self.knowledge
        if part.application.subordinate:
            principals = {unit.principal.partition("/")[0] for unit in part.application.units}
            known = principals & self._parts.keys()
            return max((self.stage(self._parts[name]) for name in known), default=0)
        stage = knowledge.place(part.application.charm)[0]
        beside = any(u.machine in self.compute_machines for u in part.application.units)
        if beside and stage < knowledge.hypervisor_stage:
            return knowledge.hypervisor_stage + 1
        return stage

    def version(self, part: Part, release: Release) -> str:
        """How the versions of its workload begin in a release; empty when none moves it."""
        return release.versions[part.upgrade.workload] if part.upgrade.workload else ""

    def release_of(self, part: Part, unit: Unit) -> int | None:
        """The place of the newest release that the unit has reached; None when it is unknown."""
        reached = [
            place
            for place, release in enumerate(self.knowledge.releases)
            if part.upgrade.workload and at_least(unit.version, self.version(part, release))
        ]
        return max(reached, default=None)
