"""Spaces 6 and Subnets 5: the network spaces that the model knows."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import NotFound
from sandbox.juju.providers.discovery import discover_spaces
from sandbox.juju.state import spaces, values
from sandbox.juju.state.store import Transaction


def list_spaces(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListSpaces."""
    with session.store.transaction() as tx:
        return {"results": [_document(space) for space in spaces.all_spaces(tx, session.model)]}


def show_space(session: Session, parameters: Fields) -> dict[str, Any]:
    """ShowSpace: with the applications bound to it and how many machines have an address."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        space = spaces.get(tx, session.model, tags.space(tag))
        bound = tx.all(
            "SELECT DISTINCT a.name FROM applications a, json_each(a.bindings_json) b"
            " WHERE a.model = ? AND b.value = ? ORDER BY a.name",
            *(session.model, space.name),
        )
        count = tx.value(
            "SELECT count(DISTINCT m.id) FROM machines m, json_each(m.addresses_json) a"
            " WHERE m.model = ? AND json_extract(a.value, '$.space') = ?",
            *(session.model, space.name),
        )
        return {
            "space": _document(space),
            "applications": [row["name"] for row in bound],
            "machine-count": count,
        }

    return each(session, entity_tags(parameters), show)


async def reload_spaces(session: Session, parameters: Fields) -> dict[str, Any]:
    """ReloadSpaces: take over the spaces that the model's cloud knows now."""
    await discover_spaces(session.home, session.store, session.model)
    return {}


def list_subnets(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListSubnets: of one space, of one zone, or all."""
    wanted, zone = parameters.text("space-tag"), parameters.text("zone")
    with session.store.transaction() as tx:
        found = [
            _subnet(space, subnet)
            for space in spaces.all_spaces(tx, session.model)
            if not wanted or space.name == tags.space(wanted)
            for subnet in space.subnets
        ]
    return {"results": [subnet for subnet in found if not zone or zone in subnet["zones"]]}


def subnets_by_cidr(session: Session, parameters: Fields) -> dict[str, Any]:
    """SubnetsByCIDR."""

    def show(tx: Transaction, cidr: str) -> dict[str, Any]:
        found = [
            _subnet(space, subnet)
            for space in spaces.all_spaces(tx, session.model)
            for subnet in space.subnets
            if subnet["cidr"] == cidr
        ]
        if not found:
            raise NotFound(f'subnet "{cidr}" not found')
        return {"subnets": found}

    return each(session, parameters.texts("cidrs"), show)


def _document(space: values.Space) -> dict[str, Any]:
    return {
        "id": space.id,
        "name": space.name,
        "subnets": [_subnet(space, subnet) for subnet in space.subnets],
    }


def _subnet(space: values.Space, subnet: dict[str, Any]) -> dict[str, Any]:
    return {
        "cidr": subnet["cidr"],
        "provider-id": str(subnet.get("provider-id", "")),
        "vlan-tag": subnet.get("vlan-tag") or 0,
        "life": "alive",
        "space-tag": f"space-{space.name}",
        "zones": subnet.get("zones") or [],
    }


FACADES = (
    Facade(
        "Spaces",
        6,
        {
            "ListSpaces": Method(list_spaces, Access.READ),
            "ShowSpace": Method(show_space, Access.READ),
            "ReloadSpaces": Method(reload_spaces, Access.WRITE),
        },
    ),
    Facade(
        "Subnets",
        5,
        {
            "ListSubnets": Method(list_subnets, Access.READ),
            "SubnetsByCIDR": Method(subnets_by_cidr, Access.READ),
        },
    ),
)
