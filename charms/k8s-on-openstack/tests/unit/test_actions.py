"""What an operator can ask of a cluster, and what of it survives."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import kubeconfig
import life
import ops
import pytest
import record as records
import tending
from charm import K8sOnOpenStackCharm
from charms.k8s_on_openstack.v0 import kubernetes_cluster_testing
from charms.openstack_coordinator.v0 import openstack_cloud_testing, rolling, tick
from cluster import Cluster
from openstack_api import CredentialRefused, Unreachable
from ops import testing
from world import Fetched, Model, World

PROJECT = "secret:d4n5q3f6qsvs7b2k1vt0"
JUJU = "secret:d4n5q3f6qsvs7b2k1vtg"
LOGIN = {"username": "admin", "password": "open sesame", "endpoints": "10.0.0.1:17070"}
KUBECONFIG = json.dumps(
    {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [
            {
                "name": "k",
                "cluster": {
                    "server": "https://10.5.0.10:443",
                    "certificate-authority-data": "UEVN",
                },
            }
        ],
        "users": [{"name": "u", "user": {"token": "the token"}}],
    }
)
MADE = records.Record(
    model="uuid",
    made_with=("1.32/stable", "calico", "", "ubuntu@22.04"),
    served=records.Served("uuid", "secret:kept", "https://10.5.0.10:443", "PEM"),
    told=("active", "Kubernetes 1.32.9, calico, 3 + 3 nodes"),
)


@pytest.fixture
def context() -> testing.Context[K8sOnOpenStackCharm]:
    return testing.Context(K8sOnOpenStackCharm)


def state(
    record: records.Record | None = None, *others: Any, leader: bool = True
) -> testing.State:
    """A leader with a cloud, credentials and what it remembers."""
    told = {"record": record.to_json()} if record else {}
    cloud = openstack_cloud_testing.ready_cloud(PROJECT)
    content = openstack_cloud_testing.tenant_credentials().to_content()
    return testing.State(
        leader=leader,
        relations={
            testing.PeerRelation("cluster", local_app_data=told),
            openstack_cloud_testing.provider_relation(cloud),
            *others,
        },
        secrets={testing.Secret(content, id=PROJECT), testing.Secret(LOGIN, id=JUJU)},
        config={"juju-credentials": JUJU},
    )


def remembered(out: testing.State) -> records.Record:
    peers = next(one for one in out.relations if one.endpoint == "cluster")
    return records.from_json(peers.local_app_data["record"])


def tended(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    """Have the look at Juju and OpenStack come to this."""

    async def tend(ground: object, cluster: Cluster, state: records.State, **_: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome(cluster, state)

    monkeypatch.setattr(tending, "tend", tend)


def test_a_deletion_needs_the_name_of_the_cluster(context: testing.Context) -> None:
    with pytest.raises(
        testing.ActionFailed, match="nothing was deleted: confirm=k8s-on-openstack"
    ):
        context.run(context.on.action("delete-cluster", {"confirm": "yes"}), state(MADE))
    out = context.run(
        context.on.action("delete-cluster", {"confirm": "k8s-on-openstack"}), state(MADE)
    )
    assert remembered(out).intent == "deleted"


def test_scaled_workers_are_remembered_beside_the_option_that_they_replace(
    context: testing.Context,
) -> None:
    out = context.run(context.on.action("scale-workers", {"count": 7}), state(MADE))
    assert remembered(out).workers == (7, 3)


def test_a_cluster_that_is_deleted_is_not_scaled(context: testing.Context) -> None:
    gone = dataclasses.replace(MADE, intent="deleted")
    with pytest.raises(testing.ActionFailed, match="cluster k8s-on-openstack is deleted"):
        context.run(context.on.action("scale-workers", {"count": 7}), state(gone))


@pytest.mark.parametrize("action", ["show-cluster", "get-kubeconfig", "resume", "preflight"])
def test_a_standby_sends_the_operator_to_the_leader(context: testing.Context, action: str) -> None:
    with pytest.raises(testing.ActionFailed, match="run it on the leader"):
        context.run(context.on.action(action), state(leader=False))


def test_the_kubeconfig_is_answered_by_the_id_of_its_secret(context: testing.Context) -> None:
    context.run(context.on.action("get-kubeconfig"), state(MADE))
    assert context.action_results == {
        "secret": "secret:kept",
        "api-endpoint": "https://10.5.0.10:443",
    }


def test_show_cluster_tells_what_a_deletion_left_alone(context: testing.Context) -> None:
    gone = dataclasses.replace(MADE, intent="deleted", foreign=("volume x (1)",))
    context.run(context.on.action("show-cluster", {"format": "json"}), state(gone))
    assert context.action_results is not None
    shown = json.loads(context.action_results["cluster"])
    assert (shown["intent"], shown["left-alone"]) == ("deleted", ["volume x (1)"])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (
            CredentialRefused("HTTP 401"),
            ops.BlockedStatus(
                "OpenStack refuses the credential of openstack-cloud: HTTP 401: "
                "run rotate-credentials on openstack-coordinator"
            ),
        ),
        (
            Unreachable("HTTP 500"),
            ops.WaitingStatus("cannot reach OpenStack, tries again: HTTP 500"),
        ),
    ],
)
def test_a_cloud_that_does_not_serve_is_told_and_nothing_is_forgotten(
    context: testing.Context,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: ops.StatusBase,
) -> None:
    tended(monkeypatch, error)
    out = context.run(context.on.custom(tick.Ticker.on.tick), state(MADE))
    assert out.unit_status == status
    assert dataclasses.replace(remembered(out), told=MADE.told) == MADE


def test_without_its_relation_a_living_cluster_is_still_told_of(context: testing.Context) -> None:
    peers = testing.PeerRelation("cluster", local_app_data={"record": MADE.to_json()})
    out = context.run(context.on.update_status(), testing.State(leader=True, relations={peers}))
    assert isinstance(out.unit_status, ops.BlockedStatus)
    assert "openstack-cloud is not related: juju integrate" in out.unit_status.message
    assert "cluster k8s-on-openstack still lives there" in out.unit_status.message


def test_a_kubeconfig_that_came_is_kept_as_a_secret_granted_to_users_and_shown_nowhere(
    context: testing.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = Fetched("completed", kubeconfig=KUBECONFIG)
    world = World(credential="current", model=Model("uuid"), fetched=fetched)

    def outcome(cluster: Cluster, state: records.State) -> tending.Outcome:
        told = life.Told("active", "it serves")
        seen = dataclasses.replace(state.record, model="uuid")
        journal = rolling.Journal("hash")
        return tending.Outcome(records.State(seen, journal), cluster, world, told, busy=False)

    tended(monkeypatch, outcome)
    user = kubernetes_cluster_testing.requirer_relation()
    out = context.run(context.on.custom(tick.Ticker.on.tick), state(None, user))
    secret = next(one for one in out.secrets if one.label == "kubeconfig")
    assert secret.latest_content == {"kubeconfig": KUBECONFIG}
    published = json.loads(out.get_relation(user.id).local_app_data["cluster"])
    assert published["ready"] is True
    assert published["api_endpoint"] == "https://10.5.0.10:443"
    assert published["kubeconfig"] == secret.id
    bags = json.dumps([dict(relation.local_app_data) for relation in out.relations])
    assert "the token" not in bags
    assert "open sesame" not in bags
    asked = next(one for one in out.relations if one.endpoint == "openstack-cloud")
    assert asked.local_app_data["acknowledged"] == "1"


def test_a_kubeconfig_without_a_server_is_named_by_what_it_lacks_and_not_shown() -> None:
    with pytest.raises(kubeconfig.UnusableKubeconfig) as refused:
        kubeconfig.endpoint(KUBECONFIG.replace('"server"', '"serve"'))
    assert str(refused.value) == "server is missing from the kubeconfig"
    assert "the token" not in str(refused.value)


def test_what_is_remembered_is_read_back_as_it_was() -> None:
    whole = dataclasses.replace(MADE, workers=(7, 3), foreign=("volume x (1)",))
    assert records.from_json(whole.to_json()) == whole
    assert records.from_json("") == records.Record()
    for text in ("[]", '{"odd": 1}'):
        with pytest.raises(ValueError, match="not a cluster's record"):
            records.from_json(text)
