"""What a tenant gets from the coordinator, and what becomes of it."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import computes
import full_status
import juju_api
import nova
import openstack_api
import ops
import pytest
import test_keystone_admin
from charm import OpenStackCoordinatorCharm
from charms.openstack_coordinator.v0 import openstack_cloud_testing, tick
from charms.openstack_coordinator.v0.openstack_cloud import TenantCredentials
from ops import testing

NOW = datetime.datetime.now(datetime.timezone.utc)
PASSWORD = test_keystone_admin.TOLD["service_password"]
GOOD = computes.Seen(
    tuple(
        computes.Service(binary, host, "az1", enabled=True, up=True, reported=NOW)
        for binary, host in (
            ("nova-scheduler", "ctl"),
            ("nova-conductor", "ctl"),
            *(("nova-compute", f"node-{n}") for n in range(3)),
        )
    ),
    tuple(computes.Hypervisor(f"node-{n}", 16, 4, 65536, 0, 500, 0, 1) for n in range(3)),
)


class Controller:
    """Answers for the bundle, settled."""

    @contextlib.asynccontextmanager
    async def session(self, *_: Any) -> AsyncIterator[Controller]:
        yield self

    async def full_status(self) -> dict[str, Any]:
        return copy.deepcopy(full_status.of_bundle())

    async def options(self, applications: Iterable[str]) -> dict[str, dict[str, Any]]:
        return {name: {"openstack-origin": "distro", "source": ""} for name in applications}


@dataclasses.dataclass
class OpenStack:
    """Remembers users and projects as Keystone does."""

    existing: dict[str, str] = dataclasses.field(default_factory=dict)
    made: dict[str, str] = dataclasses.field(default_factory=dict)
    left: list[str] = dataclasses.field(default_factory=list)
    failure: Exception | None = None
    sessions: int = 0
    seen: computes.Seen = GOOD

    @contextlib.contextmanager
    def session(self, *_: Any) -> Iterator[OpenStack]:
        self.sessions += 1
        if self.failure:
            raise self.failure
        yield self

    def endpoints(self) -> dict[str, str]:
        return {"compute": "https://10.0.0.6:8774/v2.1"}

    def issue(self, wanted: openstack_api.Wanted) -> openstack_api.Issued:
        self.made[wanted.project] = "project-1"
        self.existing[wanted.user] = f"id of {wanted.user}"
        return openstack_api.Issued("project-1", f"credential of {wanted.user}", "hidden")

    def users(self, _: str) -> dict[str, str]:
        return dict(self.existing)

    def projects(self, _: str) -> dict[str, str]:
        return dict(self.made)

    def revoke(self, user: str) -> None:
        self.existing = {name: id_ for name, id_ in self.existing.items() if id_ != user}

    def left_in(self, _: str) -> list[str]:
        return self.left

    def delete_project(self, project: str) -> None:
        self.made = {name: id_ for name, id_ in self.made.items() if id_ != project}

    def computes(self) -> computes.Seen:
        return self.seen


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> OpenStack:
    cloud = OpenStack()
    monkeypatch.setattr(juju_api, "session", Controller().session)
    monkeypatch.setattr(openstack_api, "session", cloud.session)
    monkeypatch.setattr(nova, "Nova", lambda opened: opened)
    monkeypatch.setenv("JUJU_API_ADDRESSES", "10.0.0.1:17070")
    return cloud


@pytest.fixture
def context() -> testing.Context[OpenStackCoordinatorCharm]:
    return testing.Context(OpenStackCoordinatorCharm)


LOGIN = testing.Secret(
    {"username": "coordinator", "password": "p"}, id="secret:d4n5q3f6qsvs7b2k1vt0"
)
ADMIN = testing.Relation("identity-admin", remote_units_data={0: test_keystone_admin.TOLD})
TENANT = openstack_cloud_testing.requirer_relation("k8s")


def state(*tenants: testing.Relation) -> testing.State:
    return testing.State(
        leader=True,
        secrets={LOGIN},
        config={"juju-credentials": LOGIN.id},
        relations={testing.PeerRelation("cluster", id=90), ADMIN, *tenants},
        model=testing.Model(name="openstack", uuid="8f2a5c1e-4b7d-4c6f-9a2b-5d8e1c4f7a0b"),
    )


def document(out: testing.State) -> dict[str, Any]:
    return json.loads(out.get_relation(TENANT.id).local_app_data["cloud"])


def credentials(out: testing.State) -> TenantCredentials:
    secret = out.get_secret(id=document(out)["credentials"])
    return TenantCredentials.model_validate(secret.latest_content or secret.tracked_content)


def taken(out: testing.State, generation: int) -> testing.State:
    """The tenant says that it uses this generation."""
    relation = out.get_relation(TENANT.id)
    assert isinstance(relation, testing.Relation)
    new = dataclasses.replace(relation, remote_app_data={"acknowledged": str(generation)})
    others = {r for r in out.relations if r.id != TENANT.id}
    return dataclasses.replace(out, relations={new, *others})


def later(monkeypatch: pytest.MonkeyPatch, **passed: float) -> None:
    """Let time pass for the charm."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**passed)

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return then.astimezone(tz)

    monkeypatch.setattr("charm.datetime.datetime", Clock)


TICK = tick.Ticker.on.tick


def test_a_tenant_gets_a_project_and_credentials_in_a_secret_of_its_own(
    cloud: OpenStack, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state(TENANT))
    told = document(out)
    assert told["ready"] is True
    assert told["auth_url"] == "https://10.0.0.5:5000/v3"
    assert told["endpoints"] == {"compute": "https://10.0.0.6:8774/v2.1"}
    given = credentials(out)
    assert given.generation == told["generation"] == 1
    assert given.username == f"k8s-8f2a5c1e-4b7d-4c6f-9a2b-5d8e1c4f7a0b-{TENANT.id}-1"
    assert out.get_secret(id=told["credentials"]).remote_grants == {TENANT.id: {"k8s"}}
    assert isinstance(out.unit_status, ops.ActiveStatus)


def test_no_password_is_in_a_databag_a_status_or_the_log(
    cloud: OpenStack, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state(TENANT))
    given = credentials(out)
    own = [r.local_app_data for r in out.relations if r.endpoint != "identity-admin"]
    shown = f"{own} {out.unit_status} {context.juju_log}"
    for value in (
        PASSWORD,
        given.password.get_secret_value(),
        given.application_credential_secret.get_secret_value(),
    ):
        assert value not in shown


def test_with_nothing_to_do_openstack_is_not_asked(
    cloud: OpenStack, context: testing.Context
) -> None:
    out = taken(context.run(context.on.config_changed(), state(TENANT)), 1)
    asked = cloud.sessions
    out = context.run(context.on.custom(TICK), out)
    context.run(context.on.relation_changed(out.get_relation(TENANT.id)), out)
    assert cloud.sessions == asked


def test_rotation_keeps_the_old_credentials_until_the_tenant_has_the_new(
    cloud: OpenStack, context: testing.Context
) -> None:
    out = taken(context.run(context.on.config_changed(), state(TENANT)), 1)
    first = credentials(out).username
    out = context.run(context.on.action("rotate-credentials"), out)
    assert (context.action_results or {})["rotated"] == "k8s"
    second = credentials(out).username
    assert document(out)["generation"] == 2
    assert set(cloud.existing) == {first, second}
    out = context.run(context.on.custom(TICK), out)
    assert set(cloud.existing) == {first, second}, "the tenant still uses the first"
    out = taken(out, 2)
    context.run(context.on.relation_changed(out.get_relation(TENANT.id)), out)
    assert set(cloud.existing) == {second}


def test_credentials_are_rotated_by_age(
    cloud: OpenStack, context: testing.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = taken(context.run(context.on.config_changed(), state(TENANT)), 1)
    later(monkeypatch, days=29)
    out = context.run(context.on.custom(TICK), out)
    assert document(out)["generation"] == 1
    later(monkeypatch, days=31)
    out = context.run(context.on.custom(TICK), out)
    assert document(out)["generation"] == 2


def test_a_rotation_before_the_last_one_was_taken_is_refused_with_the_reason(
    cloud: OpenStack, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state(TENANT))
    with pytest.raises(testing.ActionFailed, match="k8s: the latest credentials were not taken"):
        context.run(context.on.action("rotate-credentials"), out)
    with pytest.raises(testing.ActionFailed, match="nobody has no credentials"):
        context.run(context.on.action("rotate-credentials", params={"application": "nobody"}), out)


def test_a_hook_that_died_before_it_recorded_leaves_no_second_user(
    cloud: OpenStack, context: testing.Context
) -> None:
    before = state(TENANT)
    context.run(context.on.config_changed(), before)
    cloud.existing["made by a hook that died"] = "stray"
    out = context.run(context.on.config_changed(), before)
    assert list(cloud.existing) == [credentials(out).username]


def test_when_the_relation_goes_user_project_and_secret_go(
    cloud: OpenStack, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state(TENANT))
    secret = document(out)["credentials"]
    out = context.run(context.on.relation_broken(out.get_relation(TENANT.id)), out)
    assert (cloud.existing, cloud.made) == ({}, {})
    assert secret not in {s.id for s in out.secrets}


def test_what_a_former_tenant_left_is_named_and_kept_until_somebody_deletes_it(
    cloud: OpenStack, context: testing.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = context.run(context.on.config_changed(), state(TENANT))
    cloud.left = ["server juju-1 (a1)"]
    out = context.run(context.on.relation_broken(out.get_relation(TENANT.id)), out)
    gone = dataclasses.replace(out, relations={r for r in out.relations if r.id != TENANT.id})
    assert cloud.existing == {}, "nobody can log in any more"
    assert cloud.made, "but what the project holds has not lost its project"
    context.run(context.on.action("show-cloud", params={"format": "text"}), gone)
    assert "server juju-1 (a1)" in (context.action_results or {})["cloud"]
    cloud.left = []
    later(monkeypatch, minutes=6)
    context.run(context.on.custom(TICK), gone)
    assert cloud.made == {}


def test_a_tenant_that_comes_back_gets_the_project_back(
    cloud: OpenStack, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state(TENANT))
    cloud.left = ["server juju-1 (a1)"]
    out = context.run(context.on.relation_broken(out.get_relation(TENANT.id)), out)
    again = openstack_cloud_testing.requirer_relation("k8s")
    others = {r for r in out.relations if r.id != TENANT.id}
    out = context.run(
        context.on.relation_created(again),
        dataclasses.replace(out, relations={again, *others}),
    )
    assert json.loads(out.get_relation(again.id).local_app_data["cloud"])["ready"] is True
    assert list(cloud.made.values()) == ["project-1"]


def test_an_openstack_that_fails_is_told_and_asked_again(
    cloud: OpenStack, context: testing.Context
) -> None:
    ready = context.run(context.on.config_changed(), state())
    cloud.failure = openstack_api.Unreachable("https://10.0.0.5:5000/v3: timed out")
    asked = dataclasses.replace(ready, relations={*ready.relations, TENANT})
    out = context.run(context.on.relation_created(TENANT), asked)
    assert document(out)["ready"] is False
    assert out.unit_status == ops.WaitingStatus(
        "tenants: cannot serve tenants, tries again: https://10.0.0.5:5000/v3: timed out"
    )
    cloud.failure = None
    out = context.run(context.on.custom(TICK), out)
    assert document(out)["ready"] is True
    assert isinstance(out.unit_status, ops.ActiveStatus)


def test_a_compute_that_belongs_to_no_cell_keeps_openstack_from_being_ready(
    cloud: OpenStack, context: testing.Context
) -> None:
    cloud.seen = dataclasses.replace(GOOD, hypervisors=GOOD.hypervisors[1:])
    out = context.run(context.on.config_changed(), state(TENANT))
    assert out.unit_status == ops.BlockedStatus(
        "compute node-0: it is up and belongs to no cell, so nothing is scheduled on it"
    )
    assert document(out)["ready"] is False
    cloud.seen = GOOD
    out = context.run(context.on.custom(TICK), out)
    assert isinstance(out.unit_status, ops.ActiveStatus)
    assert document(out)["ready"] is True


def test_show_cloud_tells_the_room_that_there_is(
    cloud: OpenStack, context: testing.Context
) -> None:
    context.run(context.on.action("show-cloud", params={"format": "json"}), state())
    shown = json.loads((context.action_results or {})["cloud"])
    assert shown["capacity"]["az1"]["vcpus"] == 48
    assert shown["capacity"]["all"]["hypervisors"] == 3
