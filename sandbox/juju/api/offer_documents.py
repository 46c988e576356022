"""Offers as the facades show them, and who may see which (rpc/params/crossmodel.go)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError, NotFound
from sandbox.juju.state import (
    accounts,
    applications,
    consuming,
    models,
    networks,
    offers,
    relations,
)
from sandbox.juju.state.offers import Offer
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Endpoint, Model

Document = dict[str, Any]

_URL = re.compile(
    r"(?:(?P<source>[^:/.]+):)?(?:(?P<user>[^/:.]+)/)?(?P<model>[^./:]+)"
    r"\.(?P<offer>[^/:]+)(?::(?P<endpoint>.+))?"
)
_LEVELS = ("", *offers.ACCESS)


@dataclasses.dataclass(frozen=True)
class OfferUrl:
    """Where an offer is: owner/model.offer, perhaps of another controller."""

    source: str
    user: str
    model: str
    offer: str
    endpoint: str

    def __str__(self) -> str:
        return f"{self.user}/{self.model}.{self.offer}"


def parse_url(text: str, user: str) -> OfferUrl:
    """The parts of an offer's URL; the owner is `user` where none is named.

    Raises:
        JujuError: it is none.
    """
    found = _URL.fullmatch(text)
    if found is None:
        raise JujuError(
            f'application offer URL has invalid form, must be [<user/]<model>.<appname>: "{text}"'
        )
    return OfferUrl(
        found["source"] or "",
        found["user"] or user,
        found["model"],
        found["offer"],
        found["endpoint"] or "",
    )


def model_of(tx: Transaction, owner: str, name: str) -> Model:
    """The model that a URL names; NotFound if there is none."""
    row = tx.one("SELECT uuid FROM models WHERE owner = ? AND name = ?", owner, name)
    if row is None:
        raise NotFound(f'model "{owner}/{name}" not found')
    return models.get(tx, row["uuid"])


def administers(session: Session, tx: Transaction, model: str) -> bool:
    """Whether the caller administers the model or the controller."""
    return session.is_superuser(tx) or session.may(tx, Access.ADMIN, model)


def access(session: Session, tx: Transaction, offer: Offer, user: str = "") -> str:
    """What a user, by default the caller, may do with an offer; empty for nothing."""
    name = user or session.user
    if name == session.user and administers(session, tx, offer.model):
        return "admin"
    return offer.access.get(name, "")


def allows(level: str, wanted: str) -> bool:
    """Whether a level of access includes another."""
    return _LEVELS.index(level) >= _LEVELS.index(wanted)


def visible(
    session: Session, tx: Transaction, filters: Iterable[Fields], *, admin: bool
) -> list[Document]:
    """params.ApplicationOfferAdminDetails of the offers that any of the filters selects.

    Raises:
        NotFound: a filter names a model that is not there.
        JujuError: there is no filter, or one names no model.
    """
    by_model: dict[str, list[Fields]] = {}
    for each in filters:
        if not each.text("model-name"):
            raise JujuError("application offer filter must specify a model name")
        owner = each.text("owner-name") or each.text("model-qualifier") or session.user
        found = model_of(tx, owner, each.text("model-name"))
        by_model.setdefault(found.uuid, []).append(each)
    if not by_model:
        raise JujuError("at least one offer filter is required")
    shown = []
    for uuid, wanted in sorted(by_model.items()):
        if admin and not administers(session, tx, uuid):
            continue
        for offer in offers.all_offers(tx, uuid):
            level = access(session, tx, offer)
            if level and any(_selected(tx, offer, each) for each in wanted):
                shown.append(admin_details(session, tx, offer, level))
    return shown


def details(tx: Transaction, offer: Offer) -> Document:
    """params.ApplicationOfferDetails, without its users."""
    return {
        "source-model-tag": tags.for_model(offer.model),
        "offer-uuid": offer.uuid,
        "offer-url": consuming.url(tx, offer),
        "offer-name": offer.name,
        "application-description": offer.description,
        "endpoints": [endpoint_document(e) for e in _shown(tx, offer)],
    }


def admin_details(session: Session, tx: Transaction, offer: Offer, level: str) -> Document:
    """params.ApplicationOfferAdminDetails: administrators see who is connected."""
    document = {**details(tx, offer), "users": [_user(tx, session.user, level)]}
    if level != "admin":
        return document
    others = sorted(name for name in offer.access if name != session.user)
    document["users"] += [_user(tx, name, offer.access[name]) for name in others]
    return document | {
        "application-name": offer.application,
        "charm-url": applications.get(tx, offer.model, offer.application).charm_url,
        "connections": [_connection(tx, offer, c) for c in offers.connections(tx, offer.uuid)],
    }


def endpoint_document(endpoint: Endpoint) -> Document:
    """params.RemoteEndpoint."""
    return {
        "name": endpoint.name,
        "role": endpoint.role,
        "interface": endpoint.interface,
        "limit": endpoint.limit,
    }


def _shown(tx: Transaction, offer: Offer) -> list[Endpoint]:
    return [
        dataclasses.replace(endpoint, name=alias)
        for alias, endpoint in offers.declared(tx, offer).items()
    ]


def _connection(tx: Transaction, offer: Offer, found: offers.OfferConnection) -> Document:
    relation = relations.get(tx, offer.model, found.offering_relation)
    consumed = relations.get(tx, found.model, found.relation)
    return {
        "source-model-tag": tags.for_model(found.model),
        "relation-id": relation.id,
        "username": found.user,
        "endpoint": relation.endpoint(offer.application).name,
        "status": {
            "status": relation.status,
            "info": relation.suspended_reason,
            "since": relation.created,
        },
        "ingress-subnets": networks.ingress_of(tx, consumed) or None,
    }


def _user(tx: Transaction, name: str, level: str) -> Document:
    shown = tx.one("SELECT 1 FROM users WHERE name = ?", name)
    display = accounts.get_user(tx, name).display_name if shown else ""
    return {"user": name, "display-name": display, "access": level}


def _selected(tx: Transaction, offer: Offer, wanted: Fields) -> bool:
    application = wanted.text("application-name")
    if application and application != offer.application:
        return False
    if wanted.text("offer-name") not in offer.name:
        return False
    if wanted.text("application-description") not in offer.description:
        return False
    connected = {tags.user(tag) for tag in wanted.texts("connected-user-tags")}
    if connected and not connected & {c.user for c in offers.connections(tx, offer.uuid)}:
        return False
    consumers = [tags.user(tag) for tag in wanted.texts("allowed-user-tags")]
    if consumers and not any(allows(offer.access.get(u, ""), "consume") for u in consumers):
        return False
    terms = wanted.each("endpoints")
    return not terms or any(_all_match(e, terms) for e in offers.declared(tx, offer).values())


def _all_match(endpoint: Endpoint, terms: list[Fields]) -> bool:
    return all(
        endpoint.interface == term.text("interface")
        or endpoint.name == term.text("name")
        or endpoint.role == term.text("role")
        for term in terms
    )
