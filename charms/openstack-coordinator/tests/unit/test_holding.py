"""An agent is held by a command that Juju does not end, and let go from its machine."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
from collections.abc import Iterable
from typing import Any, cast

import cloud
import full_status
import holding
import pytest
import snapshot
import steps
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling import Request
from charms.openstack_coordinator.v0.rolling_plan import Step, Wave
from performing import Performer

MODEL = "1042361d-7b85-414f-8070-6d528d6ed9c1"
UNIT = "keystone/0"


def _begin(command: str, folder: pathlib.Path) -> subprocess.Popen[str]:
    """As Juju's agent does: a shell that reads it, with the names of the unit and its model."""
    environment = {**os.environ, "JUJU_MODEL_UUID": MODEL, "JUJU_UNIT_NAME": UNIT}
    shell = subprocess.Popen(
        ["/bin/bash", "-s"], stdin=subprocess.PIPE, env=environment, text=True
    )
    assert shell.stdin
    shell.stdin.write(command.replace("/run/", f"{folder}/"))
    shell.stdin.close()
    return shell


def test_the_command_lasts_until_it_is_let_go_on_its_machine(tmp_path: pathlib.Path) -> None:
    held = _begin(steps.HELD.format(seconds=60.0), tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        held.wait(1.5)
    let_go = steps.LET_GO.format(model=MODEL, unit=UNIT.replace("/", "-"))
    assert _begin(let_go, tmp_path).wait(5) == 0
    assert held.wait(5) == 0
    assert not list(tmp_path.iterdir())


def test_the_command_ends_by_itself_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    assert _begin(steps.HELD.format(seconds=1.0), tmp_path).wait(10) == 0
    assert not list(tmp_path.iterdir())


class Juju:
    """Remembers what it is asked for."""

    uuid = MODEL

    def __init__(self) -> None:
        self.cancelled: list[str] = []
        self.ran: list[tuple[str, str]] = []

    async def cancel(self, tasks: Iterable[str]) -> None:
        self.cancelled += tasks

    async def run_on_machine(self, machine: str, command: str, timeout: float) -> None:
        self.ran.append((machine, command))


async def test_what_is_pending_is_cancelled_and_what_runs_is_let_go() -> None:
    status = full_status.of_bundle(full_status.HA)
    model = cloud.from_full_status(status, {})
    command = {"command": steps.HELD.format(seconds=60.0)}
    tasks = tuple(
        snapshot.Task(str(number), UNIT, "juju-exec", command, known, 0.0)
        for number, known in enumerate(("completed", "aborting", "pending"))
    )
    juju = Juju()
    seen = snapshot.Snapshot(0.0, model, tasks=tasks)
    performer = Performer(cast("Any", juju), None, seen, canary_image="")
    step = Step("s", "lane", steps.release_agent(UNIT))
    assert await performer.perform([Request(step, 1, "")]) == {}
    assert juju.cancelled == ["2"]
    ((machine, let_go),) = juju.ran
    assert machine == status["applications"]["keystone"]["units"][UNIT]["machine"]
    assert f"/run/juju-held-{MODEL}-keystone-0" in let_go


def _lane(*, begun: bool) -> tuple[Wave, rolling.Journal]:
    """Two units held for a refresh, which is or is not asked for; then the first is released."""
    units = ("keystone/0", "keystone/1")
    holds = [Step(f"{u} hold", "keystone", steps.hold_agent(u, 60.0)) for u in units]
    refresh = steps.refresh_charm("keystone", "2024.1/stable")
    work = Step("refresh", "keystone", refresh, gates=(steps.held(units),))
    release = Step("keystone/0 release", "keystone", steps.release_agent("keystone/0"))
    done = rolling.Record("done", 0.0)
    records = {step.id: done for step in holds}
    if begun:
        records["refresh"] = rolling.Record("requested", 1.0)
    wave = Wave("keystone", (*holds, work, release))
    return wave, rolling.Journal("hash", records=records)


def _look(*holding_: str) -> snapshot.Snapshot:
    command = {"command": steps.HELD.format(seconds=60.0)}
    tasks = tuple(
        snapshot.Task(str(n), unit, "juju-exec", command, "running", 0.0)
        for n, unit in enumerate(holding_)
    )
    model = cloud.from_full_status(full_status.of_bundle(full_status.HA))
    return snapshot.Snapshot(100.0, model, tasks=tasks)


def test_an_agent_that_was_let_go_by_something_else_is_held_again_in_time() -> None:
    wave, journal = _lane(begun=False)
    again = list(holding.again(wave, journal, _look("keystone/1")))
    assert again == [steps.hold_agent("keystone/0", 60.0)]
    assert list(holding.again(wave, journal, _look("keystone/0", "keystone/1"))) == []


def test_what_waited_for_an_agent_is_not_held_up_once_it_was_asked_for() -> None:
    wave, journal = _lane(begun=True)
    assert list(holding.again(wave, journal, _look())) == []


def test_agents_that_were_released_are_not_held_for_what_comes_later() -> None:
    wave, journal = _lane(begun=False)
    done = rolling.Record("done", 0.0)
    later = dataclasses.replace(wave.steps[2], id="origin")
    wave = dataclasses.replace(wave, steps=(*wave.steps, later))
    records = {step.id: done for step in wave.steps if step is not later}
    journal = dataclasses.replace(journal, records=records)
    assert list(holding.again(wave, journal, _look())) == [steps.hold_agent("keystone/1", 60.0)]
