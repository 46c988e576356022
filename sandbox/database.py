"""What the sandbox's SQLite files have in common: how they are opened, read and written."""

from __future__ import annotations

import json
import pathlib
import sqlite3
from typing import Any


def connect(source: str, schema: pathlib.Path) -> sqlite3.Connection:
    """A connection that commits by hand, to a file with the tables of `schema`."""
    connection = sqlite3.connect(source, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    # A killed process loses nothing that was committed; only a power cut could.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.executescript(schema.read_text(encoding="utf-8"))
    return connection


def connect_read_only(path: str) -> sqlite3.Connection:
    """A connection to a file that somebody else writes, which it never changes."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", isolation_level=None, uri=True)
    connection.row_factory = sqlite3.Row
    return connection


def plain(value: Any) -> Any:
    """A value as a column holds it: lists and dicts as JSON."""
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, separators=(",", ":"))
    return value


class Rows:
    """Reads and writes inside one transaction. Never kept after it, never awaited across."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

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
        """Insert one row; returns its rowid."""
        names, marks = ", ".join(columns), ", ".join("?" for _ in columns)
        cursor = self._connection.execute(
            f"INSERT INTO {table} ({names}) VALUES ({marks})",
            [plain(value) for value in columns.values()],
        )
        return cursor.lastrowid or 0
