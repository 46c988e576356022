"""The agents' own lines in the debug log, and the output of hooks: written a few at a time."""

from __future__ import annotations

import asyncio
import contextlib

from sandbox.juju.state import log
from sandbox.juju.state.store import Store

_DELAY = 0.1
"""Seconds that a line may wait for others: a transaction for each would cost more than it."""


class Journal:
    """Collects log records and writes them in one transaction per moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, list[log.Record]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def unit(self, model: str, unit: str, severity: str, module: str, message: str) -> None:
        """A line of a unit's agent or hook."""
        self._add(model, log.record(f"unit-{unit.replace('/', '-')}", severity, module, message))

    def machine(self, model: str, machine: str, severity: str, module: str, message: str) -> None:
        """A line of a machine's agent."""
        tag = machine.replace("/", "-")
        self._add(model, log.record(f"machine-{tag}", severity, module, message))

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, {}
        if waiting:
            with self._store.transaction() as tx:
                for model, records in waiting.items():
                    log.write(tx, model, records)

    def _add(self, model: str, record: log.Record) -> None:
        self._waiting.setdefault(model, []).append(record)
        if self._timer is None:
            with contextlib.suppress(RuntimeError):  # no loop: written at the next flush
                self._timer = asyncio.get_running_loop().call_later(_DELAY, self.flush)
