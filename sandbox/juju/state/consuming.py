"""Consuming an offer of another model, and relating to it (apiserver's Application.Consume)."""

from __future__ import annotations

import hashlib

from sandbox.juju import errors
from sandbox.juju.state import models, offers, relations, remote_applications
from sandbox.juju.state.offers import Offer
from sandbox.juju.state.remote_applications import RemoteApplication
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Endpoint, Relation


def url(tx: Transaction, offer: Offer) -> str:
    """owner/model.offer."""
    model = models.get(tx, offer.model)
    return f"{model.owner}/{model.name}.{offer.name}"


def consume(
    tx: Transaction, model: str, offer: Offer, shown_url: str, alias: str
) -> RemoteApplication:
    """Make an offer known in a model as an application that can be related to.

    Consuming the same offer again brings its endpoints up to date.

    Raises:
        AlreadyExists: another application, or another offer's, has the name.
    """
    name = alias or offer.name
    endpoints = [
        Endpoint(alias_, e.role, e.interface) for alias_, e in offers.declared(tx, offer).items()
    ]
    present = remote_applications.find(tx, model, name)
    if present is not None and present.life == "alive" and not present.consumer:
        if present.other_model != offer.model:
            raise errors.AlreadyExists(
                f'saas application called "{name}" from a different model already exists'
            )
        if present.offer == offer.uuid:
            return remote_applications.set_endpoints(tx, present, endpoints)
        if offers.by_uuid(tx, present.offer) is None and not _related(tx, present):
            # What it consumed is no longer offered: the new offer of the name takes its place.
            where = (model, name)
            tx.execute("DELETE FROM remote_applications WHERE model = ? AND name = ?", *where)
    return remote_applications.add(
        tx,
        model,
        name,
        offer=offer.uuid,
        url=shown_url,
        other_model=offer.model,
        endpoints=endpoints,
    )


def connect(tx: Transaction, relation: Relation, user: str) -> None:
    """Give a new relation with a consumed application its other end, in the offering model.

    Raises:
        JujuError: the application is no longer offered, or the other model refuses.
    """
    for side in relation.endpoints:
        saas = remote_applications.find(tx, relation.model, side.application)
        if saas is None or saas.consumer:
            continue
        offer = offers.by_uuid(tx, saas.offer)
        if offer is None or side.name not in offer.endpoints:
            raise errors.JujuError(f"remote offer {saas.name} is terminated")
        own = relation.remote(side.application)
        standin = _stand_in(tx, offer, relation.model, own.application, own.name)
        there = relations.add(
            tx,
            offer.model,
            f"{offer.application}:{offer.endpoints[side.name]}",
            f"{standin.name}:{own.name}",
        )
        tx.insert(
            "offer_connections",
            offer=offer.uuid,
            user=user,
            model=relation.model,
            relation=relation.id,
            offering_model=there.model,
            offering_relation=there.id,
        )


def set_suspended(
    tx: Transaction, model: str, relation: int, suspended: bool, reason: str
) -> None:
    """Suspend or resume a relation of an offer, at both ends.

    Raises:
        NotFound: no such relation.
        JujuError: it is not one of an offer of this model.
        PermissionDenied: who made it may not consume the offer any more.
    """
    found = relations.get(tx, model, relation)
    if found.suspended == suspended:
        return
    row = tx.one(
        "SELECT * FROM offer_connections WHERE offering_model = ? AND offering_relation = ?",
        *(model, relation),
    )
    if row is None:
        raise errors.JujuError(
            f'cannot set suspend status for "{found.key}" which is not associated with an offer'
        )
    if not suspended and not _may_consume(tx, row["offer"], row["user"]):
        raise errors.PermissionDenied
    relations.set_suspended(tx, model, relation, suspended, reason)
    relations.set_suspended(tx, row["model"], row["relation"], suspended, reason)


def revoke(tx: Transaction, offer: Offer, user: str, level: str) -> None:
    """Take access to an offer back; relations of whoever may no longer consume it are suspended.

    Revoking admin leaves consume, consume leaves read, and read leaves nothing.

    Raises:
        NotFound: the user had no access (state/applicationofferuser.go).
    """
    if user not in offer.access:
        did = {"read": "revoke offer access", "consume": "set offer access to read-only"}.get(
            level, "set offer access to read-consume"
        )
        raise errors.NotFound(
            f'could not {did}: user permission for "us#{user}" on "ao#{offer.uuid}" not found'
        )
    left = {"read": "", "consume": "read", "admin": "consume"}[level]
    offers.set_access(tx, offer, user, left)
    if _may_consume(tx, offer.uuid, user):
        return
    for connection in offers.connections(tx, offer.uuid):
        there = (connection.offering_model, connection.offering_relation)
        if connection.user != user or relations.get(tx, *there).suspended:
            continue
        relations.set_suspended(tx, *there, True)
        relations.set_suspended(
            tx, connection.model, connection.relation, True, "offer permission revoked"
        )


def _may_consume(tx: Transaction, offer: str, user: str) -> bool:
    """Whether a user may consume an offer, as administrators of it always may."""
    found = offers.by_uuid(tx, offer)
    if found is None:
        return False
    if found.access.get(user) in ("consume", "admin"):
        return True
    model = models.get(tx, found.model)
    if model.owner == user or model.access.get(user) == "admin":
        return True
    account = tx.one("SELECT access FROM users WHERE name = ?", user)
    return account is not None and account["access"] == "superuser"


def _stand_in(
    tx: Transaction, offer: Offer, model: str, application: str, endpoint: str
) -> RemoteApplication:
    """Who consumes, under a name that tells the offering model nothing but that it is the same."""
    token = hashlib.sha256(f"{model}/{application}".encode()).hexdigest()[:32]
    name = f"remote-{token}"
    declared = relations.declared(tx, model, application)[endpoint]
    shown = Endpoint(declared.name, declared.role, declared.interface)
    present = remote_applications.find(tx, offer.model, name)
    if present is None:
        return remote_applications.add(
            tx, offer.model, name, offer=offer.uuid, url="", other_model=model, endpoints=[shown]
        )
    endpoints = {**present.declared(), shown.name: shown}
    return remote_applications.set_endpoints(tx, present, endpoints.values())


def _related(tx: Transaction, saas: RemoteApplication) -> bool:
    return bool(relations.of_application(tx, saas.model, saas.name))
