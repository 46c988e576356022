"""Models as the API shows them: brief, summary, info and contents (rpc/params/model.go)."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.session import controller_uuid, server_version
from sandbox.juju.state import accounts, clouds, machines, statuses, values
from sandbox.juju.state.store import Transaction

Document = dict[str, Any]


def brief(model: values.Model) -> Document:
    """params.Model."""
    return {
        "name": model.name,
        "uuid": model.uuid,
        "type": "iaas",
        "owner-tag": tags.for_user(model.owner),
    }


def summary(tx: Transaction, model: values.Model, user: str) -> Document:
    """params.ModelSummary as `user` sees it."""
    rows = machines.all_machines(tx, model.uuid)
    cores = sum(machine.hardware.get("cores") or 0 for machine in rows)
    return {
        **_common(tx, model),
        "user-access": model.access.get(user, ""),
        "last-connection": None,
        "counts": [
            {"entity": "machines", "count": len(rows)},
            {"entity": "cores", "count": cores},
            {"entity": "units", "count": _count(tx, "units", model.uuid)},
        ],
    }


def info(tx: Transaction, model: values.Model, *, everyone: bool, user: str = "") -> Document:
    """params.ModelInfo; `everyone` shows all its users, not `user` alone."""
    document = {
        **_common(tx, model),
        "users": [
            _user(tx, model, name, level)
            for name, level in sorted(model.access.items())
            if everyone or name == user
        ],
        "machines": _machines(tx, model.uuid),
        "secret-backends": [],
        "supported-features": [
            {
                "name": "juju",
                "description": "the version of Juju used by the model",
                "version": server_version(tx),
            }
        ],
    }
    if model.credential:
        document["cloud-credential-validity"] = _credential_valid(tx, model.credential)
    return document


def contents(tx: Transaction, model: values.Model) -> Document:
    """params.ModelStatus."""
    names = tx.all("SELECT name FROM applications WHERE model = ? ORDER BY name", model.uuid)
    return {
        "model-tag": tags.for_model(model.uuid),
        "life": model.life,
        "type": "iaas",
        "hosted-machine-count": _count(tx, "machines", model.uuid),
        "application-count": len(names),
        "unit-count": _count(tx, "units", model.uuid),
        "owner-tag": tags.for_user(model.owner),
        "applications": [{"name": row["name"]} for row in names],
        "machines": _machines(tx, model.uuid),
    }


def entity_status(status: statuses.Status) -> Document:
    """params.EntityStatus."""
    document: Document = {
        "status": status.status,
        "info": status.message,
        "since": status.since or None,
    }
    if status.data:
        document["data"] = status.data
    return document


def _common(tx: Transaction, model: values.Model) -> Document:
    document: Document = {
        "name": model.name,
        "uuid": model.uuid,
        "type": "iaas",
        "controller-uuid": controller_uuid(tx),
        "is-controller": False,
        "provider-type": clouds.get(tx, model.cloud).type,
        "cloud-tag": tags.for_cloud(model.cloud),
        "owner-tag": tags.for_user(model.owner),
        "life": model.life,
        "status": entity_status(statuses.get_status(tx, model.uuid, "model", "")),
        "sla": {"level": "unsupported", "owner": ""},
        "agent-version": server_version(tx),
    }
    if model.region:
        document["cloud-region"] = model.region
    if model.credential:
        document["cloud-credential-tag"] = tags.for_credential(*model.credential.split("/", 2))
    return document


def _credential_valid(tx: Transaction, key: str) -> bool:
    row = tx.one(
        "SELECT invalid, revoked FROM credentials WHERE cloud = ? AND owner = ? AND name = ?",
        *key.split("/", 2),
    )
    return row is not None and not row["invalid"] and not row["revoked"]


def _user(tx: Transaction, model: values.Model, name: str, level: str) -> Document:
    return {
        "model-tag": tags.for_model(model.uuid),
        "user": name,
        "display-name": accounts.get_user(tx, name).display_name,
        "last-connection": None,
        "access": level,
    }


def _machines(tx: Transaction, model: str) -> list[Document]:
    found = statuses.all_statuses(tx, model, "machine")
    return [
        _machine(machine, found.get(machine.id, statuses.UNKNOWN))
        for machine in machines.all_machines(tx, model)
        if not machine.container
    ]


def _machine(machine: values.Machine, status: statuses.Status) -> Document:
    document: Document = {"id": machine.id, "status": status.status}
    if status.message:
        document["message"] = status.message
    if machine.hardware:
        document["hardware"] = machine.hardware
    if machine.instance_id:
        document["instance-id"] = machine.instance_id
        document["display-name"] = machine.display_name
    return document


def _count(tx: Transaction, table: str, model: str) -> int:
    return tx.value(f"SELECT count(*) FROM {table} WHERE model = ?", model)
