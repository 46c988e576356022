"""A store and an engine to measure, in a folder that goes with it."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import resource
import sys
import tempfile
from collections.abc import AsyncIterator

from sandbox.home import Home
from sandbox.juju.engine.engine import Engine
from sandbox.juju.engine.runtime import Settings
from sandbox.juju.state import applications, clouds, models, runs
from sandbox.juju.state.store import Store
from tests.blocks import reserve
from tests.sandbox.juju.engine.conftest import World

COLOUR = {"colour": {"type": "string", "default": "red"}}


@contextlib.asynccontextmanager
async def engine_world(*, warm_start: bool = True) -> AsyncIterator[World]:
    """An engine with the settings of the real daemon."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Home(pathlib.Path(folder) / "home", block=reserve("bench"))
        store = Store(home.folder("juju") / "juju.db")
        with store.transaction() as tx:
            clouds.add(tx, "localhost", "lxd", {"auth-types": ["certificate"], "regions": []})
            model = models.add_model(tx, "bench", "admin", "localhost").uuid
        engine = Engine(home, store, Settings(warm_start=warm_start))
        await engine.start()
        world = World(home, store, model, engine, pathlib.Path(folder))
        try:
            yield world
        finally:
            await world.engine.stop()
            store.close()


async def at_rest(world: World, application: str = "") -> None:
    """Wait until no agent (of an application) has anything to do."""
    agents = [
        agent
        for (_, unit), agent in world.engine._agents.items()
        if unit.rpartition("/")[0].startswith(application)
    ]
    await asyncio.sleep(0)
    while any(agent._task is not None for agent in agents):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def rounds(world: World, application: str, count: int) -> int:
    """Let each unit of an application run config-changed `count` times; how many hooks ran."""
    before = _ended(world)
    for number in range(count):
        world.do(applications.set_config, application, {"colour": f"{before} {number}"})
        await at_rest(world, application)
    return _ended(world) - before


def _ended(world: World) -> int:
    with world.store.transaction() as tx:
        return tx.value("SELECT count(*) FROM runs WHERE seconds IS NOT NULL")


def durations(world: World, unit: str, kind: str) -> list[float]:
    """Seconds that the processes of these hooks took, by the engine's record."""
    found = world.do(runs.of_unit, unit)
    return [run.seconds for run in found if run.kind == kind and run.seconds is not None]


def cpu_seconds() -> float:
    """What this process has used, without its children."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_megabytes() -> float:
    """The memory of this process."""
    text = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def watch_children_by_descriptor() -> None:
    """As the daemon does: before Python 3.12 asyncio has a thread for each child otherwise."""
    if sys.version_info < (3, 12):
        asyncio.get_event_loop_policy().set_child_watcher(asyncio.PidfdChildWatcher())
