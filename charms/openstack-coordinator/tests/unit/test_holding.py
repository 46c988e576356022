"""An agent is held by a command that Juju does not end, and let go from its machine."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Iterable
from typing import Any, cast

import cloud
import full_status
import pytest
import snapshot
import steps
from charms.openstack_coordinator.v0.rolling import Request
from charms.openstack_coordinator.v0.rolling_plan import Step
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
