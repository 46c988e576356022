"""The debug log of a model: what agents, hooks and charms say."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterable

from sandbox.juju import clock
from sandbox.juju.state.store import Transaction

SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_KEPT = 100_000
"""The latest records of the controller; Juju keeps its log by size and age as well."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One line of the debug log."""

    time: str
    entity: str
    """unit-keystone-0, machine-0, controller-0."""
    severity: str
    module: str
    message: str
    id: int = 0
    """Its place in the log; 0 before it is written."""

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Record:
        """The record of a row of `log`."""
        return cls(**{field.name: row[field.name] for field in dataclasses.fields(cls)})


def record(entity: str, severity: str, module: str, message: str) -> Record:
    """A record of this moment."""
    return Record(clock.stamp(), entity, severity, module, message)


def write(tx: Transaction, model: str, records: Iterable[Record]) -> None:
    """Append records to a model's log, and let the oldest of all go."""
    first = last = 0
    for item in records:
        last = tx.insert(
            "log",
            model=model,
            time=item.time,
            entity=item.entity,
            severity=item.severity,
            module=item.module,
            message=item.message,
        )
        first = first or last
    if not last:
        return
    if last // 1000 > (first - 1) // 1000:
        tx.execute("DELETE FROM log WHERE id <= ?", last - _KEPT)
    tx.touch("log", model)


def after(tx: Transaction, model: str, position: int, limit: int = 1000) -> list[Record]:
    """The records that follow the one with id `position`, oldest first."""
    rows = tx.all(
        "SELECT * FROM log WHERE model = ? AND id > ? ORDER BY id LIMIT ?", model, position, limit
    )
    return [Record.from_row(row) for row in rows]


def last(tx: Transaction, model: str, count: int) -> list[Record]:
    """The latest `count` records, oldest first."""
    rows = tx.all("SELECT * FROM log WHERE model = ? ORDER BY id DESC LIMIT ?", model, count)
    return [Record.from_row(row) for row in reversed(rows)]


def position(tx: Transaction, model: str) -> int:
    """The id of the latest record, 0 of an empty log: where a follower starts."""
    return tx.value("SELECT max(id) FROM log WHERE model = ?", model) or 0
