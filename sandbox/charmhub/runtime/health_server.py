"""Answer GET / and GET /healthcheck on one address and port; anything else is a 404.

Usage: health_server.py ADDRESS PORT UNIT SERVICE
"""

from __future__ import annotations

# Not `socket`: a server of every API unit is kept in memory.
import _socket
import os
import sys


def answer(request: bytes, unit: str, service: str) -> bytes:
    """The whole HTTP response to a request."""
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


def serve(address: str, port: int, unit: str, service: str) -> None:
    """Answer one connection after another, for ever.

    Raises:
        OSError: the address or port is taken or is not this machine's.
    """
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)
    while True:
        # A C-level socket accepts to a bare file descriptor.
        number, _ = listener._accept()  # type: ignore[attr-defined]
        client = _socket.socket(fileno=number)
        try:
            client.settimeout(5.0)
            client.sendall(answer(client.recv(4096), unit, service))
        except OSError:
            # The caller went away or never spoke: the next one is waiting.
            pass
        finally:
            client.close()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
