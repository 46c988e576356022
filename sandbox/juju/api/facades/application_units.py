"""Application: units added, resolved and removed, and applications removed."""

from __future__ import annotations

from typing import Any

from sandbox.juju import clock
from sandbox.juju.api import tags
from sandbox.juju.api.facades import application_documents as documents
from sandbox.juju.api.facades import placements
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.results import each, one
from sandbox.juju.api.session import Session
from sandbox.juju.errors import JujuError, NotFound, NotSupported
from sandbox.juju.state import (
    applications,
    leases,
    removal,
    storage,
    storage_attachments,
    units,
    values,
)
from sandbox.juju.state.store import Transaction


def add_units(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddUnits: units beyond the placements find a machine by constraints."""
    with session.store.transaction() as tx:
        existing = [tags.storage(tag) for tag in parameters.texts("attach-storage")]
        added = units.add_units(
            tx,
            session.model,
            parameters.text("application"),
            parameters.number("num-units"),
            placements.parse(tx, session.model, parameters.each("placement")),
            existing,
        )
        for identity in existing:
            storage_attachments.attach(tx, session.model, identity, added[0].name)
    return {"units": [unit.name for unit in added]}


def destroy_unit(session: Session, parameters: Fields) -> dict[str, Any]:
    """DestroyUnit: principals only; a dry run tells what storage goes with them."""

    def destroy(tx: Transaction, arguments: Fields) -> dict[str, Any]:
        name = tags.unit(arguments.text("unit-tag"))
        try:
            unit = units.get(tx, session.model, name)
        except NotFound:
            raise JujuError(f'unit "{name}" does not exist') from None
        if unit.subordinate:
            raise JujuError(
                f'unit "{name}" is a subordinate, to remove use remove-relation.'
                f' Note: this will remove all units of "{unit.application}"'
            )
        destroying = arguments.flag("destroy-storage")
        info = _storage_fate(storage.of_unit(tx, session.model, name), destroying)
        if not arguments.flag("dry-run"):
            removal.destroy_unit(
                tx,
                session.model,
                name,
                destroy_storage=destroying,
                force=arguments.flag("force"),
                maximum_wait=arguments.seconds("max-wait", removal.MAXIMUM_WAIT),
            )
        return {"info": info}

    return each(session, parameters.each("units"), destroy)


def destroy_application(session: Session, parameters: Fields) -> dict[str, Any]:
    """DestroyApplication: with its units; a dry run tells which, and what storage."""

    def destroy(tx: Transaction, arguments: Fields) -> dict[str, Any]:
        name = tags.application(arguments.text("application-tag"))
        applications.get(tx, session.model, name)
        destroying = arguments.flag("destroy-storage")
        going = units.of_application(tx, session.model, name)
        owned = [s for unit in going for s in storage.of_unit(tx, session.model, unit.name)]
        info = _storage_fate(owned, destroying)
        if going:
            info["destroyed-units"] = [{"tag": tags.for_unit(unit.name)} for unit in going]
        if not arguments.flag("dry-run"):
            removal.destroy_application(
                tx,
                session.model,
                name,
                destroy_storage=destroying,
                force=arguments.flag("force"),
                maximum_wait=arguments.seconds("max-wait", removal.MAXIMUM_WAIT),
            )
        return {"info": info}

    return each(session, parameters.each("applications"), destroy)


def resolve_unit_errors(session: Session, parameters: Fields) -> dict[str, Any]:
    """ResolveUnitErrors: go on with the failed hook, or without it; of some units or all."""
    mode = "retry-hooks" if parameters.flag("retry") else "no-hooks"
    if parameters.flag("all"):
        with session.store.transaction() as tx:
            failed = tx.all(
                "SELECT entity FROM statuses"
                " WHERE model = ? AND kind = 'agent' AND status = 'error'",
                session.model,
            )
            for row in failed:
                units.set_resolved(tx, session.model, row["entity"], mode)
    return each(
        session,
        entity_tags(parameters.fields("tags")),
        lambda tx, tag: units.set_resolved(tx, session.model, tags.unit(tag), mode),
    )


def applications_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """ApplicationsInfo."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        application = applications.get(tx, session.model, tags.application(tag))
        charm = applications.charm_of(tx, application)
        return {"result": documents.result(application, charm)}

    return each(session, entity_tags(parameters), show)


def units_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """UnitsInfo: of units, or of every unit of applications, with what relations hold."""
    results = []
    with session.store.transaction() as tx:
        for tag in entity_tags(parameters):
            found = one(session, tag, lambda tx, tag: {"units": _named(tx, session.model, tag)})
            if "error" in found:
                results.append(found)
                continue
            results += [{"result": _unit_document(tx, unit)} for unit in found["units"]]
    return {"results": results}


def leader(session: Session, parameters: Fields) -> dict[str, Any]:
    """Leader: the unit that leads an application."""
    name = tags.application(parameters.text("tag"))
    with session.store.transaction() as tx:
        holder = leases.holder(tx, session.model, name, clock.now().timestamp())
    if holder is None:
        message = f"leader for {tags.for_application(name)} not found"
        return {"error": {"message": message, "code": "not found"}, "result": ""}
    return {"result": holder}


def scale_applications(session: Session, parameters: Fields) -> dict[str, Any]:
    """ScaleApplications: for containers' models only."""
    raise NotSupported("scaling applications on a non-container model not supported")


def _named(tx: Transaction, model: str, tag: str) -> list[values.Unit]:
    if tag.startswith("unit-"):
        return [units.get(tx, model, tags.unit(tag))]
    if tag.startswith("application-"):
        name = applications.get(tx, model, tags.application(tag)).name
        return units.of_application(tx, model, name)
    raise JujuError(f'tag "{tag}" is neither unit nor application tag')


def _unit_document(tx: Transaction, unit: values.Unit) -> dict[str, Any]:
    application = applications.get(tx, unit.model, unit.application)
    holder = leases.holders(tx, unit.model).get(unit.application, "")
    return documents.unit_result(tx, unit, application, holder)


def _storage_fate(owned: list[values.StorageInstance], destroying: bool) -> dict[str, Any]:
    """What becomes of storage: that of the machine itself always goes with it."""
    fate: dict[str, Any] = {}
    for instance in owned:
        gone = destroying or not storage.outlives_machine(instance)
        kind = "destroyed-storage" if gone else "detached-storage"
        fate.setdefault(kind, []).append({"tag": tags.for_storage(instance.id)})
    return fate
