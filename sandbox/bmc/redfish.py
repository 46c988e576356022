"""A Redfish BMC per node: TLS on the node's own address, Basic and session authentication."""

from __future__ import annotations

import asyncio
import base64
import binascii
import dataclasses
import json
import secrets
import ssl
from collections.abc import Callable

from aiohttp import web

from sandbox.authority import Authority
from sandbox.bmc.credentials import Credential
from sandbox.bmc.emulator import Asked, Emulator
from sandbox.bmc.faults import Fault
from sandbox.home import Home

PORT = 443
SESSION_LIMIT = 8
"""Sessions that a BMC has room for; real ones have between 4 and 16."""

_OPEN = ("", "redfish", "redfish/v1")
_SESSIONS = "/redfish/v1/SessionService/Sessions"
_PASSED_ON = ("Accept", "Content-Type")
_SHOWN = ("Content-Type", "ETag", "Location", "Allow")


class RedfishBmc:
    """The BMC of one node. `emulator` is shared: all of them live in one process."""

    def __init__(
        self, home: Home, asked: Asked, emulator: Emulator, credential: Callable[[], Credential]
    ) -> None:
        self._home = home
        self._asked = asked
        self._emulator = emulator
        self._credential = credential
        self._sessions: dict[str, str] = {}
        self._fault = Fault(dead=True)
        self._runner: web.AppRunner | None = None

    async def apply(self, fault: Fault) -> None:
        """Be as well or ill as this says; a dead BMC forgets its sessions."""
        self._fault = fault
        self._asked = dataclasses.replace(self._asked, health=fault.health)
        if fault.dead and self._runner is not None:
            runner, self._runner = self._runner, None
            self._sessions.clear()
            await runner.cleanup()
        elif not fault.dead and self._runner is None:
            self._runner = await self._listen()

    async def _listen(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        node = self._asked.node
        address = self._home.bmc_address(node.number)
        issued = Authority(self._home.folder("ca")).issue(f"bmc-{node.name}", [address])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certificate, issued.key)
        await web.TCPSite(runner, address, PORT, ssl_context=context, reuse_address=True).start()
        return runner

    async def _handle(self, request: web.Request) -> web.Response:
        if self._fault.delay:
            await asyncio.sleep(self._fault.delay)
        if self._fault.busy:
            return _error(503, "ServiceTemporarilyUnavailable", headers={"Retry-After": "30"})
        path = request.path.rstrip("/")
        if path == _SESSIONS and request.method == "POST":
            return await self._log_in(request)
        if path.strip("/") not in _OPEN and not self._admits(request):
            return _error(
                401, "InsufficientPrivilege", headers={"WWW-Authenticate": 'Basic realm="Redfish"'}
            )
        if path.startswith("/redfish/v1/SessionService"):
            return self._session_service(request.method, path)
        return await self._pass_on(request)

    def _admits(self, request: web.Request) -> bool:
        token = request.headers.get("X-Auth-Token")
        if token is not None:
            return token in self._sessions.values()
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return self._is_account(user, password)

    def _is_account(self, user: str, password: str) -> bool:
        known = self._credential()
        same_user = secrets.compare_digest(user.encode(), known.user.encode())
        same_password = secrets.compare_digest(password.encode(), known.password.encode())
        return same_user and same_password

    async def _log_in(self, request: web.Request) -> web.Response:
        try:
            asked = await request.json()
            user, password = str(asked["UserName"]), str(asked["Password"])
        except (ValueError, KeyError, TypeError):
            return _error(400, "PropertyMissing")
        if not self._is_account(user, password):
            return _error(401, "InsufficientPrivilege")
        if len(self._sessions) >= SESSION_LIMIT:
            return _error(503, "SessionLimitExceeded")
        name, token = secrets.token_hex(4), secrets.token_hex(16)
        self._sessions[name] = token
        headers = {"X-Auth-Token": token, "Location": f"{_SESSIONS}/{name}"}
        return web.json_response(_session(name, user), status=201, headers=headers)

    def _session_service(self, method: str, path: str) -> web.Response:
        name = path.removeprefix(_SESSIONS).strip("/")
        if path == "/redfish/v1/SessionService":
            return web.json_response(_SESSION_SERVICE)
        if path == _SESSIONS:
            return web.json_response(_collection(list(self._sessions)))
        if name not in self._sessions:
            return _error(404, "ResourceMissingAtURI")
        if method == "DELETE":
            del self._sessions[name]
            return web.Response(status=204)
        return web.json_response(_session(name, self._credential().user))

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.method == "PATCH" and not self._tag_matches(request):
            return _error(412, "PreconditionFailed")
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        answer = self._emulator.answer(self._asked, request.method, request.path_qs, headers, body)
        shown = {name: answer.headers[name] for name in _SHOWN if name in answer.headers}
        return web.Response(
            status=answer.status, body=answer.body, headers={**shown, "OData-Version": "4.0"}
        )

    def _tag_matches(self, request: web.Request) -> bool:
        wanted = request.headers.get("If-Match")
        if wanted in (None, "*"):
            return True
        now = self._emulator.answer(self._asked, "GET", request.path, {}, b"")
        return now.status != 200 or json.loads(now.body).get("@odata.etag") in (None, wanted)


_SESSION_SERVICE = {
    "@odata.type": "#SessionService.v1_1_8.SessionService",
    "@odata.id": "/redfish/v1/SessionService",
    "Id": "SessionService",
    "Name": "Session Service",
    "ServiceEnabled": True,
    "SessionTimeout": 1800,
    "Sessions": {"@odata.id": _SESSIONS},
}


def _session(name: str, user: str) -> dict[str, str]:
    return {
        "@odata.type": "#Session.v1_6_0.Session",
        "@odata.id": f"{_SESSIONS}/{name}",
        "Id": name,
        "Name": "User Session",
        "UserName": user,
    }


def _collection(names: list[str]) -> dict[str, object]:
    return {
        "@odata.type": "#SessionCollection.SessionCollection",
        "@odata.id": _SESSIONS,
        "Name": "Session Collection",
        "Members@odata.count": len(names),
        "Members": [{"@odata.id": f"{_SESSIONS}/{name}"} for name in names],
    }


def _error(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    text = f"Base.1.8.{code}"
    body = {
        "error": {
            "code": text,
            "message": code,
            "@Message.ExtendedInfo": [{"MessageId": text, "Message": code}],
        }
    }
    return web.json_response(body, status=status, headers=headers)
