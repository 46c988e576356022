"""What a hook costs: the controller's part of it, and what an ops charm adds."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

from sandbox.juju.engine.context import HookContext
from sandbox.juju.engine.environment import variables
from sandbox.juju.engine.hooks import Hook
from sandbox.juju.engine.launch import _surroundings
from sandbox.juju.state import applications, units
from tests.benchmarks.controller.engine_world import (
    COLOUR,
    at_rest,
    cpu_seconds,
    durations,
    engine_world,
    rounds,
)
from tests.benchmarks.controller.figures import Figure
from tests.sandbox.juju.engine import packed_python
from tests.sandbox.juju.engine.conftest import World

OWN_COST = 10.0
OVER_DISPATCH = 1.2

_TEN_TOOLS = "for n in 1 2 3 4 5 6 7 8 9 10; do config-get colour > /dev/null; done"

_CHARM = """
import ops


class Usual(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        framework.observe(self.on.config_changed, self._configure)
        framework.observe(self.on.collect_unit_status, self._status)

    def _configure(self, event):
        self.unit.set_workload_version(str(len(self.config["colour"])))

    def _status(self, event):
        event.add_status(ops.ActiveStatus(self.config["colour"]))


if __name__ == "__main__":
    ops.main(Usual)
"""


async def measure() -> list[Figure]:
    """Every figure about single hooks."""
    return [*await _own(), *await _ops()]


async def _own() -> list[Figure]:
    """The controller's own time: all that is not the charm's process."""
    figures = []
    for what, script in (("no tools", "exit 0"), ("ten tools", _TEN_TOOLS)):
        async with engine_world() as world:
            world.deploy("app", script, num_units=8, config=COLOUR)
            await world.settled(120)
            before = cpu_seconds()
            count = await rounds(world, "app", 25)
            cost = (cpu_seconds() - before) / count * 1000
        figures.append(Figure(f"controller's CPU, a hook with {what}", cost, "ms", OWN_COST))
    return figures


async def _ops() -> list[Figure]:
    """An ops charm's hook in the sandbox against its bare dispatch, and with a warm start."""
    async with engine_world(warm_start=False) as world:
        await _deploy(world)
        bare, turns, processes = await _side_by_side(world, 15)
    async with engine_world() as world:
        await _deploy(world)
        _, warm, _ = await _side_by_side(world, 15, bare=False)
    return [
        Figure("ops charm: bare dispatch", bare * 1000, "ms"),
        Figure("ops charm: whole turn of a hook, no warm start", turns * 1000, "ms"),
        Figure("ops charm: whole turn against bare dispatch", turns / bare, "x", OVER_DISPATCH),
        Figure("ops charm: its process within that turn", processes * 1000, "ms"),
        Figure("ops charm: whole turn of a hook, warm start", warm * 1000, "ms"),
        Figure("ops charm: warm start against bare dispatch", warm / bare, "x", 0.5),
    ]


async def _deploy(world: World) -> None:
    files = packed_python.files(_CHARM)
    world.deploy("every", packed_python.DISPATCH, files=files, config=COLOUR)
    await world.settled(120)


async def _side_by_side(
    world: World, count: int, *, bare: bool = True
) -> tuple[float, float, float]:
    """Medians of a bare dispatch, of a whole turn and of the process in it, taken by turns.

    One after the other, so that what else the machine does weighs on all alike.
    """
    alone, turns = [], []
    for number in range(count):
        if bare:
            alone.append(await _dispatch(world))
        started = time.perf_counter()
        world.do(applications.set_config, "every", {"colour": f"colour {number}"})
        await at_rest(world)
        turns.append(time.perf_counter() - started)
    processes = durations(world, "every/0", "config-changed")[-count:]
    return (
        statistics.median(alone) if alone else 0.0,
        statistics.median(turns),
        statistics.median(processes),
    )


async def _dispatch(world: World) -> float:
    """Seconds of `dispatch` itself, with hook tools that answer, and nothing around it."""
    runtime = world.engine.runtime
    unit = world.do(units.get, "every/0")
    memory = world.engine._agents[world.model, "every/0"].memory
    hook = Hook("config-changed")
    context = HookContext(
        world.store, runtime.journal, unit, memory.local, hook=hook, name=hook.kind
    )
    environment: dict[str, Any] = {
        **variables(context, _surroundings(memory, context)),
        "JUJU_DISPATCH_PATH": "hooks/config-changed",
    }
    folder = world.charm_folder("every/0")
    runtime.contexts[context.id] = context
    try:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            str(folder / "dispatch"),
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        code = await process.wait()
        seconds = time.perf_counter() - started
    finally:
        del runtime.contexts[context.id]
    if code:
        raise RuntimeError(f"dispatch ended with {code}")
    return seconds
