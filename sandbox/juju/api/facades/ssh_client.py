"""SSHClient 4: where to reach machines and units."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError, NotFound
from sandbox.juju.state import machines, units, values
from sandbox.juju.state.store import Transaction


def address(session: Session, parameters: Fields) -> dict[str, Any]:
    """PublicAddress and PrivateAddress: the preferred one."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        found = _machine(tx, session.model, tag).address
        if not found:
            raise JujuError("no public address(es)", code="no address set")
        return {"address": found}

    return each(session, entity_tags(parameters), show)


def all_addresses(session: Session, parameters: Fields) -> dict[str, Any]:
    """AllAddresses."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        machine = _machine(tx, session.model, tag)
        return {"addresses": [found["value"] for found in machine.addresses]}

    return each(session, entity_tags(parameters), show)


def public_keys(session: Session, parameters: Fields) -> dict[str, Any]:
    """PublicKeys: the machines of the sandbox run no SSH server, so there are none."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        machine = _machine(tx, session.model, tag)
        raise NotFound(f"SSH host keys for {tags.for_machine(machine.id)} not found")

    return each(session, entity_tags(parameters), show)


def proxy(session: Session, parameters: Fields) -> dict[str, Any]:
    """Proxy: never through the controller."""
    return {"use-proxy": False}


def _machine(tx: Transaction, model: str, tag: str) -> values.Machine:
    if tags.kind(tag) == "machine":
        return machines.get(tx, model, tags.machine(tag))
    unit = units.get(tx, model, tags.unit(tag))
    host = units.get(tx, model, unit.host).machine
    if host is None:
        raise JujuError(f'unit "{unit.name}" is not assigned to a machine', code="not assigned")
    return machines.get(tx, model, host)


FACADES = (
    Facade(
        "SSHClient",
        4,
        {
            "PublicAddress": Method(address, Access.ADMIN),
            "PrivateAddress": Method(address, Access.ADMIN),
            "AllAddresses": Method(all_addresses, Access.ADMIN),
            "PublicKeys": Method(public_keys, Access.ADMIN),
            "Proxy": Method(proxy, Access.ADMIN),
        },
    ),
)
