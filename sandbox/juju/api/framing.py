"""The frames of Juju's RPC (rpc/jsoncodec): one JSON object per WebSocket message."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from sandbox.juju.errors import JujuError

NOT_IMPLEMENTED = "not implemented"


class BadFrame(ValueError):
    """The message is no request; Juju closes the connection."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One call: `facade(version).method` with its parameters."""

    number: int
    facade: str
    version: int
    method: str
    id: str
    """Names a resource of the connection, such as a watcher; mostly empty."""
    parameters: Any


def parse_request(message: str) -> Request:
    """Read one request.

    Raises:
        BadFrame: the text is not JSON, or not an object with a request id.
    """
    try:
        frame = json.loads(message)
    except ValueError as error:
        raise BadFrame(f"reading message: {error}") from error
    if not isinstance(frame, dict):
        raise BadFrame("reading message: a request is a JSON object")
    # Go's decoder takes names whatever their case, and libjuju writes "Id".
    frame = {name.lower(): value for name, value in frame.items()}
    number = frame.get("request-id")
    version = frame.get("version", 0)
    if not isinstance(number, int) or not isinstance(version, int):
        raise BadFrame("reading message: request-id and version must be numbers")
    return Request(
        number,
        str(frame.get("type", "")),
        version,
        str(frame.get("request", "")),
        str(frame.get("id", "")),
        frame.get("params"),
    )


def response(number: int, body: Any) -> str:
    """The answer to request `number`."""
    return json.dumps({"request-id": number, "response": body}, separators=(",", ":"))


def refusal(number: int, error: JujuError) -> str:
    """The error answer to request `number`, with Juju's code and information."""
    frame: dict[str, Any] = {"request-id": number, "error": str(error)}
    if error.code:
        frame["error-code"] = error.code
    if error.info:
        frame["error-info"] = error.info
    frame["response"] = {}
    return json.dumps(frame, separators=(",", ":"))


def error_document(error: JujuError) -> dict[str, Any]:
    """params.Error: how one failed item of a bulk call says why."""
    document: dict[str, Any] = {"message": str(error), "code": error.code}
    if error.info:
        document["info"] = error.info
    return document


def unknown_facade(name: str) -> JujuError:
    """The call names a facade that is not served (rpcreflect.CallNotImplementedError)."""
    return JujuError(f'unknown object type "{name}"', code=NOT_IMPLEMENTED)


def unknown_version(name: str, version: int) -> JujuError:
    """The call names a facade that is served, but not in this version.

    As in Juju, version 0 is left out, which makes it an unknown object type.
    """
    if version == 0:
        return unknown_facade(name)
    return JujuError(f'unknown version ({version}) of interface "{name}"', code=NOT_IMPLEMENTED)


def unknown_method(name: str, version: int, method: str) -> JujuError:
    """The facade has no such method."""
    facade = f"{name}({version})" if version else name
    return JujuError(
        f"no such request - method {facade}.{method} is not implemented", code=NOT_IMPLEMENTED
    )
