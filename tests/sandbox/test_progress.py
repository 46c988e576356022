"""What `sandbox up` tells about a model that is settling."""

from __future__ import annotations

import io
from typing import Any

import pytest
import rich.console

from sandbox import progress


def _unit(workload: str, agent: str = "idle", **more: Any) -> dict[str, Any]:
    return {"workload-status": {"current": workload}, "juju-status": {"current": agent}, **more}


def _application(state: str, message: str = "", **units: dict[str, Any]) -> dict[str, Any]:
    return {
        "application-status": {"current": state, "message": message},
        "units": {name.replace("__", "/"): unit for name, unit in units.items()},
        "relations": {"shared-db": [{}]},
    }


def _machine(state: str, message: str = "", **containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "juju-status": {"current": state},
        "machine-status": {"current": "x", "message": message},
        "containers": containers,
    }


@pytest.fixture
def status() -> dict[str, Any]:
    router = _unit("active")
    return {
        "machines": {"0": _machine("started", c0=_machine("started"))},
        "applications": {
            "keystone": _application(
                "active", keystone__0=_unit("active", subordinates={"router/0": router})
            ),
            "router": _application("active"),
        },
    }


def test_a_model_with_everything_active_and_idle_is_settled(status):
    settling = progress.read_status(status, may_wait=frozenset())

    assert settling.settled
    assert settling.machines == (2, 2), "containers are machines too"
    assert settling.units == (2, 2), "subordinates are units too"
    assert settling.relations == 1, "each relation is counted at one of its ends"


def test_a_unit_that_still_runs_a_hook_is_waited_for(status):
    status["applications"]["keystone"]["units"]["keystone/0"]["juju-status"] = {
        "current": "executing"
    }

    settling = progress.read_status(status, may_wait=frozenset())

    assert not settling.settled
    assert settling.waiting_for == ("keystone: active",)


def test_what_is_waited_for_is_named_with_its_reason(status):
    status["applications"]["keystone"]["application-status"] = {
        "current": "waiting",
        "message": "Incomplete relations: database",
    }
    status["machines"]["1"] = _machine("pending", "No available machine matches constraints")

    settling = progress.read_status(status, may_wait=frozenset())

    assert settling.waiting_for == (
        "keystone: waiting, Incomplete relations: database",
        "machine 1: No available machine matches constraints",
    )


def test_an_application_that_may_wait_does_not_hold_up_the_rest(status):
    status["applications"]["k8s"] = _application("waiting", k8s__0=_unit("waiting"))

    assert progress.read_status(status, may_wait=frozenset({"k8s"})).settled
    assert not progress.read_status(status, may_wait=frozenset()).settled


def test_an_application_that_may_wait_may_ask_for_its_configuration_but_not_fail(status):
    status["applications"]["k8s"] = _application("blocked", k8s__0=_unit("blocked"))
    assert progress.read_status(status, may_wait=frozenset({"k8s"})).settled

    status["applications"]["k8s"] = _application("error", k8s__0=_unit("error"))
    assert not progress.read_status(status, may_wait=frozenset({"k8s"})).settled


def test_a_model_without_units_is_not_settled():
    empty = progress.read_status({"machines": {}, "applications": {}}, may_wait=frozenset())

    assert not empty.settled


def test_a_long_list_of_what_is_waited_for_is_cut():
    settling = progress.Settling((0, 0), (0, 9), 0, 0, 9, tuple(f"app{n}: x" for n in range(9)))

    lines = progress.describe(settling).splitlines()

    assert lines[-1] == "and 5 more"


def test_without_a_terminal_each_step_is_a_line_when_it_begins_and_when_it_ends():
    written = io.StringIO()
    shown = progress.Progress(["pack"], rich.console.Console(file=written))

    with shown.shown(), shown.step("pack"):
        shown.tell("pack", "4 charms")

    lines = written.getvalue().splitlines()
    assert "▸ pack" in lines[0]
    assert "✓ pack: 4 charms" in lines[-1]


def test_a_step_that_fails_is_shown_as_failed():
    written = io.StringIO()
    shown = progress.Progress(["pack"], rich.console.Console(file=written))

    with pytest.raises(ValueError, match="no"), shown.shown(), shown.step("pack"):
        raise ValueError("no")

    assert "✗ pack" in written.getvalue().splitlines()[-1]
