"""Network spaces of a model."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju import errors
from sandbox.juju.state import models
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Space


def add(
    tx: Transaction, model: str, name: str, subnets: Sequence[Mapping[str, Any]] = ()
) -> Space:
    """Add a space; AlreadyExists if there is one of that name."""
    if tx.one("SELECT 1 FROM spaces WHERE model = ? AND name = ?", model, name):
        raise errors.AlreadyExists(f'adding space "{name}": space "{name}" already exists')
    # 0 is the id of alpha, which every model has.
    number = models.next_number(tx, model, "space") + 1
    tx.insert(
        "spaces", model=model, name=name, id=str(number), subnets_json=[dict(s) for s in subnets]
    )
    tx.touch("model", model)
    return get(tx, model, name)


def get(tx: Transaction, model: str, name: str) -> Space:
    """A space by name; NotFound if there is none."""
    row = tx.one("SELECT * FROM spaces WHERE model = ? AND name = ?", model, name)
    if row is None:
        raise errors.NotFound(f'space "{name}" not found')
    return Space.from_row(row)


def all_spaces(tx: Transaction, model: str) -> list[Space]:
    """Every space of the model, by id."""
    rows = tx.all("SELECT * FROM spaces WHERE model = ?", model)
    return sorted((Space.from_row(row) for row in rows), key=lambda space: int(space.id))


def reload(
    tx: Transaction, model: str, discovered: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Take over the spaces and subnets that the provider knows; those that vanished stay."""
    known = {space.name: space.subnets for space in all_spaces(tx, model)}
    for name, subnets in discovered.items():
        wanted = [dict(subnet) for subnet in subnets]
        if name not in known:
            add(tx, model, name, wanted)
        elif known[name] != wanted:
            tx.update("spaces", {"model": model, "name": name}, subnets_json=wanted)
            tx.touch("model", model)


def space_of(tx: Transaction, model: str, address: str) -> str:
    """The space whose subnet holds an address; alpha where none does."""
    value = ipaddress.ip_address(address)
    for space in all_spaces(tx, model):
        for subnet in space.subnets:
            if value in ipaddress.ip_network(subnet["cidr"]):
                return space.name
    return "alpha"
