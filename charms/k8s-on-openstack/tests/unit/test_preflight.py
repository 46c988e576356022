"""Every shortage of a project is told at once, each with its remedy, before anything is made."""

from __future__ import annotations

import dataclasses

import bundle
import preflight
from cluster import Cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from preflight import Facts, Flavour, Network, Quota

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

# 3 control planes, 3 of etcd, 4 workers, 3 for services
ROOMY = Facts(
    quotas={
        "instances": Quota(13, 0),
        "cores": Quota(-1, 500),
        "ram": Quota(60000, 0),
        "networks": Quota(1, 0),
        "subnets": Quota(1, 0),
        "routers": Quota(1, 0),
        "ports": Quota(14, 0),
        "security_groups": Quota(14, 0),
    },
    flavours={
        "m1.small": Flavour(1, 2048),
        "m1.medium": Flavour(2, 4096),
        "m1.large": Flavour(4, 7000),
    },
    images=frozenset({"1f0c"}),
    zones=frozenset({"az1", "az2", "az3"}),
    external_networks=(Network("e1", "ext"),),
)


def shortages(facts: Facts, **changed: object) -> list[str]:
    cluster = dataclasses.replace(CLUSTER, **changed)
    return [
        str(one) for one in preflight.check(cluster, bundle.parse(bundle.render(cluster)), facts)
    ]


def test_a_project_with_just_enough_is_fit() -> None:
    assert shortages(ROOMY) == []


def test_every_shortage_is_told_at_once_with_its_remedy() -> None:
    poor = dataclasses.replace(
        ROOMY,
        quotas={**ROOMY.quotas, "instances": Quota(10, 2), "ram": Quota(51200, 0)},
        flavours={"m1.small": Flavour(1, 2048), "m1.medium": Flavour(2, 4096)},
        images=frozenset(),
        zones=frozenset({"az1"}),
        external_networks=(),
    )
    assert shortages(poor) == [
        "worker-flavour: there is no flavour m1.large: set it to one of m1.medium, m1.small",
        "image: there is no image 1f0c: set it to the id of an active image of ubuntu@22.04 that "
        "the project may use",
        "availability-zones: az2 has no host that takes servers: take it out, or name one of az1",
        "external-network: the cloud has none: have the cloud's administrator make one",
        "quota of instances: edge needs 13, 8 of 10 are free: "
        "have the quota of the project raised to 15",
    ]


def test_a_quota_too_small_is_told_with_what_it_must_be() -> None:
    quotas = {**ROOMY.quotas, "ram": Quota(51200, 1200)}
    assert shortages(dataclasses.replace(ROOMY, quotas=quotas)) == [
        "quota of ram: edge needs 58720, 50000 of 51200 are free: "
        "have the quota of the project raised to 59920"
    ]


def test_what_the_cluster_has_already_is_not_asked_for_again() -> None:
    there = {"m1.small": 3, "m1.medium": 6, "m1.large": 3}
    full = {name: Quota(5, 4) for name in ("instances", "cores", "ports", "security_groups")}
    facts = dataclasses.replace(ROOMY, quotas=full, present=there, has_network=True)
    told = shortages(facts)
    assert told == [
        "quota of cores: edge needs 4, 1 of 5 are free: have the quota of the project raised to 8"
    ]


def test_a_zone_without_hosts_is_told_also_where_nova_may_choose() -> None:
    assert shortages(dataclasses.replace(ROOMY, zones=frozenset()), zones=()) == [
        "hypervisors: no zone has a host that takes servers: add or enable nova-compute units"
    ]


def test_among_several_external_networks_one_must_be_named() -> None:
    several = (Network("e1", "ext"), Network("e2", "lab"))
    facts = dataclasses.replace(ROOMY, external_networks=several)
    assert shortages(facts) == ["external-network: there are several: set it to one of ext, lab"]
    assert shortages(facts, external_network="lab") == []
    assert shortages(facts, external_network="e2") == []
    assert "there is no external network dmz" in shortages(facts, external_network="dmz")[0]


def test_nothing_is_concluded_on_what_a_service_that_is_down_knows() -> None:
    down = Facts(unreachable={"compute": "HTTP 500", "image": "timed out", "network": "HTTP 503"})
    assert shortages(down) == [
        "compute: does not answer: HTTP 500: it is tried again",
        "image: does not answer: timed out: it is tried again",
        "network: does not answer: HTTP 503: it is tried again",
    ]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_the_quota_that_it_asks_for_is_exactly_enough(limit: int, used: int) -> None:
    def told(quota: Quota) -> list[str]:
        quotas = {**ROOMY.quotas, "instances": quota}
        return shortages(dataclasses.replace(ROOMY, quotas=quotas))

    found = told(Quota(limit, used))
    if max(0, limit - used) >= 13:
        assert found == []
        return
    raised = int(found[0].rpartition(" ")[2])
    assert told(Quota(raised, used)) == []
    assert told(Quota(raised - 1, used)) != []
