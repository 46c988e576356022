"""An operator's day with plans: made, approved, run, steered, and carried on by whoever leads."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import full_status
import juju_api
import ledger
import ops
import pytest
import snapshot
import steps
from charm import OpenStackCoordinatorCharm
from charms.openstack_coordinator.v0 import juju_session, rolling, tick
from charms.openstack_coordinator.v0.rolling_plan import short
from ops import testing

SECRET = testing.Secret(
    {"username": "coordinator", "password": "open sesame"}, id="secret:d4n5q3f6qsvs7b2k1vt0"
)
START = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.timezone.utc)
PAUSED = full_status.status("maintenance", "Paused. Use 'resume' action to resume normal service.")
CEPH = '{"status": "HEALTH_OK"} {"flags_set": [], "osds": []} {"nodes": []}'
ACTIVE = full_status.status("active", "Unit is ready")


@dataclasses.dataclass
class Controller:
    """A model whose units pause and resume at once, and whose clock goes on with each look."""

    status: dict[str, Any]
    seconds: float = 0.0
    ran: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    failing: set[str] = dataclasses.field(default_factory=set)
    refusing: set[str] = dataclasses.field(default_factory=set)
    silent: bool = False
    record: list[snapshot.Task] = dataclasses.field(default_factory=list)

    @contextlib.asynccontextmanager
    async def session(self, *_: Any) -> AsyncIterator[Controller]:
        if self.silent:
            raise juju_session.Unreachable("no answer from 10.0.0.1:17070: timed out")
        yield self

    async def full_status(self) -> dict[str, Any]:
        self.seconds += 10
        at = START + datetime.timedelta(seconds=self.seconds)
        return {**self.status, "controller-timestamp": at.isoformat().replace("+00:00", "Z")}

    async def options(self, applications: Iterable[str]) -> dict[str, dict[str, Any]]:
        known = full_status.options(full_status.bundle(full_status.HA))
        plain = {"openstack-origin": "distro", "source": "", "action-managed-upgrade": False}
        return {name: {**plain, **known.get(name, {})} for name in applications}

    async def actions(self, applications: Iterable[str]) -> dict[str, tuple[str, ...]]:
        return dict.fromkeys(applications, ("openstack-upgrade", "pause", "resume"))

    async def tasks(self, *_: Any) -> tuple[snapshot.Task, ...]:
        return tuple(self.record)

    async def answers(
        self, units: Iterable[str], actions: Iterable[str]
    ) -> tuple[tuple[snapshot.Task, dict[str, str]], ...]:
        mine = [t for t in self.record if t.unit in set(units) and t.action in set(actions)]
        return tuple((task, {"stdout": CEPH, "result": self._crm_mon(task.unit)}) for task in mine)

    def _crm_mon(self, agent: str) -> str:
        """The virtual address is on the first node whose cluster agent is not paused."""
        application, nodes = agent.partition("/")[0], {}
        for known in self.status["applications"].values():
            for unit in (known["units"] or {}).values():
                for name, beside in (unit.get("subordinates") or {}).items():
                    if name.partition("/")[0] == application:
                        host = self._hostname(unit["machine"])
                        paused = beside["workload-status"] == PAUSED
                        nodes[host] = {"online": "true", "standby": str(paused).lower()}
        place = next((host for host, node in nodes.items() if node["standby"] == "false"), "")
        kind = "ocf::heartbeat:IPaddr2"
        address = {"id": "res_vip", "resource_agent": kind, "nodes": [{"name": place}]}
        return json.dumps({"nodes": nodes, "resources": {"groups": {"grp_vips": [address]}}})

    def _hostname(self, machine: str) -> str:
        host = self.status["machines"][machine.partition("/")[0]]
        return (host["containers"][machine] if "/" in machine else host)["hostname"]

    async def run_command(self, unit: str, command: str, *_: Any, **__: Any) -> None:
        now = (START + datetime.timedelta(seconds=self.seconds)).timestamp()
        number, asked = str(len(self.record)), {"command": command}
        task = snapshot.Task(number, unit, "juju-exec", asked, "completed", now, "", now)
        self.record.append(task)

    async def run_action(self, unit: str, action: str, parameters: Mapping[str, Any]) -> None:
        if unit in self.refusing:
            raise juju_session.RequestRefused(f"{action} on {unit}: no such action")
        if action != "status":  # that only looks
            self.ran.append((action, unit))
        now = (START + datetime.timedelta(seconds=self.seconds)).timestamp()
        status = "failed" if unit in self.failing else "completed"
        self.record.append(
            snapshot.Task(str(len(self.record)), unit, action, parameters, status, now, "", now)
        )
        if unit not in self.failing and action != "status":
            self.unit(unit)["workload-status"] = PAUSED if action == "pause" else ACTIVE

    def unit(self, name: str) -> dict[str, Any]:
        for application in self.status["applications"].values():
            for principal, unit in (application["units"] or {}).items():
                if name == principal:
                    return unit
                if name in (unit.get("subordinates") or {}):
                    return unit["subordinates"][name]
        raise KeyError(name)


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    controller = Controller(copy.deepcopy(full_status.of_bundle(full_status.HA)))
    monkeypatch.setattr(juju_api, "session", controller.session)
    monkeypatch.setenv("JUJU_API_ADDRESSES", "10.0.0.1:17070")
    return controller


class Operator:
    """Somebody who runs the charm's actions, and a clock that ticks."""

    def __init__(self, context: testing.Context) -> None:
        self._context = context
        self.state = testing.State(
            leader=True,
            secrets={SECRET},
            config={"juju-credentials": SECRET.id},
            relations={testing.PeerRelation("cluster", id=90)},
            model=testing.Model(name="openstack", uuid="a1b2"),
        )

    def act(self, action: str, **parameters: Any) -> dict[str, Any]:
        event = self._context.on.action(action, params=parameters)
        self.state = self._context.run(event, self.state)
        return dict(self._context.action_results or {})

    def tick(self, times: int = 1) -> ops.StatusBase:
        for _ in range(times):
            event = self._context.on.custom(tick.Ticker.on.tick)
            self.state = self._context.run(event, self.state)
        status = self.state.unit_status
        assert isinstance(status, ops.StatusBase)
        return status

    def begin(self, **parameters: Any) -> dict[str, Any]:
        made = self.act("plan", request="restart", applications="keystone", **parameters)
        self.act("run", hash=made["hash"])
        return made

    @property
    def running(self) -> ledger.Running:
        bag = dict(self.state.get_relation(90).local_app_data)  # type: ignore[union-attr]
        found = ledger.Ledger(bag).running
        assert found is not None
        return found

    def until(self, phase: rolling.Phase) -> ops.StatusBase:
        for _ in range(200):
            status = self.tick()
            if self.running.phase == phase:
                return status
        raise AssertionError(f"it is {self.running.phase}: {self.state.unit_status}")


@pytest.fixture
def operator(controller: Controller) -> Operator:
    return Operator(testing.Context(OpenStackCoordinatorCharm))


def test_a_plan_is_shown_before_anything_is_touched(
    controller: Controller, operator: Operator
) -> None:
    made = operator.act("plan", request="restart", applications="keystone")
    assert len(made["hash"]) == 64
    assert "steps in" in made["summary"]
    assert made["next"] == f"juju run openstack-coordinator/leader run hash={short(made['hash'])}"
    shown = operator.act("show-plan", format="json")
    assert shown["hash"] == made["hash"]
    assert shown["phase"] == "proposed"
    operator.tick(5)
    assert controller.ran == []


def test_what_was_approved_is_what_runs_unit_by_unit_to_its_end(
    controller: Controller, operator: Operator
) -> None:
    operator.begin()
    status = operator.tick(4)
    assert isinstance(status, ops.MaintenanceStatus)
    assert "steps, " in status.message
    assert "left" in status.message
    operator.until("done")
    down: set[str] = set()
    for action, unit in controller.ran:
        down = down | {unit} if action == "pause" else down - {unit}
        assert len([name for name in down if name.startswith("keystone/")]) <= 1
    restarted = {unit for action, unit in controller.ran if action == "pause"}
    assert {u for u in restarted if u.startswith("keystone/")} == {f"keystone/{n}" for n in "012"}
    assert not down
    assert isinstance(operator.tick(), ops.ActiveStatus)
    past = operator.act("history")["history"]
    assert '"phase": "done"' in past


def test_only_the_plan_that_was_shown_is_run(controller: Controller, operator: Operator) -> None:
    operator.act("plan", request="restart", applications="keystone")
    with pytest.raises(testing.ActionFailed, match="the plan has the hash"):
        operator.act("run", hash="0123456789abcdef")
    with pytest.raises(testing.ActionFailed, match="the plan has the hash"):
        operator.act("run", hash="")


def test_a_plan_that_no_longer_fits_is_refused_with_the_difference(
    controller: Controller, operator: Operator
) -> None:
    made = operator.act("plan", request="restart", applications="keystone")
    del controller.status["applications"]["keystone"]["units"]["keystone/2"]
    with pytest.raises(testing.ActionFailed, match="no longer fits the cloud") as failed:
        operator.act("run", hash=made["hash"])
    assert "- keystone/2 pause" in failed.value.message
    assert controller.ran == []


def test_a_request_with_a_wrong_parameter_is_told_which_are_right(operator: Operator) -> None:
    with pytest.raises(testing.ActionFailed, match="hosts: a request for restart takes"):
        operator.act("plan", request="restart", applications="keystone", hosts="x")
    with pytest.raises(testing.ActionFailed, match="applications: missing"):
        operator.act("plan", request="restart")


def test_a_step_that_fails_holds_the_plan_and_says_where_and_what_to_do(
    controller: Controller, operator: Operator
) -> None:
    controller.failing.add("keystone/1")
    operator.begin()
    status = operator.until("held")
    assert isinstance(status, ops.BlockedStatus)
    assert "keystone/1" in status.message
    assert "pause on keystone/1 failed" in status.message
    assert "juju run openstack-coordinator/leader resume" in status.message
    tried = controller.ran.count(("pause", "keystone/1"))
    operator.tick(5)
    assert controller.ran.count(("pause", "keystone/1")) == tried, "it waits for the operator"
    controller.failing.clear()
    operator.act("resume")
    operator.until("done")


def test_a_step_that_juju_refuses_fails_with_jujus_reason(
    controller: Controller, operator: Operator
) -> None:
    controller.refusing.add("keystone/0")
    operator.begin()
    status = operator.until("held")
    assert "pause on keystone/0: no such action" in status.message


def test_a_step_is_skipped_with_a_reason_that_the_history_keeps(
    controller: Controller, operator: Operator
) -> None:
    controller.failing.add("keystone/1")
    operator.begin()
    operator.until("held")
    with pytest.raises(testing.ActionFailed, match="no step"):
        operator.act("skip", step="keystone/9 pause", reason="x")
    with pytest.raises(testing.ActionFailed, match="say why"):
        operator.act("skip", step="keystone/1 pause", reason=" ")
    operator.act("skip", step="keystone/1 pause", reason="it was restarted by hand")
    operator.act("resume")
    operator.until("done")
    assert "it was restarted by hand" in operator.act("history")["history"]


def test_a_pause_asks_for_nothing_more_until_it_is_resumed(
    controller: Controller, operator: Operator
) -> None:
    operator.begin()
    operator.tick(4)
    operator.act("pause")
    asked = len(controller.ran)
    status = operator.tick(5)
    assert len(controller.ran) == asked
    assert "paused by an operator" in status.message
    operator.act("resume")
    operator.until("done")


def test_an_aborted_plan_is_rolled_back_to_where_it_began(
    controller: Controller, operator: Operator
) -> None:
    operator.begin()
    while ("pause", "keystone/0") not in controller.ran:
        operator.tick()
    with pytest.raises(testing.ActionFailed, match="abort it first"):
        operator.act("rollback")
    operator.act("abort")
    operator.until("aborted")
    assert controller.unit("keystone/0")["workload-status"] == PAUSED
    rolled = operator.act("rollback")
    assert rolled["title"].startswith("roll back: ")
    operator.until("done")
    assert controller.unit("keystone/0")["workload-status"] == ACTIVE
    with pytest.raises(testing.ActionFailed, match="no plan is at work"):
        operator.act("pause")


def test_another_plan_waits_for_the_end_of_the_one_that_runs(
    controller: Controller, operator: Operator
) -> None:
    operator.begin()
    made = operator.act("plan", request="restart", applications="glance")
    with pytest.raises(testing.ActionFailed, match="another plan runs"):
        operator.act("run", hash=made["hash"])


def test_a_new_leader_takes_the_plan_over_after_a_while_and_ends_it(
    controller: Controller, operator: Operator
) -> None:
    operator.begin()
    operator.tick(4)
    other = testing.Context(OpenStackCoordinatorCharm, unit_id=1)
    successor = Operator(other)
    bag = operator.state.get_relation(90).local_app_data  # type: ignore[union-attr]
    successor.state = dataclasses.replace(
        successor.state,
        relations={testing.PeerRelation("cluster", id=90, local_app_data=dict(bag))},
    )
    asked = len(controller.ran)
    successor.tick(3)
    assert len(controller.ran) == asked, "the former leader may still be at work"
    successor.until("done")
    paused = [unit for action, unit in controller.ran if action == "pause"]
    assert len(paused) == len(set(paused)), "nothing is done twice"


def test_a_controller_that_does_not_answer_is_waited_for(
    controller: Controller, operator: Operator
) -> None:
    operator.begin()
    operator.tick(4)
    controller.silent = True
    status = operator.tick()
    assert isinstance(status, ops.WaitingStatus)
    assert "no answer from 10.0.0.1:17070" in status.message
    controller.silent = False
    operator.until("done")


def test_the_standbys_neither_plan_nor_run(controller: Controller, operator: Operator) -> None:
    operator.state = dataclasses.replace(operator.state, leader=False)
    for action, parameters in (
        ("plan", {"request": "restart", "applications": "keystone"}),
        ("run", {"hash": "0123456789"}),
        ("pause", {}),
        ("rollback", {}),
    ):
        with pytest.raises(testing.ActionFailed, match="only the leader"):
            operator.act(action, **parameters)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"maintenance-window": "every night"}, "is no cron expression"),
        ({"maintenance-window": "0 1 * * *", "maintenance-timezone": "Roma"}, "is no time zone"),
        ({"max-unavailable": 0}, "max-unavailable: 0 is less than 1"),
    ],
)
def test_a_wrong_option_is_named_when_a_plan_is_made(
    operator: Operator, options: dict[str, Any], complaint: str
) -> None:
    config = {**operator.state.config, **options}
    operator.state = dataclasses.replace(operator.state, config=config)
    with pytest.raises(testing.ActionFailed, match=complaint):
        operator.act("plan", request="restart", applications="keystone")


def test_no_secret_is_in_a_plan_a_status_or_a_log(
    controller: Controller, operator: Operator
) -> None:
    operator.begin()
    operator.tick(6)
    shown = operator.act("show-plan", format="json")
    whole = f"{operator.state.get_relation(90)} {operator.state.unit_status} {shown}"
    assert "open sesame" not in whole


POINTS = 16
"""More ticks than the plan below takes."""


@pytest.mark.parametrize("point", range(POINTS))
def test_a_hook_that_dies_after_it_asked_and_before_it_wrote_changes_nothing_of_the_end(
    controller: Controller, operator: Operator, point: int
) -> None:
    """What the tick did in the model stays done; what it would have persisted is lost."""
    made = operator.act("plan", request="restart", applications="memcached")
    operator.act("run", hash=made["hash"])
    operator.tick(point)
    if operator.running.over:
        return
    before = operator.state
    operator.tick()
    operator.state = before
    operator.until("done")
    expected = [(do, f"memcached/{n}") for n in range(3) for do in ("pause", "resume")]
    assert controller.ran == expected, "nothing lost, nothing twice, and in order"
    assert all(controller.unit(u)["workload-status"] == ACTIVE for _, u in expected)


def test_a_plan_of_another_revision_is_not_carried_on_but_ended_and_made_again(
    controller: Controller, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its steps and gates may be asked for in other words than this revision knows."""
    operator.begin()
    operator.tick(3)
    asked = list(controller.ran)
    with monkeypatch.context() as later:
        later.setattr(steps, "VOCABULARY", steps.VOCABULARY + 1)
        status = operator.tick(3)
        assert isinstance(status, ops.BlockedStatus)
        assert "of another revision of this charm: juju run" in status.message
        assert controller.ran == asked
        assert operator.act("abort")["phase"] == "aborted"
        with pytest.raises(testing.ActionFailed, match="plan again"):
            operator.act("rollback")
    operator.begin()
    operator.until("done")
