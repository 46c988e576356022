"""Client 6 to 8: the status of a model and its history."""

from __future__ import annotations

import datetime
from typing import Any

from sandbox.juju import clock
from sandbox.juju.api import hub, tags
from sandbox.juju.api.deltas import ModelDeltas
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.api.status import full, rows, selection
from sandbox.juju.api.watchers import Watcher
from sandbox.juju.errors import JujuError, NotFound, NotValid, annotated
from sandbox.juju.state import models, statuses
from sandbox.juju.state.store import Transaction

_TABLES = {"unit": "units", "application": "applications", "machine": "machines"}
_UNIT_KINDS: dict[str, tuple[statuses.Kind, ...]] = {
    "unit": ("workload", "agent"),
    "workload": ("workload",),
    "juju-unit": ("agent",),
}
_MACHINE_KINDS: dict[str, statuses.Kind] = {
    "machine": "instance",
    "container": "instance",
    "juju-machine": "machine",
    "juju-container": "machine",
}
_SHOWN_KINDS = {"workload": "workload", "agent": "juju-unit"}
_HISTORY_LIMIT = 10_000


def full_status(session: Session, parameters: Fields) -> dict[str, Any]:
    """FullStatus: the model, or what the patterns select of it."""
    with session.store.transaction() as tx:
        read = rows.read(tx, models.get(tx, session.model))
    return full.full_status(
        read,
        selection.select(read, parameters.texts("patterns")),
        clock.now(),
        hub.newer(session.home, read.applications.values(), read.charms),
        with_storage=parameters.flag("include-storage"),
    )


def watch_all(session: Session, parameters: Fields) -> dict[str, Any]:
    """WatchAll: an AllWatcher on the model."""
    deltas = ModelDeltas(session.store, session.model)
    watcher = Watcher(session.store, deltas.concerns, deltas.delta, deltas.everything)
    return {"watcher-id": session.watchers.add(watcher)}


def status_history(session: Session, parameters: Fields) -> dict[str, Any]:
    """StatusHistory: of a model, application, unit or machine, oldest first."""

    def show(tx: Transaction, request: Fields) -> dict[str, Any]:
        limits = _limits(request.fields("filter"))
        try:
            return {"history": {"statuses": _history(tx, session.model, request, limits)}}
        except JujuError as error:
            tag = request.text("tag")
            raise annotated(error, f'fetching status history for "{tag}"') from None

    shown = each(session, parameters.each("requests"), show)["results"]
    return {"results": [{"history": {"statuses": None}, **result} for result in shown]}


def _history(
    tx: Transaction, model: str, request: Fields, limits: dict[str, Any]
) -> list[dict[str, Any]]:
    found = [
        entry
        for kind, shown, entity in _kinds(tx, model, request)
        for entry in _entries(tx, model, kind, shown, entity, limits)
    ]
    found.sort(key=lambda entry: entry["since"])
    size = limits["size"]
    return found[-size:] if size else found


def _limits(parameters: Fields) -> dict[str, Any]:
    """The filter of a request: one of size, date and delta (core/status, Validate)."""
    size, date = parameters.number("size"), parameters.time("date")
    delta = parameters.duration("delta")
    given = [
        name for name, value in (("Size", size > 0), ("Date", date), ("Delta", delta)) if value
    ]
    if len(given) != 1:
        problem = " and ".join(given[:2]) + " together" if given else "missing filter parameters"
        raise NotValid(f"cannot validate status history filter: {problem} not valid")
    if delta:
        date = clock.now() - delta
    since = date.astimezone(datetime.timezone.utc) if date else None
    return {
        "size": max(size, 0),
        "since": clock.stamp(since) if since else "",
        "exclude": frozenset(parameters.texts("exclude")),
    }


def _kinds(tx: Transaction, model: str, request: Fields) -> list[tuple[statuses.Kind, str, str]]:
    """Which histories the request asks for: stored kind, shown kind and entity."""
    kind, tag = request.text("historyKind"), request.text("tag")
    if kind == "model":
        return [("model", "model", "")]
    if kind in _UNIT_KINDS:
        unit = _existing(tx, model, "unit", tags.unit(tag))
        return [(stored, _SHOWN_KINDS[stored], unit) for stored in _UNIT_KINDS[kind]]
    if kind in ("application", "saas"):
        name = _existing(tx, model, "application", tags.application(tag))
        return [("application", kind, name)]
    machine = _existing(tx, model, "machine", tags.machine(tag))
    return [(_MACHINE_KINDS.get(kind, "machine"), kind, machine)]


def _existing(tx: Transaction, model: str, kind: str, name: str) -> str:
    column = "id" if kind == "machine" else "name"
    if not tx.one(f"SELECT 1 FROM {_TABLES[kind]} WHERE model = ? AND {column} = ?", model, name):
        shown = name if kind == "machine" else f'"{name}"'
        raise NotFound(f"{kind} {shown} not found")
    return name


def _entries(
    tx: Transaction,
    model: str,
    kind: statuses.Kind,
    shown: str,
    entity: str,
    limits: dict[str, Any],
) -> list[dict[str, Any]]:
    size = limits["size"] or _HISTORY_LIMIT
    found = statuses.history(tx, model, kind, entity, size)
    return [
        {**full.detailed(status), "data": status.data, "kind": shown}
        for status in reversed(found)
        if status.since >= limits["since"] and status.message not in limits["exclude"]
    ]


_METHODS = {
    "FullStatus": Method(full_status, Access.READ),
    "WatchAll": Method(watch_all, Access.READ),
    "StatusHistory": Method(status_history, Access.READ),
}

FACADES = tuple(Facade("Client", version, _METHODS) for version in (6, 7, 8))
