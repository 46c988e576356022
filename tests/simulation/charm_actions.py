"""What the actions of the model's charms do to their units."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import steps
from charms.openstack_coordinator.v0.juju_tasks import EXEC

from simulation import invariants

if TYPE_CHECKING:
    from simulation.agents import Job, SimUnit
    from simulation.world import World

Action = Callable[["World", "SimUnit", "Job"], None]


def prepare(world: World, unit: SimUnit, job: Job) -> None:
    """Give a job the effects of its action; many have none."""
    action = _ACTIONS.get(job.name)
    if action is not None:
        action(world, unit, job)


def _pause(world: World, unit: SimUnit, job: Job) -> None:
    def end() -> None:
        unit.paused = unit.ours = True
        invariants.one_at_a_time(world, unit)

    job.end = end


def _resume(world: World, unit: SimUnit, job: Job) -> None:
    def end() -> None:
        if unit.unmigrated:
            raise AssertionError(f"{unit.name} is resumed, and its database was not migrated")
        unit.paused = unit.ours = False

    job.end = end


def _openstack_upgrade(world: World, unit: SimUnit, job: Job) -> None:
    application = world.applications[unit.application]
    version = world.version_of(application)
    job.seconds = world.luck.uniform(60, 400)

    def begin() -> None:
        if unit.runs == version:
            return
        host = world.machines[unit.machine].hostname
        if host in world.hosts.hosts and not world.hosts.empty(host):
            raise AssertionError(f"{unit.name} is upgraded while {host} has guests")
        unit.restarting = True

    def end() -> None:
        if unit.runs == version:
            if job.task:
                job.task.outcome = "no upgrade available"
            return
        world.has(unit, version)
        world.comes_back(unit)
        _looks_later(world, unit)
        _has_packages_beside(world, unit)

    job.begin, job.end = begin, end


def _has_packages_beside(world: World, unit: SimUnit) -> None:
    """The whole machine is upgraded with a hypervisor, its network agent too."""
    release = world.release_of(world.applications[unit.application])
    for agent in world.all_units():
        if agent.principal == unit.name and agent.application == "ovn-chassis" and release:
            agent.installed = f"{release.versions['ovn']}.2"
            agent.owes_restart = True
            _looks_later(world, agent)


def _looks_later(world: World, unit: SimUnit) -> None:
    """By update-status, within five minutes."""

    def look() -> None:
        unit.tell()
        world.agents.changed.add(unit.application)

    world.timeline.after(world.luck.uniform(1, 300), look)


def fails(world: World, unit: SimUnit, job: Job) -> None:
    """An action that fails; an upgrade may have its packages by then."""

    def end() -> None:
        if job.task:
            job.task.status = "failed"
        version = world.version_of(world.applications[unit.application])
        if job.name == "openstack-upgrade" and unit.runs != version and world.luck.random() < 0.5:
            world.has(unit, version)
            unit.unmigrated = True
            _looks_later(world, unit)

    job.end = end


def _restart_deferred(world: World, unit: SimUnit, job: Job) -> None:
    def begin() -> None:
        if unit.owes_restart:
            world.goes_down(unit)

    def end() -> None:
        unit.owes_restart = False
        world.comes_back(unit)

    job.begin, job.end = begin, end


def _noout(*, wanted: bool) -> Action:
    def action(world: World, _: SimUnit, job: Job) -> None:
        job.end = lambda: setattr(world.hosts, "noout", wanted)

    return action


def _execute(world: World, unit: SimUnit, job: Job) -> None:
    command = str(job.task.parameters["command"]) if job.task else ""
    if command == steps.TELL:
        job.end = unit.tell
    if "require-osd-release" in command:
        job.end = lambda: setattr(world, "require", command.rpartition(" ")[2])


_ACTIONS: dict[str, Action] = {
    "pause": _pause,
    "resume": _resume,
    "openstack-upgrade": _openstack_upgrade,
    "restart-services": _restart_deferred,
    "set-noout": _noout(wanted=True),
    "unset-noout": _noout(wanted=False),
    EXEC: _execute,
}
