"""Statuses of models, applications, units, machines and their instances, with history.

A unit has two: its agent's and its workload's. A failed hook is recorded on the agent; what
people and clients are shown is an error of the workload beside an idle agent, as
Juju does it (state/unit.go, state/unitagent.go).
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Literal

from sandbox.juju import clock
from sandbox.juju.state.store import Kind as ChangeKind
from sandbox.juju.state.store import Transaction

Kind = Literal["model", "application", "workload", "agent", "machine", "instance", "modification"]

WAITING_FOR_MACHINE = "waiting for machine"
AGENT_INITIALISING = "agent initialising"
INSTALLING_CHARM = "installing charm software"

_HISTORY = 1000
"""Statuses that are remembered of each entity."""

_TOUCHES: dict[Kind, ChangeKind] = {
    "model": "model",
    "application": "application",
    "workload": "unit",
    "agent": "unit",
    "machine": "machine",
    "instance": "machine",
    "modification": "machine",
}

# Of several units the most serious status is the application's (core/status/status.go).
_SEVERITY = {
    "error": 100,
    "blocked": 90,
    "maintenance": 80,
    "waiting": 70,
    "active": 60,
    "terminated": 50,
    "unknown": 40,
}


@dataclasses.dataclass(frozen=True)
class Status:
    """One status and since when it holds."""

    status: str
    message: str = ""
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    since: str = ""
    """RFC 3339 UTC; empty where nothing was ever set."""

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Status:
        """The status of a row of `statuses` or `status_history`."""
        return cls(row["status"], row["message"], json.loads(row["data_json"]), row["since"])


UNKNOWN = Status("unknown")


def set_status(
    tx: Transaction,
    model: str,
    kind: Kind,
    entity: str,
    status: str,
    message: str = "",
    data: dict[str, Any] | None = None,
    since: str | None = None,
) -> None:
    """Set a status, and remember it in the history unless it only repeats the current one."""
    since = since or clock.stamp()
    data_json = json.dumps(data or {}, separators=(",", ":"))
    current = _row(tx, model, kind, entity)
    tx.execute(
        "INSERT OR REPLACE INTO statuses (model, kind, entity, status, message, data_json, since)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        *(model, kind, entity, status, message, data_json, since),
    )
    new = (status, message, data_json)
    if current is None or (current["status"], current["message"], current["data_json"]) != new:
        added = tx.insert(
            "status_history",
            model=model,
            kind=kind,
            entity=entity,
            status=status,
            message=message,
            data_json=data_json,
            since=since,
        )
        if added % 100 == 0:
            _prune(tx, model, kind, entity)
    tx.touch(_TOUCHES[kind], model, entity)


def get_status(tx: Transaction, model: str, kind: Kind, entity: str) -> Status:
    """The status as it was set; `unknown` where none was."""
    row = _row(tx, model, kind, entity)
    return UNKNOWN if row is None else Status.from_row(row)


def all_statuses(tx: Transaction, model: str, kind: Kind) -> dict[str, Status]:
    """Every status of one kind in a model, by entity: one query for a whole FullStatus."""
    rows = tx.all("SELECT * FROM statuses WHERE model = ? AND kind = ?", model, kind)
    return {row["entity"]: Status.from_row(row) for row in rows}


def workload(tx: Transaction, model: str, unit: str) -> Status:
    """A unit's workload status as people see it: a failed hook is an error of the workload."""
    return shown(get_status(tx, model, "workload", unit), get_status(tx, model, "agent", unit))[0]


def agent(tx: Transaction, model: str, unit: str) -> Status:
    """A unit's agent status as people see it: idle while its hook error is the workload's."""
    return shown(get_status(tx, model, "workload", unit), get_status(tx, model, "agent", unit))[1]


def shown(workload_status: Status, agent_status: Status) -> tuple[Status, Status]:
    """What people see of a unit's workload and agent, from the two that were recorded."""
    if agent_status.status != "error":
        return workload_status, agent_status
    return agent_status, Status("idle", since=agent_status.since)


def application(tx: Transaction, model: str, name: str) -> Status:
    """An application's status: what its leader set, else the most serious of its units'."""
    row = _row(tx, model, "application", name)
    if row is not None and row["status"] not in ("", "unset"):
        return Status.from_row(row)
    units = tx.all("SELECT name FROM units WHERE model = ? AND application = ?", model, name)
    return derive(workload(tx, model, unit["name"]) for unit in units)


def derive(units: Iterable[Status]) -> Status:
    """The most serious of these; the first of equals; `unknown` of none."""
    return max(units, key=lambda status: _SEVERITY.get(status.status, 0), default=UNKNOWN)


def history(tx: Transaction, model: str, kind: Kind, entity: str, size: int = 20) -> list[Status]:
    """The latest `size` statuses, newest first."""
    rows = tx.all(
        "SELECT * FROM status_history WHERE model = ? AND kind = ? AND entity = ?"
        " ORDER BY id DESC LIMIT ?",
        *(model, kind, entity, size),
    )
    return [Status.from_row(row) for row in rows]


def forget(tx: Transaction, model: str, kind: Kind, entity: str) -> None:
    """Drop the status and history of an entity that is gone."""
    for table in ("statuses", "status_history"):
        tx.execute(
            f"DELETE FROM {table} WHERE model = ? AND kind = ? AND entity = ?",
            *(model, kind, entity),
        )


def _prune(tx: Transaction, model: str, kind: Kind, entity: str) -> None:
    """Let the oldest statuses of an entity go, as Juju's pruner does by age and size."""
    where = (model, kind, entity)
    tx.execute(
        "DELETE FROM status_history WHERE model = ? AND kind = ? AND entity = ? AND id <="
        " (SELECT id FROM status_history WHERE model = ? AND kind = ? AND entity = ?"
        "  ORDER BY id DESC LIMIT 1 OFFSET ?)",
        *(*where, *where, _HISTORY),
    )


def _row(tx: Transaction, model: str, kind: Kind, entity: str) -> sqlite3.Row | None:
    return tx.one(
        "SELECT * FROM statuses WHERE model = ? AND kind = ? AND entity = ?", model, kind, entity
    )
