"""A cluster on OpenStack's real services: bad input, a life with kills, bad days, and its end."""

from __future__ import annotations

import json
import random

import pytest
from living_cluster import Sandbox, Tenant, until


@pytest.fixture(scope="module")
def edge(sandbox: Sandbox) -> Tenant:
    return Tenant(sandbox, "edge")


# -- bad input: told before anything is made ------------------------------------------------


def test_every_shortage_is_told_before_anything_is_made(sandbox: Sandbox) -> None:
    poor = Tenant(sandbox, "poor", worker_flavour="m1.huge", zones=["az9"])
    poor.quota(instances=3, cores=4)
    before = poor.resources()
    told = poor.until("blocked", "preflight")
    assert "worker-flavour: there is no flavour m1.huge: set it to one of" in told
    assert "availability-zones: az9 has no host that is up" in told
    assert "quota of instances: poor needs 7, 3 of 3 are free" in told
    assert "quota of cores: " in told
    assert poor.resources() == before
    assert "k8s-poor" not in sandbox.models()


# -- a life ---------------------------------------------------------------------------------


def test_a_cluster_is_made_once_though_its_charm_is_killed_again_and_again(edge: Tenant) -> None:
    before = edge.resources()
    assert before == set()
    luck = random.Random(20)  # noqa: S311
    for _ in range(12):
        edge.step(kill_after=luck.uniform(1.0, 6.0))
    assert "calico, 1 + 2 nodes" in edge.until("active")
    servers = list(edge.cloud.compute.servers())
    assert [server.status for server in servers] == ["ACTIVE"] * 7
    assert all(server.metadata["k8s-cluster"] == edge.cluster["owner"] for server in servers)
    kinds = [found.partition(" ")[0] for found in edge.resources()]
    assert [kinds.count(kind) for kind in ("network", "subnet", "router")] == [1, 1, 1]


def test_another_cluster_of_the_same_name_is_refused(edge: Tenant, sandbox: Sandbox) -> None:
    other = object.__new__(Tenant)
    other.__dict__.update(edge.__dict__)
    other.cluster = {**edge.cluster, "owner": "edge.ffffffff"}
    folder = sandbox.home.folder("tenants") / "other"
    folder.mkdir()
    other.files = folder / "ground.json", folder / "state.json"
    before = edge.resources()
    assert "two clusters of the same name" in other.until("blocked")
    assert edge.resources() == before


def test_a_worker_that_was_removed_is_replaced(edge: Tenant, sandbox: Sandbox) -> None:
    sandbox.juju("remove-unit", "-m", "k8s-edge", "kubernetes-worker/1", "--no-prompt")

    def gone() -> bool:
        status = json.loads(sandbox.juju("status", "-m", "k8s-edge", "--format", "json"))
        return "kubernetes-worker/1" not in status["applications"]["kubernetes-worker"]["units"]

    until(gone, 120, "the worker is gone")
    edge.step()
    edge.until("active")
    assert len(list(edge.cloud.compute.servers())) == 7


def test_a_credential_that_was_revoked_is_told_and_a_new_one_taken(edge: Tenant) -> None:
    identity = edge.cloud.identity
    identity.delete_application_credential(edge.user.id, edge.credential)
    assert edge.step()[0] == "refused"
    edge.credential = identity.create_application_credential(edge.user.id, name="next")
    edge.until("active")


# -- the end --------------------------------------------------------------------------------


def test_a_deletion_takes_all_that_is_the_clusters_and_lists_what_is_not(
    edge: Tenant, sandbox: Sandbox
) -> None:
    foreign = edge.cloud.network.create_network(name="somebody's")
    edge.change(intent="deleted")
    told = edge.until("blocked", "the cluster is deleted")
    assert "1 things that are not its own were left alone" in told
    assert edge.resources() == {f"network {foreign.id}"}
    assert "k8s-edge" not in sandbox.models()
    kept = json.loads(json.loads(edge.files[1].read_text())[0])
    assert kept["foreign"] == [f"network somebody's ({foreign.id})"]
