"""ApplicationOffers 4 and 5: endpoints that models offer to each other."""

from __future__ import annotations

import hmac
from typing import Any

from sandbox.authority import Authority
from sandbox.juju.api import offer_documents, tags
from sandbox.juju.api.offer_documents import OfferUrl, parse_url
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import API_PORT, Access, Session, controller_uuid
from sandbox.juju.errors import (
    JujuError,
    NotFound,
    NotSupported,
    NotValid,
    PermissionDenied,
    annotated,
)
from sandbox.juju.state import (
    accounts,
    applications,
    consuming,
    models,
    offers,
    remote_removal,
)
from sandbox.juju.state.offers import Offer, Offering
from sandbox.juju.state.store import Transaction


def offer(session: Session, parameters: Fields) -> dict[str, Any]:
    """Offer: make endpoints available, or change what is; one at a time, as in Juju."""
    wanted = parameters.each("offers")
    if len(wanted) != 1:
        raise JujuError(f"expected exactly one offer, got {len(wanted)}")

    def make(tx: Transaction, arguments: Fields) -> None:
        model = models.get(tx, tags.model(arguments.text("model-tag")))
        if not offer_documents.administers(session, tx, model.uuid):
            raise PermissionDenied
        owner = arguments.text("owner-tag")
        application = arguments.text("application-name")
        try:
            applications.get(tx, model.uuid, application)
        except JujuError as error:
            raise annotated(error, f"getting offered application {application}") from None
        offering = Offering(
            arguments.text("offer-name") or application,
            application,
            arguments.text_map("endpoints"),
            tags.user(owner) if owner else session.user,
            arguments.text("application-description"),
        )
        offers.put(tx, model.uuid, offering)

    return each(session, wanted, make)


def list_application_offers(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListApplicationOffers: of models that the caller administers, with their connections."""
    with session.store.transaction() as tx:
        filters = parameters.each("filters")
        return {"results": offer_documents.visible(session, tx, filters, admin=True)}


def find_application_offers(session: Session, parameters: Fields) -> dict[str, Any]:
    """FindApplicationOffers: of any model, those that the caller may use."""
    filters = parameters.each("filters")
    with session.store.transaction() as tx:
        if len(filters) == 1 and not filters[0].text("model-name"):
            given = parameters.raw("filters")[0]
            filters = [
                Fields({**given, "model-name": model.name, "owner-name": model.owner})
                for model in models.all_models(tx)
            ]
        return {"results": offer_documents.visible(session, tx, filters, admin=False)}


def application_offers(session: Session, parameters: Fields) -> dict[str, Any]:
    """ApplicationOffers: the offers that these URLs name."""

    def show(tx: Transaction, text: str) -> dict[str, Any]:
        found = _named(session, tx, _local(session, text))
        level = offer_documents.access(session, tx, found)
        return {"result": offer_documents.admin_details(session, tx, found, level)}

    return each(session, parameters.texts("offer-urls"), show)


def get_consume_details(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetConsumeDetails: what Consume in another model needs to know."""
    user = session.user
    if tag := parameters.text("user-tag"):
        user = tags.user(tag)
        with session.store.transaction() as tx:
            if user != session.user and not session.is_superuser(tx):
                raise PermissionDenied

    def show(tx: Transaction, text: str) -> dict[str, Any]:
        found = _named(session, tx, _local(session, text))
        level = offer_documents.access(session, tx, found, user)
        if not offer_documents.allows(level, "consume"):
            raise PermissionDenied
        return {
            "offer": offer_documents.details(tx, found),
            "external-controller": _controller(session, tx),
            "macaroon": _macaroon(tx, found, user),
        }

    return each(session, parameters.fields("offer-urls").texts("offer-urls"), show)


def modify_offer_access(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModifyOfferAccess: grant and revoke read, consume and admin."""

    def modify(tx: Transaction, change: Fields) -> None:
        level = change.text("access")
        if level not in offers.ACCESS:
            raise NotValid(f'could not modify offer access: "{level}" offer access not valid')
        url = parse_url(change.text("offer-url"), session.user)
        model = offer_documents.model_of(tx, url.user, url.model)
        found = offers.find(tx, model.uuid, url.offer)
        if not offer_documents.administers(session, tx, model.uuid) and (
            found is None or offer_documents.access(session, tx, found) != "admin"
        ):
            raise PermissionDenied
        found = offers.get(tx, model.uuid, url.offer)
        _modify(tx, found, tags.user(change.text("user-tag")), change.text("action"), level)

    return each(session, parameters.each("changes"), modify)


def remote_application_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """RemoteApplicationInfo: what a dashboard shows of an offer."""

    def show(tx: Transaction, text: str) -> dict[str, Any]:
        url = _local(session, text)
        found = _named(session, tx, url)
        document = offer_documents.details(tx, found)
        return {
            "result": {
                "model-tag": document["source-model-tag"],
                "name": url.offer,
                "description": document["application-description"],
                "offer-url": str(url),
                "source-model-label": url.model,
                "endpoints": document["endpoints"],
                "icon-url-path": f"rest/1.0/remote-application/{url.offer}/icon",
            }
        }

    return each(session, parameters.texts("offer-urls"), show)


def destroy_offers(session: Session, parameters: Fields) -> dict[str, Any]:
    """DestroyOffers: by URL, by force with their relations."""

    def destroy(tx: Transaction, text: str) -> None:
        url = parse_url(text, session.user)
        model = offer_documents.model_of(tx, url.user, url.model)
        if not offer_documents.administers(session, tx, model.uuid):
            raise PermissionDenied
        found = offers.get(tx, model.uuid, url.offer)
        remote_removal.destroy_offer(tx, found, force=parameters.flag("force"))

    return each(session, parameters.texts("offer-urls"), destroy)


def _local(session: Session, text: str) -> OfferUrl:
    url = parse_url(text, session.user)
    if url.endpoint:
        raise JujuError(f'saas application "{text}" shouldn\'t include endpoint')
    if url.source:
        raise NotSupported("query for non-local application offers not supported")
    return url


def _named(session: Session, tx: Transaction, url: OfferUrl) -> Offer:
    model = offer_documents.model_of(tx, url.user, url.model)
    found = offers.find(tx, model.uuid, url.offer)
    if found is None or not offer_documents.access(session, tx, found):
        raise NotFound(f'application offer "{url}" not found')
    return found


def _controller(session: Session, tx: Transaction) -> dict[str, Any]:
    """params.ExternalControllerInfo of this controller."""
    return {
        "controller-tag": f"controller-{controller_uuid(tx)}",
        "controller-alias": "",
        "addrs": [f"{session.home.controller_address}:{API_PORT}"],
        "ca-cert": Authority(session.home.folder("ca")).pem,
    }


def _macaroon(tx: Transaction, found: Offer, user: str) -> dict[str, Any]:
    """What clients hand on to Consume, which asks anew whether the user may."""
    identifier = f"offer {found.uuid} for {user}"
    key = controller_uuid(tx).encode()
    return {
        "location": f"juju model {found.model}",
        "caveats": [],
        "identifier": identifier,
        "signature": hmac.new(key, identifier.encode(), "sha256").hexdigest(),
    }


def _modify(tx: Transaction, found: Offer, user: str, action: str, level: str) -> None:
    current = found.access.get(user, "")
    if action == "grant":
        _check_user(tx, user)
        if offer_documents.allows(current, level):
            raise JujuError(f'user already has "{level}" access or greater')
        offers.set_access(tx, found, user, level)
    elif action == "revoke":
        consuming.revoke(tx, found, user, level)
    else:
        raise JujuError(f'unknown action "{action}"')


def _check_user(tx: Transaction, user: str) -> None:
    try:
        accounts.get_user(tx, user)
    except NotFound as refusal:
        context = f'could not grant offer access: user "{user}" does not exist locally'
        raise annotated(refusal, context) from None


_METHODS = {
    name: Method(serve, Access.LOGIN)
    for name, serve in {
        "Offer": offer,
        "ListApplicationOffers": list_application_offers,
        "FindApplicationOffers": find_application_offers,
        "ApplicationOffers": application_offers,
        "GetConsumeDetails": get_consume_details,
        "ModifyOfferAccess": modify_offer_access,
        "RemoteApplicationInfo": remote_application_info,
        "DestroyOffers": destroy_offers,
    }.items()
}

FACADES = tuple(Facade("ApplicationOffers", version, _METHODS) for version in (4, 5))
