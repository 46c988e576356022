"""Attend to one caller: pass it on to an API, as the HAProxy of the real charms does.

GET /healthcheck is answered here: 200 while the API takes connections, 503 otherwise. Without
an API, GET / is answered too, vault's seal by Vault's own API, and all else is a 404.
"""

# ruff: noqa: PTH108 - pathlib costs more memory than the rest
from __future__ import annotations

# Not `socket`: a server of every API unit is kept in memory.
import _socket
import os
import select

_CHUNK = 65536
_PATIENCE = 60.0
"""Seconds for a client to say what it wants."""
_THRESHOLD = 3
"""Keys that open a vault."""
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 24\r\nConnection: close\r\n\r\nNo server is available.\n"
)


class Local:
    """What the server answers by itself."""

    def __init__(self, unit: str, service: str, shared: str) -> None:
        self._unit = unit
        self._service = service
        self._seal = f"{shared}/sealed/{unit.replace('/', '-')}" if service == "vault" else ""
        self._keys: set[bytes] = set()

    def health(self, request: bytes, *, well: bool = True) -> bytes:
        """Whose server this is."""
        body = (
            f'{{"status": "OK", "service": "{self._service}", "unit": "{self._unit}", '
            f'"pid": {os.getpid()}}}'
        )
        return _response(request, "200 OK" if well else "503 Service Unavailable", body)

    def answer(self, request: bytes) -> bytes:
        """The whole HTTP response to any request."""
        path = _path(request)
        if request.startswith((b"GET ", b"HEAD ")) and path in (b"/", b"/healthcheck"):
            return self.health(request)
        if self._seal and path in (b"/v1/sys/seal-status", b"/v1/sys/unseal"):
            return _response(request, "200 OK", self._vault(request, path))
        return _response(request, "404 Not Found", '{"error": "not found"}')

    def _vault(self, request: bytes, path: bytes) -> str:
        """Vault's own API, as far as it is about the seal."""
        if path.endswith(b"unseal"):
            # {"key": "..."}
            key = request.partition(b'"key"')[2].partition(b'"')[2].partition(b'"')[0]
            self._keys.update({key} if key else ())
        if len(self._keys) >= _THRESHOLD:
            self._keys.clear()
            _open(self._seal)
        sealed = "true" if os.access(self._seal, os.F_OK) else "false"
        return (
            f'{{"initialized": true, "sealed": {sealed}, "t": {_THRESHOLD}, "n": 5, '
            f'"progress": {len(self._keys)}}}'
        )


def _open(seal: str) -> None:
    try:
        os.unlink(seal)
    except FileNotFoundError:
        return


def attend(client: _socket.socket, local: Local, api: tuple[str, int] | None) -> None:
    """Answer one caller, who may go away at any time."""
    try:
        client.settimeout(_PATIENCE)
        request = client.recv(_CHUNK)
        if not request:
            return
        if api is None:
            client.sendall(local.answer(_whole(client, request)))
        else:
            _pass_on(client, request, local, api)
    except OSError:
        # One of the two went away: so does the other's connection.
        return


def _whole(client: _socket.socket, request: bytes) -> bytes:
    """The request with all of its body, which may come after its head."""
    head, _, body = request.partition(b"\r\n\r\n")
    told = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
    missing = (int(told) if told.isdigit() else 0) - len(body)
    while missing > 0 and (chunk := client.recv(_CHUNK)):
        request += chunk
        missing -= len(chunk)
    return request


def _path(request: bytes) -> bytes:
    parts = request.split(b" ", 2)
    return parts[1].partition(b"?")[0] if len(parts) > 1 else b""


def _response(request: bytes, status: str, body: str) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
        "Connection: close\r\n\r\n"
    )
    return (head if request.startswith(b"HEAD ") else head + body).encode()


def _pass_on(client: _socket.socket, request: bytes, local: Local, api: tuple[str, int]) -> None:
    server = _connected(api)
    try:
        if _path(request) == b"/healthcheck":
            client.sendall(local.health(request, well=server is not None))
        elif server is None:
            client.sendall(_UNAVAILABLE)
        else:
            server.sendall(request)
            _carry(client, server)
    finally:
        if server is not None:
            server.close()


def _connected(api: tuple[str, int]) -> _socket.socket | None:
    server = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        server.connect(api)
    except OSError:
        server.close()
        return None
    return server


def _carry(client: _socket.socket, server: _socket.socket) -> None:
    """Carry bytes both ways until the API has said all."""
    client.settimeout(None)
    other = {client.fileno(): (client, server), server.fileno(): (server, client)}
    poll = select.poll()
    for number in other:
        poll.register(number, select.POLLIN)
    while True:
        for number, _ in poll.poll():
            source, sink = other[number]
            chunk = source.recv(_CHUNK)
            if chunk:
                sink.sendall(chunk)
            elif source is server:
                return
            else:
                poll.unregister(number)
                sink.shutdown(_socket.SHUT_WR)
