"""The HTTP front of the region: TLS, OAuth, dispatch by method and `op`, MAAS's answers."""

from __future__ import annotations

import json
import logging
import ssl
from typing import Any

from aiohttp import web
from multidict import MultiDict

from sandbox.authority import Authority
from sandbox.home import Home
from sandbox.maas.api import RESOURCES
from sandbox.maas.call import Answer, Call, Handler, Resource
from sandbox.maas.oauth import Verifier
from sandbox.maas.refusals import BadRequest, Forbidden, Refusal, Unauthorized
from sandbox.maas.region import Region

PORT = 5443

_log = logging.getLogger(__name__)
_FORM_LIMIT = 64 * 1024**2


class Server:
    """The region's listener on its own address."""

    def __init__(self, home: Home, region: Region) -> None:
        self._home = home
        self._runner = web.AppRunner(application(region), access_log=None)

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        address = self._home.region_address
        issued = Authority(self._home.folder("ca")).issue("maas", [address])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        site = web.TCPSite(self._runner, address, PORT, ssl_context=context, reuse_address=True)
        await site.start()

    async def stop(self) -> None:
        """Close the listener and wait for the requests that run."""
        await self._runner.cleanup()


def application(region: Region) -> web.Application:
    """The API as an aiohttp application."""
    app = web.Application(client_max_size=_FORM_LIMIT)
    verifier = Verifier()
    for resource in RESOURCES:
        handler = _endpoint(region, verifier, resource)
        app.router.add_route("*", f"/MAAS/{resource.pattern}", handler)
        if resource.pattern.endswith("/"):
            app.router.add_route("*", f"/MAAS/{resource.pattern.rstrip('/')}", handler)
    app.router.add_route("*", "/MAAS/{path:.*}", _unknown)
    return app


async def _unknown(request: web.Request) -> web.Response:
    return web.Response(status=404, text="<h1>Not Found</h1>", content_type="text/html")


def _endpoint(region: Region, verifier: Verifier, resource: Resource) -> Any:
    async def endpoint(request: web.Request) -> web.Response:
        try:
            return _respond(await _dispatch(request, region, verifier, resource))
        except Refusal as refusal:
            return _refuse(refusal)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return web.Response(status=500, text="Internal Server Error")

    return endpoint


async def _dispatch(
    request: web.Request, region: Region, verifier: Verifier, resource: Resource
) -> Any:
    form, files = await _read_form(request)
    operation = request.query.get("op") or form.get("op")
    signature = (request.method, operation)
    with region.store.transaction() as tx:
        who = verifier.verify(tx, request.headers.get("Authorization", ""))
    handlers = resource.operations if who is not None else resource.anonymous
    if who is None and all(method != request.method for method, _ in handlers):
        raise Unauthorized("Forbidden")
    handler: Handler | None = handlers.get(signature)
    if handler is None:
        raise BadRequest(f"Unrecognised signature: method={request.method} op={operation}")
    user, machine = who or (None, None)
    if who is not None and (machine is not None) != resource.for_machines:
        raise Forbidden("User is not allowed access to this API.")
    query = MultiDict((name, value) for name, value in request.query.items() if name != "op")
    call = Call(region, user or "", machine or "", request.match_info, query, form, files)
    return await handler(call)


async def _read_form(request: web.Request) -> tuple[MultiDict[str], dict[str, bytes]]:
    form: MultiDict[str] = MultiDict()
    files: dict[str, bytes] = {}
    if request.method not in ("POST", "PUT"):
        return form, files
    if request.content_type == "application/json":
        try:
            data = dict(await request.json())
        except (TypeError, ValueError):
            raise BadRequest("Invalid JSON.") from None
        for name, value in data.items():
            for item in value if isinstance(value, list) else [value]:
                form.add(name, item if isinstance(item, str) else json.dumps(item))
        return form, files
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            content = value.file.read()
            # MAAS's own clients send every field as a file; only those with a name are files.
            if value.filename and value.filename != name:
                files[value.filename] = content
            elif request.path.startswith("/MAAS/metadata/"):
                files[name] = content
            else:
                form.add(name, content.decode())
        elif isinstance(value, (bytes, bytearray)):
            form.add(name, bytes(value).decode())
        else:
            form.add(name, value)
    return form, files


def _respond(result: Any) -> web.Response:
    if isinstance(result, Answer):
        body = result.body.encode() if isinstance(result.body, str) else result.body
        return web.Response(
            body=body,
            status=result.status,
            headers={"Content-Type": f"{result.content_type}; charset=utf-8"},
        )
    return web.Response(
        text=json.dumps(result, indent=4), content_type="application/json", charset="utf-8"
    )


def _refuse(refusal: Refusal) -> web.Response:
    headers = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = 'OAuth realm="OAuth"'
    return web.Response(
        text=refusal.text,
        status=refusal.status,
        content_type=refusal.content_type,
        charset="utf-8",
        headers=headers,
    )
