"""A model of 2,000 units: what its hooks cost the controller, its memory, and its status."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from sandbox.juju import clock
from sandbox.juju.api.status import full, rows, selection
from sandbox.juju.engine import charm_directory, observation
from sandbox.juju.engine.engine import Engine
from sandbox.juju.engine.local import LocalState
from sandbox.juju.state import charms, models, units
from sandbox.juju.state.store import Transaction
from tests.benchmarks.controller.engine_world import (
    COLOUR,
    at_rest,
    cpu_seconds,
    engine_world,
    resident_megabytes,
    rounds,
)
from tests.benchmarks.controller.figures import Figure
from tests.sandbox.juju.engine.conftest import World

UNITS = 2000
APPLICATIONS = 20
STATUS = 1.0
MEMORY = 300.0
GROWTH = 2.0


async def measure() -> list[Figure]:
    """Every figure of a large model."""
    async with engine_world() as world:
        await _deploy(world)
        small = await _cost(world)
        await _grow(world)
        large = await _cost(world)
        seconds = _status(world)
        memory = resident_megabytes()
    return [
        Figure("controller's CPU, a hook in a model of 20 units", small, "ms"),
        Figure(f"controller's CPU, a hook in a model of {UNITS} units", large, "ms"),
        Figure(f"{UNITS} units against 20", large / small, "x", GROWTH),
        Figure(f"full status of {UNITS} units", seconds, "s", STATUS),
        Figure(f"memory with {UNITS} units", memory, "MB", MEMORY),
    ]


async def _deploy(world: World) -> None:
    """Twenty applications of one unit each, with peer relations."""
    for number in range(APPLICATIONS):
        peers: dict[str, Any] = {"cluster": {"interface": "cluster"}}
        world.deploy(f"app{chr(97 + number)}", "exit 0", config=COLOUR, peers=peers)
    await world.settled(300)


async def _cost(world: World) -> float:
    """Milliseconds of the controller's CPU for a hook of one application's units."""
    await at_rest(world)
    count, before = 0, cpu_seconds()
    while count < 200:
        count += await rounds(world, "appa", 1)
    return (cpu_seconds() - before) / count * 1000


async def _grow(world: World) -> None:
    """Add units as if they had been there for long: their hooks have run.

    `appa` gets none, so that the same hooks are compared.
    """
    await world.engine.stop()
    names = [f"app{chr(97 + number)}" for number in range(1, APPLICATIONS)]
    each = (UNITS - APPLICATIONS) // len(names) + 1
    with world.store.transaction() as tx:
        for name in names:
            units.add_units(tx, world.model, name, each)
    world.start_machines()
    with world.store.transaction() as tx:
        for name in names:
            _settle(tx, world, name)
    world.engine = Engine(world.home, world.store, world.engine.runtime.settings)
    await world.engine.start()
    await at_rest(world)


def _settle(tx: Transaction, world: World, application: str) -> None:
    """Copy what the application's first unit has behind it to its others; peers stay apart."""
    model = world.model
    first = units.get(tx, model, f"{application}/0")
    text = tx.value(
        "SELECT uniter_json FROM units WHERE model = ? AND name = ?", model, first.name
    )
    known = dataclasses.replace(LocalState.from_text(text), leader=False)
    unpacked = world.engine.runtime.charm_cache / charms.get(tx, model, first.charm_url).sha256
    for unit in units.of_application(tx, model, application)[1:]:
        remote = observation.observe(tx, model, unit.name, known, observation.Signals())
        assert remote is not None
        met = {
            number: dataclasses.replace(state, members=dict(remote.relations[number].members))
            for number, state in known.relations.items()
        }
        local = dataclasses.replace(
            known,
            relations=met,
            config_hash=remote.config_hash,
            leader_settings_version=remote.leader_settings_version,
        )
        where = {"model": model, "name": unit.name}
        tx.update("units", where, uniter_json=local.to_text(), charm_url=first.charm_url)
        for kind, shown in (("agent", "idle"), ("workload", "unknown")):
            entity = {"model": model, "kind": kind, "entity": unit.name}
            tx.update("statuses", entity, status=shown, message="")
        charm_directory.lay_out(unpacked, world.charm_folder(unit.name))


def _status(world: World) -> float:
    """Seconds of reading and composing the whole status, the best of three."""
    taken = []
    for _ in range(3):
        started = time.perf_counter()
        with world.store.transaction() as tx:
            read = rows.read(tx, models.get(tx, world.model))
        full.full_status(read, selection.select(read, []), clock.now(), {}, with_storage=True)
        taken.append(time.perf_counter() - started)
    return min(taken)
