"""The cloud at one moment: all that the planner, the observers and the gates look at.

Parts that could not be read are None, never empty: an observer must not take the silence of an
API for the absence of guests. Pure, cheap to import.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from typing import Any, Literal

import steps
from cloud import Cloud, Machine, Unit
from computes import Hypervisor, Service

NO_ZONE = "nova"
"""Where Nova shows hosts that are in no zone (its default_availability_zone)."""

_COMPUTE = "nova-compute"
_NUMBER = re.compile(r"\d+")


@dataclasses.dataclass(frozen=True)
class Guest:
    """A server of Nova, of any project."""

    id: str
    name: str
    host: str
    status: str
    """As Nova says: ACTIVE, SHUTOFF, ERROR, ..."""
    task: str
    """What Nova does with it now, for example migrating; empty when nothing. Of an active canary
    it tells what does not work yet, for example that its port is not bound."""
    vcpus: int
    memory_mb: int
    disk_gb: int
    """On the host's own disk; 0 for one that boots from a volume."""
    movable: Literal["live", "cold", "no"]
    """How it can leave its host."""
    why: str = ""
    """Why it cannot be migrated live; empty when it can."""

    @property
    def canary(self) -> bool:
        """The plan's own: no guest to anybody."""
        return self.name.startswith(steps.CANARY)


@dataclasses.dataclass(frozen=True)
class Migration:
    """One that is going on, or failed."""

    guest: str
    """The guest's id."""
    source: str
    target: str
    """Empty until the scheduler chose one."""
    status: str
    at: float = 0.0
    """When it was asked for, in seconds since the epoch."""
    kind: str = "live-migration"
    """live-migration, migration (cold), resize, evacuation."""


@dataclasses.dataclass(frozen=True)
class Room:
    """What Placement has left on one host, with its allocation ratios and reservations."""

    host: str
    vcpus: int
    memory_mb: int
    disk_gb: int


@dataclasses.dataclass(frozen=True)
class Nova:
    """Nova and Placement."""

    services: tuple[Service, ...]
    hypervisors: tuple[Hypervisor, ...]
    guests: tuple[Guest, ...]
    migrations: tuple[Migration, ...]
    room: tuple[Room, ...]
    agents: tuple[str, ...] = ()
    """Hosts of which Neutron lists an agent."""
    failed: tuple[Migration, ...] = ()
    """Migrations that failed, oldest first: their guests stayed where they were."""

    @functools.cached_property
    def computes(self) -> Mapping[str, Service]:
        """Host -> its compute service, sorted by host."""
        found = {s.host: s for s in self.services if s.binary == _COMPUTE}
        return {host: found[host] for host in sorted(found)}

    def named(self, host: str) -> str:
        """The host as Nova names it: MAAS and Juju name machines without their domain.

        One that Nova does not know, and one that two hosts could be, stays as it is.
        """
        if host in self.computes:
            return host
        found = [known for known in self.computes if _short(known) == _short(host)]
        return found[0] if len(found) == 1 else host

    def with_names(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of an operation or gate, with hosts as Nova names them."""
        found = dict(arguments)
        if "host" in found:
            found["host"] = self.named(found["host"])
        if "hosts" in found:
            found["hosts"] = [self.named(host) for host in found["hosts"]]
        return found

    @functools.cached_property
    def zoned(self) -> bool:
        """Whether the cloud uses zones: hosts of none are in Nova's own."""
        return any(service.zone != NO_ZONE for service in self.computes.values())

    @functools.cached_property
    def room_by_zone(self) -> Mapping[str, tuple[Room, ...]]:
        """Zone -> the room of its hosts that are enabled and up, sorted by host."""
        found: dict[str, list[Room]] = {}
        for room in sorted(self.room, key=lambda room: room.host):
            service = self.computes.get(room.host)
            if service is not None and service.enabled and service.up:
                found.setdefault(service.zone, []).append(room)
        return {zone: tuple(rooms) for zone, rooms in sorted(found.items())}

    @functools.cached_property
    def guests_by_host(self) -> Mapping[str, tuple[Guest, ...]]:
        """Host -> its guests but for canaries, sorted by id; hosts without any are left out."""
        found: dict[str, list[Guest]] = {}
        for guest in sorted(self.guests, key=lambda guest: guest.id):
            if not guest.canary:
                found.setdefault(guest.host, []).append(guest)
        return {host: tuple(found[host]) for host in sorted(found)}


@dataclasses.dataclass(frozen=True)
class Osd:
    """One of Ceph's disks."""

    id: int
    host: str
    domain: str
    """The failure domain above the host, for example its zone; empty when there is none."""
    up: bool
    inside: bool
    """It is `in`: it holds data."""


@dataclasses.dataclass(frozen=True)
class Ceph:
    """One Ceph cluster, as its monitors tell."""

    application: str
    """The application of the monitors."""
    health: str
    """HEALTH_OK, HEALTH_WARN or HEALTH_ERR."""
    checks: tuple[str, ...] = ()
    """The codes of what is not well, for example OSDMAP_FLAGS."""
    flags: tuple[str, ...] = ()
    """Of the OSD map, for example noout."""
    osds: tuple[Osd, ...] = ()
    required_release: str = ""
    """`require_osd_release`, for example reef."""


@dataclasses.dataclass(frozen=True)
class Virtual:
    """The virtual addresses of one application, as the cluster agents beside it tell."""

    application: str
    """The application of the agents."""
    away: frozenset[str]
    """Nodes, which are host names of machines, that may keep no address: in standby or offline."""
    addresses: Mapping[str, str]
    """Pacemaker's resource of each address -> the node that has it; empty for none."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A machine of the pool, as the inventory publishes it over `node-pool`."""

    system_id: str
    hostname: str
    zone: str
    role: str
    state: Literal["ready", "claimed", "preparing", "unfit", "spare"]
    reasons: tuple[str, ...] = ()
    """Why it is unfit; BMC and hardware faults are among them."""


@dataclasses.dataclass(frozen=True)
class Probed:
    """What the probe saw of one API."""

    service: str
    requests: int
    failures: int
    at: float
    """When it asked last, in seconds since the epoch."""
    answered: bool
    """The newest request did not fail."""
    reason: str = ""
    """Of the newest failure."""


@dataclasses.dataclass(frozen=True)
class Task:
    """An action or command in Juju's record."""

    id: str
    unit: str
    action: str
    """`juju-exec` for a command."""
    parameters: Mapping[str, Any]
    status: str
    """pending, running, completed, failed, cancelled, aborted."""
    enqueued: float
    """Seconds since the epoch by the controller's clock, to the second."""
    message: str = ""
    completed: float = 0.0
    """The same; 0 until it ended."""
    outcome: str = ""
    """What an upgrade says of itself (charmhelpers): it completes even where it did nothing."""

    @property
    def in_vain(self) -> bool:
        """It ended well, and did nothing."""
        return bool(self.outcome) and not self.outcome.startswith("success")

    @property
    def ended(self) -> bool:
        """Nothing more comes of it."""
        return self.status not in ("pending", "running", "aborting")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All of it. `cloud` is always there: without the model nothing can be judged."""

    at: float
    """Seconds since the epoch."""
    cloud: Cloud
    actions: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    """Application -> the actions of its charm; an application that was not asked is left out."""
    nova: Nova | None = None
    ceph: tuple[Ceph, ...] | None = None
    virtual: tuple[Virtual, ...] = ()
    """Of the agents that have told lately."""
    nodes: Mapping[str, Node] | None = None
    """System id -> machine of the pool; None where `node-pool` is not related."""
    probe: tuple[Probed, ...] | None = None
    """Per API since the plan began; None where no probe is set up."""
    tasks: tuple[Task, ...] = ()
    """Those of Juju that the steps in flight asked for, oldest first; for the planner the commands
    on agents that are at work."""

    def unit(self, name: str) -> Unit | None:
        """The unit of this name, or the leader for `application/leader`; None when it is gone."""
        application = self.cloud.applications.get(name.partition("/")[0])
        if application is None:
            return None
        if name.endswith(f"/{steps.LEADER}"):
            return next((unit for unit in application.units if unit.leader), None)
        return self._units.get(name)

    def host(self, unit: Unit) -> str:
        """The host of Nova on the unit's machine; empty when Nova knows none."""
        machine = self.cloud.machine(unit)
        return self._hosts.get(_short(machine.hostname), "") if machine else ""

    def machine_of_host(self, host: str) -> Machine | None:
        """The machine of Juju that a host of Nova is; None when the model has none."""
        return self._machines.get(_short(host))

    @functools.cached_property
    def _units(self) -> Mapping[str, Unit]:
        applications = self.cloud.applications.values()
        return {unit.name: unit for a in applications for unit in a.units}

    @functools.cached_property
    def _hosts(self) -> Mapping[str, str]:
        return {_short(host): host for host in self.nova.computes} if self.nova else {}

    @functools.cached_property
    def _machines(self) -> Mapping[str, Machine]:
        machines = self.cloud.machines.values()
        return {_short(machine.hostname): machine for machine in machines if machine.hostname}


def paused(unit: Unit) -> bool:
    """The unit was paused, by a plan or by anybody."""
    return unit.workload == "maintenance" and unit.message.startswith(steps.PAUSED)


def serving(unit: Unit) -> bool:
    """The unit does its work, as far as Juju knows."""
    return unit.workload == "active" and unit.agent not in ("lost", "error", "failed")


def settled(unit: Unit) -> bool:
    """It does, and no hook or action is running."""
    return serving(unit) and unit.agent == "idle"


def is_of(version: str, wanted: str) -> bool:
    """A version is the one wanted, or more exact: 25.0.1 is of 25, 250.1 is not."""
    parts = wanted.split(".")
    return bool(version) and version.split(".")[: len(parts)] == parts


def at_least(version: str, wanted: str) -> bool:
    """A version is the one wanted or a later one, compared by numbers: 22.03 is before 22.10."""
    return bool(version) and _numbers(version) >= _numbers(wanted)


@functools.lru_cache(maxsize=1024)
def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(version))


def _short(host: str) -> str:
    """Nova may name a host by its full name, Juju by the first part of it."""
    return host.partition(".")[0]
