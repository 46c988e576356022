"""What units do in relations: entering and leaving their scopes, and the databags.

A relation's scope holds the units that take part in it. In a container-scoped relation
there is one scope for each principal: a unit meets only the one beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sandbox.juju import errors
from sandbox.juju.state import lifecycle, mirrored_relations, networks, relations, units
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Relation, Settings, Unit

MAXIMUM_SIZE = 16 * 1024**2
"""Bytes of keys and values that one databag may hold: as many as a document of MongoDB."""


class CannotEnterScope(errors.JujuError):
    """The relation or the unit is no longer alive."""

    code = "cannot enter scope"


class CannotEnterScopeYet(errors.JujuError):
    """The unit's former subordinate is not gone yet."""

    code = "cannot enter scope yet"


def enter(tx: Transaction, relation: Relation, unit: Unit) -> bool:
    """Let a unit enter scope with a fresh databag; False if it was in scope already.

    The first principal's entry into a container-scoped relation makes its subordinate unit.

    Raises:
        CannotEnterScope: the relation or the unit is not alive.
        CannotEnterScopeYet: a subordinate of that application is still going.
    """
    if in_scope(tx, relation, unit.name):
        return False
    prefix = f'unit "{unit.name}" in relation "{relation.key}": '
    if relation.life != "alive":
        raise CannotEnterScope(f"{prefix}relation is no longer alive")
    if unit.life != "alive":
        raise CannotEnterScope(f"{prefix}unit is no longer alive")
    if relation.scope == "container" and not unit.subordinate:
        _ensure_subordinate(tx, relation, unit)
    where = {"model": relation.model, "relation": relation.id, "unit": unit.name}
    version = unit_settings(tx, relation, unit.name).version + 1
    endpoint = relation.endpoint(unit.application).name
    known = networks.UnitNetworks(tx, unit).of_endpoint(endpoint, relation).settings()
    state = {
        "settings_json": {key: value for key, value in known.items() if value},
        "version": version,
        "in_scope": 1,
        "departing": 0,
    }
    if not tx.update("relation_units", where, **state):
        tx.insert("relation_units", **where, **state)
    _touch(tx, relation, unit)
    mirrored_relations.copy_unit(tx, relation, unit.name)
    return True


def prepare_to_leave(tx: Transaction, relation: Relation, unit: Unit) -> None:
    """Let the other units see a dying unit gone, while it is still in scope itself."""
    where = {"model": relation.model, "relation": relation.id, "unit": unit.name, "in_scope": 1}
    if tx.update("relation_units", where, departing=1):
        _touch(tx, relation, unit)
        mirrored_relations.copy_unit(tx, relation, unit.name)


def leave(tx: Transaction, relation: Relation, unit: Unit) -> None:
    """Let a unit leave scope; a dying relation goes with the last. Leaving twice is no error.

    Its databag stays until the relation goes: units that saw it may still read it.
    """
    where = {"model": relation.model, "relation": relation.id, "unit": unit.name, "in_scope": 1}
    if tx.update("relation_units", where, in_scope=0, departing=0):
        _touch(tx, relation, unit)
        there = mirrored_relations.copy_unit(tx, relation, unit.name)
        if there is not None:
            lifecycle.finish_relation(tx, there)
        lifecycle.finish_relation(tx, relation)


def drop_remote(tx: Transaction, relation: Relation, unit: str) -> None:
    """Let a unit of another model be out of scope here, whatever it does there."""
    where = {"model": relation.model, "relation": relation.id, "unit": unit}
    tx.update("relation_units", where, in_scope=0, departing=0)
    relations.touch(tx, relation)


def in_scope(tx: Transaction, relation: Relation, unit: str) -> bool:
    """Whether a unit is in scope of a relation."""
    return bool(
        tx.value(
            "SELECT in_scope FROM relation_units WHERE model = ? AND relation = ? AND unit = ?",
            *(relation.model, relation.id, unit),
        )
    )


def entered(tx: Transaction, unit: Unit) -> list[Relation]:
    """The relations that a unit is in scope of, oldest first."""
    rows = tx.all(
        "SELECT relation FROM relation_units WHERE model = ? AND unit = ? AND in_scope = 1"
        " ORDER BY relation",
        *(unit.model, unit.name),
    )
    return [relations.get(tx, unit.model, row["relation"]) for row in rows]


def remote_units(tx: Transaction, relation: Relation, unit: Unit) -> list[str]:
    """The units that a unit sees in a relation: those in scope on the other side, by number.

    Of a peer relation the other units of its application; of a container-scoped one only
    the unit beside the same principal. Units that are departing are no longer seen.
    """
    remote = relation.remote(unit.application).application
    rows = tx.all(
        "SELECT member.unit FROM relation_units AS member LEFT JOIN units"
        " ON units.model = member.model AND units.name = member.unit"
        " WHERE member.model = ? AND member.relation = ? AND member.in_scope = 1"
        " AND member.departing = 0 AND member.unit LIKE ? || '/%' AND member.unit <> ?"
        " AND (? = 'global' OR coalesce(units.principal, units.name) = ?)",
        *(relation.model, relation.id, remote, unit.name, relation.scope, unit.host),
    )
    return sorted((row["unit"] for row in rows), key=_number)


def unit_settings(tx: Transaction, relation: Relation, unit: str) -> Settings:
    """A unit's databag; empty, at version 0, for one that never entered scope."""
    row = tx.one(
        "SELECT settings_json, version FROM relation_units"
        " WHERE model = ? AND relation = ? AND unit = ?",
        *(relation.model, relation.id, unit),
    )
    return Settings(json.loads(row["settings_json"]), row["version"]) if row else Settings({}, 0)


def application_settings(tx: Transaction, relation: Relation, application: str) -> Settings:
    """An application's databag in a relation.

    Raises:
        NotFound: the application takes no part in the relation.
    """
    row = tx.one(
        "SELECT settings_json, version FROM relation_endpoints"
        " WHERE model = ? AND relation = ? AND application = ?",
        *(relation.model, relation.id, application),
    )
    if row is None:
        raise errors.NotFound(f'application "{application}" is not a member of "{relation.key}"')
    return Settings(json.loads(row["settings_json"]), row["version"])


def set_unit_settings(
    tx: Transaction, relation: Relation, unit: Unit, changes: Mapping[str, str]
) -> bool:
    """Change a unit's databag; an empty value deletes its key. Whether anything changed.

    Raises:
        NotFound: the unit never entered scope.
        QuotaLimitExceeded: the databag would be larger than 16 MiB.
    """
    old = unit_settings(tx, relation, unit.name)
    if not old.version:
        raise errors.NotFound(f'settings of unit "{unit.name}" in "{relation.key}" not found')
    merged = _merged(old.values, changes)
    if merged == old.values:
        return False
    where = {"model": relation.model, "relation": relation.id, "unit": unit.name}
    tx.update("relation_units", where, settings_json=merged, version=old.version + 1)
    _touch_others(tx, relation, unit)
    mirrored_relations.copy_unit(tx, relation, unit.name)
    return True


def set_application_settings(
    tx: Transaction, relation: Relation, application: str, changes: Mapping[str, str]
) -> bool:
    """Change an application's databag; an empty value deletes its key. Whether it changed.

    Raises:
        NotFound: the application takes no part in the relation.
        QuotaLimitExceeded: the databag would be larger than 16 MiB.
    """
    old = application_settings(tx, relation, application)
    merged = _merged(old.values, changes)
    if merged == old.values:
        return False
    where = {"model": relation.model, "relation": relation.id, "application": application}
    tx.update("relation_endpoints", where, settings_json=merged, version=old.version + 1)
    tx.touch("relation", relation.model, str(relation.id))
    remote = relation.remote(application).application
    for name in units.names(tx, relation.model, remote):
        tx.touch("unit", relation.model, name)
    mirrored_relations.copy_application(tx, relation, application)
    return True


def _merged(old: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """A databag after changes. Juju has no words for one too large: these are its database's."""
    merged = {key: value for key, value in {**old, **changes}.items() if value not in ("", None)}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in merged.items())
    if size > MAXIMUM_SIZE:
        raise errors.QuotaLimitExceeded(
            f"Resulting document after update is larger than {MAXIMUM_SIZE}"
        )
    return merged


def _ensure_subordinate(tx: Transaction, relation: Relation, principal: Unit) -> None:
    application = relation.remote(principal.application).application
    row = tx.one(
        "SELECT name, life FROM units WHERE model = ? AND application = ? AND principal = ?",
        *(relation.model, application, principal.name),
    )
    if row is None:
        units.add_subordinate(tx, relation.model, application, principal)
    elif row["life"] != "alive":
        raise CannotEnterScopeYet(
            f'unit "{principal.name}" in relation "{relation.key}": subordinate {row["name"]}'
            " is no longer alive"
        )


def _number(unit: str) -> int:
    return int(unit.rpartition("/")[2])


def _touch(tx: Transaction, relation: Relation, unit: Unit) -> None:
    tx.touch("unit", relation.model, unit.name)
    _touch_others(tx, relation, unit)


def _touch_others(tx: Transaction, relation: Relation, unit: Unit) -> None:
    tx.touch("relation", relation.model, str(relation.id))
    for name in remote_units(tx, relation, unit):
        tx.touch("unit", relation.model, name)
