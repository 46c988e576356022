"""Application: relations made and broken."""

from __future__ import annotations

import ipaddress
from typing import Any

from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Session
from sandbox.juju.errors import JujuError, NotSupported
from sandbox.juju.state import applications, relations, removal
from sandbox.juju.state.store import Transaction


def add_relation(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddRelation: between two `application[:endpoint]`."""
    endpoints, cidrs = parameters.texts("endpoints"), parameters.texts("via-cidrs")
    with session.store.transaction() as tx:
        relations.infer(tx, session.model, *endpoints)
        _check_cidrs(cidrs)
        relation = relations.add(tx, session.model, *endpoints)
        shown = {}
        for side in relation.endpoints:
            application = applications.get(tx, session.model, side.application)
            declared = applications.charm_of(tx, application).endpoints()[side.name]
            shown[side.application] = {
                "name": side.name,
                "role": side.role,
                "interface": side.interface,
                "optional": declared.optional,
                "limit": declared.limit,
                "scope": side.scope,
            }
    return {"endpoints": shown}


def destroy_relation(session: Session, parameters: Fields) -> dict[str, Any]:
    """DestroyRelation: by its endpoints, or by its id."""
    endpoints = parameters.texts("endpoints")
    with session.store.transaction() as tx:
        if endpoints:
            relation = relations.infer_active(tx, session.model, *endpoints)
        else:
            relation = relations.get(tx, session.model, parameters.number("relation-id"))
        removal.destroy_relation(
            tx,
            session.model,
            relation.id,
            force=parameters.flag("force"),
            maximum_wait=parameters.seconds("max-wait", removal.MAXIMUM_WAIT),
        )
    return {}


def set_relations_suspended(session: Session, parameters: Fields) -> dict[str, Any]:
    """SetRelationsSuspended: for relations of offers only, as in Juju."""

    def change(tx: Transaction, arguments: Fields) -> None:
        relation = relations.get(tx, session.model, arguments.number("relation-id"))
        suspended = arguments.flag("suspended")
        if relation.suspended == suspended:
            return
        raise JujuError(
            f'cannot set suspend status for "{relation.key}" which is not associated with an offer'
        )

    return each(session, parameters.each("args"), change)


def charm_relations(session: Session, parameters: Fields) -> dict[str, Any]:
    """CharmRelations: the names of the endpoints that an application has."""
    with session.store.transaction() as tx:
        application = applications.get(tx, session.model, parameters.text("application"))
        charm = applications.charm_of(tx, application)
    return {"charm-relations": sorted(charm.endpoints())}


def _check_cidrs(cidrs: list[str]) -> None:
    for cidr in cidrs:
        try:
            ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            raise JujuError(f"invalid CIDR address: {cidr}") from None
        if cidr == "0.0.0.0/0":
            raise JujuError(f'CIDR "{cidr}" not allowed')
    if cidrs:
        raise NotSupported("integration via subnets for non cross model relations not supported")
