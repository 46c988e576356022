"""The agents' own lines in the debug log, and the output of hooks: written a few at a time."""

from __future__ import annotations

import asyncio

from sandbox.juju import errors
from sandbox.juju.engine import logging_config
from sandbox.juju.state import log, models
from sandbox.juju.state.store import Store, Transaction

_DELAY = 0.1
"""Seconds that a line may wait for others: a transaction for each would cost more than it."""


class Journal:
    """Collects the log records that a model keeps, and writes those of a moment at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, list[log.Record]] = {}
        self._configs: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def write(self, model: str, unit: str, severity: str, module: str, message: str) -> None:
        """A line of a unit's agent or hook; dropped where logging-config does not keep it."""
        if not logging_config.keeps(self._config(model), module, severity):
            return
        record = log.record(f"unit-{unit.replace('/', '-')}", severity, module, message)
        self._waiting.setdefault(model, []).append(record)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_DELAY, self.flush)

    def forget_config(self, model: str) -> None:
        """The model's configuration may have changed."""
        self._configs.pop(model, None)

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            with self._store.transaction() as tx:
                self.flush_into(tx)

    def flush_into(self, tx: Transaction) -> None:
        """Write what waits along with what a transaction of somebody else's is about."""
        waiting, self._waiting = self._waiting, {}
        for model, records in waiting.items():
            log.write(tx, model, records)

    def _config(self, model: str) -> str:
        if model not in self._configs:
            try:
                with self._store.transaction() as tx:
                    config = models.get_config(tx, model)
            except errors.NotFound:  # its last unit outlives a model by a moment
                return ""
            self._configs[model] = str(config["logging-config"])
        return self._configs[model]
