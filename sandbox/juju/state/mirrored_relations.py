"""Relations between models: what happens at one end is told at the other.

Such a relation is one relation in each of the two models. Each model sees the other's units
under the name that it knows the application by; their databags and their comings and goings
are copied from the model that they live in (Juju does so with its remoterelations worker).
"""

from __future__ import annotations

from sandbox.juju.state import relations
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Relation, RelationEndpoint


def other(tx: Transaction, relation: Relation) -> Relation | None:
    """The same relation as the other model has it; None for one within a model."""
    row = tx.one(
        "SELECT offering_model, offering_relation FROM offer_connections"
        " WHERE model = ? AND relation = ?"
        " UNION SELECT model, relation FROM offer_connections"
        " WHERE offering_model = ? AND offering_relation = ?",
        *(relation.model, relation.id, relation.model, relation.id),
    )
    return None if row is None else relations.get(tx, row[0], row[1])


def copy_unit(tx: Transaction, relation: Relation, unit: str) -> Relation | None:
    """Show a unit of this model in the other: its databag, and whether it is in scope."""
    there = other(tx, relation)
    if there is None:
        return None
    application, _, number = unit.rpartition("/")
    name = f"{_same_side(relation, there, application).application}/{number}"
    row = tx.one(
        "SELECT settings_json, version, in_scope, departing FROM relation_units"
        " WHERE model = ? AND relation = ? AND unit = ?",
        *(relation.model, relation.id, unit),
    )
    if row is not None:
        where = {"model": there.model, "relation": there.id, "unit": name}
        if not tx.update("relation_units", where, **dict(row)):
            tx.insert("relation_units", **where, **dict(row))
        relations.touch(tx, there)
    return there


def copy_application(tx: Transaction, relation: Relation, application: str) -> None:
    """Show an application's databag in the other model."""
    there = other(tx, relation)
    if there is None:
        return
    row = tx.one(
        "SELECT settings_json, version FROM relation_endpoints"
        " WHERE model = ? AND relation = ? AND application = ?",
        *(relation.model, relation.id, application),
    )
    side = _same_side(relation, there, application)
    where = {"model": there.model, "relation": there.id, "application": side.application}
    if row is not None:
        tx.update("relation_endpoints", where, **dict(row))
        relations.touch(tx, there)


def aliases(tx: Transaction, model: str, unit: str) -> list[tuple[str, str]]:
    """What the models at the other ends call a unit: each with its name there."""
    if not tx.one(
        "SELECT 1 FROM offer_connections WHERE model = ? OR offering_model = ?", model, model
    ):
        return []
    application, _, number = unit.rpartition("/")
    found: dict[tuple[str, str], None] = {}
    for relation in relations.of_application(tx, model, application):
        there = other(tx, relation)
        if there is not None:
            name = _same_side(relation, there, application).application
            found[there.model, f"{name}/{number}"] = None
    return list(found)


def forget(tx: Transaction, relation: Relation) -> None:
    """Note that one end is gone: the other has nobody to tell any more."""
    tx.execute(
        "DELETE FROM offer_connections WHERE (model = ? AND relation = ?)"
        " OR (offering_model = ? AND offering_relation = ?)",
        *(relation.model, relation.id, relation.model, relation.id),
    )


def _same_side(here: Relation, there: Relation, application: str) -> RelationEndpoint:
    role = here.endpoint(application).role
    return next(side for side in there.endpoints if side.role == role)
