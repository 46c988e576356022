"""Which machines a request means: MAAS's read filters and allocation constraints, as pure data.

Source: MAAS 3.7, maasserver/node_constraint_filter_forms.py, whose messages these are.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from multidict import MultiDict

from sandbox.maas.refusals import BadRequest, FieldErrors
from sandbox.maas.statuses import Status

_IGNORED = {
    "agent_name",
    "bridge_all",
    "bridge_fd",
    "bridge_stp",
    "bridge_type",
    "comment",
    "dry_run",
    "op",
    "verbose",
}
_SHARED = {
    "arch",
    "cpu_count",
    "cpu_speed",
    "deployment_target",
    "devices",
    "fabric_classes",
    "fabrics",
    "interfaces",
    "link_speed",
    "mem",
    "not_arch",
    "not_deployment_target",
    "not_fabric_classes",
    "not_fabrics",
    "not_in_pool",
    "not_in_zone",
    "not_owner",
    "not_pod",
    "not_pod_type",
    "not_power_state",
    "not_subnets",
    "not_system_id",
    "not_tags",
    "not_vlans",
    "owner",
    "pod",
    "pod_type",
    "pool",
    "power_state",
    "storage",
    "subnets",
    "system_id",
    "tags",
    "vlans",
    "zone",
}
_READ_ONLY = {
    "domain",
    "hostname",
    "id",
    "mac_address",
    "not_agent_name",
    "not_domain",
    "not_hostname",
    "not_id",
    "not_simple_status",
    "not_status",
    "simple_status",
    "status",
}
ACQUIRE_FIELDS = _SHARED | {"name"}
READ_FIELDS = _SHARED | _READ_ONLY | {"agent_name"}

_MAC = re.compile(r"^([0-9a-fA-F]{1,2}[:-]){5}[0-9a-fA-F]{1,2}$")
_STORAGE = re.compile(r"(?:([a-zA-Z0-9]+):)?([0-9.]+)(?:\(([^)]+)\))?")
_NUMBERS = {
    "cpu_count": "Invalid CPU count: number required.",
    "cpu_speed": "Invalid CPU speed: number required.",
    "mem": "Invalid memory: number of MiB required.",
}


@dataclasses.dataclass(frozen=True)
class Names:
    """What exists in the region."""

    tags: frozenset[str]
    zones: frozenset[str]
    pools: frozenset[str]
    architectures: tuple[str, ...] = ("amd64/generic",)


@dataclasses.dataclass(frozen=True)
class Filter:
    """Checked constraints; `matches` tells whether a machine, as the API shows it, fits."""

    values: Mapping[str, tuple[str, ...]]
    names: Names

    def matches(self, machine: Mapping[str, Any]) -> bool:
        """Whether the machine fits all constraints."""
        return all(_fits(name, values, machine) for name, values in self.values.items())

    def describe(self) -> str:
        """The constraints as MAAS words them in its refusal."""
        parts = []
        for name in sorted(self.values):
            values: Sequence[str] = self.values[name]
            if name == "arch":
                values = [a for v in values for a in _architectures(v, self.names)]
            elif name in _NUMBERS:
                values = [str(float(value)) for value in values]
            elif name == "tags":
                values = sorted(_split_tags(values))
            if values:
                parts.append(f"{name}={','.join(values)}")
        return " ".join(parts)


def parse(parameters: MultiDict[str], known: Iterable[str], names: Names) -> Filter:
    """Check the constraints; FieldErrors names each that is unknown or impossible."""
    known = set(known)
    errors: dict[str, list[str]] = {}
    values: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(parameters):
        given = tuple(value for value in parameters.getall(name) if value != "")
        if name not in known:
            if name not in _IGNORED:
                errors[name] = ["No such constraint."]
            continue
        if problem := _problem(name, given, names):
            errors[name] = [problem]
        elif given:
            values[name] = given
    if errors:
        raise FieldErrors(errors)
    return Filter(values, names)


def _problem(name: str, values: Sequence[str], names: Names) -> str | None:
    if name in ("tags", "not_tags"):
        unknown = sorted(set(_split_tags(values)) - names.tags)
        listed = ", ".join(f"'{tag}'" for tag in unknown)
        # MAAS takes a tag that it does not know among not_tags for one that no machine has.
        return f"No such tag(s): {listed}." if unknown and name == "tags" else None
    if name in ("zone", "not_in_zone"):
        unknown = sorted(set(values) - names.zones)
        return f"No such zone(s): {', '.join(unknown)}." if unknown else None
    if name in ("pool", "not_in_pool"):
        unknown = sorted(set(values) - names.pools)
        return f"No such pool(s): {', '.join(unknown)}." if unknown else None
    if name == "arch":
        ok = all(_architectures(value, names) for value in values)
        return None if ok else "Architecture not recognised."
    if name in _NUMBERS:
        return None if all(_is_number(value) for value in values) else _NUMBERS[name]
    if name == "mac_address":
        ok = all(_MAC.match(value) for value in values)
        return None if ok else "Invalid parameter: invalid MAC address format"
    if name in ("status", "not_status"):
        return _status_problem(values)
    if name == "storage":
        return _storage_problem(values)
    if name == "interfaces":
        parse_interfaces(values[0] if values else "")
    return None


def _status_problem(values: Sequence[str]) -> str | None:
    known = {status.name.lower() for status in Status}
    for value in values:
        if value.removeprefix("=").lower() not in known:
            return f"Select a valid choice. {value} is not one of the available choices."
    return None


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _split_tags(values: Iterable[str]) -> list[str]:
    return [tag for value in values for tag in re.findall(r"[^\s,]+", value)]


def _architectures(value: str, names: Names) -> list[str]:
    if value in names.architectures:
        return [value]
    return [known for known in names.architectures if known.partition("/")[0] == value]


def _fits(name: str, values: tuple[str, ...], machine: Mapping[str, Any]) -> bool:
    if name.startswith("not_") and name not in ("not_in_zone", "not_in_pool", "not_tags"):
        return not _fits(name.removeprefix("not_"), values, machine)
    check = _CHECKS.get(name)
    return True if check is None else check(values, machine)


def _subnets_of(machine: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    links = [link for nic in machine["interface_set"] for link in nic["links"]]
    return [link["subnet"] for link in links if "subnet" in link]


def _has_subnet(values: Sequence[str], machine: Mapping[str, Any]) -> bool:
    subnets = _subnets_of(machine)
    return all(any(_subnet_is(value, subnet) for subnet in subnets) for value in values)


def _subnet_is(specifier: str, subnet: Mapping[str, Any]) -> bool:
    kind, separator, value = specifier.partition(":")
    if not separator:
        return specifier in (str(subnet["id"]), subnet["name"], subnet["cidr"])
    if kind == "vlan" and value.startswith("id:"):
        value = value.removeprefix("id:")
    facts = {
        "space": subnet["space"],
        "name": subnet["name"],
        "cidr": subnet["cidr"],
        "id": str(subnet["id"]),
        "fabric": subnet["vlan"]["fabric"],
        "vid": str(subnet["vlan"]["vid"]),
        "vlan": str(subnet["vlan"]["id"]),
    }
    return facts.get(kind) == value


def _is_named(values: Sequence[str], machine: Mapping[str, Any]) -> bool:
    return any(value in (machine["hostname"], machine["fqdn"]) for value in values)


_CHECKS = {
    "arch": lambda v, m: any(
        fnmatch.fnmatch(m["architecture"], f"{a.split('/')[0]}/*") for a in v
    ),
    "cpu_count": lambda v, m: m["cpu_count"] >= min(map(float, v)),
    "cpu_speed": lambda v, m: m["cpu_speed"] >= min(map(float, v)),
    "mem": lambda v, m: m["memory"] >= min(map(float, v)),
    "tags": lambda v, m: set(_split_tags(v)) <= set(m["tag_names"]),
    "not_tags": lambda v, m: not set(_split_tags(v)) & set(m["tag_names"]),
    "zone": lambda v, m: m["zone"]["name"] in v,
    "not_in_zone": lambda v, m: m["zone"]["name"] not in v,
    "pool": lambda v, m: m["pool"]["name"] in v,
    "not_in_pool": lambda v, m: m["pool"]["name"] not in v,
    "system_id": lambda v, m: m["system_id"] in v,
    "id": lambda v, m: m["system_id"] in v,
    "hostname": lambda v, m: m["hostname"] in v,
    "name": _is_named,
    "domain": lambda v, m: m["domain"]["name"] in v,
    "owner": lambda v, m: m["owner"] in v,
    "agent_name": lambda v, m: m["agent_name"] in v,
    "power_state": lambda v, m: m["power_state"] in [x.removeprefix("=") for x in v],
    "status": lambda v, m: m["status"] in [Status[x.removeprefix("=").upper()] for x in v],
    "mac_address": lambda v, m: any(
        nic["mac_address"] in [x.lower() for x in v] for nic in m["interface_set"]
    ),
    "subnets": _has_subnet,
    "fabrics": lambda v, m: any(s["vlan"]["fabric"] in v for s in _subnets_of(m)),
    "storage": lambda v, m: match_storage(v[0], m) is not None,
    "interfaces": lambda v, m: match_interfaces(v[0], m) is not None,
}


def _storage_problem(values: Sequence[str]) -> str | None:
    for value in values:
        groups = _STORAGE.findall(value)
        rendered = ",".join(
            (f"{label}:" if label else "") + size + (f"({tags})" if tags else "")
            for label, size, tags in groups
        )
        if not groups or rendered != value:
            return f'Malformed storage constraint, "{value}".'
    return None


def match_storage(constraint: str, machine: Mapping[str, Any]) -> dict[str, list[int]] | None:
    """Which disks satisfy `label:size(tags),...` (sizes in GB, the first is the root disk).

    Label to disk ids for the labelled ones; None when the machine has not got them.
    """
    disks = {disk["id"]: disk for disk in machine["physicalblockdevice_set"]}
    used: set[int] = set()
    labels: dict[str, list[int]] = {}
    for position, (label, size, tags) in enumerate(_STORAGE.findall(constraint)):
        wanted = set(tags.split(",")) - {""}
        fitting = [
            disk["id"]
            for disk in sorted(disks.values(), key=lambda disk: disk["size"])
            if disk["size"] >= float(size) * 1000**3
            and wanted <= set(disk["tags"])
            and bool(disk["partitions"]) == (position == 0)
            and disk["id"] not in used
        ]
        if not fitting:
            return None
        used.add(fitting[0])
        if label:
            labels.setdefault(label, []).append(fitting[0])
    return labels


def parse_interfaces(constraint: str) -> dict[str, dict[str, list[str]]]:
    """`label:key=value[,key=value];...` as label to keys to values."""
    labels: dict[str, dict[str, list[str]]] = {}
    for part in filter(None, constraint.split(";")):
        label, separator, pairs = part.partition(":")
        if not separator:
            raise BadRequest(
                f"Malformed constraint: '{part}' (required format: "
                "'<label>:<key>=<value>[,<key2>=<value2>[,...]]')"
            )
        for pair in pairs.split(","):
            key, equals, value = pair.partition("=")
            if not equals:
                raise BadRequest(f"Malformed key/value pair in constraint: '{pair}'")
            labels.setdefault(label, {}).setdefault(key, []).append(value)
    return labels


def match_interfaces(constraint: str, machine: Mapping[str, Any]) -> dict[str, list[int]] | None:
    """Which NICs satisfy each label; None when a label is satisfied by none."""
    matched: dict[str, list[int]] = {}
    for label, wanted in parse_interfaces(constraint).items():
        fitting = [nic["id"] for nic in machine["interface_set"] if _nic_fits(wanted, nic)]
        if not fitting:
            return None
        matched[label] = fitting
    return matched


def _nic_fits(wanted: Mapping[str, Sequence[str]], nic: Mapping[str, Any]) -> bool:
    subnets = [link["subnet"] for link in nic["links"] if "subnet" in link]
    vlan = nic["vlan"] or {}
    facts = {
        "id": {str(nic["id"])},
        "name": {nic["name"]},
        "space": {vlan.get("space")},
        "fabric": {vlan.get("fabric"), str(vlan.get("fabric_id"))},
        "vid": {str(vlan.get("vid"))},
        "vlan": {str(vlan.get("id")), f"id:{vlan.get('id')}"},
        "subnet": {str(s["id"]) for s in subnets} | {s["name"] for s in subnets},
        "subnet_cidr": {s["cidr"] for s in subnets},
        "type": {nic["type"]},
    }
    for key, values in wanted.items():
        name = key.removeprefix("not_")
        has = bool(set(values) & facts.get(name, set(values)))
        if has == key.startswith("not_"):
            return False
    return True
