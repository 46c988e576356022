"""Bulk calls: every item has a result or an error of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sandbox.juju.api import framing
from sandbox.juju.api.session import Session
from sandbox.juju.errors import JujuError
from sandbox.juju.state.store import Transaction

Item = TypeVar("Item")


def each(
    session: Session, items: Iterable[Item], act: Callable[[Transaction, Item], Any]
) -> dict[str, Any]:
    """{"results": [...]}: what `act` returns for each item (None: nothing), or its error.

    Each item is a transaction of its own: one that fails leaves the others done.
    """
    return {"results": [one(session, item, act) for item in items]}


def one(session: Session, item: Item, act: Callable[[Transaction, Item], Any]) -> dict[str, Any]:
    """The result of one item, or {"error": ...}."""
    try:
        with session.store.transaction() as tx:
            return act(tx, item) or {}
    except JujuError as error:
        return {"error": framing.error_document(error)}
