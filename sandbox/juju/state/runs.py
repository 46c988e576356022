"""Every hook, action and command that ran: what a trace shows, and what a crash left running."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from typing import Any

from sandbox.juju import clock
from sandbox.juju.state.store import Transaction

_KEPT = 100_000
"""Runs of the whole controller; a charm that ticks every second makes that many in a day."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One process that ran for a unit."""

    id: int
    model: str
    unit: str
    kind: str
    """install, amqp-relation-joined, action pause, run commands."""
    detail: str
    """The remote unit, secret or task that it was about."""
    started: str
    seconds: float | None
    """How long it took; None while it runs."""
    exit_code: int | None
    """Negative for a signal; None while it runs, and where a crash hid it."""
    pid: int | None
    changes: dict[str, Any]
    """What it changed, by kind, and the relation that it was about; never a secret's content."""

    @property
    def relation(self) -> int | None:
        """The relation that it was about."""
        return self.changes.get("relation")

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Run:
        """The run of a row of `runs`."""
        values = {key: row[key] for key in row.keys() if key != "changes_json"}  # noqa: SIM118
        return cls(**values, changes=json.loads(row["changes_json"]))


def begin(
    tx: Transaction,
    model: str,
    unit: str,
    kind: str,
    detail: str,
    context_id: str,
    relation: int | None = None,
) -> int:
    """Note that a process is about to start; returns the run's id, which grows."""
    about = {} if relation is None else {"relation": relation}
    run = tx.insert(
        "runs",
        model=model,
        unit=unit,
        kind=kind,
        detail=detail,
        started=clock.stamp(),
        changes_json={**about, "context": context_id},
    )
    if run % 1000 == 0:
        tx.execute("DELETE FROM runs WHERE id <= ? AND seconds IS NOT NULL", run - _KEPT)
    return run


def set_process(tx: Transaction, run: int, pid: int) -> None:
    """Note the process, so that the next daemon can end what this one left running."""
    tx.execute("UPDATE runs SET pid = ? WHERE id = ?", pid, run)


def finish(
    tx: Transaction,
    run: int,
    seconds: float,
    exit_code: int | None,
    changes: dict[str, Any] | None = None,
) -> None:
    """Note how it ended and what it changed."""
    row = tx.one("SELECT model, changes_json FROM runs WHERE id = ?", run)
    if row is None:  # it took so long that it is no longer kept
        return
    known = json.loads(row["changes_json"])
    known.pop("context", None)
    tx.update(
        "runs",
        {"id": run},
        seconds=round(seconds, 6),
        exit_code=exit_code,
        changes_json={**known, **(changes or {})},
    )
    tx.touch("run", row["model"], str(run))


def get(tx: Transaction, run: int) -> Run | None:
    """A run by its id; None for one that is no longer kept."""
    row = tx.one("SELECT * FROM runs WHERE id = ?", run)
    return None if row is None else Run.from_row(row)


def unfinished(tx: Transaction) -> list[Run]:
    """The runs that no daemon saw the end of."""
    return [Run.from_row(row) for row in tx.all("SELECT * FROM runs WHERE seconds IS NULL")]


def abandon(tx: Transaction, model: str, unit: str) -> None:
    """Note that nobody saw the end of what ran for a unit: its agent was killed."""
    for run in unfinished(tx):
        if (run.model, run.unit) == (model, unit):
            seconds = (clock.now() - clock.parse(run.started)).total_seconds()
            finish(tx, run.id, seconds, None)


def of_unit(tx: Transaction, model: str, unit: str) -> list[Run]:
    """Everything that ran for a unit, oldest first."""
    rows = tx.all("SELECT * FROM runs WHERE model = ? AND unit = ? ORDER BY id", model, unit)
    return [Run.from_row(row) for row in rows]


def of_relation(tx: Transaction, model: str, relation: int) -> list[Run]:
    """The hooks of a relation on both sides, and whatever wrote into its databags."""
    rows = tx.all(
        "SELECT * FROM runs WHERE model = ? AND (json_extract(changes_json, '$.relation') = ?"
        " OR json_extract(changes_json, ?) IS NOT NULL"
        " OR json_extract(changes_json, ?) IS NOT NULL) ORDER BY id",
        model,
        relation,
        *(f'$.relations."{relation} {whose}"' for whose in ("unit", "application")),
    )
    return [Run.from_row(row) for row in rows]
