"""The provisioner: machines of every model get their instances, and lose them at the end."""

from __future__ import annotations

import asyncio
import logging

from sandbox.home import Home
from sandbox.juju import clock
from sandbox.juju.model_provisioner import ModelProvisioner
from sandbox.juju.state import models, removal
from sandbox.juju.state.store import Change, Store

_LOGGER = logging.getLogger(__name__)
_BURST = 0.02
"""Seconds in which further changes belong to the same turn."""
_KINDS = ("machine", "model", "credential", "cloud")


class Provisioner:
    """Watches the state, and keeps one ModelProvisioner for each model."""

    def __init__(
        self, home: Home, store: Store, *, retry_delay: float = 10.0, poll_interval: float = 1.0
    ) -> None:
        """`retry_delay` is Juju's time between attempts; both are in seconds."""
        self._home = home
        self._store = store
        self._retry_delay = retry_delay
        self._poll_interval = poll_interval
        self._models: dict[str, ModelProvisioner] = {}
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        stop_listening = self._store.subscribe(self._hear)
        try:
            while True:
                self._changed.clear()
                await self._turn()
                await self._wait()
        finally:
            stop_listening()
            await asyncio.gather(*(model.close() for model in self._models.values()))

    def _hear(self, changes: frozenset[Change]) -> None:
        if any(change.kind in _KINDS for change in changes):
            self._changed.set()

    async def _wait(self) -> None:
        """Until something changed, or forced removals may be due; what comes in a burst is one."""
        timer = asyncio.get_running_loop().call_later(1.0, self._changed.set)
        try:
            await self._changed.wait()
        finally:
            timer.cancel()
        await asyncio.sleep(_BURST)

    async def _turn(self) -> None:
        with self._store.transaction() as tx:
            removal.run_cleanups(tx, clock.now().timestamp())
            present = {model.uuid for model in models.all_models(tx)}
        for uuid in self._models.keys() - present:
            await self._models.pop(uuid).close()
        for uuid in present - self._models.keys():
            self._models[uuid] = ModelProvisioner(
                self._home,
                self._store,
                uuid,
                retry_delay=self._retry_delay,
                poll_interval=self._poll_interval,
            )
        for uuid in self._models:
            self._turn_model(uuid)

    def _turn_model(self, uuid: str) -> None:
        try:
            self._models[uuid].turn()
        except Exception:  # a defect in one model must not stop the machines of the others
            _LOGGER.exception("cannot look at the machines of model %s", uuid)
