"""Watchers of one connection: Next answers when something changed, Stop ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sandbox.juju.errors import JujuError
from sandbox.juju.state.store import Change, Store


class Watcher:
    """Tells of changes in the store that concern it, coalesced between two calls of Next.

    `next` waits for a change and returns what `delta` makes of it; a delta of None means that
    nothing which the watcher shows has changed, and it waits on. With `first`, the first call
    does not wait and returns that.
    """

    def __init__(
        self,
        store: Store,
        concerns: Callable[[Change], bool],
        delta: Callable[[frozenset[Change]], Any],
        first: Callable[[], Any] | None = None,
    ) -> None:
        self._concerns = concerns
        self._delta = delta
        self._first = first
        self._pending: set[Change] = set()
        self._changed = asyncio.Event()
        self._stopped = False
        self._unsubscribe = store.subscribe(self._note)

    def _note(self, changes: frozenset[Change]) -> None:
        mine = {change for change in changes if self._concerns(change)}
        if mine:
            self._pending |= mine
            self._changed.set()

    async def next(self) -> Any:
        """The next change.

        Raises:
            JujuError: the watcher was stopped, by its client or by the end of the connection.
        """
        if self._first is not None and not self._stopped:
            first, self._first = self._first, None
            self._pending.clear()
            return first()
        while True:
            await self._changed.wait()
            if self._stopped:
                raise JujuError("watcher has been stopped", code="stopped")
            self._changed.clear()
            changes, self._pending = frozenset(self._pending), set()
            delta = self._delta(changes)
            if delta is not None:
                return delta

    def stop(self) -> None:
        """End the watcher; a pending `next` is told so. Stopping twice does no harm."""
        if not self._stopped:
            self._stopped = True
            self._unsubscribe()
            self._changed.set()


class Watchers:
    """The watchers of one connection by their ids, as calls name them."""

    def __init__(self) -> None:
        self._watchers: dict[str, Watcher] = {}
        self._last = 0

    def add(self, watcher: Watcher) -> str:
        """Keep the watcher until it or the connection is stopped; returns its id."""
        self._last += 1
        self._watchers[str(self._last)] = watcher
        return str(self._last)

    def get(self, watcher_id: str) -> Watcher:
        """The watcher of this id.

        Raises:
            JujuError: the connection has none of this id.
        """
        watcher = self._watchers.get(watcher_id)
        if watcher is None:
            raise JujuError("unknown watcher id", code="not found")
        return watcher

    def stop(self, watcher_id: str) -> None:
        """Stop one watcher.

        Raises:
            JujuError: the connection has none of this id.
        """
        self.get(watcher_id).stop()
        del self._watchers[watcher_id]

    def stop_all(self) -> None:
        """The connection ends."""
        for watcher in self._watchers.values():
            watcher.stop()
        self._watchers.clear()
