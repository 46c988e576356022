"""Killing the region or the BMCs in the middle of things: nothing is lost or done twice."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Callable, Iterator

import pytest

from sandbox.bmc.board import Board

from .conftest import Client, Metal, begin, start


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metal]:
    """A region that nobody else uses, for it is killed; it waits for BMCs that are killed."""
    running = begin(tmp_path_factory.mktemp("killed"), maas_speed=1)
    yield running
    running.stop()


def _types(client: Client, system_id: str) -> list[str]:
    query = {"op": "query", "id": system_id, "level": "DEBUG", "limit": 1000}
    return [event["type"] for event in client.get("events/", **query).json()["events"]]


@pytest.mark.parametrize(
    ("names", "kill"),
    [
        (("node01", "node02", "node03", "node04"), Metal.restart_maas),
        (("node05", "node06", "node07", "node08"), Metal.restart_bmc),
    ],
)
def test_a_killed_process_loses_no_machine_and_does_nothing_twice(
    own: Metal, names: tuple[str, ...], kill: Callable[[Metal], None]
):
    client = own.client()
    ids = {name: client.named(name)["system_id"] for name in names}
    # One after another: the process is killed with each machine somewhere else on its way.
    for system_id in ids.values():
        assert client.on(system_id, "commission").status_code == 200
    kill(own)
    for system_id in ids.values():
        client.until(
            system_id, lambda m: m["status_name"] == "Ready" and m["power_state"] == "off", 90
        )
    for system_id in ids.values():
        assert client.on(system_id, "deploy", user_data="aGk=").status_code == 200
        time.sleep(0.1)
    kill(own)
    for name, system_id in ids.items():
        deployed = client.until(system_id, lambda m: m["status_name"] == "Deployed", 90)
        assert deployed["ip_addresses"] == [own.home.node_address(int(name[4:]))]
        types = _types(client, system_id)
        for once in ("Deployed", "User starting deployment", "User acquiring node", "Testing"):
            assert types.count(once) == 1, (name, once)


def test_a_commissioned_machine_killed_before_it_was_off_goes_off(own: Metal):
    client = own.client()
    name = "node09"
    system_id = client.named(name)["system_id"]
    assert client.on(system_id, "commission").status_code == 200
    client.until(
        system_id, lambda m: m["status_name"] == "Ready" and m["power_state"] == "off", 90
    )
    own.bmc.kill()
    own.bmc.wait()
    # As that kill finds it when it has told MAAS that all is well and still has its power.
    board = Board(own.home, name)
    board.switch(on=True)
    own.bmc = start(own.home, "sandbox.bmc")
    deadline = time.monotonic() + 30
    while board.on:
        assert time.monotonic() < deadline, "the machine stays on, with nothing to do"
        time.sleep(0.05)


def test_the_key_the_machines_and_their_ids_stay(own: Metal):
    before = {m["hostname"]: m["system_id"] for m in own.client().get("machines/").json()}
    key = own.key
    own.restart_maas()
    assert own.key == key
    after = {m["hostname"]: m["system_id"] for m in own.client().get("machines/").json()}
    assert after == before


def test_no_file_that_others_read_holds_a_secret(own: Metal):
    secret = own.key.split(":")[2].encode()
    holders = [p for p in own.home.path.rglob("*") if p.is_file() and secret in p.read_bytes()]
    assert holders
    for path in holders:
        assert _is_private(path), path


def _is_private(path: pathlib.Path) -> bool:
    return path.stat().st_mode & 0o077 == 0
