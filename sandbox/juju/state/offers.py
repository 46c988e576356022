"""Offers: endpoints of an application that other models may use, and who may use them."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import uuid as uuids
from collections.abc import Mapping

from sandbox.juju import errors, names
from sandbox.juju.state import applications, models
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Endpoint

EVERYONE = "everyone@external"
"""Whoever an identity provider vouches for: may see every offer (permission.EveryoneUserName)."""

ACCESS = ("read", "consume", "admin")
"""What a user may do with an offer, weakest first."""


@dataclasses.dataclass(frozen=True)
class Offer:
    """One offer of a model."""

    model: str
    name: str
    uuid: str
    application: str
    description: str
    endpoints: dict[str, str]
    """The name that consumers see, to the charm's own."""
    access: dict[str, str]


@dataclasses.dataclass(frozen=True)
class Offering:
    """What is to be offered, and by whom."""

    name: str
    application: str
    endpoints: Mapping[str, str]
    owner: str
    description: str = ""


@dataclasses.dataclass(frozen=True)
class OfferConnection:
    """One relation that an offer has, seen from both models."""

    offer: str
    user: str
    model: str
    relation: int
    offering_model: str
    offering_relation: int


def put(tx: Transaction, model: str, offering: Offering) -> Offer:
    """Offer endpoints of an application, or change the offer of that name.

    Raises:
        NotFound: no such application.
        NotValid: the offer's name is no application name.
        JujuError: an endpoint that the charm lacks, that is not of global scope, or that is
            taken back while it has consumers; the model is not alive.
    """
    present = find(tx, model, offering.name)
    verb = "update" if present else "add"
    try:
        description = _check(tx, model, offering, present)
    except errors.JujuError as refusal:
        context = f'cannot {verb} application offer "{offering.name}"'
        raise errors.annotated(refusal, context) from None
    columns = {
        "application": offering.application,
        "description": description,
        "endpoints_json": dict(offering.endpoints),
    }
    where = {"model": model, "name": offering.name}
    if present:
        tx.update("application_offers", where, **columns)
    else:
        access = {EVERYONE: "read", offering.owner: "admin"}
        tx.insert(
            "application_offers",
            **where,
            uuid=str(uuids.uuid4()),
            **columns,
            access_json=access,
        )
    tx.touch("application", model, offering.application)
    return get(tx, model, offering.name)


def find(tx: Transaction, model: str, name: str) -> Offer | None:
    """The offer of this name, or None."""
    row = tx.one("SELECT * FROM application_offers WHERE model = ? AND name = ?", model, name)
    return None if row is None else _offer(row)


def get(tx: Transaction, model: str, name: str) -> Offer:
    """An offer by name; NotFound if there is none."""
    found = find(tx, model, name)
    if found is None:
        raise errors.NotFound(f'offer "{name}" not found')
    return found


def by_uuid(tx: Transaction, uuid: str) -> Offer | None:
    """The offer of any model with this uuid, or None once it was removed."""
    row = tx.one("SELECT * FROM application_offers WHERE uuid = ?", uuid)
    return None if row is None else _offer(row)


def all_offers(tx: Transaction, model: str) -> list[Offer]:
    """Every offer of a model, by name."""
    rows = tx.all("SELECT * FROM application_offers WHERE model = ? ORDER BY name", model)
    return [_offer(row) for row in rows]


def declared(tx: Transaction, offer: Offer) -> dict[str, Endpoint]:
    """The charm's endpoints of an offer, by the name that consumers see."""
    charm = applications.charm_of(tx, applications.get(tx, offer.model, offer.application))
    return {alias: charm.endpoints()[name] for alias, name in sorted(offer.endpoints.items())}


def connections(tx: Transaction, uuid: str) -> list[OfferConnection]:
    """The relations that an offer has, oldest first."""
    rows = tx.all(
        "SELECT * FROM offer_connections WHERE offer = ? ORDER BY offering_relation", uuid
    )
    return [OfferConnection(**dict(row)) for row in rows]


def connected(tx: Transaction, model: str, application: str) -> int:
    """How many offers an application has, 0 while none of them has a relation."""
    own = [o for o in all_offers(tx, model) if o.application == application]
    return len(own) if any(connections(tx, offer.uuid) for offer in own) else 0


def set_access(tx: Transaction, offer: Offer, user: str, access: str) -> None:
    """Let a user read, consume or administer an offer; empty takes all of it away."""
    granted = {name: level for name, level in offer.access.items() if name != user}
    if access:
        granted[user] = access
    where = {"model": offer.model, "name": offer.name}
    tx.update("application_offers", where, access_json=granted)


def forget(tx: Transaction, offer: Offer) -> None:
    """Drop an offer. Its relations are the caller's to end."""
    where = (offer.model, offer.name)
    tx.execute("DELETE FROM application_offers WHERE model = ? AND name = ?", *where)
    tx.touch("application", offer.model, offer.application)


def _check(tx: Transaction, model: str, offering: Offering, present: Offer | None) -> str:
    """Refuse what may not be offered; returns the offer's description."""
    if not names.is_application(offering.name):
        raise errors.NotValid(f'offer name "{offering.name}" not valid')
    charm = applications.charm_of(tx, applications.get(tx, model, offering.application))
    known = charm.endpoints()
    for name in offering.endpoints.values():
        if name not in known:
            raise errors.NotFound(
                f'getting relation endpoint for relation "{name}" and application'
                f' "{offering.application}": application "{offering.application}" has no'
                f' "{name}" relation'
            )
        if known[name].scope != "global":
            raise errors.JujuError(
                f'can only offer endpoints with global scope, provided scope "{known[name].scope}"'
            )
    models.alive(tx, model)
    if present is not None and present.application == offering.application:
        _check_taken_back(tx, present, set(offering.endpoints.values()))
    return offering.description or charm.metadata.get("description") or ""


def _check_taken_back(tx: Transaction, present: Offer, kept: set[str]) -> None:
    gone = set(present.endpoints.values()) - kept
    used = {
        row["endpoint"]
        for connection in connections(tx, present.uuid)
        for row in tx.all(
            "SELECT endpoint FROM relation_endpoints"
            " WHERE model = ? AND relation = ? AND application = ?",
            *(present.model, connection.offering_relation, present.application),
        )
    }
    missed = sorted(gone & used)
    if len(missed) == 1:
        raise errors.JujuError(f'application endpoint "{missed[0]}" has active consumers')
    if missed:
        shown = ", ".join(missed)
        raise errors.JujuError(f'application endpoints "{shown}" have active consumers')


def _offer(row: sqlite3.Row) -> Offer:
    return Offer(
        row["model"],
        row["name"],
        row["uuid"],
        row["application"],
        row["description"],
        json.loads(row["endpoints_json"]),
        json.loads(row["access_json"]),
    )
