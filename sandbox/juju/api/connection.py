"""One WebSocket connection: login first, then calls of facades, many at a time."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import logging
import traceback
from collections.abc import Coroutine
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.home import Home
from sandbox.juju.api import framing, login
from sandbox.juju.api.framing import Request
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Registry
from sandbox.juju.api.session import Session
from sandbox.juju.api.watchers import Watchers
from sandbox.juju.errors import JujuError
from sandbox.juju.state.store import Change, Store

_LOGGER = logging.getLogger("juju.apiserver")


class Connection:
    """Serves one client until it leaves."""

    def __init__(
        self,
        home: Home,
        store: Store,
        registry: Registry,
        socket: web.WebSocketResponse,
        model: str,
    ) -> None:
        self._home = home
        self._store = store
        self._registry = registry
        self._socket = socket
        self._model = model
        self._watchers = Watchers()
        self._session: Session | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self) -> None:
        """Answer requests in any order until the client closes or breaks the framing."""
        unsubscribe = self._store.subscribe(self._note_removal)
        try:
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT:
                    break
                self._start(self._answer(framing.parse_request(message.data)))
        except framing.BadFrame as error:
            _LOGGER.warning("closing a connection: %s", error)
        finally:
            unsubscribe()
            self._watchers.stop_all()
            for task in self._tasks:
                task.cancel()
            await self._socket.close()

    def _note_removal(self, changes: frozenset[Change]) -> None:
        """The connections to a model end with it."""
        if not self._model or Change("model", self._model, "") not in changes:
            return
        with self._store.transaction() as tx:
            gone = tx.one("SELECT 1 FROM models WHERE uuid = ?", self._model) is None
        if gone:
            self._start(self._socket.close())

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request) -> None:
        try:
            answer = framing.response(request.number, await self._call(request))
        except JujuError as error:
            answer = framing.refusal(request.number, error)
        except Exception as error:
            # One call's defect must not take the connection down. Its message may quote the
            # parameters, which may hold secrets: only its kind and place are told.
            name = f"{request.facade}({request.version}).{request.method}"
            kind, place = type(error).__name__, traceback.format_tb(error.__traceback__)
            _LOGGER.error("%s failed with %s\n%s", name, kind, "".join(place))
            defect = JujuError(f"internal error in {name}: {kind}")
            answer = framing.refusal(request.number, defect)
        if not self._socket.closed:
            try:
                await self._socket.send_str(answer)
            except ConnectionError:
                _LOGGER.debug("the client left before its answer")

    async def _call(self, request: Request) -> Any:
        if self._session is None:
            return self._admin(request)
        method = self._registry.method(
            request.facade,
            request.version,
            request.method,
            controller_connection=not self._model,
        )
        self._session.require(method.access)
        session = dataclasses.replace(self._session, resource=request.id)
        outcome = method.serve(session, Fields.parse(request.parameters))
        return await outcome if inspect.isawaitable(outcome) else outcome

    def _admin(self, request: Request) -> Any:
        """Before the login there is nothing but the facade Admin."""
        if self._model:
            login.check_model(self._store, self._model)
        if request.facade != "Admin":
            raise framing.unknown_facade(request.facade)
        if request.version != login.ADMIN_VERSION:
            raise JujuError(
                "this version of Juju does not support login from old clients",
                code="not supported",
            )
        if request.method == "RedirectInfo":
            raise JujuError("not redirected")
        if request.method != "Login":
            raise framing.unknown_method("Admin", 0, request.method)
        fields = Fields.parse(request.parameters)
        user = login.authenticate(self._store, fields)
        body = login.result(self._home, self._store, self._registry, user, self._model)
        self._session = Session(self._home, self._store, user, self._model, self._watchers)
        return body
