"""Making what a hook changed: all of it in the transaction of its success, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju import clock, errors
from sandbox.juju.engine import port_ranges, secret_changes
from sandbox.juju.engine.context import HookContext
from sandbox.juju.engine.port_ranges import PortRange
from sandbox.juju.state import (
    applications,
    leases,
    networks,
    relations,
    scopes,
    storage,
    units,
)
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Unit

_STATE_LIMIT = 2 * 1024 * 1024
"""Bytes of a unit's stored state as a BSON document (max-charm-state-size)."""

_DOCUMENT, _PAIR = 5, 7
"""Bytes that BSON itself takes: of a document, and beside each key and its text."""


def flush(tx: Transaction, context: HookContext) -> dict[str, Any]:
    """Make the changes of a context; returns what they were, for the record of the run.

    Raises:
        JujuError: one of them is refused (the unit no longer leads, a databag over its limit,
            a taken label): then the hook has failed, and the caller rolls all of it back.
    """
    changes: dict[str, Any] = dict(context.effects)
    unit = units.get(tx, context.model, context.unit.name)
    if context.charm_state is not None and context.charm_state != unit.state:
        _check_state(context.charm_state)
        units.set_state(tx, unit.model, unit.name, context.charm_state)
        changes["state"] = sorted(context.charm_state)
    settings = _flush_settings(tx, context, unit)
    if settings:
        changes["relations"] = settings
    if context.opened or context.closed:
        changes["ports"] = _flush_ports(tx, context, unit)
    if context.new_storage:
        _add_storage(tx, context, unit)
        changes["storage"] = dict(context.new_storage)
    secret_changes.apply(tx, unit, context.secrets, clock.now().timestamp())
    if context.secrets.summary:
        changes["secrets"] = context.secrets.summary
    return changes


def _check_state(state: Mapping[str, str]) -> None:
    """What Juju's max-charm-state-size allows (state/unit_ops.go, core/quota/bson.go)."""
    total = _DOCUMENT + sum(
        _PAIR + len(key.encode()) + len(value.encode()) for key, value in state.items()
    )
    if total > _STATE_LIMIT:
        raise errors.QuotaLimitExceeded(
            f"persisting charm state: max allowed size ({_STATE_LIMIT}) exceeded"
        )


def refresh_network_settings(tx: Transaction, unit: Unit) -> None:
    """Bring the addresses in the unit's databags up to date, as Juju does after config-changed."""
    known = networks.UnitNetworks(tx, unit)
    for relation in scopes.entered(tx, unit):
        network = known.of_endpoint(relation.endpoint(unit.application).name, relation)
        scopes.set_unit_settings(tx, relation, unit, network.settings())


def _flush_settings(tx: Transaction, context: HookContext, unit: Unit) -> dict[str, list[str]]:
    """The databags: returns the keys that each relation had set."""
    written: dict[str, list[str]] = {}
    if any(context.application_settings.values()):
        now = clock.now().timestamp()
        if not leases.leads(tx, unit.model, unit.name, now):
            raise errors.JujuError(f'"{unit.name}" is not leader of "{unit.application}"')
    for number, pairs in context.unit_settings.items():
        relation = relations.get(tx, unit.model, number)
        if pairs and scopes.set_unit_settings(tx, relation, unit, pairs):
            written[f"{number} unit"] = sorted(pairs)
    for number, pairs in context.application_settings.items():
        relation = relations.get(tx, unit.model, number)
        if pairs and scopes.set_application_settings(tx, relation, unit.application, pairs):
            written[f"{number} application"] = sorted(pairs)
    return written


def _flush_ports(tx: Transaction, context: HookContext, unit: Unit) -> list[str]:
    known = map(PortRange.from_document, unit.ports)
    opened = port_ranges.after(known, context.opened, context.closed)
    ordered = sorted(opened, key=lambda r: (r.endpoint, r.ports))
    documents = [ports.to_document() for ports in ordered]
    tx.update("units", {"model": unit.model, "name": unit.name}, ports_json=documents)
    tx.touch("unit", unit.model, unit.name)
    return [ports.text for ports in ordered]


def _add_storage(tx: Transaction, context: HookContext, unit: Unit) -> None:
    application = applications.get(tx, unit.model, unit.application)
    declared = applications.charm_of(tx, application).storage()
    present = storage.of_unit(tx, unit.model, unit.name)
    for name, count in context.new_storage.items():
        if name not in declared:
            raise errors.NotFound(f'charm storage "{name}" not found')
        held = sum(instance.name == name for instance in present)
        limit = declared[name].count_max
        if 0 <= limit < held + count:
            raise errors.NotValid(
                f'cannot add {count} of storage "{name}": at most {limit} instances supported'
            )
        for _ in range(count):
            storage.add_instance(tx, unit, declared[name], application.storage[name])
