"""A controller's store and engine, with charms of a few lines that run as real processes."""

from __future__ import annotations

import asyncio
import dataclasses
import pathlib
import shutil
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import yaml

from sandbox.home import Home
from sandbox.juju.engine.engine import Engine
from sandbox.juju.engine.runtime import Settings
from sandbox.juju.state import (
    applications,
    charms,
    clouds,
    log,
    machines,
    models,
    refresh,
    relations,
    removal,
    runs,
    statuses,
    tasks,
)
from sandbox.juju.state.store import Store
from sandbox.juju.state.tasks import Request
from sandbox.juju.state.values import Relation
from tests.blocks import reserve

BASE = "ubuntu@24.04/stable"

QUICK = Settings(retry_first=0.1, retry_longest=0.4, tick=0.1, renewal=0.2, patience=1.0)


def pack_charm(
    path: pathlib.Path,
    name: str,
    dispatch: str,
    files: Mapping[str, str | bytes] | None = None,
    **documents: Any,
) -> pathlib.Path:
    """A packed charm whose `dispatch` is this shell (or other) script."""
    config = documents.pop("config", {})
    actions = documents.pop("actions", {})
    base = {"name": "ubuntu", "channel": "24.04", "architectures": ["amd64"]}
    metadata = {"name": name, "summary": name, "description": name, **documents}
    text = dispatch if dispatch.startswith("#!") else f"#!/bin/sh\nset -e\n{dispatch}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.yaml", yaml.safe_dump(metadata))
        archive.writestr("config.yaml", yaml.safe_dump({"options": config}))
        archive.writestr("actions.yaml", yaml.safe_dump(actions))
        archive.writestr("manifest.yaml", yaml.safe_dump({"bases": [base]}))
        script = zipfile.ZipInfo("dispatch")
        script.external_attr = 0o100755 << 16
        archive.writestr(script, text)
        for inner, content in (files or {}).items():
            archive.writestr(inner, content)
    return path


@dataclasses.dataclass
class World:
    """One model, its engine, and short ways to use them."""

    home: Home
    store: Store
    model: str
    engine: Engine
    folder: pathlib.Path

    def deploy(
        self, name: str, dispatch: str = "exit 0", num_units: int = 1, **documents: Any
    ) -> None:
        """Pack and deploy a charm named after its application; its machines start at once."""
        options = documents.pop("options", {})
        storage = documents.pop("storage_directives", {})
        if documents.get("subordinate"):
            num_units = 0
        path = pack_charm(self.folder / f"{name}.charm", name, dispatch, **documents)
        with self.store.transaction() as tx:
            charm = charms.add_local(tx, self.model, path, self.folder / "kept")
            asked = applications.Request(
                base=BASE, num_units=num_units, config=options, storage=storage
            )
            applications.deploy(tx, self.model, name, charm, asked)
        self.start_machines()

    def refresh(self, name: str, dispatch: str = "exit 0", **documents: Any) -> None:
        """Pack another revision of an application's charm and let its units take it."""
        force = documents.pop("force_units", False)
        path = pack_charm(self.folder / f"{name}-next.charm", name, dispatch, **documents)
        with self.store.transaction() as tx:
            charm = charms.add_local(tx, self.model, path, self.folder / "kept")
            refresh.refresh(tx, self.model, name, charm, force_units=force)

    def start_machines(self) -> None:
        with self.store.transaction() as tx:
            for machine in machines.all_machines(tx, self.model):
                if machine.instance_id:
                    continue
                number = machines.take_address_number(tx, self.model, machine.id)
                address = self.home.container_address(number)
                machines.set_instance(
                    tx,
                    self.model,
                    machine.id,
                    instance_id=f"i-{machine.id}",
                    hostname=f"host-{machine.id}",
                    hardware={"arch": "amd64", "availability-zone": "az1"},
                    addresses=[
                        {
                            "value": address,
                            "type": "ipv4",
                            "scope": "local-cloud",
                            "space": "alpha",
                        }
                    ],
                )
                machines.set_started(tx, self.model, machine.id)

    def relate(self, *names: str) -> Relation:
        with self.store.transaction() as tx:
            return relations.add(tx, self.model, *names)

    def do(self, action: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        """Call a state function in a transaction of its own."""
        with self.store.transaction() as tx:
            return action(tx, self.model, *arguments, **keywords)

    def events(self, unit: str) -> list[str]:
        """Every hook, action and command that ran for a unit to its end, in order."""
        found = [run for run in self.do(runs.of_unit, unit) if run.seconds is not None]
        return [f"{run.kind} {run.detail}".strip() for run in found]

    def status(self, unit: str) -> str:
        status = self.do(statuses.workload, unit)
        return f"{status.status}: {status.message}".removesuffix(": ")

    def agent(self, unit: str) -> str:
        status = self.do(statuses.get_status, "agent", unit)
        return f"{status.status}: {status.message}".removesuffix(": ")

    def log(self) -> list[str]:
        self.engine.runtime.journal.flush()
        return [f"{r.severity} {r.module}: {r.message}" for r in self.do(log.last, 1000)]

    def charm_folder(self, unit: str) -> pathlib.Path:
        return self.engine.runtime.unit_folder(self.model, unit) / "charm"

    def written(self, unit: str, name: str) -> str:
        """What a unit's charm wrote into a file of its folder."""
        path = self.charm_folder(unit) / name
        return path.read_text() if path.exists() else ""

    async def until(self, condition: Callable[[], Any], seconds: float = 10.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise AssertionError("\n".join(["not so in time; the log says:", *self.log()]))
            await asyncio.sleep(0.01)
        return value

    async def settled(self, seconds: float = 15.0) -> None:
        """Wait until every unit's agent is idle and nothing is on its way."""

        def idle() -> bool:
            with self.store.transaction() as tx:
                names = [r["name"] for r in tx.all("SELECT name FROM units")]
                return all(
                    statuses.get_status(tx, self.model, "agent", n).status == "idle" for n in names
                )

        def at_rest() -> bool:
            # A commit wakes at once whom it concerns: where nobody works, nothing is on its way.
            busy = any(agent._task is not None for agent in self.engine._agents.values())
            return not busy and not self.engine._reboots and idle()

        await self.until(at_rest, seconds)

    async def run(self, receiver: str, name: str, **parameters: Any) -> tasks.Task:
        """Run an action to its end."""
        operation = self.do(tasks.enqueue, [Request(receiver, name, parameters)])
        assert not operation.refusals, operation.refusals
        number = operation.tasks[0].id
        await self.until(lambda: self.do(tasks.get, number).status in tasks.FINAL)
        return self.do(tasks.get, number)

    async def restart(self) -> None:
        """Stop the engine and start another on the same store."""
        await self.engine.stop()
        self.engine = Engine(self.home, self.store, self.engine.runtime.settings)
        await self.engine.start()

    def remove_unit(self, unit: str) -> None:
        self.do(removal.destroy_unit, unit)


@pytest.fixture
def pack() -> Callable[..., pathlib.Path]:
    return pack_charm


@pytest.fixture
def tools_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """One folder of compiled hook tools for all tests."""
    return tmp_path_factory.getbasetemp() / "hook-tools"


def _copy_tools(source: pathlib.Path, target: pathlib.Path) -> None:
    if source.exists() and not target.exists():
        shutil.copytree(source, target, symlinks=True)


@pytest.fixture
async def world(tmp_path: pathlib.Path, tools_folder: pathlib.Path) -> AsyncIterator[World]:
    home = Home(tmp_path / "home", block=reserve("engine"))
    _copy_tools(tools_folder, home.folder("juju") / "tools")
    store = Store(home.folder("juju") / "juju.db")
    with store.transaction() as tx:
        clouds.add(tx, "localhost", "lxd", {"auth-types": ["certificate"], "regions": []})
        config = {"logging-config": "<root>=INFO;unit=DEBUG"}
        model = models.add_model(tx, "test", "admin", "localhost", config=config).uuid
    engine = Engine(home, store, QUICK)
    await engine.start()
    _copy_tools(home.folder("juju") / "tools", tools_folder)
    world = World(home, store, model, engine, tmp_path)
    yield world
    await world.engine.stop()
    store.close()
