"""Reading from the store what the controller says of a unit."""

from __future__ import annotations

import dataclasses
import hashlib
import sqlite3

from sandbox.juju import clock
from sandbox.juju.engine.local import LocalState
from sandbox.juju.engine.remote import RelationView, RemoteState, StorageView
from sandbox.juju.state import charms, leases, secret_consumers, tasks, units
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import JUJU_INFO, Unit


@dataclasses.dataclass(frozen=True)
class Signals:
    """What the agent itself knows: its timers, and the commands that came in."""

    retry_due: bool = False
    update_status_due: bool = False
    commands: tuple[int, ...] = ()
    rebooted: bool = False


def observe(
    tx: Transaction, model: str, name: str, local: LocalState, signals: Signals
) -> RemoteState | None:
    """The controller's side of a unit; None once the unit is gone."""
    row = tx.one("SELECT * FROM units WHERE model = ? AND name = ?", model, name)
    if row is None:
        return None
    unit = Unit.from_row(row)
    application = tx.one(
        "SELECT life, charm_url, charm_version, force_charm, config_json, trust, bindings_json"
        " FROM applications WHERE model = ? AND name = ?",
        *(model, unit.application),
    )
    if application is None:
        return None
    now = clock.now()
    leader = leases.leads(tx, model, name, now.timestamp())
    owned = _owned(tx, unit, leader)
    stamp = clock.stamp(now)
    return RemoteState(
        unit=name,
        life=unit.life,
        application_life=application["life"],
        charm_url=application["charm_url"],
        charm_version=application["charm_version"],
        force_charm=bool(application["force_charm"]),
        resolved=unit.resolved,
        retry_due=signals.retry_due,
        update_status_due=signals.update_status_due,
        config_hash=_config_hash(tx, unit, application),
        leader=leader,
        leader_settings_version=_leader_settings_version(tx, unit),
        has_subordinates=bool(units.subordinates(tx, model, name)),
        relations=_relations(tx, unit, local.charm_url),
        storage=_storage(tx, unit),
        actions=tuple(tasks.pending(tx, model, name)),
        commands=signals.commands,
        rebooted=signals.rebooted,
        rotations=tuple(s["id"] for s in owned if (s["next_rotate"] or "~") <= stamp),
        expired=_expired(tx, unit, owned, local, stamp),
        consumed=_consumed(tx, unit),
        obsolete=_obsolete(tx, unit, owned),
    )


def _config_hash(tx: Transaction, unit: Unit, application: sqlite3.Row) -> str:
    """Changes when config-changed is due: options, trust, bindings or addresses changed."""
    addresses = tx.value(
        "SELECT addresses_json FROM machines WHERE model = ? AND id = ?", unit.model, unit.machine
    )
    parts = (
        application["config_json"],
        str(application["trust"]),
        application["bindings_json"],
        addresses or "",
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _leader_settings_version(tx: Transaction, unit: Unit) -> int:
    """Counts the writes of leader-set; 1 before the first, so that minions are told once."""
    version = tx.value(
        "SELECT version FROM leader_settings WHERE model = ? AND application = ?",
        *(unit.model, unit.application),
    )
    return 1 + (version or 0)


def _relations(tx: Transaction, unit: Unit, charm_url: str) -> dict[int, RelationView]:
    rows = tx.all(
        "SELECT r.id, r.life, r.suspended, r.scope, own.endpoint, own.role,"
        " coalesce(other.application, own.application) AS remote,"
        " coalesce(other.version, own.version) AS remote_version"
        " FROM relation_endpoints own"
        " JOIN relations r ON r.model = own.model AND r.id = own.relation"
        " LEFT JOIN relation_endpoints other ON other.model = own.model"
        " AND other.relation = own.relation AND other.application <> own.application"
        " WHERE own.model = ? AND own.application = ?",
        *(unit.model, unit.application),
    )
    declared = charms.get(tx, unit.model, charm_url).endpoints() if rows and charm_url else {}
    return {
        row["id"]: _relation(tx, unit, row, row["endpoint"] in declared)
        for row in rows
        if _concerns(tx, unit, row)
    }


def _concerns(tx: Transaction, unit: Unit, row: sqlite3.Row) -> bool:
    """A subordinate takes no part in its application's relations with other principals."""
    if unit.principal is None or row["scope"] != "container":
        return True
    if row["remote"] == unit.principal.rpartition("/")[0]:
        return True
    subordinate = tx.value(
        "SELECT subordinate FROM applications WHERE model = ? AND name = ?",
        *(unit.model, row["remote"]),
    )
    return bool(subordinate)


def _relation(tx: Transaction, unit: Unit, row: sqlite3.Row, implemented: bool) -> RelationView:
    members = tx.all(
        "SELECT m.unit, m.version FROM relation_units m"
        " LEFT JOIN units u ON u.model = m.model AND u.name = m.unit"
        " WHERE m.model = ? AND m.relation = ? AND m.in_scope = 1 AND m.departing = 0"
        " AND m.unit LIKE ? || '/%' AND m.unit <> ?"
        " AND (? = 'global' OR coalesce(u.principal, u.name) = ?)",
        *(unit.model, row["id"], row["remote"], unit.name, row["scope"], unit.host),
    )
    return RelationView(
        endpoint=row["endpoint"],
        role=row["role"],
        scope=row["scope"],
        remote_application=row["remote"],
        life=row["life"],
        suspended=bool(row["suspended"]),
        implicit=row["endpoint"] == JUJU_INFO.name and row["role"] == JUJU_INFO.role,
        implemented=implemented,
        members={member["unit"]: member["version"] for member in members},
        application_members={row["remote"]: row["remote_version"]},
    )


def _storage(tx: Transaction, unit: Unit) -> dict[str, StorageView]:
    rows = tx.all(
        "SELECT id, life, status FROM storage WHERE model = ? AND owner = ?", unit.model, unit.name
    )
    return {r["id"]: StorageView(r["life"], r["status"] == "attached") for r in rows}


def _owned(tx: Transaction, unit: Unit, leader: bool) -> list[sqlite3.Row]:
    """The secrets that the unit answers for: its own, and as the leader its application's."""
    own = "SELECT id, next_rotate FROM secrets WHERE model = ? AND owner_kind = ? AND owner = ?"
    rows = tx.all(own, unit.model, "unit", unit.name)
    if leader:
        rows += tx.all(own, unit.model, "application", unit.application)
    return rows


def _expired(
    tx: Transaction, unit: Unit, owned: list[sqlite3.Row], local: LocalState, stamp: str
) -> tuple[tuple[str, int], ...]:
    found = [
        (secret["id"], row["revision"])
        for secret in owned
        for row in tx.all(
            "SELECT revision FROM secret_revisions WHERE model = ? AND secret = ? AND expire <= ?",
            *(unit.model, secret["id"], stamp),
        )
    ]
    return tuple(key for key in found if local.expired.get(f"{key[0]}/{key[1]}", "") <= stamp)


def _obsolete(tx: Transaction, unit: Unit, owned: list[sqlite3.Row]) -> dict[str, tuple[int, ...]]:
    result = {}
    for secret in owned:
        rows = tx.all(
            "SELECT revision FROM secret_revisions"
            " WHERE model = ? AND secret = ? AND obsolete = 1 ORDER BY revision",
            *(unit.model, secret["id"]),
        )
        if rows:
            result[secret["id"]] = tuple(row["revision"] for row in rows)
    return result


def _consumed(tx: Transaction, unit: Unit) -> dict[str, tuple[int, str]]:
    """Of a first revision nobody is told that it changed."""
    known = secret_consumers.consumed(tx, unit.model, unit.name)
    return {secret: latest for secret, latest in known.items() if latest[0] > 1}
