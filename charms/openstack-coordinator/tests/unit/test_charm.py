"""What an operator sees of openstack-coordinator: its statuses, its action, its relations."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import full_status
import juju_api
import ops
import pytest
import yaml
from charm import OpenStackCoordinatorCharm
from charms.baremetal_inventory.v0 import node_pool, node_pool_testing
from charms.openstack_coordinator.v0 import (
    juju_login,
    juju_session,
    openstack_cloud_testing,
    tick,
)
from ops import testing

PASSWORD = "open sesame"


@dataclasses.dataclass
class Controller:
    """Answers as the Juju API does, or fails as told."""

    status: dict[str, Any]
    failure: Exception | None = None
    credentials: juju_login.Login | None = None
    model: str = ""
    looks: int = 0
    retried: list[tuple[str, ...]] = dataclasses.field(default_factory=list)

    @contextlib.asynccontextmanager
    async def session(
        self, credentials: juju_login.Login, model: str
    ) -> AsyncIterator[Controller]:
        self.looks += 1
        self.credentials, self.model = credentials, model
        if self.failure:
            raise self.failure
        yield self

    async def full_status(self) -> dict[str, Any]:
        return self.status

    async def options(self, applications: Iterable[str]) -> dict[str, dict[str, Any]]:
        return {name: {"openstack-origin": "distro", "source": ""} for name in applications}

    async def retry_provisioning(self, machines: Iterable[str]) -> None:
        self.retried.append(tuple(machines))


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    controller = Controller(copy.deepcopy(full_status.of_bundle()))
    monkeypatch.setattr(juju_api, "session", controller.session)
    monkeypatch.setenv("JUJU_API_ADDRESSES", "10.0.0.1:17070 10.0.0.2:17070")
    return controller


@pytest.fixture
def context() -> testing.Context[OpenStackCoordinatorCharm]:
    return testing.Context(OpenStackCoordinatorCharm)


SECRET = testing.Secret(
    {"username": "coordinator", "password": PASSWORD}, id="secret:d4n5q3f6qsvs7b2k1vt0"
)
Changed = Callable[..., testing.State]


def state(*relations: testing.RelationBase, leader: bool = True, **config: str) -> testing.State:
    return testing.State(
        leader=leader,
        secrets={SECRET},
        config={"juju-credentials": SECRET.id, **config},
        relations={testing.PeerRelation("cluster", id=90), *relations},
        model=testing.Model(name="openstack", uuid="a1b2"),
    )


def test_it_is_active_with_the_size_of_an_openstack_that_is_ready(
    controller: Controller, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state())
    assert out.unit_status == ops.ActiveStatus(
        "OpenStack 2024.1 ready: 26 applications, 3 hypervisors"
    )
    assert out.app_status == out.unit_status, "no standby speaks for the application"
    assert controller.model == "a1b2"
    assert controller.credentials == juju_login.Login(
        "coordinator", PASSWORD, ("10.0.0.1:17070", "10.0.0.2:17070"), ""
    )


def test_it_is_blocked_and_names_what_is_missing(
    controller: Controller, context: testing.Context
) -> None:
    gone = "nova-cloud-controller:placement"
    controller.status["relations"] = [
        r for r in controller.status["relations"] if gone not in r["key"]
    ]
    out = context.run(context.on.config_changed(), state())
    assert out.unit_status == ops.BlockedStatus(
        "nova-cloud-controller: placement is not related to a placement"
    )


def test_it_waits_while_units_settle(controller: Controller, context: testing.Context) -> None:
    unit = controller.status["applications"]["keystone"]["units"]["keystone/0"]
    unit["workload-status"] = full_status.status("maintenance", "installing")
    out = context.run(context.on.config_changed(), state())
    assert out.unit_status == ops.WaitingStatus("keystone/0: maintenance: installing")


def test_without_credentials_it_says_how_to_give_them(context: testing.Context) -> None:
    without = dataclasses.replace(state(), config={})
    out = context.run(context.on.config_changed(), without)
    assert isinstance(out.unit_status, ops.BlockedStatus)
    assert "juju-credentials: not set: juju add-secret" in out.unit_status.message


def test_a_secret_that_is_not_granted_is_told_with_the_command(context: testing.Context) -> None:
    ungranted = dataclasses.replace(state(), secrets=set())
    out = context.run(context.on.config_changed(), ungranted)
    assert out.unit_status == ops.BlockedStatus(
        "juju-credentials: the secret is gone or not granted: "
        "juju grant-secret <name> openstack-coordinator"
    )


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"username": "x"}, "password is missing"),
        ({"username": "x", "password": PASSWORD, "endpoints": "juju.example"}, "not host:port"),
        ({"username": "x", "password": PASSWORD, "ca-cert": "/etc/ca.pem"}, "ca-cert is not"),
    ],
)
def test_a_wrong_secret_is_told_by_its_key_and_never_by_its_value(
    controller: Controller, context: testing.Context, content: dict[str, str], complaint: str
) -> None:
    wrong = dataclasses.replace(state(), secrets={testing.Secret(content, id=SECRET.id)})
    out = context.run(context.on.config_changed(), wrong)
    assert isinstance(out.unit_status, ops.BlockedStatus)
    assert complaint in out.unit_status.message
    assert controller.looks == 0
    shared = out.get_relations("cluster")
    assert PASSWORD not in f"{out.unit_status} {shared} {context.juju_log}"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (
            juju_session.Unreachable("no answer from 10.0.0.1:17070: timed out"),
            ops.WaitingStatus(
                "cannot reach the Juju API, tries again: no answer from 10.0.0.1:17070: timed out"
            ),
        ),
        (
            juju_session.LoginRefused("user coordinator: invalid entity name or password"),
            ops.BlockedStatus(
                "juju-credentials: Juju refused the login: "
                "user coordinator: invalid entity name or password"
            ),
        ),
        (
            juju_session.RequestRefused("Client.FullStatus: permission denied"),
            ops.BlockedStatus(
                "juju-credentials: Juju refused a request: Client.FullStatus: permission denied"
            ),
        ),
    ],
)
def test_a_controller_that_fails_is_told_and_asked_again(
    controller: Controller,
    context: testing.Context,
    failure: Exception,
    status: ops.StatusBase,
) -> None:
    controller.failure = failure
    out = context.run(context.on.config_changed(), state())
    assert out.unit_status == status
    controller.failure = None
    out = context.run(context.on.custom(tick.Ticker.on.tick), out)
    assert isinstance(out.unit_status, ops.ActiveStatus)


def test_only_the_leader_looks_and_the_others_name_it(
    controller: Controller, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state(leader=False))
    assert out.unit_status == ops.ActiveStatus("standby, leader is not known yet")
    led = testing.PeerRelation("cluster", local_app_data={"leader": "openstack-coordinator/2"})
    out = context.run(context.on.config_changed(), testing.State(leader=False, relations={led}))
    assert out.unit_status == ops.ActiveStatus("standby, leader is openstack-coordinator/2")
    assert controller.looks == 0


def test_an_event_that_changes_nothing_of_its_own_uses_the_last_look(
    controller: Controller, context: testing.Context
) -> None:
    out = context.run(context.on.config_changed(), state())
    out = context.run(context.on.start(), out)
    assert isinstance(out.unit_status, ops.ActiveStatus)
    assert controller.looks == 1


def test_an_outcome_that_has_not_changed_leaves_the_peers_in_peace(
    controller: Controller, context: testing.Context
) -> None:
    once = context.run(context.on.config_changed(), state())
    twice = context.run(context.on.update_status(), once)
    assert controller.looks == 2
    assert twice.get_relations("cluster") == once.get_relations("cluster")


def test_machines_that_found_no_metal_are_tried_again_when_the_pool_is_ready(
    controller: Controller, context: testing.Context
) -> None:
    machines = controller.status["machines"]
    for id_ in ("6", "7"):
        machines[id_] = full_status.gave_up(id_, "openstack-compute")
    node = node_pool.PoolNode(system_id="abc", zone="az1", role="compute", state="ready")
    pool = node_pool_testing.provider_relation([node])
    context.run(context.on.config_changed(), state(pool))
    assert controller.retried == [("6",)]


def test_a_tenant_is_told_honestly_why_there_is_no_cloud_for_it_yet(
    controller: Controller, context: testing.Context
) -> None:
    tenant = openstack_cloud_testing.requirer_relation()
    out = context.run(context.on.config_changed(), state(tenant))
    published = json.loads(out.get_relation(tenant.id).local_app_data["cloud"])
    assert published["ready"] is False
    assert "identity-admin is not related" in published["reason"]


@pytest.mark.parametrize("form", ["text", "yaml", "json"])
def test_show_cloud_lists_applications_with_versions_and_findings_with_remedies(
    controller: Controller, context: testing.Context, form: str
) -> None:
    controller.status["applications"]["glance"]["charm-channel"] = "2023.2/stable"
    context.run(context.on.action("show-cloud", params={"format": form}), state())
    results = context.action_results or {}
    assert results["ready"] == "false"
    if form == "text":
        assert "keystone" in results["cloud"]
        assert "juju refresh glance --channel 2024.1/stable" in results["cloud"]
        return
    shown = yaml.safe_load(results["cloud"]) if form == "yaml" else json.loads(results["cloud"])
    assert shown["applications"]["keystone"]["version"] == "29.2.0"
    assert shown["findings"][0]["remedy"] == "juju refresh glance --channel 2024.1/stable"


def test_show_cloud_on_a_unit_that_does_not_lead_shows_what_the_leader_saw(
    controller: Controller, context: testing.Context
) -> None:
    seen = context.run(context.on.config_changed(), state())
    other = dataclasses.replace(seen, leader=False)
    context.run(context.on.action("show-cloud", params={"format": "text"}), other)
    assert (context.action_results or {})["ready"] == "true"
    assert controller.looks == 1


def test_show_cloud_fails_with_the_reason_when_the_model_cannot_be_read(
    controller: Controller, context: testing.Context
) -> None:
    controller.failure = juju_session.LoginRefused(
        "user coordinator: invalid entity name or password"
    )
    with pytest.raises(testing.ActionFailed, match="invalid entity name or password"):
        context.run(context.on.action("show-cloud"), state())
