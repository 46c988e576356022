"""The debug log as a WebSocket stream: /model/<uuid>/log (apiserver/debuglog.go)."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import fnmatch
import json
from collections.abc import Iterable, Mapping

from aiohttp import web

from sandbox.juju import clock
from sandbox.juju.api import basic_auth, framing
from sandbox.juju.api.parameters import parse_time
from sandbox.juju.api.session import HEARTBEAT, Access
from sandbox.juju.errors import JujuError
from sandbox.juju.state import log
from sandbox.juju.state.store import Change, Store

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR")
_PAGE = 1000


@dataclasses.dataclass(frozen=True)
class Query:
    """Which lines a client asks for."""

    backlog: int = 0
    """How many matching lines to go back before following; 0 goes back to the start."""
    replay: bool = False
    """From the very start."""
    no_tail: bool = False
    """End after what is there."""
    level: str = "TRACE"
    start: str = ""
    """Only lines from this time on, as the store writes times."""
    include_entity: tuple[str, ...] = ()
    exclude_entity: tuple[str, ...] = ()
    include_module: tuple[str, ...] = ()
    exclude_module: tuple[str, ...] = ()
    include_label: tuple[str, ...] = ()

    def shows(self, record: log.Record) -> bool:
        """Whether the client wants this line."""
        severity = log.SEVERITIES.index(record.severity)
        return (
            severity >= log.SEVERITIES.index(self.level)
            and record.time >= self.start
            and (not self.include_entity or _named(record.entity, self.include_entity))
            and not _named(record.entity, self.exclude_entity)
            and (not self.include_module or _inside(record.module, self.include_module))
            and not _inside(record.module, self.exclude_module)
            and not self.include_label
        )


def parse_query(query: Mapping[str, str], lists: Mapping[str, Iterable[str]]) -> Query:
    """The query of a request: its single values, and its repeated ones by name.

    Raises:
        JujuError: a value is none that Juju takes.
    """
    level = query.get("level") or "TRACE"
    if level.upper() not in LEVELS:
        known = ", ".join(f'"{name}"' for name in LEVELS)
        raise JujuError(f'level value "{level}" is not one of {known}')
    start = query.get("startTime", "")
    if start:
        try:
            moment = parse_time(start)
        except JujuError:
            raise JujuError(
                f'start time "{start}" is not a valid time in RFC3339 format'
            ) from None
        start = clock.stamp(moment)
    return Query(
        backlog=_unsigned(query, "maxLines") or _unsigned(query, "backlog"),
        replay=_boolean(query, "replay"),
        no_tail=_boolean(query, "noTail"),
        level=level.upper(),
        start=start,
        include_entity=tuple(lists.get("includeEntity", ())),
        exclude_entity=tuple(lists.get("excludeEntity", ())),
        include_module=tuple(lists.get("includeModule", ())),
        exclude_module=tuple(lists.get("excludeModule", ())),
        include_label=tuple(lists.get("includeLabel", ())),
    )


class DebugLog:
    """Streams the lines of a model's log; `sockets` holds the open ones, for the shutdown."""

    def __init__(self, store: Store, sockets: set[web.WebSocketResponse]) -> None:
        self._store = store
        self._sockets = sockets

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One client: first an empty object (or the error), then one object for each line."""
        socket = web.WebSocketResponse(compress=False, heartbeat=HEARTBEAT)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await self._stream(request, socket)
        except ConnectionError:
            pass  # the client has seen enough
        finally:
            self._sockets.discard(socket)
            await socket.close()
        return socket

    async def _stream(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        try:
            model = basic_auth.authorize(self._store, request, Access.READ)
            lists = {name: request.query.getall(name) for name in request.query}
            query = parse_query(request.query, lists)
        except JujuError as error:
            await socket.send_str(json.dumps({"error": framing.error_document(error)}) + "\n")
            return
        await socket.send_str("{}\n")
        news = asyncio.Event()
        reader = asyncio.create_task(_closed(socket))
        reader.add_done_callback(lambda _reader: news.set())

        def note(changes: frozenset[Change]) -> None:
            if any(change.kind == "log" and change.model == model for change in changes):
                news.set()

        unsubscribe = self._store.subscribe(note)
        try:
            await self._follow(model, query, socket, news)
        finally:
            unsubscribe()
            reader.cancel()

    async def _follow(
        self, model: str, query: Query, socket: web.WebSocketResponse, news: asyncio.Event
    ) -> None:
        """Send what is there and what comes; `news` tells of lines, or of the client's end."""
        position = await self._backlog(model, query, socket)
        while not query.no_tail and not socket.closed:
            news.clear()
            with self._store.transaction() as tx:
                records = log.after(tx, model, position, _PAGE)
            if records:
                position = records[-1].id
                await _send(socket, filter(query.shows, records))
            else:
                await news.wait()

    async def _backlog(self, model: str, query: Query, socket: web.WebSocketResponse) -> int:
        """Send the lines that are there and asked for; returns where to go on."""
        most = None if query.replay else query.backlog or None
        wanted: collections.deque[log.Record] = collections.deque(maxlen=most)
        position = 0
        while True:
            with self._store.transaction() as tx:
                records = log.after(tx, model, position, _PAGE)
            if not records:
                break
            position = records[-1].id
            wanted.extend(filter(query.shows, records))
        await _send(socket, wanted)
        return position


async def _send(socket: web.WebSocketResponse, records: Iterable[log.Record]) -> None:
    for record in records:
        line = {
            "tag": record.entity,
            "ts": record.time,
            "sev": record.severity,
            "mod": record.module,
            "loc": "",
            "msg": record.message,
            "lab": None,
        }
        await socket.send_str(json.dumps(line))


async def _closed(socket: web.WebSocketResponse) -> None:
    """Read until the client closes: it has nothing to say on this stream."""
    async for _message in socket:
        continue


def _named(entity: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(entity, pattern) for pattern in patterns)


def _inside(module: str, modules: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in modules)


def _unsigned(query: Mapping[str, str], name: str) -> int:
    value = query.get(name, "")
    if value and not value.isdigit():
        raise JujuError(f'{name} value "{value}" is not a valid unsigned number')
    return int(value or 0)


def _boolean(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "")
    if value.lower() not in ("", "1", "t", "true", "0", "f", "false"):
        raise JujuError(f'{name} value "{value}" is not a valid boolean')
    return value.lower() in ("1", "t", "true")
