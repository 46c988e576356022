"""Next and Stop of the watchers that other facades hand out."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access, Session


async def next_nothing(session: Session, parameters: Fields) -> dict[str, Any]:
    """NotifyWatcher.Next: that something changed."""
    await session.watchers.get(session.resource).next()
    return {}


async def next_strings(session: Session, parameters: Fields) -> dict[str, Any]:
    """StringsWatcher.Next: what changed."""
    changes = await session.watchers.get(session.resource).next()
    return {"watcher-id": session.resource, "changes": changes}


async def next_deltas(session: Session, parameters: Fields) -> dict[str, Any]:
    """AllWatcher.Next: the entities that changed."""
    return {"deltas": await session.watchers.get(session.resource).next()}


def stop(session: Session, parameters: Fields) -> dict[str, Any]:
    """Stop a watcher."""
    session.watchers.stop(session.resource)
    return {}


_STOP = Method(stop, Access.LOGIN)

FACADES = (
    Facade("NotifyWatcher", 1, {"Next": Method(next_nothing, Access.LOGIN), "Stop": _STOP}),
    Facade("StringsWatcher", 1, {"Next": Method(next_strings, Access.LOGIN), "Stop": _STOP}),
    Facade("AllWatcher", 3, {"Next": Method(next_deltas, Access.LOGIN), "Stop": _STOP}),
)
