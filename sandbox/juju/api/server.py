"""The controller's HTTPS server: the API over WebSocket, charms and the debug log."""

from __future__ import annotations

import ssl

from aiohttp import WSCloseCode, web

from sandbox.authority import Authority
from sandbox.home import Home
from sandbox.juju import release
from sandbox.juju.api import charm_transfer, debug_log, resource_transfer, tags
from sandbox.juju.api.connection import Connection
from sandbox.juju.api.facades import FACADES
from sandbox.juju.api.registry import Registry
from sandbox.juju.api.session import API_PORT, HEARTBEAT, server_version
from sandbox.juju.state.store import Store

MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of one WebSocket message: a model's whole status, a bundle's change list."""


class ApiServer:
    """Listens on the controller's address, port 17070, with the sandbox's own certificate."""

    def __init__(self, home: Home, store: Store) -> None:
        self._home = home
        self._store = store
        with store.transaction() as tx:
            self._release = release.of_version(server_version(tx))
        self._registry = Registry(FACADES, self._release)
        self._sockets: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to listen; returns once clients can connect."""
        self._runner = web.AppRunner(self._application(), shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self._home.controller_address, API_PORT, ssl_context=self._tls()
        )
        await site.start()

    async def stop(self) -> None:
        """Close every connection and the port."""
        for socket in tuple(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=charm_transfer.MAX_ARCHIVE)
        router = application.router
        router.add_get("/", self._serve_api)
        router.add_get("/api", self._serve_api)
        router.add_get("/model/{model}/api", self._serve_api)
        charms = charm_transfer.CharmTransfer(self._home, self._store)
        if self._release.uploads_by_post:
            router.add_post("/model/{model}/charms", charms.post)
        router.add_get("/model/{model}/charms", charms.get)
        router.add_put("/model-{model}/charms/{object}", charms.put)
        files = resource_transfer.ResourceTransfer(self._home, self._store)
        resource = "/model/{model}/applications/{application}/resources/{resource}"
        router.add_put(resource, files.put)
        router.add_get(resource, files.get)
        log = debug_log.DebugLog(self._store, self._sockets)
        router.add_get("/model/{model}/log", log.serve)
        return application

    def _tls(self) -> ssl.SSLContext:
        address = self._home.controller_address
        issued = Authority(self._home.folder("ca")).issue(
            "juju-controller", [address, "juju-apiserver", "localhost"]
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Without session tickets nothing follows the handshake. One that does makes a client
        # with a reading thread call OpenSSL from two threads at once, and hang now and then.
        context.num_tickets = 0
        context.load_cert_chain(issued.certificate, issued.key)
        return context

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        model = request.match_info.get("model", "")
        if model and not tags.valid_uuid(model):
            raise web.HTTPBadRequest(text=f'invalid model UUID "{model}"\n')
        socket = web.WebSocketResponse(
            max_msg_size=MAX_MESSAGE, compress=False, heartbeat=HEARTBEAT
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await Connection(self._home, self._store, self._registry, socket, model).serve()
        finally:
            self._sockets.discard(socket)
        return socket
