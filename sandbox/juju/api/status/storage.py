"""The storage part of a model's status (rpc/params/storage.go)."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.status.rows import ModelRows
from sandbox.juju.api.status.selection import Selection
from sandbox.juju.state import storage, values

_KINDS = {"block": 1, "filesystem": 2}


def sections(rows: ModelRows, selection: Selection) -> dict[str, Any]:
    """`storage` of a FullStatus: what the selected units own, and what nobody owns."""
    shown = [
        details(instance, _machine(rows, instance))
        for instance in rows.storage
        if not instance.owner or instance.owner in selection.units
    ]
    return {"storage": shown} if shown else {}


def details(instance: values.StorageInstance, machine: str) -> dict[str, Any]:
    """params.StorageDetails; `machine` is the id of its owner's machine, or empty."""
    tag = tags.for_storage(instance.id)
    owner = tags.for_unit(instance.owner) if instance.owner else ""
    document: dict[str, Any] = {
        "storage-tag": tag,
        "owner-tag": owner,
        "kind": _KINDS.get(instance.kind, 0),
        "status": {"status": instance.status, "info": "", "since": None},
        "life": instance.life,
        "persistent": storage.outlives_machine(instance),
    }
    if owner:
        document["attachments"] = {
            owner: {
                "storage-tag": tag,
                "unit-tag": owner,
                "machine-tag": tags.for_machine(machine) if machine else "",
                "location": instance.location,
                "life": instance.life,
            }
        }
    return document


def _machine(rows: ModelRows, instance: values.StorageInstance) -> str:
    owner = rows.units.get(instance.owner)
    host = rows.host(owner) if owner else None
    return host.id if host else ""
