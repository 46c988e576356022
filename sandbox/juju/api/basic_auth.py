"""HTTP requests beside the RPC: basic authentication and errors as JSON."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from sandbox.juju.api import tags
from sandbox.juju.api.session import Access, model_access, model_row
from sandbox.juju.errors import JujuError, PermissionDenied, Unauthorized
from sandbox.juju.state import accounts
from sandbox.juju.state.store import Store

_STATUSES = {
    "unauthorized access": 401,
    "no credentials provided": 401,
    "not found": 404,
    "model not found": 404,
    "forbidden": 403,
}
"""HTTP status by error code; anything else of a client's making is 400."""


def authorize(store: Store, request: web.Request, access: Access) -> str:
    """The model of the request's path, when its user and password may use it.

    Raises:
        JujuError: no or wrong credentials, an unknown model, or too little access.
    """
    model = request.match_info["model"]
    header = request.headers.get("Authorization")
    if header is None:
        raise Unauthorized("no credentials provided")
    tag, password = _credentials(header)
    with store.transaction() as tx:
        name = tags.user(tag if tag.startswith("user-") else tags.for_user(tag))
        account = accounts.authenticate(tx, name, password)
        model_row(tx, model)
        granted = model_access(tx, model, name)
        if account.access != "superuser" and granted < access:
            raise PermissionDenied
    return model


def failure(error: JujuError, doing: str) -> web.Response:
    """params.CharmsResponse of a failure, with the HTTP status that its code asks for."""
    document = {"error": f"{doing}: {error}", "error-code": error.code, "error-info": error.info}
    return web.json_response(
        {name: value for name, value in document.items() if value},
        status=_STATUSES.get(error.code, 400),
    )


def _credentials(header: str) -> tuple[str, str]:
    """User and password of a Basic Authorization header (RFC 7617)."""
    kind, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        text = ""
    name, colon, password = text.partition(":")
    if kind.lower() != "basic" or not colon:
        raise Unauthorized("invalid entity name or password")
    return name, password
