"""What Nova says of its computes: which are not fit to run guests, and how much room there is."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Sequence

from coherence import Finding

_COMPUTE = "nova-compute"
_CONTROL = ("nova-scheduler", "nova-conductor")
_PASSING = datetime.timedelta(minutes=5)
"""How long a compute may be silent before somebody must look: a reboot takes less."""

AGAIN = datetime.timedelta(minutes=5)
"""How long a good look at the computes counts while Juju sees no change."""


@dataclasses.dataclass(frozen=True)
class Service:
    """One of Nova's services on one host."""

    binary: str
    host: str
    zone: str
    enabled: bool
    up: bool
    reported: datetime.datetime | None
    """When it was heard of last; None if never."""
    id: str = ""
    disabled_reason: str = ""
    """What whoever disabled it said."""


@dataclasses.dataclass(frozen=True)
class Hypervisor:
    """One hypervisor that belongs to a cell, with its size and what its guests use."""

    host: str
    vcpus: int
    vcpus_used: int
    memory_mb: int
    memory_mb_used: int
    disk_gb: int
    disk_gb_used: int
    guests: int


@dataclasses.dataclass(frozen=True)
class Seen:
    """One look at Nova."""

    services: tuple[Service, ...]
    hypervisors: tuple[Hypervisor, ...]

    @property
    def computes(self) -> tuple[Service, ...]:
        """The compute services."""
        return tuple(s for s in self.services if s.binary == _COMPUTE)


@dataclasses.dataclass(frozen=True)
class Room:
    """The room of one zone, or of all."""

    zone: str
    hypervisors: int
    guests: int
    vcpus: int
    vcpus_used: int
    memory_mb: int
    memory_mb_used: int
    disk_gb: int
    disk_gb_used: int


def findings(seen: Seen, units: int, now: datetime.datetime) -> tuple[Finding, ...]:
    """What keeps computes from running guests; what blocks first.

    `units` is how many units of Juju run hypervisors. A compute that is disabled is so by the
    will of somebody: that is no finding.
    """
    found = [*_control(seen), *_missing(seen, units)]
    mapped = {hypervisor.host for hypervisor in seen.hypervisors}
    for service in sorted(seen.computes, key=lambda s: s.host):
        if not service.up:
            found.append(_down(service, now))
        elif service.host not in mapped:
            found.append(_unmapped(service))
    return tuple(sorted(found, key=lambda finding: finding.severity != "blocked"))


def _control(seen: Seen) -> Iterator[Finding]:
    for binary in _CONTROL:
        known = [s for s in seen.services if s.binary == binary]
        if not any(s.up for s in known):
            yield Finding(
                "blocked",
                binary,
                f"none of {len(known)} is up" if known else "Nova knows none",
                f"journalctl -u {binary} on the units of Nova's API; the message queue is a "
                "usual cause",
            )


def _missing(seen: Seen, units: int) -> Iterator[Finding]:
    known = len(seen.computes)
    if known < units:
        yield Finding(
            "waiting",
            "nova",
            f"{units} hypervisors are active in Juju, {known} are registered in Nova",
            f"journalctl -u {_COMPUTE} on the units that `openstack compute service list` lacks",
        )


def _down(service: Service, now: datetime.datetime) -> Finding:
    silent = service.reported is None or now - service.reported > _PASSING
    return Finding(
        "blocked" if silent else "waiting",
        f"compute {service.host}",
        f"its {_COMPUTE} is down",
        f"systemctl status {_COMPUTE} on {service.host}; where the machine is lost: "
        f"openstack compute service set --disable {service.host} {_COMPUTE}, "
        "and evacuate its guests",
    )


def _unmapped(service: Service) -> Finding:
    return Finding(
        "blocked",
        f"compute {service.host}",
        "it is up and belongs to no cell, so nothing is scheduled on it",
        "on a unit of Nova's API: sudo nova-manage cell_v2 discover_hosts",
    )


def room(seen: Seen) -> tuple[Room, ...]:
    """The room of each zone, then of all zones together."""
    zones = {service.host: service.zone for service in seen.computes}
    names = sorted({zones.get(h.host, "") for h in seen.hypervisors})
    each = [
        _sum(zone, [h for h in seen.hypervisors if zones.get(h.host, "") == zone])
        for zone in names
    ]
    return (*each, _sum("all", seen.hypervisors))


def _sum(zone: str, hypervisors: Sequence[Hypervisor]) -> Room:
    sizes = (
        "vcpus",
        "vcpus_used",
        "memory_mb",
        "memory_mb_used",
        "disk_gb",
        "disk_gb_used",
        "guests",
    )
    totals = {size: sum(getattr(h, size) for h in hypervisors) for size in sizes}
    return Room(zone=zone, hypervisors=len(hypervisors), **totals)


# -- the last look, as the peers share it ---------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Judged:
    """What the last look at the computes led to."""

    at: datetime.datetime
    digest: str
    """Of what Juju showed then: another one makes a new look due."""
    findings: tuple[Finding, ...]

    def counts(self, digest: str, now: datetime.datetime) -> bool:
        """Whether it still holds: good, recent, and Juju shows the same."""
        return not self.findings and self.digest == digest and now - self.at < AGAIN

    def to_json(self) -> str:
        """The form of the databag."""
        return json.dumps(dataclasses.asdict(self), default=datetime.datetime.isoformat)


def judged_from_json(text: str) -> Judged | None:
    """The judgement in a databag; None when there is none that can be read."""
    try:
        raw = json.loads(text)
        found = tuple(Finding(**item) for item in raw["findings"])
        return Judged(datetime.datetime.fromisoformat(raw["at"]), raw["digest"], found)
    except (ValueError, KeyError, TypeError):
        return None
