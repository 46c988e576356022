"""From the rows of a model to params.FullStatus: pure, one pass."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.juju import constraints, release
from sandbox.juju.api.status import presence
from sandbox.juju.api.status import storage as storage_status
from sandbox.juju.api.status.rows import ModelRows, OfferedEndpoints
from sandbox.juju.api.status.selection import Selection
from sandbox.juju.state import statuses, values
from sandbox.juju.state.remote_applications import RemoteApplication
from sandbox.juju.state.statuses import Status

Document = dict[str, Any]

_HARDWARE = (
    ("arch", ""),
    ("cores", ""),
    ("cpu-power", ""),
    ("mem", "M"),
    ("root-disk", "M"),
    ("root-disk-source", ""),
    ("tags", ""),
    ("availability-zone", ""),
    ("virt-type", ""),
)
DEFAULT_SPACE = "alpha"


def full_status(
    rows: ModelRows,
    selection: Selection,
    now: datetime.datetime,
    newer: Mapping[str, str],
    *,
    with_storage: bool,
) -> Document:
    """params.FullStatus of what is selected. Absent lists and maps are null, as from Go.

    `newer` has the URL of the charm that an application may be refreshed to, by its name.
    """
    shown = [a for a in rows.applications.values() if a.name in selection.applications]
    document: Document = {
        "model": model_status(rows),
        "machines": _machines(rows, selection),
        "applications": {
            a.name: application_status(rows, a, selection, newer.get(a.name, "")) for a in shown
        },
        "remote-applications": {
            remote.name: _remote(rows, remote)
            for remote in rows.remote.values()
            if not remote.consumer
        },
        "offers": {offered.offer.name: _offer(rows, offered) for offered in rows.offers},
        "relations": [
            _relation(rows, relation)
            for relation in rows.relations.values()
            if relation.id in selection.relations
        ]
        or None,
        "controller-timestamp": now.isoformat().replace("+00:00", "Z"),
        "branches": {},
    }
    if with_storage:
        document |= storage_status.sections(rows, selection)
    return document


def model_status(rows: ModelRows) -> Document:
    """params.ModelStatusInfo."""
    status = rows.status("model", "")
    document = {
        "name": rows.model.name,
        "type": "iaas",
        "cloud-tag": f"cloud-{rows.model.cloud}",
        "version": rows.version,
        "available-version": "",
        "model-status": {**detailed(status), "data": status.data},
        "meter-status": {"color": "", "message": ""},
        "sla": "unsupported",
    }
    if rows.model.region:
        document["region"] = rows.model.region
    return document


def detailed(status: Status, *, life: str = "", version: str = "") -> Document:
    """params.DetailedStatus; of the data only the relation's id is shown, as in Juju."""
    data = {k: v for k, v in status.data.items() if k == "relation-id"}
    return {
        "status": status.status,
        "info": status.message,
        "data": data,
        "since": status.since or None,
        "kind": "",
        "version": version,
        "life": "" if life == "alive" else life,
    }


def application_status(
    rows: ModelRows, application: values.Application, selection: Selection, newer: str
) -> Document:
    """params.ApplicationStatus."""
    charm = rows.charms[application.charm_url]
    units = rows.units_of.get(application.name, [])
    relations, subordinate_to = _related(rows, application)
    bound = bindings(application, charm)
    document: Document = {
        "charm": charm.url,
        "charm-version": charm.charm_version,
        "charm-profile": "",
        "charm-channel": application.channel,
        "charm-rev": charm.revision,
        "base": base_document(application.base),
        "exposed": application.exposed is not None,
        "life": "" if application.life == "alive" else application.life,
        "relations": relations,
        "can-upgrade-to": newer,
        "subordinate-to": subordinate_to,
        "units": None,
        "meter-statuses": None,
        "status": _application_health(rows, application.name, units),
        "workload-version": _workload_version(units),
        "endpoint-bindings": None if bound == {"": DEFAULT_SPACE} else bound,
        "public-address": "",
    }
    if application.exposed:
        document["exposed-endpoints"] = application.exposed
    if not application.subordinate:
        document["units"] = {
            unit.name: _unit(rows, unit, application.charm_url)
            for unit in units
            if unit.name in selection.units
        }
    for optional in ("charm-channel", "charm-rev"):
        if not document[optional]:
            del document[optional]
    return document


def base_document(base: str) -> Document:
    """params.Base of a base such as ubuntu@24.04/stable."""
    name, _, channel = base.partition("@")
    return {"name": name, "channel": channel}


def bindings(application: values.Application, charm: values.Charm) -> dict[str, str]:
    """Each endpoint's space; the endpoint "" stands for the default one."""
    endpoints = charm.endpoints()
    return {
        name: space
        for name, space in application.bindings.items()
        if name not in endpoints or not endpoints[name].implicit
    }


def ports(unit: values.Unit) -> list[str] | None:
    """Opened port ranges as text, each once, in Juju's order: by protocol, then by port."""
    ranges = {(p["protocol"], p["from-port"], p["to-port"]) for p in unit.ports}
    return [_port(*each) for each in sorted(ranges)] or None


def hardware(facts: Mapping[str, Any]) -> str:
    """A machine's hardware as `arch=amd64 cores=4 mem=8192M`."""
    parts = []
    for name, suffix in _HARDWARE:
        value = facts.get(name)
        if value is None or value in ("", []):
            continue
        text = ",".join(value) if isinstance(value, list) else value
        parts.append(f"{name}={text}{suffix}")
    return " ".join(parts)


def _port(protocol: str, low: int, high: int) -> str:
    if protocol == "icmp":
        return protocol
    return f"{low}/{protocol}" if low == high else f"{low}-{high}/{protocol}"


def _application_health(rows: ModelRows, name: str, units: Iterable[values.Unit]) -> Document:
    """What the leader set, or else the most severe status of the units."""
    status = rows.status("application", name)
    if status.status in ("unset", "unknown"):
        status = statuses.derive(rows.shown(unit.name)[0] for unit in units)
    return {**detailed(status), "data": status.data}


def _workload_version(units: Iterable[values.Unit]) -> str:
    versions = [unit.workload_version for unit in units if unit.workload_version]
    return versions[-1] if versions else ""


def _related(
    rows: ModelRows, application: values.Application
) -> tuple[dict[str, list[str]], list[str]]:
    related: dict[str, set[str]] = {}
    subordinate_to: set[str] = set()
    for relation in rows.relations_of.get(application.name, []):
        own, other = relation.endpoint(application.name), relation.remote(application.name)
        related.setdefault(own.name, set()).add(other.application)
        if not relation.peer and relation.scope == "container" and application.subordinate:
            subordinate_to.add(other.application)
    return {name: sorted(others) for name, others in related.items()}, sorted(subordinate_to)


def _unit(rows: ModelRows, unit: values.Unit, application_charm: str) -> Document:
    host = rows.host(unit)
    workload, agent = rows.shown(unit.name)
    if ("unit", unit.name) in rows.missing and unit.life != "dead":
        known = release.of_version(rows.version)
        workload, agent = presence.lost_unit(known, unit.name, workload, agent)
    document: Document = {
        "agent-status": detailed(
            agent,
            life=unit.life,
            version=rows.version if unit.charm_url else "",
        ),
        "workload-status": detailed(workload),
        "workload-version": unit.workload_version,
        "machine": "" if unit.principal else unit.machine or "",
        "opened-ports": ports(unit),
        "public-address": host.address if host else "",
        "charm": unit.charm_url if unit.charm_url != application_charm else "",
        "subordinates": {
            sub.name: _unit(rows, sub, rows.applications[sub.application].charm_url)
            for sub in rows.subordinates_of.get(unit.name, [])
        }
        or None,
    }
    if rows.leaders.get(unit.application) == unit.name:
        document["leader"] = True
    return document


def _machines(rows: ModelRows, selection: Selection) -> dict[str, Document]:
    """Top-level machines, each with its containers inside."""
    documents = {
        machine.id: _machine(rows, machine)
        for machine in rows.machines.values()
        if machine.id in selection.machines
    }
    top = {}
    for machine_id, document in documents.items():
        parent = rows.machines[machine_id].parent
        if parent is None:
            top[machine_id] = document
        elif parent in documents:
            documents[parent]["containers"][machine_id] = document
    return top


def _machine(rows: ModelRows, machine: values.Machine) -> Document:
    started = bool(machine.instance_id)
    status = rows.status("machine", machine.id)
    if ("machine", machine.id) in rows.missing and machine.life != "dead":
        status = presence.lost_machine(status)
    document: Document = {
        "agent-status": detailed(
            status,
            life=machine.life,
            version=rows.version if started else "",
        ),
        "instance-status": detailed(rows.status("instance", machine.id)),
        "modification-status": detailed(rows.status("modification", machine.id)),
        "dns-name": machine.address if started else "",
        "instance-id": machine.instance_id or "pending",
        "display-name": machine.display_name,
        "base": base_document(machine.base),
        "id": machine.id,
        "containers": {},
        "constraints": constraints.render(machine.constraints),
        "hardware": hardware(machine.hardware),
        "jobs": ["JobHostUnits"],
        "has-vote": False,
        "wants-vote": False,
    }
    if started:
        document["hostname"] = machine.hostname
        document["ip-addresses"] = [address["value"] for address in machine.addresses]
        document["network-interfaces"] = _interfaces(machine)
    return document


def _interfaces(machine: values.Machine) -> dict[str, Document]:
    found: dict[str, Document] = {}
    for index, address in enumerate(machine.addresses):
        device = address.get("device") or f"eth{index}"
        interface = found.setdefault(
            device,
            {
                "ip-addresses": [],
                "mac-address": address.get("mac", ""),
                "space": address.get("space") or DEFAULT_SPACE,
                "is-up": True,
            },
        )
        interface["ip-addresses"].append(address["value"])
    return found


def _remote(rows: ModelRows, remote: RemoteApplication) -> Document:
    """params.RemoteApplicationStatus of a SAAS."""
    related: dict[str, set[str]] = {}
    for relation in rows.relations_of.get(remote.name, []):
        own, other = relation.endpoint(remote.name), relation.remote(remote.name)
        related.setdefault(own.name, set()).add(other.application)
    return {
        "offer-url": remote.url,
        "offer-name": remote.name,
        "endpoints": [_remote_endpoint(endpoint.name, endpoint) for endpoint in remote.endpoints],
        "life": "" if remote.life == "alive" else remote.life,
        "relations": {name: sorted(others) for name, others in related.items()},
        "status": detailed(rows.remote_statuses[remote.name]),
    }


def _offer(rows: ModelRows, offered: OfferedEndpoints) -> Document:
    """params.ApplicationOfferStatus: active connections are those that both ends have joined."""
    offer = offered.offer
    joined = [n for n in offered.relations if rows.relations[n].status == "joined"]
    return {
        "offer-name": offer.name,
        "application-name": offer.application,
        "charm": rows.applications[offer.application].charm_url,
        "endpoints": {
            alias: _remote_endpoint(endpoint.name, endpoint)
            for alias, endpoint in offered.endpoints.items()
        },
        "active-connected-count": len(joined),
        "total-connected-count": len(offered.relations),
    }


def _remote_endpoint(name: str, endpoint: values.Endpoint) -> Document:
    return {
        "name": name,
        "role": endpoint.role,
        "interface": endpoint.interface,
        "limit": endpoint.limit,
    }


def _relation(rows: ModelRows, relation: values.Relation) -> Document:
    reason = relation.suspended_reason if relation.suspended else ""
    status = Status(relation.status, reason, since=relation.created)
    return {
        "id": relation.id,
        "key": relation.key,
        "interface": relation.interface,
        "scope": relation.scope,
        "endpoints": [
            {
                "application": side.application,
                "name": side.name,
                "role": side.role,
                "subordinate": relation.scope == "container"
                and side.application in rows.applications
                and rows.applications[side.application].subordinate,
            }
            for side in relation.endpoints
        ],
        "status": detailed(status),
    }
