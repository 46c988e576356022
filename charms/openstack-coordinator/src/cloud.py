"""The model as one frozen value, made from a single FullStatus of the Juju API."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

_REVISION = re.compile(r"-\d+$")
# What Juju's provisioner sets after its last attempt, and how MAAS says that nothing fits.
_GAVE_UP = "provisioning error"
_NO_MATCH = ("No available machine matches constraints", "No such tag(s)")
"""What MAAS answers to allocate while no machine fits, and before any machine has the tag."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit, principal or subordinate."""

    name: str
    machine: str
    """The machine's id; a subordinate has its principal's."""
    principal: str
    """The unit that it is attached to; empty for a principal."""
    workload: str
    message: str
    """Of the workload status, or of the agent's when that is in error."""
    agent: str
    version: str
    """The workload's version; empty until the charm has set it."""
    leader: bool
    refreshing: bool = False
    """It runs another revision of its charm than its application: it has not heard of it yet."""

    @property
    def application(self) -> str:
        """The name of its application."""
        return self.name.partition("/")[0]


@dataclasses.dataclass(frozen=True)
class Application:
    """An application, and where its charm comes from."""

    name: str
    charm: str
    """The charm's name, without schema, base and revision."""
    revision: int
    newest: int
    """The newest revision of its channel that Juju knows; its own where Juju knows no newer."""
    channel: str
    """For example 2024.1/stable; empty for a charm from a file."""
    base: str
    """For example ubuntu@24.04."""
    life: str
    version: str
    """The workload's version."""
    subordinate: bool
    attached: bool
    """A subordinate that is related to a principal."""
    units: tuple[Unit, ...]
    relations: Mapping[str, tuple[str, ...]]
    """Endpoint -> related applications, sorted."""
    options: Mapping[str, Any]
    """Option -> value in force; empty where the options were not read."""
    bindings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Endpoint -> space; empty where all are in the default space."""

    @property
    def track(self) -> str:
        """The channel's track: what it follows."""
        return self.channel.partition("/")[0] if "/" in self.channel else self.channel


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine or container of the model."""

    id: str
    instance_id: str
    """MAAS's system_id or another provider's; empty or `pending` until there is one."""
    hostname: str
    status: str
    """The instance's status, for example running or provisioning error."""
    message: str
    transient: bool
    """Juju was asked already to try again to provision it."""
    agent: str
    constraints: Mapping[str, str]
    hardware: Mapping[str, str]
    addresses: tuple[str, ...] = ()
    """All that Juju knows of, virtual addresses that are on it now included."""

    @property
    def provisioned(self) -> bool:
        """It is backed by an instance."""
        return self.instance_id not in ("", "pending")

    @property
    def unmatched(self) -> bool:
        """Juju gave it up because no machine of MAAS fitted its constraints."""
        return (
            not self.provisioned
            and self.status == _GAVE_UP
            and any(answer in self.message for answer in _NO_MATCH)
            and not self.transient
        )

    @property
    def tags(self) -> frozenset[str]:
        """The tags that its constraints ask for; those to avoid (`^tag`) are left out."""
        tags = self.constraints.get("tags", "").split(",")
        return frozenset(tag for tag in tags if tag and not tag.startswith("^"))

    @property
    def zone(self) -> str:
        """Its availability zone; empty until it is provisioned."""
        return self.hardware.get("availability-zone", "")


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Everything that one look at the model saw."""

    model: str
    juju_version: str
    applications: Mapping[str, Application]
    machines: Mapping[str, Machine]

    def machine(self, unit: Unit) -> Machine | None:
        """The machine of a unit; None while it has none."""
        return self.machines.get(unit.machine)

    def host(self, machine: Machine) -> Machine | None:
        """The machine that a container runs on; None for a machine."""
        host, _, number = machine.id.rpartition("/")
        return self.machines.get(host.rpartition("/")[0]) if number and host else None


def from_full_status(
    status: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]] | None = None
) -> Cloud:
    """The value of a FullStatus of Juju 3.6 or 4.0 (rpc/params/status.go).

    Args:
        status: the answer of Client.FullStatus, as JSON.
        options: application -> option -> value in force.
    """
    raw = status.get("applications") or {}
    units = _units_by_application(raw)
    relations = _relations_by_application(status.get("relations") or ())
    applications = {
        name: _application(
            name,
            raw[name],
            tuple(units.get(name, ())),
            relations.get(name, {}),
            (options or {}).get(name, {}),
        )
        for name in sorted(raw)
    }
    machines = {machine.id: machine for machine in _machines(status.get("machines") or {})}
    model = status.get("model") or {}
    return Cloud(model.get("name", ""), model.get("version", ""), applications, machines)


def _application(
    name: str,
    raw: Mapping[str, Any],
    units: tuple[Unit, ...],
    relations: Mapping[str, tuple[str, ...]],
    options: Mapping[str, Any],
) -> Application:
    base = raw.get("base") or {}
    release = str(base.get("channel", "")).partition("/")[0]
    last = str(raw.get("charm", "")).rpartition(":")[2].rpartition("/")[2]
    return Application(
        name=name,
        charm=_REVISION.sub("", last),
        revision=int(raw.get("charm-rev") or 0),
        newest=_newest(raw),
        channel=raw.get("charm-channel") or "",
        base=f"{base.get('name', '')}@{release}",
        life=raw.get("life") or "",
        version=raw.get("workload-version") or "",
        # Juju gives a principal's units as a map, empty or not, and a subordinate's as null.
        subordinate=raw.get("units") is None,
        attached=bool(raw.get("subordinate-to")),
        units=units,
        relations=relations,
        options=options,
        bindings=raw.get("endpoint-bindings") or {},
    )


def _newest(raw: Mapping[str, Any]) -> int:
    newer = _REVISION.search(str(raw.get("can-upgrade-to") or ""))
    return int(newer[0][1:]) if newer else int(raw.get("charm-rev") or 0)


def _units_by_application(applications: Mapping[str, Any]) -> dict[str, list[Unit]]:
    found: dict[str, list[Unit]] = {}
    for application in applications.values():
        for unit in _units(application.get("units") or {}, principal="", machine=""):
            found.setdefault(unit.application, []).append(unit)
    for units in found.values():
        units.sort(key=lambda unit: int(unit.name.rpartition("/")[2]))
    return found


def _units(raw: Mapping[str, Any], *, principal: str, machine: str) -> Iterator[Unit]:
    for name, unit in raw.items():
        workload = unit.get("workload-status") or {}
        agent = unit.get("agent-status") or {}
        at = unit.get("machine") or machine
        yield Unit(
            name=name,
            machine=at,
            principal=principal,
            workload=workload.get("status", ""),
            message=workload.get("info", ""),
            agent=agent.get("status", ""),
            version=unit.get("workload-version") or "",
            leader=bool(unit.get("leader")),
            refreshing=bool(unit.get("charm")),
        )
        yield from _units(unit.get("subordinates") or {}, principal=name, machine=at)


def _relations_by_application(
    relations: list[Mapping[str, Any]] | tuple[()],
) -> dict[str, dict[str, tuple[str, ...]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for relation in relations:
        ends = relation.get("endpoints") or ()
        for end in ends:
            others = {other["application"] for other in ends if other is not end}
            endpoints = found.setdefault(end["application"], {})
            endpoints.setdefault(end["name"], set()).update(others)
    return {
        application: {endpoint: tuple(sorted(ends)) for endpoint, ends in endpoints.items()}
        for application, endpoints in found.items()
    }


def _machines(raw: Mapping[str, Any]) -> Iterator[Machine]:
    for id_ in sorted(raw, key=_machine_order):
        machine = raw[id_]
        instance = machine.get("instance-status") or {}
        yield Machine(
            id=id_,
            instance_id=machine.get("instance-id") or "",
            hostname=machine.get("hostname") or "",
            status=instance.get("status", ""),
            message=instance.get("info", ""),
            transient=bool((instance.get("data") or {}).get("transient")),
            agent=(machine.get("agent-status") or {}).get("status", ""),
            constraints=_pairs(machine.get("constraints") or ""),
            hardware=_pairs(machine.get("hardware") or ""),
            addresses=tuple(sorted(machine.get("ip-addresses") or ())),
        )
        yield from _machines(machine.get("containers") or {})


def _machine_order(id_: str) -> tuple[int | str, ...]:
    """0 before 2 before 10: the host's number counts, not its text."""
    return tuple(int(part) if part.isdigit() else part for part in id_.split("/"))


def _pairs(text: str) -> Mapping[str, str]:
    """`arch=amd64 tags=a,b` as a map, the form of constraints and hardware in a FullStatus."""
    return dict(pair.split("=", 1) for pair in text.split() if "=" in pair)
