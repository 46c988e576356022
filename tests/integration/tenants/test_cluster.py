"""A cluster on OpenStack's real services: bad input, a life with bad days, and its end.

The tests of a life follow each other on one cluster: to make one is what takes long.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from cluster_application import MACHINES, Application
from running_cloud import OpenStack, until
from running_juju import Controller, Hooks

Deploy = Callable[..., Application]


@pytest.fixture(scope="module")
def deploy(
    cloud: OpenStack,
    controller: Controller,
    hooks: Hooks,
    tmp_path_factory: pytest.TempPathFactory,
) -> Deploy:
    def deploy(name: str, **options: Any) -> Application:
        folder = tmp_path_factory.mktemp(name)
        return Application(cloud, controller, hooks, name, folder, **options)

    return deploy


@pytest.fixture(scope="module")
def edge(deploy: Deploy) -> Application:
    return deploy("edge")


# -- bad input: told before anything is made ------------------------------------------------


def test_every_shortage_is_told_at_once_and_nothing_is_made(
    deploy: Deploy, cloud: OpenStack, controller: Controller
) -> None:
    poor = deploy("poor", worker_flavour="m1.none", availability_zones="az1,az2")
    cloud.quota(poor.tenant.issued.project, instances=3, cores=4)
    with cloud.zone_without_hosts("az2"):
        told = poor.until("blocked preflight")
        assert poor.run("preflight")["ready"] == "false"
    assert "worker-flavour: there is no flavour m1.none: set it to one of" in told
    assert "availability-zones: az2 has no host that takes servers: take it out" in told
    assert "quota of instances: poor needs 7, 3 of 3 are free: have the quota" in told
    assert "quota of cores: " in told
    assert poor.resources() == set()
    assert "k8s-poor" not in controller.models() | controller.clouds()
    poor.run("delete-cluster", confirm="poor")
    poor.until("blocked the cluster is deleted, nothing was left: remove this application")


def test_a_network_that_is_not_known_and_an_even_control_plane_are_told_with_what_is_right(
    deploy: Deploy, controller: Controller
) -> None:
    odd = deploy("odd", cni="flannel", control_plane_count=2)
    told = odd.tick()
    assert told.startswith("blocked")
    assert "cni: 'flannel': input should be 'calico' or 'cilium'" in told
    assert "control-plane-count: 2: input should be 1, 3 or 5" in told
    assert odd.resources() == set()
    assert "k8s-odd" not in controller.models() | controller.clouds()


def test_a_nova_that_fails_is_waited_for_before_anything_is_made(
    deploy: Deploy, cloud: OpenStack, controller: Controller
) -> None:
    patient = deploy("patient")
    with cloud.nova_failing():
        told = patient.until("waiting preflight")
        assert "compute: does not answer: HTTP 500 from http://" in told
    assert patient.resources() == set()
    assert "k8s-patient" not in controller.models() | controller.clouds()


# -- a cluster is made, on a day when everything goes wrong ---------------------------------


def test_a_model_that_is_destroyed_behind_its_back_is_told_and_made_anew_only_when_asked(
    edge: Application, controller: Controller
) -> None:
    edge.until("maintenance cluster edge: relations", lost=True)
    until(edge.servers, 60, "Juju makes servers")
    network = {found for found in edge.resources() if found.startswith(("network", "router"))}
    controller.run(
        "destroy-model", "k8s-edge", "--no-prompt", "--force", "--no-wait", "--destroy-storage"
    )
    told = edge.until("blocked the Juju model k8s-edge is gone")
    assert "run resume to make a new one, or delete-cluster to clean up" in told
    until(lambda: "k8s-edge" not in controller.models(), 120, "the model is gone")
    assert edge.tick() == told, "nothing is made before somebody asks"
    assert edge.servers() == []
    edge.run("resume")
    edge.until("maintenance cluster edge: relations", lost=True)
    assert network <= edge.resources(), "the network that it had serves on"


def test_a_credential_that_is_revoked_in_the_middle_is_told_and_the_next_one_taken(
    edge: Application, cloud: OpenStack
) -> None:
    until(edge.servers, 60, "Juju makes servers")
    lost = edge.tenant
    cloud.revoke(lost)
    told = edge.until("blocked OpenStack refuses the credential of openstack-cloud")
    assert "run rotate-credentials on openstack-coordinator" in told
    assert lost.wanted.password not in told
    edge.relate()
    edge.until("maintenance")


def test_nova_that_fails_in_the_middle_is_waited_for(edge: Application, cloud: OpenStack) -> None:
    with cloud.nova_failing():
        edge.until("waiting cannot reach OpenStack, tries again: HTTP 500 from http://")
    edge.until("maintenance")


def test_it_is_made_once_though_its_charm_is_killed_again_and_again(edge: Application) -> None:
    luck = random.Random(20)  # noqa: S311
    for _ in range(8):
        edge.tick(kill_after=luck.uniform(0.05, 1.5))
    # A server that Nova was building when it failed stays in BUILD: Juju gives it five minutes.
    told = edge.until("active", lost=True, seconds=600)
    assert told.endswith("calico, 1 + 2 nodes")
    servers = edge.servers()
    assert [server.status for server in servers] == ["ACTIVE"] * MACHINES
    assert all(server.metadata["k8s-cluster"] == edge.owner for server in servers)
    assert {server.flavor.name for server in servers} == {"small", "medium"}
    kinds = [found.partition(" ")[0] for found in edge.resources()]
    assert [kinds.count(kind) for kind in ("network", "subnet", "router")] == [1, 1, 1]
    # The model's, and one of each machine: none of the model that was destroyed.
    assert kinds.count("group") == MACHINES + 1


# -- its bad days ---------------------------------------------------------------------------


def test_another_cluster_of_the_same_name_is_refused_and_takes_nothing_away(
    edge: Application, deploy: Deploy
) -> None:
    before = edge.resources()
    other = deploy("edge")
    assert "two clusters of the same name cannot live on one controller" in other.until("blocked")
    other.run("delete-cluster", confirm="edge")
    other.until("blocked the cluster is deleted")
    assert edge.resources() == before
    assert edge.until("active")


def test_an_option_that_asks_for_another_network_is_refused_while_the_cluster_lives(
    edge: Application,
) -> None:
    before = edge.resources()
    edge.configure(cni="flannel")
    assert "cni: 'flannel'" in edge.until("blocked")
    edge.configure(cni="cilium")
    told = edge.until("blocked cni is 'cilium', but cluster edge was made with 'calico'")
    assert "set it back, or run delete-cluster first" in told
    edge.configure(cni="calico")
    edge.until("active")
    assert edge.resources() == before


def test_an_option_of_its_applications_that_was_changed_by_hand_is_put_right(
    edge: Application, controller: Controller
) -> None:
    controller.run("config", "-m", "k8s-edge", "cinder-csi", "storage-class-default=false")
    assert edge.tick().startswith("maintenance")
    edge.until("active")
    shown = controller.run("config", "-m", "k8s-edge", "cinder-csi", "--format=json")
    assert json.loads(shown)["settings"]["storage-class-default"]["value"] is True


def test_a_server_in_error_is_told_and_what_is_told_to_do_helps(
    edge: Application, cloud: OpenStack, controller: Controller
) -> None:
    status = controller.status("k8s-edge")
    machine = status["applications"]["kubernetes-worker"]["units"]["kubernetes-worker/1"][
        "machine"
    ]
    server = status["machines"][machine]["instance-id"]
    cloud.admin.compute.reset_server_state(server, "error")
    told = edge.until(f"waiting not well: machine {machine}: its server {server} is ERROR")
    remedy = f"juju remove-machine -m k8s-edge {machine} --force"
    assert remedy in told
    controller.run(*remedy.split()[1:], "--no-prompt")
    until(lambda: server not in {one.id for one in edge.servers()}, 60, "the server is gone")
    edge.tick()
    edge.until("active")
    assert [one.status for one in edge.servers()] == ["ACTIVE"] * MACHINES
    groups = [found for found in edge.resources() if found.startswith("group")]
    assert len(groups) == MACHINES + 1, "the security group of the server went with it"


def test_workers_beyond_the_quota_are_told_and_fewer_are_taken_away(edge: Application) -> None:
    before = edge.resources()
    edge.run("scale-workers", count=9)
    told = edge.until("blocked preflight: quota of ")
    assert "quota of instances: edge needs 7, 3 of 10 are free: have the quota" in told
    assert edge.resources() == before
    edge.run("scale-workers", count=1)
    edge.until("1 + 1 nodes")
    until(lambda: len(edge.servers()) == MACHINES - 1, 60, "a worker's server is gone")


def test_a_relation_that_is_removed_while_the_cluster_lives_is_told_and_nothing_is_touched(
    edge: Application, cloud: OpenStack
) -> None:
    before = edge.resources()
    edge.unrelate()
    cloud.revoke(edge.tenant)  # as the coordinator does when a relation ends
    told = edge.until("blocked openstack-cloud is not related")
    assert "juju integrate edge:openstack-cloud openstack-coordinator" in told
    assert told.endswith("and cluster edge still lives there")
    assert edge.run("get-kubeconfig")["secret"].startswith("secret:")
    assert edge.resources() == before
    edge.relate()
    edge.until("active")
    assert edge.resources() == before


# -- the end --------------------------------------------------------------------------------


def test_a_deletion_takes_all_that_is_the_clusters_and_lists_what_is_not(
    edge: Application, cloud: OpenStack, controller: Controller
) -> None:
    own = edge.tenant.by_application_credential()
    foreign = own.network.create_network(name="somebody's")
    borrowed = own.block_storage.create_volume(name="somebody's", size=1)
    edge.run("delete-cluster", confirm="edge")
    told = edge.until("blocked the cluster is deleted", lost=True)
    assert "2 things that are not its own were left alone" in told
    assert edge.resources() == {f"network {foreign.id}", f"volume {borrowed.id}"}
    assert "k8s-edge" not in controller.models() | controller.clouds()
    assert edge.shown()["left-alone"] == [
        f"volume somebody's ({borrowed.id})",
        f"network somebody's ({foreign.id})",
    ]
