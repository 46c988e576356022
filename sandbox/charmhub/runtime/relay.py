"""Attend to one caller: pass it on to an API, as the HAProxy of the real charms does.

GET /healthcheck is answered here: 200 while the API takes connections, 503 otherwise. Without
an API, GET / is answered too, and all else is a 404.
"""

from __future__ import annotations

# Not `socket`: a server of every API unit is kept in memory.
import _socket
import os
import select

_CHUNK = 65536
_PATIENCE = 60.0
"""Seconds for a client to say what it wants."""
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 24\r\nConnection: close\r\n\r\nNo server is available.\n"
)


def attend(client: _socket.socket, unit: str, service: str, api: tuple[str, int] | None) -> None:
    """Answer one caller, who may go away at any time."""
    try:
        client.settimeout(_PATIENCE)
        request = client.recv(_CHUNK)
        if not request:
            return
        if api is None:
            client.sendall(_answer(request, unit, service))
        else:
            _pass_on(client, request, unit, service, api)
    except OSError:
        # One of the two went away: so does the other's connection.
        return


def _answer(request: bytes, unit: str, service: str) -> bytes:
    """The whole HTTP response to a request that is answered here."""
    parts = request.split(b" ", 2)
    path = parts[1].partition(b"?")[0] if len(parts) > 1 else b""
    found = parts[0] in (b"GET", b"HEAD") and path in (b"/", b"/healthcheck")
    body = (
        f'{{"status": "OK", "service": "{service}", "unit": "{unit}", "pid": {os.getpid()}}}'
        if found
        else '{"error": "not found"}'
    ).encode()
    head = (
        f"HTTP/1.1 {'200 OK' if found else '404 Not Found'}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    return head if parts[0] == b"HEAD" else head + body


def _pass_on(
    client: _socket.socket, request: bytes, unit: str, service: str, api: tuple[str, int]
) -> None:
    server = _connected(api)
    try:
        if request.startswith((b"GET /healthcheck ", b"HEAD /healthcheck ")):
            answer = _answer(request, unit, service)
            if server is None:
                answer = answer.replace(b"200 OK", b"503 Service Unavailable", 1)
            client.sendall(answer)
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
