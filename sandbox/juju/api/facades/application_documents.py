"""Applications and units as the facade shows them (rpc/params/applications.go)."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.status import full
from sandbox.juju.state import machines, mirrored_relations, relations, scopes, units, values
from sandbox.juju.state.store import Transaction

Document = dict[str, Any]

_TRUST = {
    "description": "Does this application have access to trusted credentials",
    "type": "bool",
    "default": False,
}


def settings(application: values.Application, charm: values.Charm) -> Document:
    """params.ApplicationGetResults."""
    return {
        "application": application.name,
        "charm": charm.name,
        "config": options(application, charm),
        "application-config": {"trust": _trust(application)},
        "constraints": {} if application.subordinate else application.constraints,
        "base": full.base_document(application.base),
        "channel": application.channel,
        "endpoint-bindings": full.bindings(application, charm),
    }


def options(application: values.Application, charm: values.Charm) -> Document:
    """Every option: its value, and whether a user set it, it is the default, or it is unset."""
    shown = {}
    for name, option in charm.options().items():
        document: Document = {
            "description": option.description,
            "type": option.type,
            "source": "unset",
        }
        value = application.config.get(name)
        if option.default is not None:
            document |= {"default": option.default, "value": option.default, "source": "default"}
        if value is not None and value != option.default:
            document |= {"value": value, "source": "user"}
        shown[name] = document
    return shown


def origin(application: values.Application, charm: values.Charm) -> Document:
    """params.CharmOrigin of what an application runs."""
    document: Document = {
        "source": charm.source,
        "type": "",
        "id": "",
        "hash": charm.sha256,
        "revision": charm.revision,
        "architecture": application.constraints.get("arch") or "amd64",
        "base": full.base_document(application.base),
    }
    if charm.source == "charm-hub":
        document |= {"id": charm.name, "type": "charm", **channel_parts(application.channel)}
    return document


def channel_parts(channel: str) -> Document:
    """Track, risk and branch of a channel such as 2024.1/stable."""
    risks = ("stable", "candidate", "beta", "edge")
    parts = channel.split("/")
    track = parts.pop(0) if parts[0] not in risks else ""
    document: Document = {"risk": parts[0] if parts else "stable"}
    if track:
        document["track"] = track
    if len(parts) > 1:
        document["branch"] = parts[1]
    return document


def result(application: values.Application, charm: values.Charm) -> Document:
    """params.ApplicationResult."""
    document: Document = {
        "tag": tags.for_application(application.name),
        "charm": charm.name,
        "base": full.base_document(application.base),
        "channel": application.channel,
        "constraints": {} if application.subordinate else application.constraints,
        "principal": not application.subordinate,
        "exposed": application.exposed is not None,
        "remote": False,
        "life": application.life,
        "endpoint-bindings": full.bindings(application, charm),
    }
    if application.exposed:
        document["exposed-endpoints"] = application.exposed
    return document


def unit_result(
    tx: Transaction, unit: values.Unit, application: values.Application, leader: str
) -> Document:
    """params.UnitResult with the databags that the unit's application sees."""
    host = units.get(tx, unit.model, unit.host).machine
    document: Document = {
        "tag": tags.for_unit(unit.name),
        "workload-version": unit.workload_version,
        "opened-ports": full.ports(unit),
        "charm": application.charm_url,
        "life": unit.life,
        "relation-data": [
            _relation_data(tx, relation, unit)
            for relation in relations.of_application(tx, unit.model, unit.application)
        ],
    }
    if host:
        document["machine"] = host
        document["public-address"] = machines.get(tx, unit.model, host).address
    if leader == unit.name:
        document["leader"] = True
    return document


def _trust(application: values.Application) -> Document:
    source = "user" if application.trust else "default"
    return {**_TRUST, "value": application.trust, "source": source}


def _relation_data(tx: Transaction, relation: values.Relation, unit: values.Unit) -> Document:
    """params.EndpointRelationData; two of its members go by their Go names."""
    remote = relation.remote(unit.application)
    return {
        "relation-id": relation.id,
        "endpoint": relation.endpoint(unit.application).name,
        "cross-model": mirrored_relations.other(tx, relation) is not None,
        "related-endpoint": remote.name,
        "ApplicationData": scopes.application_settings(tx, relation, remote.application).values,
        "unit-relation-data": {
            name: _unit_data(tx, relation, name)
            for name in _remote_units(tx, relation, remote.application)
        },
    }


def _remote_units(tx: Transaction, relation: values.Relation, application: str) -> list[str]:
    """The units of an application, or those of another model that were ever in scope."""
    own = units.names(tx, relation.model, application)
    rows = tx.all(
        "SELECT unit FROM relation_units WHERE model = ? AND relation = ? AND unit LIKE ? || '/%'",
        *(relation.model, relation.id, application),
    )
    return own or sorted(row["unit"] for row in rows)


def _unit_data(tx: Transaction, relation: values.Relation, unit: str) -> Document:
    inside = scopes.in_scope(tx, relation, unit)
    data = scopes.unit_settings(tx, relation, unit).values if inside else None
    return {"InScope": inside, "UnitData": data}
