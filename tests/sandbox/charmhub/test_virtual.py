"""Virtual addresses: which unit's server answers there, and what clients see when it moves."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from sandbox.charmhub import descriptions
from tests.blocks import reserve

_SERVER = descriptions.FOLDER / "runtime" / "server.py"
_BLOCK = reserve("virtual")
_VIRTUAL, _PORT = f"127.{_BLOCK}.253.1", 5000


class Units:
    """The servers of an API's units, and hacluster's word on which of them may hold it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.servers: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, number: int) -> None:
        words = [f"127.{_BLOCK}.2.{number}", str(_PORT), f"keystone/{number}", "keystone"]
        command = [sys.executable, "-SE", str(_SERVER), *words, str(self.folder.parent)]
        self.servers[number] = subprocess.Popen(command)

    def allow(self, *numbers: int) -> None:
        for number in numbers:
            (self.folder / f"keystone-{number}").write_text(_VIRTUAL, encoding="ascii")

    def forbid(self, number: int) -> None:
        (self.folder / f"keystone-{number}").unlink()

    def end(self, number: int, how: signal.Signals) -> None:
        self.servers[number].send_signal(how)
        self.servers.pop(number).wait(10)

    def held_by(self, *expected: str | None, within: float = 5.0) -> str | None:
        """Who answers, once it is one of these; None when nobody does."""
        deadline = time.monotonic() + within
        while (unit := _holder()) not in expected:
            assert time.monotonic() < deadline, f"{unit} holds the address, not {expected}"
            time.sleep(0.02)
        return unit


def _holder() -> str | None:
    connection = http.client.HTTPConnection(_VIRTUAL, _PORT, timeout=5)
    try:
        connection.request("GET", "/healthcheck")
        return json.loads(connection.getresponse().read())["unit"]
    except OSError:
        return None
    finally:
        connection.close()


@pytest.fixture
def units(tmp_path: pathlib.Path) -> Iterator[Units]:
    """Three units; the first holds the address, the others wait for it."""
    (tmp_path / "virtual").mkdir()
    units = Units(tmp_path / "virtual")
    units.allow(0)
    units.start(0)
    units.held_by("keystone/0")
    for number in (1, 2):
        units.allow(number)
        units.start(number)
    time.sleep(0.5)
    yield units
    for server in units.servers.values():
        server.kill()
        server.wait()


class Client(threading.Thread):
    """Asks without a pause and counts."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.answered, self.failed = 0, 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            if _holder() is None:
                self.failed += 1
            else:
                self.answered += 1

    def stop(self) -> None:
        self.done.set()
        self.join()


@pytest.fixture
def clients() -> Iterator[list[Client]]:
    clients = [Client() for _ in range(4)]
    for client in clients:
        client.start()
    yield clients
    for client in clients:
        client.stop()


def test_one_unit_holds_the_address_and_says_so(units: Units):
    assert units.held_by("keystone/0") == "keystone/0"
    assert (units.folder / "held" / _VIRTUAL).read_text() == "keystone-0"


def test_nobody_is_refused_while_the_address_moves_in_order(units: Units, clients: list[Client]):
    """By hacluster's word, by the end of the holder's server, and back; ten times over."""
    for _ in range(10):
        units.forbid(0)
        units.held_by("keystone/1", "keystone/2")
        units.allow(0)
        time.sleep(0.2)
        for number in (1, 2):
            units.end(number, signal.SIGTERM)
            units.start(number)
            time.sleep(0.2)
    for client in clients:
        client.stop()

    assert sum(client.failed for client in clients) == 0
    assert min(client.answered for client in clients) > 20


def test_a_holder_that_is_killed_is_replaced_within_a_second(units: Units):
    units.end(0, signal.SIGKILL)

    units.held_by("keystone/1", "keystone/2", within=1.0)


def test_a_holder_that_hangs_for_a_while_keeps_the_address(units: Units):
    """As with a real address: nobody else answers there, and no two ever do."""
    os.kill(units.servers[0].pid, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(units.servers[0].pid, signal.SIGCONT)

    assert units.held_by("keystone/0") == "keystone/0"


def test_when_no_unit_may_hold_it_nobody_answers(units: Units):
    for number in range(3):
        units.forbid(number)

    units.held_by(None)
    deadline = time.monotonic() + 5
    while (units.folder / "held" / _VIRTUAL).exists():
        assert time.monotonic() < deadline, "the file still names a holder"
        time.sleep(0.02)
    units.allow(2)
    units.held_by("keystone/2")


def test_a_request_that_is_under_way_is_answered_before_the_server_ends(units: Units):
    connection = http.client.HTTPConnection(_VIRTUAL, _PORT, timeout=10)
    connection.connect()
    time.sleep(0.3)

    units.servers[0].terminate()
    units.held_by("keystone/1", "keystone/2")
    connection.request("GET", "/healthcheck")

    assert json.loads(connection.getresponse().read())["unit"] == "keystone/0"
    connection.close()
    assert units.servers.pop(0).wait(10) == 0
