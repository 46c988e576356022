"""A model of stand-ins under the sandbox's own engine, for tests that run their hooks."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from sandbox.charmhub.catalog import Catalog
from sandbox.home import Home
from sandbox.juju.engine.engine import Engine
from sandbox.juju.engine.runtime import Settings
from sandbox.juju.provisioner import Provisioner
from sandbox.juju.state import (
    applications,
    charms,
    clouds,
    log,
    model_removal,
    models,
    relations,
    runs,
    statuses,
    tasks,
    units,
)
from sandbox.juju.state.store import Store
from tests.blocks import reserve

READY = "active: Unit is ready"
BRISK = Settings(patience=1.0, tick=0.2)


class Model:
    """One model of a running engine and provisioner, and short ways to use it."""

    def __init__(self, home: Home, store: Store, uuid: str) -> None:
        self.home = home
        self.store = store
        self.uuid = uuid
        self.catalog = Catalog(home)

    def do(self, action: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        with self.store.transaction() as tx:
            return action(tx, self.uuid, *arguments, **keywords)

    def charm(self, name: str, channel: str | None) -> Any:
        resolved = self.catalog.resolve(name, channel)
        archive = self.catalog.archive(name, resolved.revision)
        url = charms.hub_url(name, resolved.revision)
        added = self.do(charms.add_from_hub, url, archive, self.home.folder("juju") / "kept")
        return resolved, added

    def deploy(
        self,
        charm: str,
        name: str = "",
        num_units: int = 1,
        channel: str | None = None,
        storage: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        resolved, added = self.charm(charm, channel)
        request = applications.Request(
            base=resolved.base,
            channel=resolved.channel,
            num_units=0 if added.subordinate else num_units,
            config={key.replace("_", "-"): value for key, value in options.items()},
            storage=storage or {},
        )
        self.do(applications.deploy, name or charm, added, request)

    def configure(self, name: str, **options: Any) -> None:
        given = {key.replace("_", "-"): value for key, value in options.items()}
        self.do(applications.set_config, name, given)

    def status(self, unit: str) -> str:
        found = self.do(statuses.workload, unit)
        return f"{found.status}: {found.message}"

    def version(self, unit: str) -> str:
        return self.do(units.get, unit).workload_version

    def last(self, unit: str) -> str:
        """The hook or action that the unit ran to its end last."""
        done = [run for run in self.do(runs.of_unit, unit) if run.seconds is not None]
        return done[-1].kind

    def ended(self, unit: str, kind: str) -> int:
        """How many hooks of this kind the unit ran to their end."""
        done = [run for run in self.do(runs.of_unit, unit) if run.seconds is not None]
        return sum(run.kind == kind for run in done)

    async def reconfigured(self, unit: str, **options: Any) -> None:
        """Change options, and wait until the unit's hook has taken them up."""
        await self.until(lambda: self.ended(unit, "start"))
        before = self.ended(unit, "config-changed")
        self.configure(unit.partition("/")[0], **options)
        await self.until(lambda: self.ended(unit, "config-changed") > before)

    def address(self, unit: str) -> str:
        with self.store.transaction() as tx:
            return units.address(tx, units.get(tx, self.uuid, unit))

    async def until(
        self, condition: Callable[[], Any], otherwise: Callable[[], str] | None = None
    ) -> Any:
        """Wait until something holds; `otherwise` says what is when it does not in time."""
        deadline = time.monotonic() + 30
        while not (value := condition()):
            if time.monotonic() > deadline:
                told = [record.message for record in self.do(log.last, 50)]
                raise AssertionError("\n".join([*told, otherwise() if otherwise else ""]))
            await asyncio.sleep(0.02)
        return value

    async def shows(self, unit: str, status: str) -> None:
        """Wait until a unit has this status."""
        await self.until(
            lambda: self.status(unit) == status,
            lambda: f"{unit} does not show {status!r} but {self.status(unit)!r}",
        )

    async def run(self, unit: str, action: str, **parameters: Any) -> dict[str, Any]:
        """Run an action to its end; returns its results."""
        operation = self.do(tasks.enqueue, [tasks.Request(unit, action, parameters)])
        number = operation.tasks[0].id
        await self.until(lambda: self.do(tasks.get, number).status in tasks.FINAL)
        task = self.do(tasks.get, number)
        assert task.status == "completed", task.message
        return {key: value for key, value in task.results.items() if key != "return-code"}

    async def answers(self, unit: str, port: int, *, serving: bool = True) -> Any:
        """What the unit's health endpoint answers once it does, or once it no longer does."""
        address = self.address(unit)
        found: list[Any] = []

        def as_wanted() -> bool:
            found[:] = [health(address, port)]
            return (found[0] is not None) == serving

        await self.until(as_wanted)
        return found[0]

    async def keystone(self, name: str, **keywords: Any) -> str:
        """An active Keystone of its own, on the module's database; returns its unit."""
        self.deploy("keystone", name, **keywords)
        self.deploy("mysql-router", f"{name}-router")
        self.do(relations.add, f"{name}:shared-db", f"{name}-router:shared-db")
        self.do(relations.add, f"{name}-router:db-router", "mysql:db-router")
        await self.shows(f"{name}/0", READY)
        return f"{name}/0"


def health(address: str, port: int, path: str = "/healthcheck") -> dict[str, Any] | None:
    try:
        with urllib.request.urlopen(f"http://{address}:{port}{path}", timeout=2) as got:
            return json.load(got)
    except urllib.error.HTTPError:
        raise
    except OSError:
        return None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Model]:
    """A model with a database of three units in it."""
    home = Home(tmp_path_factory.mktemp("home"), block=reserve("charmhub"))
    store = Store(home.folder("juju") / "juju.db")
    with store.transaction() as tx:
        clouds.add(tx, "localhost", "lxd", {"auth-types": ["certificate"], "regions": []})
        uuid = models.add_model(tx, "test", "admin", "localhost").uuid
        models.set_config(tx, uuid, {"update-status-hook-interval": "5s"})
    engine = Engine(home, store, BRISK)
    await engine.start()
    provisioning = asyncio.ensure_future(Provisioner(home, store).run())
    model = Model(home, store, uuid)
    model.deploy("mysql-innodb-cluster", "mysql", 3)
    yield model
    with store.transaction() as tx:
        model_removal.destroy_model(tx, uuid, force=True)
    provisioning.cancel()
    await asyncio.wait({provisioning}, timeout=20)
    await asyncio.wait_for(engine.stop(), 20)
    _end_servers(tmp_path_factory.getbasetemp())
    store.close()


def _end_servers(folder: pathlib.Path) -> None:
    """End the health servers that units of this run left."""
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_text("utf-8").split("\0")
        except OSError:
            continue
        if any(
            word.startswith(str(folder)) and word.endswith("/runtime/server.py") for word in words
        ):
            os.kill(int(entry.parent.name), 15)
