"""Which entities the patterns of `juju status <pattern>...` select (client/filtering.go)."""

from __future__ import annotations

import dataclasses
import fnmatch
import ipaddress
import re
from collections.abc import Iterator, Sequence

from sandbox.juju import placement
from sandbox.juju.api.status.rows import ModelRows
from sandbox.juju.state import values

_WORKLOAD_STATUSES = frozenset(
    ["blocked", "maintenance", "waiting", "active", "unknown", "terminated", "error"]
)
_AGENT_STATUSES = frozenset(["allocating", "error", "failed", "rebooting", "executing", "idle"])
_VALID_PART = re.compile(r"[a-z0-9*-]+")


@dataclasses.dataclass(frozen=True)
class Selection:
    """The names of what the status shows."""

    applications: frozenset[str]
    units: frozenset[str]
    machines: frozenset[str]
    relations: frozenset[int]


def everything(rows: ModelRows) -> Selection:
    """The whole model."""
    return Selection(
        frozenset(rows.applications),
        frozenset(rows.units),
        frozenset(rows.machines),
        frozenset(rows.relations),
    )


def select(rows: ModelRows, patterns: Sequence[str]) -> Selection:
    """What these patterns select; no pattern selects all.

    A pattern is a machine, a unit or application (with *), `app/leader`, a workload, agent or
    machine status, a port range such as 80/tcp, a subnet, `exposed` or `not exposed`. A
    machine brings all its units, a unit its machine, its principal and its subordinates.
    """
    if not patterns:
        return everything(rows)
    return _Selector(rows, [_leader(rows, pattern) for pattern in patterns]).selection()


class _Selector:
    def __init__(self, rows: ModelRows, patterns: list[str]) -> None:
        self._rows = rows
        self._patterns = patterns
        self._names = _unit_patterns(patterns)

    def selection(self) -> Selection:
        rows = self._rows
        machines = {m.id for m in rows.machines.values() if self._machine_matches(m)}
        units: set[str] = set()
        applications: set[str] = set()
        elsewhere: dict[str, set[str]] = {}
        for unit in rows.units.values():
            host = rows.host(unit)
            if host and host.id in machines:
                units.add(unit.name)
                applications.add(unit.application)
            elif host:
                elsewhere.setdefault(host.id, set()).add(unit.application)
        for unit in rows.units.values():
            if unit.principal or unit.name in units:
                continue
            family = [unit, *rows.subordinates_of.get(unit.name, [])]
            if any(self._unit_matches(member) for member in family):
                units.update(member.name for member in family)
                applications.add(unit.application)
                if host := rows.host(unit):
                    machines.add(host.id)
        for machine in machines:
            applications |= elsewhere.get(machine, set())
        named = {a.name for a in rows.applications.values() if self._application_matches(a)}
        relations = {relation.id for name in named for relation in rows.relations_of.get(name, [])}
        return Selection(
            frozenset(applications | named),
            frozenset(units),
            frozenset(_with_parents(machines)),
            frozenset(relations),
        )

    def _machine_matches(self, machine: values.Machine) -> bool:
        for pattern in self._patterns:
            if placement.is_machine(pattern) and f"{machine.id}/".startswith(f"{pattern}/"):
                return True
        status = self._rows.status("machine", machine.id).status
        if status in _AGENT_STATUSES and status in self._patterns:
            return True
        addresses = [address["value"] for address in machine.addresses]
        return any(_in_subnet(a, pattern) for a in addresses for pattern in self._patterns)

    def _unit_matches(self, unit: values.Unit) -> bool:
        if self._name_matches(unit):
            return True
        workload, agent = (status.status for status in self._rows.shown(unit.name))
        if agent in _AGENT_STATUSES and agent in self._patterns:
            return True
        if workload in _WORKLOAD_STATUSES and workload in self._patterns:
            return True
        application = self._rows.applications.get(unit.application)
        if application is not None and self._exposure_matches(application):
            return True
        return any(_port_matches(ports, p) for ports in unit.ports for p in self._patterns)

    def _name_matches(self, unit: values.Unit) -> bool:
        relatives = [unit.principal] if unit.principal else []
        relatives += [sub.name for sub in self._rows.subordinates_of.get(unit.name, [])]
        return any(
            fnmatch.fnmatchcase(name, pattern)
            for name in (unit.name, *relatives)
            for pattern in self._names
        )

    def _application_matches(self, application: values.Application) -> bool:
        if application.name in (pattern.lower() for pattern in self._patterns):
            return True
        if self._exposure_matches(application):
            return True
        units = self._rows.units_of.get(application.name, [])
        return any(self._unit_matches(unit) for unit in units)

    def _exposure_matches(self, application: values.Application) -> bool:
        if self._patterns[:1] == ["exposed"]:
            return application.exposed is not None
        return self._patterns[:2] == ["not", "exposed"] and application.exposed is None


def _leader(rows: ModelRows, pattern: str) -> str:
    application, slash, suffix = pattern.partition("/")
    if slash and suffix == "leader":
        return rows.leaders.get(application, pattern)
    return pattern


def _unit_patterns(patterns: list[str]) -> list[str]:
    """The patterns for unit names; one that can be none makes Juju use none of them."""
    complete = []
    for pattern in patterns:
        parts = pattern.split("/")
        if len(parts) > 2 or not all(_VALID_PART.fullmatch(part) for part in parts):
            return []
        complete.append(pattern if len(parts) == 2 else f"{pattern}/*")
    return complete


def _in_subnet(address: str, pattern: str) -> bool:
    if address == pattern:
        return True
    if "/" not in pattern:
        return False
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def _port_matches(opened: dict, pattern: str) -> bool:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?/(tcp|udp)", pattern)
    if match is None or opened["protocol"] != match[3]:
        return False
    low, high = int(match[1]), int(match[2] or match[1])
    return low <= opened["to-port"] and high >= opened["from-port"]


def _with_parents(machines: set[str]) -> Iterator[str]:
    for machine in machines:
        parts = machine.split("/")
        for end in range(1, len(parts) + 1, 2):
            yield "/".join(parts[:end])
