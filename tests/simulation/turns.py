"""A charm whose units take turns by themselves, as Ceph's monitors do by a lock in Ceph.

Each is told at once. Each waits at the end of its own hook until all are there, and fails after
ten minutes (charms.ceph, wait_for_all_monitors_to_upgrade).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.agents import Job, SimApplication, SimUnit

if TYPE_CHECKING:
    from simulation.world import World

PATIENCE = 600.0


def take(world: World, application: SimApplication, version: str) -> None:
    """Every unit is told of a version, and has it when its turn comes."""
    turns = _Turns(world, application, version)
    for unit in application.units.values():
        world.agents.enqueue(unit, turns.job(unit))


class _Turns:
    def __init__(self, world: World, application: SimApplication, version: str) -> None:
        self._world = world
        self._application = application
        self._version = version
        self._waiting: list[tuple[SimUnit, Job]] = []
        self._done: list[tuple[SimUnit, Job]] = []
        self._busy = False

    def job(self, unit: SimUnit) -> Job:
        job = Job("config-changed", float("inf"))
        job.begin = lambda: self._ask(unit, job)
        job.end = unit.tell
        return job

    def _ask(self, unit: SimUnit, job: Job) -> None:
        self._waiting.append((unit, job))
        self._next()

    def _next(self) -> None:
        if self._busy or not self._waiting:
            return
        self._busy = True
        unit, job = self._waiting.pop(0)
        self._world.goes_down(unit)
        self._world.timeline.after(
            self._world.luck.uniform(30, 120), lambda: self._upgraded(unit, job)
        )

    def _upgraded(self, unit: SimUnit, job: Job) -> None:
        world = self._world
        self._busy = False
        if unit.runs != self._version:
            world.has(unit, self._version)
        world.comes_back(unit)
        self._done.append((unit, job))
        world.timeline.after(PATIENCE, lambda: self._give_up(unit, job))
        self._next()
        if all(one.runs == self._version for one in self._application.units.values()):
            for one, waiting in self._done:
                world.agents.finish(one, waiting)

    def _give_up(self, unit: SimUnit, job: Job) -> None:
        if unit.running is job:
            self._world.agents.finish(unit, job)
            self._world.fail(unit)
