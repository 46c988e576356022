"""The process that answers scrapes: one file over HTTP, with the standard library only.

It imports nothing of the charm and runs no hook. Socket and lock come from who starts it (see
metrics_endpoint.py): it listens already when it begins, and holds the lock as long as it lives.
"""

from __future__ import annotations

import http.server
import pathlib
import socket
import sys

LIBID = "34833fe647604ca78fd4cb1a3208ebec"
LIBAPI = 0
LIBPATCH = 1

PATH = "/metrics"
"""What is asked for."""

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOK_EVERY = 5.0
"""Seconds after which the end of the unit is noticed, and a client that says nothing is left."""


class _Answer(http.server.BaseHTTPRequestHandler):
    """Answers one request with the file as it is now."""

    file: pathlib.Path
    timeout = _LOOK_EVERY

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(404, f"only {PATH} is here")
            return
        try:
            content = self.file.read_bytes()
        except FileNotFoundError:
            self.send_error(503, "the charm has written nothing yet")
            return
        self.send_response(200)
        self.send_header("Content-Type", _CONTENT_TYPE)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """A scrape every minute is no news."""


def serve(listening: socket.socket, file: pathlib.Path, while_there: pathlib.Path) -> None:
    """Answer scrapes with the file, until another file (the charm's dispatch) is gone."""
    handler = type("_AnswerWithFile", (_Answer,), {"file": file})
    address = listening.getsockname()
    with http.server.ThreadingHTTPServer(address, handler, bind_and_activate=False) as server:
        server.socket.close()
        server.socket = listening
        server.timeout = _LOOK_EVERY
        while while_there.exists():
            server.handle_request()


if __name__ == "__main__":
    inherited = socket.socket(fileno=int(sys.argv[1]))
    serve(inherited, pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
