"""The record of what ran: a line of JSON for each run, and a line in the model's debug log."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.juju.engine.journal import Journal
from sandbox.juju.state import runs
from sandbox.juju.state.runs import Run
from sandbox.juju.state.store import Change, Store, Transaction

MODULE = "sandbox.hook"
"""The logger whose level in logging-config decides whether debug-log has the record."""

_LIMIT = 64 * 1024**2
"""Bytes of the file; then it is kept once under another name, and begun anew."""


class Record:
    """Writes down each run when it has ended."""

    def __init__(self, path: pathlib.Path, store: Store, journal: Journal) -> None:
        self._path = path
        self._store = store
        self._journal = journal
        self._unsubscribe: list[Callable[[], None]] = []

    def start(self) -> None:
        """Listen for runs that end."""
        self._unsubscribe = [
            self._store.accompany(self._tell),
            self._store.subscribe(self._hear),
        ]

    def stop(self) -> None:
        """Listen no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def _tell(self, tx: Transaction) -> None:
        """Keep the debug log of a run with its end: a controller killed here has both or none."""
        if ended := _ended(tx.changes):
            for run in _find(tx, ended):
                self._journal.write(run.model, run.unit, "INFO", MODULE, sentence(run))
            self._journal.flush_into(tx)

    def _hear(self, changes: frozenset[Change]) -> None:
        ended = _ended(changes)
        if not ended:
            return
        with self._store.transaction() as tx:
            found = _find(tx, ended)
        if self._path.exists() and self._path.stat().st_size > _LIMIT:
            self._path.replace(self._path.with_suffix(".1.jsonl"))
        with self._path.open("a", encoding="utf-8") as file:
            for run in found:
                file.write(json.dumps(document(run), ensure_ascii=False) + "\n")


def _ended(changes: Iterable[Change]) -> list[int]:
    """The numbers of the runs whose end is among the changes, in their order."""
    return sorted(int(change.key) for change in changes if change.kind == "run")


def _find(tx: Transaction, numbers: Iterable[int]) -> list[Run]:
    """The runs that are still kept."""
    return [run for number in numbers if (run := runs.get(tx, number)) is not None]


def document(run: Run) -> dict[str, Any]:
    """A run as the record has it; `order` grows over all units of the controller."""
    changes = {key: value for key, value in run.changes.items() if key != "relation"}
    return {
        "order": run.id,
        "started": run.started,
        "model": run.model,
        "unit": run.unit,
        "kind": run.kind,
        "about": run.detail,
        "relation": run.relation,
        "seconds": run.seconds,
        "exit-code": run.exit_code,
        "changes": changes,
    }


def sentence(run: Run) -> str:
    """A run in a line for people."""
    about = f" for {run.detail}" if run.detail else ""
    changed = changes_text(run)
    end = f"{outcome(run)} after {run.seconds or 0:.3f} s"
    return f"#{run.id} {run.kind}{about}: {end}{f'; {changed}' if changed else ''}"


def outcome(run: Run) -> str:
    """How it ended, in a word or two."""
    if run.seconds is None:
        return "running"
    if run.exit_code is None:
        return "cut off"
    if run.exit_code < 0:
        return f"signal {-run.exit_code}"
    return "ok" if run.exit_code == 0 else f"exit {run.exit_code}"


def changes_text(run: Run) -> str:
    """What it changed, in a line."""
    parts = []
    for key, value in run.changes.items():
        if key == "relations":
            parts += [f"{where}: {', '.join(keys)}" for where, keys in value.items()]
        elif key == "secrets":
            parts += [f"secrets {what}: {', '.join(ids)}" for what, ids in value.items()]
        elif key not in ("relation", "context"):
            parts.append(f"{key}: {_plain(value)}")
    return "; ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={inner}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
