"""A MAAS region and the BMCs of all nodes as processes, fast, and clients with the admin's key."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from requests_oauthlib import OAuth1Session

from sandbox.home import Home
from tests.blocks import reserve


@dataclasses.dataclass
class Metal:
    """A running region with its BMCs."""

    home: Home
    maas: subprocess.Popen[bytes]
    bmc: subprocess.Popen[bytes]
    maas_speed: float
    taken: int = 0

    @property
    def url(self) -> str:
        return f"https://{self.home.region_address}:5443/MAAS/api/2.0/"

    @property
    def key(self) -> str:
        return (self.home.folder("maas") / "admin-key").read_text(encoding="ascii").strip()

    def client(self, key: str | None = None) -> Client:
        consumer, token, secret = (key or self.key).split(":")
        session = OAuth1Session(
            consumer,
            resource_owner_key=token,
            resource_owner_secret=secret,
            signature_method="PLAINTEXT",
        )
        # An environment variable with another CA bundle would win over the session's.
        session.trust_env = False
        session.verify = str(self.home.folder("ca") / "sandbox-ca.pem")
        return Client(self.url, session)

    def restart_maas(self) -> None:
        self.maas.kill()
        self.maas.wait()
        self.maas = start(self.home, "sandbox.maas", self.maas_speed)

    def restart_bmc(self) -> None:
        self.bmc.kill()
        self.bmc.wait()
        self.bmc = start(self.home, "sandbox.bmc")

    def stop(self) -> None:
        for process in (self.maas, self.bmc):
            process.terminate()
            process.wait()


@dataclasses.dataclass
class Client:
    """requests-oauthlib with MAAS's way of naming operations."""

    base: str
    session: OAuth1Session

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.session.get(self.base + path, params=query, timeout=30)

    def post(self, path: str, op: str | None = None, **form: Any) -> requests.Response:
        query = {"op": op} if op else {}
        return self.session.post(self.base + path, params=query, data=form, timeout=30)

    def put(self, path: str, **form: Any) -> requests.Response:
        return self.session.put(self.base + path, data=form, timeout=30)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(self.base + path, timeout=30)

    def named(self, hostname: str) -> dict[str, Any]:
        [machine] = self.get("machines/", hostname=hostname).json()
        return machine

    def machine(self, system_id: str) -> dict[str, Any]:
        return self.get(f"machines/{system_id}/").json()

    def on(self, system_id: str, op: str, **form: Any) -> requests.Response:
        return self.post(f"machines/{system_id}/", op, **form)

    def until(
        self, system_id: str, holds: Callable[[dict[str, Any]], bool], patience: float = 60
    ) -> dict[str, Any]:
        deadline = time.monotonic() + patience
        while True:
            machine = self.machine(system_id)
            if holds(machine):
                return machine
            seen = {name: machine[name] for name in ("status_name", "power_state")}
            assert time.monotonic() < deadline, seen
            time.sleep(0.05)

    def until_status(self, system_id: str, name: str) -> dict[str, Any]:
        return self.until(system_id, lambda machine: machine["status_name"] == name)


_FAST = 20.0


def start(home: Home, module: str, speed: float = _FAST) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        env={**os.environ, **home.environment, "SANDBOX_NODE_SPEED": str(speed)},
    )
    deadline = time.monotonic() + 30
    while not _ready(home, module):
        assert process.poll() is None, f"{module} has ended"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def _ready(home: Home, module: str) -> bool:
    address, port = home.region_address, 5443
    if module == "sandbox.bmc":
        address, port = home.bmc_address(22), 443
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0


def begin(path: pathlib.Path, maas_speed: float = _FAST) -> Metal:
    """At a `maas_speed` of 1 MAAS waits for a BMC as long as a real one does."""
    home = Home(path, reserve(str(path)))
    bmc = start(home, "sandbox.bmc")
    return Metal(home, start(home, "sandbox.maas", maas_speed), bmc, maas_speed)


@pytest.fixture(scope="session")
def metal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metal]:
    """A region that the tests of a session share; each takes machines of its own."""
    running = begin(tmp_path_factory.mktemp("maas"))
    yield running
    running.stop()


@pytest.fixture
def client(metal: Metal) -> Client:
    """The admin."""
    return metal.client()


@pytest.fixture
def new(metal: Metal, client: Client) -> Callable[[], str]:
    """Hands out New machines that no other test has touched: their system ids."""

    def take() -> str:
        metal.taken += 1
        return client.named(f"node{metal.taken:02}")["system_id"]

    return take


@pytest.fixture
def ready(client: Client, new: Callable[[], str]) -> str:
    """A machine that has been commissioned and is off."""
    system_id = new()
    assert client.on(system_id, "commission").status_code == 200
    client.until(system_id, lambda m: m["status_name"] == "Ready" and m["power_state"] == "off")
    return system_id
