"""Storage 6: storage instances and pools."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.api.status.storage import details
from sandbox.juju.errors import NotValid
from sandbox.juju.state import storage, storage_attachments, units, values
from sandbox.juju.state.store import Transaction


def storage_details(session: Session, parameters: Fields) -> dict[str, Any]:
    """StorageDetails: of the named instances."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        instance = storage.get(tx, session.model, tags.storage(tag))
        return {"result": _details(tx, instance)}

    return each(session, entity_tags(parameters), show)


def list_storage_details(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListStorageDetails: every instance of the model, once for each filter."""

    def show(tx: Transaction, _filter: Fields) -> dict[str, Any]:
        found = storage.all_storage(tx, session.model)
        return {"result": [_details(tx, instance) for instance in found]}

    return each(session, parameters.each("filters"), show)


def list_pools(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListPools: by name and provider; each pool of the sandbox is its provider's own."""

    def show(tx: Transaction, wanted: Fields) -> dict[str, Any]:
        names, providers = wanted.texts("names"), wanted.texts("providers")
        known = storage.pools(tx, session.model)
        for provider in providers:
            if provider not in known:
                raise NotValid(f'storage provider "{provider}" not found')
        pools = [
            {"name": name, "provider": name, "attrs": {}}
            for name in known
            if (not names or name in names) and (not providers or name in providers)
        ]
        return {"storage-pools": pools}

    return each(session, parameters.each("filters") or [Fields()], show)


def add_to_unit(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddToUnit: more storage for units that run."""

    def add(tx: Transaction, item: Fields) -> dict[str, Any]:
        directive = item.fields("storage")
        given = {
            "pool": directive.text("pool"),
            "size": directive.number("size"),
            "count": directive.number("count"),
        }
        unit = tags.unit(item.text("unit"))
        added = storage_attachments.add(tx, session.model, unit, item.text("name"), given)
        return {"result": {"storage-tags": [tags.for_storage(found.id) for found in added]}}

    return each(session, parameters.each("storages"), add)


def attach(session: Session, parameters: Fields) -> dict[str, Any]:
    """Attach: detached storage to units."""

    def give(tx: Transaction, item: Fields) -> None:
        identity = tags.storage(item.text("storage-tag"))
        unit = tags.unit(item.text("unit-tag"))
        storage_attachments.attach(tx, session.model, identity, unit)

    return each(session, parameters.each("ids"), give)


def detach(session: Session, parameters: Fields) -> dict[str, Any]:
    """DetachStorage: from the units that have it."""

    def take(tx: Transaction, item: Fields) -> None:
        identity = tags.storage(item.text("storage-tag"))
        storage_attachments.detach(tx, session.model, identity)

    return each(session, parameters.fields("ids").each("ids"), take)


def remove(session: Session, parameters: Fields) -> dict[str, Any]:
    """Remove: storage for good, by force from the unit that has it."""

    def destroy(tx: Transaction, item: Fields) -> None:
        identity = tags.storage(item.text("tag"))
        storage_attachments.remove(
            tx,
            session.model,
            identity,
            attached_too=item.flag("destroy-attachments"),
            release=not item.flag("destroy-storage"),
        )

    return each(session, parameters.each("storage"), destroy)


def nothing_found(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListVolumes and ListFilesystems: the sandbox keeps storage instances only."""
    return {"results": [{"result": []} for _ in parameters.each("filters")]}


def _details(tx: Transaction, instance: values.StorageInstance) -> dict[str, Any]:
    machine = ""
    if instance.owner:
        host = units.get(tx, instance.model, instance.owner).host
        machine = units.get(tx, instance.model, host).machine or ""
    return details(instance, machine)


_METHODS = {
    "StorageDetails": Method(storage_details, Access.READ),
    "ListStorageDetails": Method(list_storage_details, Access.READ),
    "AddToUnit": Method(add_to_unit, Access.WRITE),
    "Attach": Method(attach, Access.WRITE),
    "DetachStorage": Method(detach, Access.WRITE),
    "Remove": Method(remove, Access.WRITE),
    "ListPools": Method(list_pools, Access.READ),
    "ListVolumes": Method(nothing_found, Access.READ),
    "ListFilesystems": Method(nothing_found, Access.READ),
}

FACADES = tuple(Facade("Storage", version, _METHODS) for version in (6, 7))
