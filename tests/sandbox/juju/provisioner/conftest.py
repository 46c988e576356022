"""A MAAS region with three bare-metal nodes, each behind a BMC of its own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import yaml

from sandbox.authority import Authority
from sandbox.bmc import hardware
from sandbox.home import Home
from sandbox.juju.placement import Placement
from sandbox.juju.providers.maas_client import MaasClient
from sandbox.juju.providers.provider import Unreachable
from sandbox.juju.provisioner import Provisioner
from sandbox.juju.state import clouds, log, machines, models, statuses
from sandbox.juju.state.store import Store
from sandbox.juju.state.values import Machine
from tests.blocks import reserve

BASE = "ubuntu@24.04/stable"
NODES = (0, 1, 10)
"""Two control nodes and, third, one with data disks, by their place in the packaged file."""


@dataclasses.dataclass
class Region:
    """A running region, and what it takes to use it."""

    home: Home
    processes: dict[str, subprocess.Popen[bytes]]

    @property
    def url(self) -> str:
        return f"https://{self.home.region_address}:5443/MAAS"

    @property
    def key(self) -> str:
        return (self.home.folder("maas") / "admin-key").read_text().strip()

    @property
    def certificate(self) -> str:
        return Authority(self.home.folder("ca")).pem

    def client(self) -> MaasClient:
        return MaasClient(self.url, self.key, [self.certificate])

    def start(self, name: str) -> None:
        environment = {**os.environ, **self.home.environment, "SANDBOX_NODE_SPEED": "8"}
        with (self.home.folder("log") / f"{name}.log").open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", f"sandbox.{name}"],
                env=environment,
                stdout=output,
                stderr=output,
            )

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        process.wait(10)

    async def answers(self) -> None:
        client = self.client()
        for _ in range(200):
            with contextlib.suppress(Unreachable):
                await client.get("version/")
                break
            await asyncio.sleep(0.1)
        await client.close()


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    home = Home(tmp_path_factory.mktemp("metal"), block=reserve("provisioner"))
    packaged = yaml.safe_load(hardware.DEFAULT_PATH.read_text())
    packaged["nodes"] = [packaged["nodes"][number] for number in NODES]
    (home.path / "hardware.yaml").write_text(yaml.safe_dump(packaged))
    Authority(home.folder("ca"))
    region = Region(home, {})
    region.start("bmc")
    region.start("maas")
    try:
        asyncio.run(_commission(region))
        yield region
    finally:
        for name in list(region.processes):
            region.stop(name)


async def _commission(region: Region) -> None:
    deadline = time.monotonic() + 60
    key = region.home.path / "maas" / "admin-key"
    while not (key.exists() and key.read_text()):
        assert time.monotonic() < deadline, "the region did not start"
        await asyncio.sleep(0.1)
    await region.answers()
    client = region.client()
    for machine in await client.get("machines/"):
        await _until_commissioned(client, machine["system_id"], deadline)
    await client.close()


async def _until_commissioned(client: MaasClient, system_id: str, deadline: float) -> None:
    """The BMCs may still be starting: MAAS answers 503 until they are there."""
    path = f"machines/{system_id}/"
    status = "New"
    while status != "Ready":
        assert time.monotonic() < deadline, f"{system_id} is {status}"
        if status in ("New", "Failed commissioning"):
            with contextlib.suppress(Exception):
                await client.post(path, "commission")
        await asyncio.sleep(0.2)
        status = (await client.get(path))["status_name"]


@dataclasses.dataclass
class Controller:
    """A store with one model, and its provisioner when it runs."""

    home: Home
    store: Store
    model: str

    def add(self, placement: Placement | None = None, **constraints: Any) -> str:
        with self.store.transaction() as tx:
            return machines.add_by_placement(
                tx, self.model, placement, base=BASE, constraints=constraints
            ).id

    def host(self, machine: str, kinds: list[str], pool: str, size: int) -> None:
        """Put a unit with storage of these kinds (`size` in MiB) on a machine."""
        own = {"model": self.model, "created": ""}
        with self.store.transaction() as tx:
            tx.insert("applications", **own, name="osd", charm_url="local:osd-0", base=BASE)
            tx.insert("units", **own, name="osd/0", application="osd", number=0, machine=machine)
            for number, kind in enumerate(kinds):
                tx.insert(
                    "storage",
                    model=self.model,
                    id=f"disks/{number}",
                    name="disks",
                    kind=kind,
                    owner="osd/0",
                    pool=pool,
                    size=size,
                )

    def machine(self, machine: str) -> Machine:
        with self.store.transaction() as tx:
            return machines.get(tx, self.model, machine)

    def machines(self) -> list[Machine]:
        with self.store.transaction() as tx:
            return machines.all_machines(tx, self.model)

    def instance(self, machine: str) -> tuple[str, str]:
        with self.store.transaction() as tx:
            status = statuses.get_status(tx, self.model, "instance", machine)
        return status.status, status.message

    def started(self, *ids: str) -> bool:
        with self.store.transaction() as tx:
            return all(machines.is_started(tx, self.model, machine) for machine in ids)

    def messages(self) -> str:
        with self.store.transaction() as tx:
            return "\n".join(record.message for record in log.last(tx, self.model, 1000))

    def situation(self) -> str:
        """Every instance's status and the last words of the log."""
        told = [f"{m.id} {m.hostname} {self.instance(m.id)}" for m in self.machines()]
        return "\n".join([*told, *self.messages().splitlines()[-3:]])

    @contextlib.asynccontextmanager
    async def running(self, retry_delay: float = 0.2) -> AsyncIterator[None]:
        provisioner = Provisioner(
            self.home, self.store, retry_delay=retry_delay, poll_interval=0.1
        )
        task = asyncio.create_task(provisioner.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, condition: Callable[[], Any], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.situation()}"
            await asyncio.sleep(0.02)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    store = Store(tmp_path / "juju.db")
    yield store
    store.close()


@pytest.fixture
def local(store: Store, tmp_path: pathlib.Path) -> Controller:
    with store.transaction() as tx:
        clouds.add(tx, "localhost", "lxd", {})
        model = models.add_model(tx, "test", "admin", "localhost")
    return Controller(Home(tmp_path, block=reserve("local")), store, model.uuid)


@pytest.fixture
def metal(store: Store, region: Region) -> Controller:
    with store.transaction() as tx:
        doc = {"endpoint": region.url, "ca-certificates": [region.certificate]}
        clouds.add(tx, "maas", "maas", {**doc, "auth-types": ["oauth1"]})
        clouds.set_credential(tx, "maas", "admin", "key", "oauth1", {"maas-oauth": region.key})
        model = models.add_model(tx, "prod", "admin", "maas", credential="maas/admin/key")
    return Controller(region.home, store, model.uuid)
