"""The end of offers, of what consumes them, and of the relations between the models."""

from __future__ import annotations

from sandbox.juju import errors
from sandbox.juju.state import offers, relations, remote_applications, removal
from sandbox.juju.state.offers import Offer
from sandbox.juju.state.store import Transaction


def destroy_saas(
    tx: Transaction,
    model: str,
    name: str,
    *,
    force: bool = False,
    maximum_wait: float = removal.MAXIMUM_WAIT,
) -> None:
    """No longer consume an offer: its relations end, then the SAAS goes.

    Raises:
        NotFound: there is no such SAAS.
    """
    found = remote_applications.get(tx, model, name)
    if found.life != "alive" and not force:
        return
    tx.update("remote_applications", {"model": model, "name": name}, life="dying")
    tx.touch("application", model, name)
    for relation in relations.of_application(tx, model, name):
        removal.end_relation(tx, relation, force=force, maximum_wait=maximum_wait)
    remote_applications.finish(tx, model, name)
    removal.finish_model(tx, model)


def destroy_offer(tx: Transaction, offer: Offer, *, force: bool = False) -> None:
    """Withdraw an offer; by force with the relations that it has.

    Raises:
        JujuError: it has relations.
    """
    connected = offers.connections(tx, offer.uuid)
    if connected and not force:
        plural = "" if len(connected) == 1 else "s"
        raise errors.JujuError(
            f'cannot delete application offer "{offer.name}": offer has {len(connected)}'
            f" relation{plural}"
        )
    for connection in connected:
        found = relations.get(tx, offer.model, connection.offering_relation)
        removal.end_relation(tx, found, force=True, maximum_wait=removal.MAXIMUM_WAIT)
    offers.forget(tx, offer)
    for row in tx.all("SELECT model, name FROM remote_applications WHERE offer = ?", offer.uuid):
        tx.touch("application", row["model"], row["name"])


def destroy_all(tx: Transaction, model: str, *, force: bool, maximum_wait: float) -> None:
    """End all that ties a dying model to others."""
    for offer in offers.all_offers(tx, model):
        destroy_offer(tx, offer, force=True)
    for saas in remote_applications.all_remote(tx, model):
        if not saas.consumer:
            destroy_saas(tx, model, saas.name, force=force, maximum_wait=maximum_wait)
