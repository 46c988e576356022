"""`events/?op=query`: the change feed, read by cursor."""

from __future__ import annotations

import logging
import sqlite3
import time
import urllib.parse
from collections.abc import Sequence
from typing import Any

from sandbox.maas import representation
from sandbox.maas.call import Call, Resource
from sandbox.maas.refusals import BadRequest

_LIMIT = 1000
_DEFAULT_LIMIT = 100
_LEVELS = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.CRITICAL,
}
_AUDIT = "AUDIT"
_REPEATED = (
    "agent_name",
    "domain",
    "hostname",
    "id",
    "level",
    "limit",
    "mac_address",
    "zone",
    "owner",
)
_FILTERS = {
    "id": "machine.system_id IN ({})",
    "hostname": "machine.hostname IN ({})",
    "zone": "machine.zone_id IN (SELECT id FROM zone WHERE name IN ({}))",
    "agent_name": "machine.agent_name IN ({})",
    "mac_address": "machine.id IN (SELECT machine_id FROM interface WHERE mac IN ({}))",
    "owner": "event.username IN ({})",
}


async def query(call: Call) -> Any:
    """op=query: newest first; `after` and `before` are event ids."""
    after, before = call.number("after"), call.number("before")
    limit = _limit(call)
    level = call.query.get("level", "INFO")
    if level != _AUDIT and level not in _LEVELS:
        raise BadRequest(f"Unrecognised log level: {level}")
    if after is not None and before is not None:
        raise BadRequest(
            "There is undetermined behaviour when both `after` and `before` are specified."
        )
    conditions, parameters = _conditions(call, level)
    order = "DESC"
    if after is not None:
        conditions.append("event.id > ?")
        parameters.append(after)
        order = "ASC"
    if before is not None:
        conditions.append("event.id < ?")
        parameters.append(before)
    with call.region.store.transaction() as tx:
        rows = tx.all(
            "SELECT event.*, machine.system_id, machine.hostname FROM event "
            f"JOIN machine ON machine.id = machine_id WHERE {' AND '.join(conditions)} "
            f"ORDER BY event.id {order} LIMIT ?",
            *(*parameters, limit),
        )
    if order == "ASC":
        rows.reverse()
    return {
        "count": len(rows),
        "events": [_event(row) for row in rows],
        "next_uri": _next_uri(call, rows, before),
        "prev_uri": _previous_uri(call, rows, after),
    }


def _limit(call: Call) -> int:
    limit = call.number("limit")
    if limit is None:
        return _DEFAULT_LIMIT
    if limit > _LIMIT:
        raise BadRequest(f"Requested number of events {limit} is greater than limit: {_LIMIT}")
    return max(limit, 1)


def _conditions(call: Call, level: str) -> tuple[list[str], list[Any]]:
    conditions = ["level = 0" if level == _AUDIT else "level >= ?"]
    parameters: list[Any] = [] if level == _AUDIT else [_LEVELS[level]]
    for name, condition in _FILTERS.items():
        values = call.listed(name)
        if values:
            conditions.append(condition.format(",".join("?" for _ in values)))
            parameters.extend(values)
    return conditions, parameters


def _event(row: sqlite3.Row) -> dict[str, Any]:
    names = {number: name for name, number in _LEVELS.items()}
    return {
        "username": row["username"],
        "node": row["system_id"],
        "hostname": row["hostname"],
        "id": row["id"],
        "level": names.get(row["level"], _AUDIT),
        "created": time.strftime("%a, %d %b. %Y %H:%M:%S", time.gmtime(row["created"])),
        "type": row["type"],
        "description": row["description"],
    }


def _uri(call: Call, cursor: dict[str, Any]) -> str:
    parameters = [("op", "query")]
    parameters += [(name, value) for name, value in call.query.items() if name in _REPEATED]
    parameters += list(cursor.items())
    return f"{representation.ROOT}events/?{urllib.parse.urlencode(parameters)}"


def _next_uri(call: Call, rows: Sequence[sqlite3.Row], before: int | None) -> str:
    if rows:
        return _uri(call, {"after": rows[0]["id"]})
    if before is not None:
        return _uri(call, {"after": before - 1})
    after = call.query.get("after")
    return _uri(call, {} if after is None else {"after": after})


def _previous_uri(call: Call, rows: Sequence[sqlite3.Row], after: int | None) -> str | None:
    if rows:
        return _uri(call, {"before": rows[-1]["id"]})
    return None if after is None else _uri(call, {"before": after + 1})


EVENTS = (Resource("api/2.0/events/", {("GET", "query"): query}),)
