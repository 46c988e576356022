"""One reading of everything that a model's status shows, each table once."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.juju import clock
from sandbox.juju.api.session import server_version
from sandbox.juju.state import (
    leases,
    offers,
    presence,
    remote_applications,
    statuses,
    values,
)
from sandbox.juju.state.offers import Offer
from sandbox.juju.state.remote_applications import RemoteApplication
from sandbox.juju.state.statuses import Status
from sandbox.juju.state.store import Transaction


@dataclasses.dataclass(frozen=True)
class OfferedEndpoints:
    """An offer with what it offers and to how many."""

    offer: Offer
    endpoints: Mapping[str, values.Endpoint]
    """The charm's endpoints, by the name that consumers see."""
    relations: frozenset[int]
    """Its connections, by the relation in this model."""


@dataclasses.dataclass(frozen=True)
class ModelRows:
    """A model's entities, indexed by the names that the status looks up."""

    model: values.Model
    version: str
    """Of Juju and its agents."""
    applications: Mapping[str, values.Application]
    charms: Mapping[str, values.Charm]
    """By URL."""
    units: Mapping[str, values.Unit]
    units_of: Mapping[str, list[values.Unit]]
    """By application, in the order of their numbers."""
    subordinates_of: Mapping[str, list[values.Unit]]
    """By the name of their principal."""
    machines: Mapping[str, values.Machine]
    relations: Mapping[int, values.Relation]
    relations_of: Mapping[str, list[values.Relation]]
    """By application."""
    statuses: Mapping[tuple[str, str], Status]
    """By kind and entity."""
    missing: frozenset[presence.Agent]
    """The agents that the controller does not hear of."""
    leaders: Mapping[str, str]
    """Application to the unit that leads it."""
    storage: list[values.StorageInstance]
    remote: Mapping[str, RemoteApplication]
    """What is consumed of other models, and who consumes of this one."""
    remote_statuses: Mapping[str, Status]
    offers: list[OfferedEndpoints]

    def status(self, kind: str, entity: str) -> Status:
        """The status of this kind; unknown where none was set."""
        return self.statuses.get((kind, entity), statuses.UNKNOWN)

    def shown(self, unit: str) -> tuple[Status, Status]:
        """A unit's workload and agent status as people see them."""
        return statuses.shown(self.status("workload", unit), self.status("agent", unit))

    def host(self, unit: values.Unit) -> values.Machine | None:
        """The machine that the unit or its principal is on."""
        principal = self.units.get(unit.principal) if unit.principal else unit
        if principal is None or principal.machine is None:
            return None
        return self.machines.get(principal.machine)


def read(tx: Transaction, model: values.Model) -> ModelRows:
    """Read a model in as many queries as it has tables."""
    uuid = model.uuid

    def rows(table: str, order: str) -> list[Any]:
        return tx.all(f"SELECT * FROM {table} WHERE model = ? ORDER BY {order}", uuid)

    units = [values.Unit.from_row(row) for row in rows("units", "application, number")]
    remote = remote_applications.all_remote(tx, uuid)
    relations = _relations(rows("relations", "id"), rows("relation_endpoints", "relation"))
    return ModelRows(
        model=model,
        version=server_version(tx),
        applications=_by_name(map(values.Application.from_row, rows("applications", "name"))),
        charms={row["url"]: values.Charm.from_row(row) for row in rows("charms", "url")},
        units=_by_name(units),
        units_of=_grouped(units, lambda unit: unit.application),
        subordinates_of=_grouped(
            (unit for unit in units if unit.principal), lambda unit: unit.principal
        ),
        machines={row["id"]: values.Machine.from_row(row) for row in rows("machines", "id")},
        relations=relations,
        relations_of=_relations_of(relations.values()),
        statuses={
            (row["kind"], row["entity"]): Status.from_row(row) for row in rows("statuses", "kind")
        },
        missing=presence.missing(tx, uuid, clock.now().timestamp()),
        leaders=leases.holders(tx, uuid),
        remote={remote.name: remote for remote in remote},
        remote_statuses={r.name: remote_applications.status(tx, r) for r in remote},
        offers=[_offered(tx, offer) for offer in offers.all_offers(tx, uuid)],
        storage=[values.StorageInstance.from_row(row) for row in rows("storage", "id")],
    )


def _offered(tx: Transaction, offer: Offer) -> OfferedEndpoints:
    connections = offers.connections(tx, offer.uuid)
    numbers = frozenset(connection.offering_relation for connection in connections)
    return OfferedEndpoints(offer, offers.declared(tx, offer), numbers)


def _by_name(entities: Iterable[Any]) -> dict[str, Any]:
    return {entity.name: entity for entity in entities}


def _grouped(entities: Iterable[Any], key: Any) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = collections.defaultdict(list)
    for entity in entities:
        groups[key(entity)].append(entity)
    return dict(groups)


def _relations(rows: list[Any], endpoint_rows: list[Any]) -> dict[int, values.Relation]:
    sides = _grouped(endpoint_rows, lambda row: row["relation"])
    return {row["id"]: values.Relation.from_rows(row, sides.get(row["id"], [])) for row in rows}


def _relations_of(relations: Iterable[values.Relation]) -> dict[str, list[values.Relation]]:
    found: dict[str, list[values.Relation]] = collections.defaultdict(list)
    for relation in relations:
        for application in dict.fromkeys(relation.applications):
            found[application].append(relation)
    return dict(found)
