"""A unit's server, by itself and in front of an API: real sockets, real processes."""

from __future__ import annotations

import http.client
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from sandbox.charmhub import descriptions

_SERVER = descriptions.FOLDER / "runtime" / "server.py"
_FRONT = ("127.26.9.1", 8774)
_API = ("127.26.9.2", 8774)


class _Echo(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64


@pytest.fixture
def relay() -> Iterator[subprocess.Popen[bytes]]:
    words = [_FRONT[0], str(_FRONT[1]), "nova/0", "nova", "", _API[0], str(_API[1])]
    process = subprocess.Popen([sys.executable, "-SE", str(_SERVER), *words])
    deadline = time.monotonic() + 10
    while True:
        try:
            _ask("GET", "/healthcheck")
            break
        except OSError:
            assert time.monotonic() < deadline, "the relay does not answer"
            time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def api() -> Iterator[None]:
    server = _Server(_API, _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


def _ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*_FRONT, timeout=10)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_what_clients_send_reaches_the_api_and_its_answer_them(relay, api):
    image = bytes(range(256)) * 20_000

    assert _ask("POST", "/v2/images", image) == (201, image)


def test_many_clients_are_served_at_once(relay, api):
    answers: list[tuple[int, bytes]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(_ask("POST", "/", b"x" * 100_000)))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [(201, b"x" * 100_000)] * 20


def test_without_its_api_a_relay_says_so_as_haproxy_does(relay):
    assert _ask("POST", "/v2/images", b"image")[0] == 503
    status, body = _ask("GET", "/healthcheck")
    assert status == 503
    # The unit's hooks still find their server.
    assert json.loads(body) | {"pid": 0} == {
        "status": "OK",
        "service": "nova",
        "unit": "nova/0",
        "pid": 0,
    }


def test_the_health_check_is_answered_by_the_relay(relay, api):
    status, body = _ask("GET", "/healthcheck")

    assert (status, json.loads(body)["pid"]) == (200, relay.pid)


def test_when_the_relay_is_gone_so_is_the_api(relay, api):
    relay.kill()
    relay.wait()

    with pytest.raises(ConnectionRefusedError):
        _ask("POST", "/", b"")
