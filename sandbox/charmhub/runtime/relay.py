"""Pass what comes to one address and port on to an API, as the HAProxy of the real charms does.

Usage: relay.py ADDRESS PORT UNIT SERVICE API_ADDRESS API_PORT

GET /healthcheck is answered here: 200 while the API takes connections, 503 otherwise.
"""

from __future__ import annotations

# Not `socket` and `threading`: a relay of every API unit is kept in memory.
import _socket
import _thread
import select
import sys

# Beside this file: it runs as a script.
import health_server

_CHUNK = 65536
_PATIENCE = 60.0
"""Seconds for a client to say what it wants."""
_UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 24\r\nConnection: close\r\n\r\nNo server is available.\n"
)


def serve(address: str, port: int, unit: str, service: str, api: tuple[str, int]) -> None:
    """Answer every connection in a thread of its own, for ever.

    Raises:
        OSError: the address or port is taken or is not this machine's.
    """
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(128)
    _thread.stack_size(128 * 1024)
    while True:
        # A C-level socket accepts to a bare file descriptor.
        number, _ = listener._accept()  # type: ignore[attr-defined]
        _thread.start_new_thread(_attend, (number, unit, service, api))


def _attend(number: int, unit: str, service: str, api: tuple[str, int]) -> None:
    client = _socket.socket(fileno=number)
    server = None
    try:
        client.settimeout(_PATIENCE)
        request = client.recv(_CHUNK)
        if not request:
            return
        server = _connected(api)
        if request.startswith((b"GET /healthcheck ", b"HEAD /healthcheck ")):
            answer = health_server.answer(request, unit, service)
            if server is None:
                answer = answer.replace(b"200 OK", b"503 Service Unavailable", 1)
            client.sendall(answer)
        elif server is None:
            client.sendall(_UNAVAILABLE)
        else:
            server.sendall(request)
            _carry(client, server)
    except OSError:
        # One of the two went away: so does the other's connection.
        return
    finally:
        client.close()
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


if __name__ == "__main__":
    served, front, of_unit, named, behind, at = sys.argv[1:]
    serve(served, int(front), of_unit, named, (behind, int(at)))
