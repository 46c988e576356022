"""The SQLite store: transactions, and word to subscribers of what a commit changed."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Literal

from sandbox.database import Rows, connect, connect_read_only, plain

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
Companion = Callable[["Transaction"], None]


class Transaction(Rows):
    """A transaction of the controller, which notes what it changes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.changes: set[Change] = set()

    def update(self, table: str, where: dict[str, Any], **columns: Any) -> int:
        """Set columns of the rows that match `where` exactly; returns how many changed."""
        sets = ", ".join(f"{name} = ?" for name in columns)
        match = " AND ".join(f"{name} IS ?" for name in where)
        return self.execute(
            f"UPDATE {table} SET {sets} WHERE {match}",
            *(plain(value) for value in columns.values()),
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
        self._companions: list[Companion] = []
        self._courier: Subscriber = self.tell
        if read_only:
            self._connection = connect_read_only(str(path))
        else:
            schema = pathlib.Path(__file__).with_name("schema.sql")
            self._connection = connect(str(path), schema)

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        self._connection.close()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call `subscriber` with the changes of every commit; returns the way to stop it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def accompany(self, companion: Companion) -> Callable[[], None]:
        """Let `companion` add to every transaction before its commit; returns the way to stop.

        What it adds is durable at the same instant as what it goes with.
        """
        self._companions.append(companion)
        return lambda: self._companions.remove(companion)

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
            for companion in tuple(self._companions):
                companion(transaction)
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
