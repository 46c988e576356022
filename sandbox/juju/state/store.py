"""The SQLite store: transactions, and word to subscribers of what a commit changed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Literal

Kind = Literal[
    "controller",
    "cloud",
    "credential",
    "model",
    "charm",
    "application",
    "machine",
    "unit",
    "relation",
    "secret",
    "task",
    "run",
    "log",
]


@dataclasses.dataclass(frozen=True, order=True)
class Change:
    """One entity that a committed transaction touched."""

    kind: Kind
    model: str
    """The model's UUID; empty for what belongs to the controller."""
    key: str
    """The entity's name or id: unit name, machine id, relation id, secret id, task id."""


Subscriber = Callable[[frozenset[Change]], None]


class Transaction:
    """Reads and writes inside one transaction. Never kept after it, never awaited across."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.changes: set[Change] = set()

    def one(self, sql: str, *parameters: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        return self._connection.execute(sql, parameters).fetchone()

    def all(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        """Every row, in the query's order."""
        return self._connection.execute(sql, parameters).fetchall()

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.one(sql, *parameters)
        return None if row is None else row[0]

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run a writing statement; returns the number of rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def insert(self, table: str, **columns: Any) -> int:
        """Insert one row; returns its rowid. Lists and dicts are stored as JSON."""
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            [_plain(value) for value in columns.values()],
        )
        return cursor.lastrowid or 0

    def update(self, table: str, where: dict[str, Any], **columns: Any) -> int:
        """Set columns of the rows that match `where` exactly; returns how many changed."""
        sets = ", ".join(f"{name} = ?" for name in columns)
        match = " AND ".join(f"{name} IS ?" for name in where)
        return self.execute(
            f"UPDATE {table} SET {sets} WHERE {match}",
            *(_plain(value) for value in columns.values()),
            *where.values(),
        )

    def touch(self, kind: Kind, model: str, key: str = "") -> None:
        """Note that an entity changed; subscribers hear of it once the commit is durable."""
        self.changes.add(Change(kind, model, key))


class Store:
    """One SQLite file, used from the controller's only thread."""

    def __init__(self, path: pathlib.Path | str, *, read_only: bool = False) -> None:
        """Open it; read-only from beside the controller, whose state it then never changes."""
        self._open: Transaction | None = None
        self._subscribers: list[Subscriber] = []
        self._courier: Subscriber = self.tell
        source = f"file:{path}?mode=ro" if read_only else str(path)
        self._connection = sqlite3.connect(source, isolation_level=None, uri=read_only)
        self._connection.row_factory = sqlite3.Row
        if read_only:
            return
        self._connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that was committed; only a power cut could.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        schema = pathlib.Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
        self._connection.executescript(schema)

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        self._connection.close()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with the changes of every commit; returns the way to stop it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction: committed at the end, rolled back when the body raises.

        Inside another transaction it joins that one.
        """
        if self._open is not None:
            yield self._open
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._open = transaction = Transaction(self._connection)
        try:
            yield transaction
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._open = None
        if transaction.changes:
            self._courier(frozenset(transaction.changes))

    def tell(self, changes: frozenset[Change]) -> None:
        """Let every subscriber hear of changes."""
        for subscriber in tuple(self._subscribers):
            subscriber(changes)

    def send_by(self, courier: Subscriber | None) -> None:
        """Hand the changes of each commit to `courier`, which may tell of them late or twice."""
        self._courier = courier or self.tell

    @contextlib.contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent look, which locks nobody out."""
        self._connection.execute("BEGIN")
        try:
            yield Transaction(self._connection)
        finally:
            self._connection.execute("ROLLBACK")


def _plain(value: Any) -> Any:
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, separators=(",", ":"))
    return value
