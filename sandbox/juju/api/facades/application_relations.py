"""Application: relations made and broken."""

from __future__ import annotations

import ipaddress
from typing import Any

from sandbox.juju.api import offer_documents, tags
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Session
from sandbox.juju.errors import JujuError, NotFound, NotSupported, PermissionDenied
from sandbox.juju.state import (
    applications,
    consuming,
    networks,
    offers,
    relations,
    remote_applications,
    remote_removal,
    removal,
)
from sandbox.juju.state.store import Transaction


def add_relation(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddRelation: between two `application[:endpoint]`."""
    endpoints, cidrs = parameters.texts("endpoints"), parameters.texts("via-cidrs")
    with session.store.transaction() as tx:
        sides = relations.infer(tx, session.model, *endpoints)
        between_models = any(
            remote_applications.find(tx, session.model, side.application) for side in sides
        )
        _check_cidrs(cidrs, between_models)
        relation = relations.add(tx, session.model, *endpoints)
        networks.keep_egress(tx, relation, cidrs)
        consuming.connect(tx, relation, session.user)
        shown = {}
        for side in relation.endpoints:
            declared = relations.declared(tx, session.model, side.application)[side.name]
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
        consuming.set_suspended(
            tx,
            session.model,
            arguments.number("relation-id"),
            arguments.flag("suspended"),
            arguments.text("message"),
        )

    return each(session, parameters.each("args"), change)


def consume(session: Session, parameters: Fields) -> dict[str, Any]:
    """Consume: make offers known as applications of other models (SAAS)."""

    def add(tx: Transaction, arguments: Fields) -> None:
        tags.model(arguments.text("source-model-tag"))
        offer = offers.by_uuid(tx, arguments.text("offer-uuid"))
        if offer is None:
            raise NotFound(f'application offer "{arguments.text("offer-url")}" not found')
        level = offer_documents.access(session, tx, offer)
        if not offer_documents.allows(level, "consume"):
            raise PermissionDenied
        url, alias = arguments.text("offer-url"), arguments.text("application-alias")
        consuming.consume(tx, session.model, offer, url, alias)

    return each(session, parameters.each("args"), add)


def destroy_consumed_applications(session: Session, parameters: Fields) -> dict[str, Any]:
    """DestroyConsumedApplications: consume an offer no longer."""

    def destroy(tx: Transaction, arguments: Fields) -> None:
        remote_removal.destroy_saas(
            tx,
            session.model,
            tags.application(arguments.text("application-tag")),
            force=arguments.flag("force"),
            maximum_wait=arguments.seconds("max-wait", removal.MAXIMUM_WAIT),
        )

    return each(session, parameters.each("applications"), destroy)


def charm_relations(session: Session, parameters: Fields) -> dict[str, Any]:
    """CharmRelations: the names of the endpoints that an application has."""
    with session.store.transaction() as tx:
        application = applications.get(tx, session.model, parameters.text("application"))
        charm = applications.charm_of(tx, application)
    return {"charm-relations": sorted(charm.endpoints())}


def _check_cidrs(cidrs: list[str], between_models: bool) -> None:
    for cidr in cidrs:
        try:
            ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            raise JujuError(f"invalid CIDR address: {cidr}") from None
        if cidr == "0.0.0.0/0":
            raise JujuError(f'CIDR "{cidr}" not allowed')
    if cidrs and not between_models:
        raise NotSupported("integration via subnets for non cross model relations not supported")
