"""A logged-in WebSocket to the controller, as the Go client opens it (api/apiclient.go)."""

from __future__ import annotations

import base64
import dataclasses
import json
import pathlib
import ssl
import time
import types
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from sandbox.juju.client.errors import ApiError, ConnectionFailed
from sandbox.juju.client.facades import CLIENT_VERSION, best_version
from sandbox.juju.client.websocket import WebSocket, WebSocketClosed

_DIAL_SECONDS = 10.0
_PATIENCE = 20.0
"""Seconds for which nobody may listen, as while the controller starts again; Juju waits longer."""
_PAUSE = 0.25


@dataclasses.dataclass(frozen=True)
class Target:
    """Whom to call and as whom: everything that a connection needs."""

    addresses: tuple[str, ...]
    ca_certificate: str
    """PEM text of the controller's CA; its certificate must verify against it."""
    user: str
    password: str = dataclasses.field(repr=False)
    model: str = ""
    """The model's UUID; empty for the controller itself."""

    @property
    def authorization(self) -> str:
        """The HTTP Basic header value for uploads, downloads and the log."""
        pair = f"user-{self.user}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()

    def trust(self) -> ssl.SSLContext:
        """A TLS context that accepts this controller's CA and no other."""
        return ssl.create_default_context(cadata=self.ca_certificate)


class Connection:
    """One session with the controller, for a model or for the controller itself.

    Raises:
        ConnectionFailed: no address answered, or the session broke.
        ApiError: the login or a call was refused.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._requests = 0
        path = f"/model/{target.model}/api" if target.model else "/api"
        self._socket, self.address = _dial(target, path)
        self._served: dict[str, tuple[int, ...]] = {"Admin": (3,)}
        self.login = self._log_in()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        self._socket.close()

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version of the controller's Juju."""
        major, minor, *_ = self.login.get("server-version", CLIENT_VERSION).split(".")
        return int(major), int(minor)

    def version(self, facade: str) -> int:
        """The version of the facade that calls will use; 0 when the controller has none."""
        return best_version(facade, self._served.get(facade, ()))

    def call(
        self,
        facade: str,
        request: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        id: str = "",  # noqa: A002 - the name of the field in Juju's framing
    ) -> Any:
        """Call a method of a facade and return its response.

        Raises:
            ApiError: the controller answered with an error.
            ConnectionFailed: the session broke before the answer came.
        """
        version = self.version(facade)
        if not version:
            raise ApiError(f'unknown facade type "{facade}"', "not implemented")
        self._requests += 1
        frame = {
            "request-id": self._requests,
            "type": facade,
            "version": version,
            "id": id,
            "request": request,
            "params": parameters or {},
        }
        try:
            self._socket.send(json.dumps(frame))
            while True:
                answer = json.loads(self._socket.receive())
                if answer.get("request-id") == self._requests:
                    break
        except WebSocketClosed as closed:
            raise ConnectionFailed(str(closed)) from closed
        if answer.get("error"):
            raise ApiError(answer["error"], answer.get("error-code", ""), answer.get("error-info"))
        return answer.get("response") or {}

    def one(
        self,
        facade: str,
        request: str,
        parameters: Mapping[str, Any],
        *,
        within: str = "results",
    ) -> dict[str, Any]:
        """Call a bulk method with one argument and return its one result.

        Raises:
            ApiError: the call or its one result is an error.
        """
        results = self.call(facade, request, parameters).get(within) or []
        if len(results) != 1:
            raise ApiError(f"expected 1 result, got {len(results)}")
        result = results[0] or {}
        if error := result.get("error"):
            raise ApiError(error.get("message", ""), error.get("code", ""), error.get("info"))
        return result

    def upload_charm(self, archive: pathlib.Path, name: str, url: str) -> str:
        """Store a local charm in the model; returns the URL that the controller gave it.

        As the 3.6 client does: PUT under the name and the archive's hash, the wanted URL in
        the Juju-Curl header (api/client/charms/localcharmclient.go).
        """
        import hashlib

        content = archive.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:7]
        _, headers = self.http(
            "PUT",
            f"/model-{self.target.model}/charms/{name}-{digest}",
            content,
            {"Content-Type": "application/zip", "Juju-Curl": url},
        )
        return headers.get("juju-curl", url)

    def http(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """One HTTPS request to the controller with the account's credentials.

        Returns the body and the headers (names in lower case).

        Raises:
            ApiError: the controller answered with a status of 400 or more.
        """
        import http.client

        host, _, port = self.address.rpartition(":")
        connection = http.client.HTTPSConnection(
            host.strip("[]"), int(port), context=self.target.trust(), timeout=60
        )
        try:
            connection.request(
                method, path, body, {"Authorization": self.target.authorization, **(headers or {})}
            )
            response = connection.getresponse()
            content = response.read()
        except OSError as error:
            raise ConnectionFailed(f"cannot reach controller {self.address}: {error}") from error
        finally:
            connection.close()
        if response.status >= 400:
            raise _http_error(response.status, content)
        return content, {name.lower(): value for name, value in response.getheaders()}

    def log_messages(self, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The model's log, one message at a time, until the controller has no more to send.

        `query` holds the parameters of debug-log (api/common/logs.go): maxLines, backlog,
        level, includeEntity, noTail and so on. A closed stream ends the iteration.
        """
        path = f"/model/{self.target.model}/log?{urlencode(query, doseq=True)}"
        socket, _ = _dial(self.target, path)
        try:
            refusal = json.loads(socket.receive()).get("error")
            if refusal:
                raise ApiError(refusal.get("message", ""), refusal.get("code", ""))
            while True:
                yield json.loads(socket.receive())
        except WebSocketClosed:
            # The controller closes the stream when it has sent what was asked for.
            return
        finally:
            socket.close()

    def _log_in(self) -> dict[str, Any]:
        response = self.call(
            "Admin",
            "Login",
            {
                "auth-tag": f"user-{self.target.user}",
                "credentials": self.target.password,
                "nonce": "",
                "macaroons": [],
                "user-data": "",
                "client-version": CLIENT_VERSION,
            },
        )
        self._served |= {
            facade["name"]: tuple(facade["versions"]) for facade in response.get("facades") or []
        }
        return response


def _dial(target: Target, path: str) -> tuple[WebSocket, str]:
    """Open a WebSocket on the first address that answers, again while nobody listens."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        failures: list[str] = []
        again = False
        for address in target.addresses:
            socket, problem, passing = _dial_one(target, address, path)
            if socket is not None:
                return socket, address
            failures.append(f"{address}: {problem}")
            again = again or passing
        if not again or time.monotonic() > deadline:
            raise ConnectionFailed("unable to connect to API: " + "; ".join(failures))
        time.sleep(_PAUSE)


def _dial_one(target: Target, address: str, path: str) -> tuple[WebSocket | None, str, bool]:
    """A WebSocket to one address, or why there is none, and whether that may pass."""
    headers = {"Authorization": target.authorization}
    try:
        socket = WebSocket(address, path, target.trust(), headers, dial_seconds=_DIAL_SECONDS)
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        return None, f"the controller's certificate is not trusted: {reason}", False
    except (OSError, WebSocketClosed) as error:
        return None, str(error), isinstance(error, ConnectionError)
    return socket, "", False


def _http_error(status: int, content: bytes) -> ApiError:
    """The error in a response body: Juju sends {"error": {...}} or {"message", "code"}."""
    try:
        body = json.loads(content)
    except ValueError:
        text = content.decode("utf-8", "replace").strip()
        return ApiError(text or f"the controller answered with HTTP status {status}")
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        return ApiError(error.get("message") or error.get("Message") or "", error.get("code", ""))
    return ApiError(str(error))
