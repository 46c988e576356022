"""What an operator sees of k8s-on-openstack, before there is a cloud and when there is one."""

from __future__ import annotations

import json
import pathlib

import cluster_options
import ops
import pytest
import yaml
from charm import K8sOnOpenStackCharm
from charms.k8s_on_openstack.v0 import kubernetes_cluster_testing
from charms.openstack_coordinator.v0 import openstack_cloud_testing
from charms.openstack_coordinator.v0.openstack_cloud import OpenStackCloud
from hypothesis import given
from hypothesis import strategies as st
from ops import testing

CHARMCRAFT = yaml.safe_load((pathlib.Path(__file__).parents[2] / "charmcraft.yaml").read_text())
DEFAULTS = {
    name: option["default"]
    for name, option in CHARMCRAFT["config"]["options"].items()
    if "default" in option
}
SECRET = "secret:d4n5q3f6qsvs7b2k1vt0"
PEERS = testing.PeerRelation("cluster")


@pytest.fixture
def context() -> testing.Context[K8sOnOpenStackCharm]:
    return testing.Context(K8sOnOpenStackCharm)


def status(context: testing.Context, *relations: testing.Relation, **config: str | int):
    options = {name.replace("_", "-"): value for name, value in config.items()}
    state = testing.State(leader=True, relations={PEERS, *relations}, config=options)
    return context.run(context.on.config_changed(), state).unit_status


def test_it_waits_for_the_coordinator_to_publish_a_cloud(context: testing.Context) -> None:
    assert status(context, openstack_cloud_testing.provider_relation()) == ops.WaitingStatus(
        "for OpenStack: openstack-coordinator has not published a cloud yet"
    )


def test_it_passes_on_why_there_is_no_cloud(context: testing.Context) -> None:
    cloud = OpenStackCloud(ready=False, reason="OpenStack is not ready")
    related = openstack_cloud_testing.provider_relation(cloud)
    assert status(context, related) == ops.WaitingStatus("for OpenStack: OpenStack is not ready")


def test_without_the_relation_it_says_how_to_make_it(context: testing.Context) -> None:
    assert status(context) == ops.BlockedStatus(
        "openstack-cloud is not related: "
        "juju integrate k8s-on-openstack:openstack-cloud openstack-coordinator"
    )


def test_something_unreadable_from_the_coordinator_is_told_by_its_field(
    context: testing.Context,
) -> None:
    bad = testing.Relation(
        "openstack-cloud",
        remote_app_name="openstack-coordinator",
        remote_app_data={"cloud": '{"ready": "perhaps"}'},
    )
    found = status(context, bad)
    assert isinstance(found, ops.WaitingStatus)
    assert "openstack-coordinator published something unreadable: ready: " in found.message


def tenant(**content: str) -> testing.Secret:
    """The project's credentials, as the coordinator granted them."""
    whole = {**openstack_cloud_testing.tenant_credentials().to_content(), **content}
    return testing.Secret(whole, id=SECRET)


def test_with_a_cloud_it_asks_for_the_credentials_of_juju(context: testing.Context) -> None:
    cloud = openstack_cloud_testing.ready_cloud(SECRET)
    related = openstack_cloud_testing.provider_relation(cloud)
    state = testing.State(leader=True, relations={PEERS, related}, secrets={tenant()})
    found = context.run(context.on.config_changed(), state).unit_status
    assert isinstance(found, ops.BlockedStatus)
    assert found.message.startswith("juju-credentials: not set: juju add-secret")


def test_credentials_of_the_cloud_that_were_withdrawn_are_waited_for(
    context: testing.Context,
) -> None:
    cloud = openstack_cloud_testing.ready_cloud(SECRET)
    found = status(context, openstack_cloud_testing.provider_relation(cloud))
    assert found == ops.WaitingStatus(f"for OpenStack: the secret {SECRET} is gone or not granted")


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("control_plane_count", 2, "control-plane-count: 2: input should be 1, 3 or 5"),
        ("worker_count", 0, "worker-count: 0: input should be greater than 0"),
        ("cni", "flannel", "cni: 'flannel': input should be 'calico' or 'cilium'"),
        ("kubernetes_channel", "latest", "kubernetes-channel: 'latest': string should match"),
        ("worker_flavour", "", "worker-flavour: '': string should match pattern"),
        ("worker_flavour", "m1 large", "worker-flavour: 'm1 large': string should match pattern"),
        ("availability_zones", "az1,az1", "availability-zones: 'az1,az1': az1 is named twice"),
        ("availability_zones", "az1,,az2", "availability-zones: "),
    ],
)
def test_a_wrong_option_is_named_with_what_is_right(
    context: testing.Context, option: str, value: str | int, complaint: str
) -> None:
    found = status(context, openstack_cloud_testing.provider_relation(), **{option: value})
    assert isinstance(found, ops.BlockedStatus)
    assert complaint in found.message


def test_every_wrong_option_is_named_at_once(context: testing.Context) -> None:
    found = status(context, cni="flannel", worker_count=0)
    assert "cni" in found.message
    assert "worker-count" in found.message


def test_a_unit_that_does_not_lead_stands_by(context: testing.Context) -> None:
    out = context.run(context.on.config_changed(), testing.State(leader=False))
    assert out.unit_status == ops.ActiveStatus("standby, another unit leads")


def test_whoever_wants_the_cluster_is_told_that_there_is_none_and_why(
    context: testing.Context,
) -> None:
    user = kubernetes_cluster_testing.requirer_relation()
    state = testing.State(
        leader=True, relations={PEERS, user, openstack_cloud_testing.provider_relation()}
    )
    out = context.run(context.on.relation_created(user), state)
    assert json.loads(out.get_relation(user.id).local_app_data["cluster"]) == {
        "ready": False,
        "reason": "for OpenStack: openstack-coordinator has not published a cloud yet",
    }


def test_the_defaults_make_a_cluster() -> None:
    options = cluster_options.read(DEFAULTS)
    assert (options.control_plane_count, options.worker_count, options.cni) == (3, 3, "calico")
    assert options.availability_zones == ()


@given(
    st.integers(min_value=-2, max_value=9),
    st.integers(min_value=-2, max_value=9),
    st.lists(st.sampled_from(["az1", "az2", "az3", ""]), max_size=4),
)
def test_what_is_accepted_always_has_a_majority_a_worker_and_distinct_zones(
    control_plane: int, workers: int, zones: list[str]
) -> None:
    config = {
        **DEFAULTS,
        "control-plane-count": control_plane,
        "worker-count": workers,
        "availability-zones": ",".join(zones),
    }
    sound = (
        control_plane in (1, 3, 5)
        and workers > 0
        and (zones in ([], [""]) or ("" not in zones and len(set(zones)) == len(zones)))
    )
    if not sound:
        with pytest.raises(cluster_options.InvalidOption):
            cluster_options.read(config)
        return
    assert cluster_options.read(config).worker_count == workers
