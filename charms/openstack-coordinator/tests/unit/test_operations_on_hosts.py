"""Plans on hypervisors: emptied guest by guest, proven with a canary, stopped when told to."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterable, Iterator
from typing import Any

import cloud
import computes
import full_status
import neutron
import nova
import openstack_api
import ops
import placement_api
import probing
import pytest
import snapshot
import steps
import test_keystone_admin
from charm import OpenStackCoordinatorCharm
from ops import testing
from test_operations import Controller, Operator, controller  # noqa: F401

MODEL = cloud.from_full_status(full_status.of_bundle(full_status.HA))
HOSTS = tuple(
    machine.hostname
    for unit in MODEL.applications["nova-compute"].units
    if (machine := MODEL.machine(unit)) is not None
)
HOST = HOSTS[0]


@dataclasses.dataclass
class OpenStack:
    """Nova, Placement and Neutron: migrations take two looks, canaries one."""

    auth_url: str = "https://10.0.0.1:5000/v3"
    verify: bool = True
    maker: str = ""
    disabled: dict[str, str] = dataclasses.field(default_factory=dict)
    guests_: dict[str, snapshot.Guest] = dataclasses.field(default_factory=dict)
    moving: dict[str, int] = dataclasses.field(default_factory=dict)
    asked: list[str] = dataclasses.field(default_factory=list)
    most_moving: int = 0
    silent: bool = False
    failing: dict[str, str] = dataclasses.field(default_factory=dict)

    @contextlib.contextmanager
    def session(self, *_: Any) -> Iterator[OpenStack]:
        yield self

    def endpoints(self) -> dict[str, str]:
        return {"compute": "https://10.0.0.6:8774/v2.1"}

    def computes(self) -> computes.Seen:
        if self.silent:
            raise openstack_api.Unreachable("10.0.0.6:8774 does not answer")
        self._go_on()
        services = tuple(
            computes.Service(
                "nova-compute",
                host,
                "az1",
                enabled=host not in self.disabled,
                up=True,
                reported=None,
                disabled_reason=self.disabled.get(host, ""),
            )
            for host in HOSTS
        )
        sized = tuple(computes.Hypervisor(h, 64, 0, 65536, 0, 900, 0, 0) for h in HOSTS)
        return computes.Seen(services, sized)

    def _go_on(self) -> None:
        for guest, looks in list(self.moving.items()):
            self.moving[guest] = looks - 1
            if looks <= 1:
                del self.moving[guest]
                self.guests_[guest] = dataclasses.replace(self.guests_[guest], host=HOSTS[1])

    def guests(self, hosts: Iterable[str] | None) -> tuple[snapshot.Guest, ...]:
        return tuple(g for g in self.guests_.values() if hosts is None or g.host in set(hosts))

    def migrations(self, _: Any) -> tuple[tuple[snapshot.Migration, ...], ...]:
        return tuple(snapshot.Migration(g, HOST, "", "running") for g in self.moving), ()

    def room(self) -> tuple[snapshot.Room, ...]:
        return tuple(snapshot.Room(h, 64, 65536, 900) for h in HOSTS if h not in self.disabled)

    def agents(self) -> tuple[str, ...]:
        return HOSTS

    def disable(self, host: str, reason: str) -> None:
        self.asked.append(f"disable {host}")
        self.disabled[host] = reason

    def enable(self, host: str) -> None:
        self.asked.append(f"enable {host}")
        self.disabled.pop(host, None)

    def live_migrate(self, guest: str, host: str = "") -> None:
        if guest in self.failing:
            raise openstack_api.RequestRefused(self.failing[guest])
        self.asked.append(f"move {guest}")
        self.moving[guest] = 2
        self.most_moving = max(self.most_moving, len(self.moving))

    def boot_canary(self, host: str, image: str) -> None:
        self.asked.append(f"canary {host}")
        self.guests_["canary"] = guest("canary", name=f"{steps.CANARY}{host}")

    def delete_canary(self, host: str) -> None:
        self.guests_.pop("canary", None)


def guest(id_: str, **changed: Any) -> snapshot.Guest:
    made = snapshot.Guest(id_, f"web-{id_}", HOST, "ACTIVE", "", 1, 512, 5, "live")
    return dataclasses.replace(made, **changed)


@pytest.fixture
def openstack(monkeypatch: pytest.MonkeyPatch) -> OpenStack:
    made = OpenStack(guests_={id_: guest(id_) for id_ in "abcde"})
    monkeypatch.setattr(openstack_api, "session", made.session)
    for module, name in ((nova, "Nova"), (placement_api, "Placement"), (neutron, "Neutron")):
        monkeypatch.setattr(module, name, lambda opened: opened)
    monkeypatch.setattr(probing, "ask", lambda endpoints, _: dict.fromkeys(endpoints, ""))
    return made


@pytest.fixture
def operator(controller: Controller, openstack: OpenStack) -> Operator:  # noqa: F811
    made = Operator(testing.Context(OpenStackCoordinatorCharm))
    admin = testing.Relation(
        "identity-admin", remote_units_data={0: dict(test_keystone_admin.TOLD)}
    )
    made.state = dataclasses.replace(made.state, relations={*made.state.relations, admin})
    return made


def drain(operator: Operator, **parameters: Any) -> None:
    made = operator.act("plan", request="drain", hosts=HOST, **parameters)
    operator.act("run", hash=made["hash"])


def test_a_host_is_disabled_first_and_emptied_a_few_guests_at_a_time(
    openstack: OpenStack, operator: Operator
) -> None:
    drain(operator)
    operator.until("done")
    assert openstack.asked[0] == f"disable {HOST}"
    assert sorted(openstack.asked[1:6]) == [f"move {id_}" for id_ in "abcde"]
    assert openstack.most_moving == 2
    assert {g.host for g in openstack.guests_.values()} == {HOSTS[1]}
    assert openstack.disabled[HOST].startswith(steps.MARK)


def test_undrained_a_host_proves_itself_before_it_is_enabled(
    openstack: OpenStack, operator: Operator
) -> None:
    drain(operator)
    operator.until("done")
    made = operator.act("plan", request="undrain", hosts=HOST)
    operator.act("run", hash=made["hash"])
    operator.until("done")
    assert openstack.asked.index(f"canary {HOST}") < openstack.asked.index(f"enable {HOST}")
    assert HOST not in openstack.disabled
    assert "canary" not in openstack.guests_


def test_a_pause_stops_a_drain_after_the_guests_that_move(
    openstack: OpenStack, operator: Operator
) -> None:
    drain(operator)
    while not openstack.moving:
        operator.tick()
    operator.act("pause")
    operator.tick(6)
    assert sum(word.startswith("move") for word in openstack.asked) == 2
    operator.act("resume")
    operator.until("done")
    moved = [word for word in openstack.asked if word.startswith("move")]
    assert len(moved) == len(set(moved)) == 5


def test_an_abort_ends_a_drain_where_it_is(openstack: OpenStack, operator: Operator) -> None:
    drain(operator)
    while not openstack.moving:
        operator.tick()
    operator.act("abort")
    operator.until("aborted")
    assert sum(word.startswith("move") for word in openstack.asked) == 2


def test_a_nova_that_is_silent_is_waited_for_and_nothing_is_concluded(
    openstack: OpenStack, operator: Operator
) -> None:
    drain(operator)
    operator.tick(4)
    openstack.silent = True
    operator.tick(4)
    assert operator.running.phase in ("running", "waiting")
    openstack.silent = False
    operator.until("done")


def test_a_guest_that_cannot_go_is_named_before_anything_is_begun(
    openstack: OpenStack, operator: Operator
) -> None:
    openstack.guests_["c"] = guest("c", movable="cold", why="it is shut off")
    with pytest.raises(testing.ActionFailed, match="web-c") as failed:
        drain(operator)
    assert "it is shut off" in failed.value.message
    assert openstack.asked == []


def test_the_error_budget_keeps_a_plan_from_taking_more_down(
    openstack: OpenStack, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    drain(operator)
    monkeypatch.setattr(probing, "ask", lambda endpoints, _: dict.fromkeys(endpoints, "503"))
    status = operator.tick(4)
    assert isinstance(status, ops.WaitingStatus)
    assert "compute does not answer: 503" in status.message
    assert openstack.asked == []
    monkeypatch.setattr(probing, "ask", lambda endpoints, _: dict.fromkeys(endpoints, ""))
    status = operator.tick(2)
    assert isinstance(status, ops.WaitingStatus)
    assert "resume goes on in spite of that" in status.message
    failed = operator.running.failures
    operator.act("resume")
    operator.until("done")
    (past,) = json.loads(operator.act("history")["history"])
    assert past["failures"] == failed > 0, "what was forgiven is not forgotten"


def arrived(openstack: OpenStack, operator: Operator) -> None:
    """The unit of the first host has been added to a cloud that was ready before."""
    operator.tick()
    peers = operator.state.get_relation(90)
    units = sorted(unit.name for unit in MODEL.applications["nova-compute"].units)
    bag = {**peers.local_app_data, "hypervisors-known": json.dumps(units[1:])}
    told = dataclasses.replace(peers, local_app_data=bag)
    others = [r for r in operator.state.relations if r.id != 90]
    operator.state = dataclasses.replace(operator.state, relations={*others, told})
    openstack.disabled[HOST] = "New compute service disabled due to config option."
    openstack.guests_.clear()


def test_a_hypervisor_that_an_operator_adds_is_proven_and_enabled_by_itself(
    openstack: OpenStack, operator: Operator
) -> None:
    arrived(openstack, operator)
    waiting = operator.act("plan", request="restart", applications="keystone")
    operator.tick()
    assert operator.running.approval.asked["units"] == "nova-compute/0"
    operator.until("done")
    assert openstack.asked.index(f"canary {HOST}") < openstack.asked.index(f"enable {HOST}")
    assert HOST not in openstack.disabled
    operator.tick(2)
    assert operator.running.over, "nothing is begun again"
    shown = operator.act("show-plan", format="table")
    assert shown["hash"] == waiting["hash"], "it waits for its approval still"


def test_where_an_operator_wants_to_approve_it_an_added_hypervisor_waits(
    openstack: OpenStack, operator: Operator
) -> None:
    changed = {**operator.state.config, "take-in-hypervisors": False}
    operator.state = dataclasses.replace(operator.state, config=changed)
    arrived(openstack, operator)
    operator.tick(3)
    assert openstack.asked == []
    operator.act("plan", request="scale-out", units="nova-compute/0")


def test_an_arrival_waits_for_a_nova_that_is_silent(
    openstack: OpenStack, operator: Operator
) -> None:
    arrived(openstack, operator)
    openstack.silent = True
    operator.tick(2)
    openstack.silent = False
    operator.tick()
    assert operator.running.approval.asked["units"] == "nova-compute/0"
