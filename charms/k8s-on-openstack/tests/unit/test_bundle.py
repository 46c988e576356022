"""The bundle of a cluster: Charmed Kubernetes with the chosen network, the same every time."""

from __future__ import annotations

import dataclasses

import bundle
import jinja2
import plan
import pytest
import yaml
from charms.openstack_coordinator.v0.rolling_plan import Plan
from cluster import Cluster
from hypothesis import given, settings
from hypothesis import strategies as st

CLUSTER = Cluster(
    name="edge",
    owner="edge.8c1b5b0e",
    channel="1.32/stable",
    cni="calico",
    control_planes=3,
    workers=4,
    control_plane_flavour="m1.medium",
    worker_flavour="m1.large",
    services_flavour="m1.small",
    zones=("az1", "az2"),
    image="1f0c",
)
WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1)


def applications(cluster: Cluster) -> dict[str, bundle.Application]:
    return {one.name: one for one in bundle.parse(bundle.render(cluster)).applications}


@pytest.mark.parametrize("cni", ["calico", "cilium"])
def test_it_holds_the_chosen_network_and_not_the_other(cni: str) -> None:
    found = applications(dataclasses.replace(CLUSTER, cni=cni))
    assert {"calico", "cilium"} & set(found) == {cni}
    related = bundle.parse(bundle.render(dataclasses.replace(CLUSTER, cni=cni))).relations
    assert (f"{cni}:cni", "kubernetes-worker:cni") in related
    assert (f"{cni}:cni", "kubernetes-control-plane:cni") in related


def test_etcd_has_a_member_for_each_control_plane() -> None:
    found = applications(CLUSTER)
    assert found["etcd"].units == found["kubernetes-control-plane"].units == 3
    assert found["kubernetes-worker"].units == 4


def test_machines_have_their_flavours_zones_and_image_as_constraints() -> None:
    found = applications(CLUSTER)
    assert found["kubernetes-worker"].constraints == {
        "instance-type": "m1.large",
        "zones": "az1,az2",
        "image-id": "1f0c",
    }
    without = applications(dataclasses.replace(CLUSTER, zones=(), image=""))
    assert without["easyrsa"].constraints == {"instance-type": "m1.small"}


def test_cinder_gives_the_default_storage_class_and_the_integrator_is_trusted() -> None:
    found = applications(CLUSTER)
    assert found["cinder-csi"].options == {"storage-class-default": True}
    assert [name for name, one in found.items() if one.trusted] == ["openstack-integrator"]


def test_every_relation_is_between_applications_of_the_bundle() -> None:
    for cni in ("calico", "cilium"):
        parsed = bundle.parse(bundle.render(dataclasses.replace(CLUSTER, cni=cni)))
        names = {one.name for one in parsed.applications}
        ends = {end.partition(":")[0] for pair in parsed.relations for end in pair}
        assert ends <= names


def test_a_value_that_a_template_misses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataclasses, "asdict", lambda cluster: {"channel": "1.32/stable"})
    with pytest.raises(jinja2.UndefinedError):
        bundle.render(CLUSTER)


@settings(max_examples=25, deadline=None)
@given(WORDS, WORDS, st.lists(WORDS, max_size=3))
def test_whatever_an_option_holds_stays_one_value(
    flavour: str, image: str, zones: list[str]
) -> None:
    odd = dataclasses.replace(CLUSTER, worker_flavour=flavour, image=image, zones=tuple(zones))
    described = yaml.safe_load(bundle.render(odd))["applications"]["kubernetes-worker"]
    spread = f" zones={','.join(zones)}" if zones else ""
    assert described["constraints"] == f"instance-type={flavour}{spread} image-id={image}"


def test_the_same_cluster_has_the_same_plan_and_another_another() -> None:
    def made(cluster: Cluster) -> Plan:
        return plan.create(cluster, bundle.parse(bundle.render(cluster)))

    assert made(CLUSTER).hash == made(dataclasses.replace(CLUSTER)).hash
    assert made(CLUSTER).hash != made(dataclasses.replace(CLUSTER, workers=5)).hash
    assert Plan.from_json(made(CLUSTER).to_json()).hash == made(CLUSTER).hash
