"""The stand-ins of Charmed Kubernetes agree with each other in the bundle of a cluster."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest
import yaml

from sandbox.charmhub import descriptions
from sandbox.charmhub.runtime import actions, assess

ROOT = pathlib.Path(__file__).parents[3]
RENDER = """
import sys
sys.path[:0] = sys.argv[1:3]
import bundle, cluster
print(bundle.render(cluster.Cluster(
    "edge", "edge.1", "1.32/stable", sys.argv[3], 3, 2, "m1.medium", "m1.large", "m1.small"
)))
"""


def rendered(cni: str) -> dict[str, Any]:
    """The bundle of k8s-on-openstack, rendered outside: nothing of the charm is imported here."""
    folders = [str(ROOT / "charms" / "k8s-on-openstack" / "src"), str(ROOT / "lib")]
    command = [sys.executable, "-c", RENDER, *folders, cni]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return yaml.safe_load(text)


def deploy(cloud: Any, bundle: dict[str, Any], without: str = "") -> None:
    for name, document in bundle["applications"].items():
        if name != without:
            cloud.deploy(
                name,
                document.get("num_units", 0),
                channel=document["channel"],
                options=document.get("options"),
            )
    ends = [[tuple(end.split(":")) for end in relation] for relation in bundle["relations"]]
    cloud.integrate(*(pair for pair in ends if without not in (pair[0][0], pair[1][0])))


@pytest.mark.parametrize("cni", ["calico", "cilium"])
def test_every_unit_of_a_cluster_becomes_active(cloud, cni):
    deploy(cloud, rendered(cni))
    cloud.settle()
    waiting = {unit: shown for unit, shown in cloud.statuses().items() if shown[0] != "active"}
    assert waiting == {}
    assert cloud.status("etcd/1") == ("active", "Healthy with 3 known peers")
    subordinates = {name for name in cloud.statuses() if name.startswith(f"{cni}/")}
    assert len(subordinates) >= 3


def test_without_a_network_of_pods_nodes_say_what_they_miss(cloud):
    deploy(cloud, rendered("calico"), without="calico")
    cloud.settle()
    assert cloud.status("kubernetes-worker/0") == ("blocked", "Missing required cni")
    assert cloud.status("etcd/0")[0] == "active"


def test_without_certificates_nothing_of_the_cluster_serves(cloud):
    deploy(cloud, rendered("calico"), without="easyrsa")
    cloud.settle()
    assert cloud.status("etcd/0") == ("blocked", "Missing relation to certificate authority.")
    assert cloud.status("kubernetes-control-plane/0")[0] == "blocked"


def test_a_node_moves_to_another_kubernetes_by_its_action_only(cloud):
    application = cloud.deploy("kubernetes-worker", channel="1.32/stable")
    unit = application.units["kubernetes-worker/0"]
    unit.config["channel"] = "1.33/stable"
    unit.relations.clear()
    application.compiled["status"] = {**application.compiled["status"], "required": {}}
    assert assess.status(application.compiled, unit) == (
        "blocked",
        "Needs manual upgrade, run the upgrade action.",
    )
    actions.run(application.compiled, unit, "upgrade")
    assert unit.release == "1.33"
    assert assess.status(application.compiled, unit) == ("active", "Ready")


def test_the_kubeconfig_names_the_api_and_its_authority(cloud):
    application = cloud.deploy("kubernetes-control-plane")
    unit = application.units["kubernetes-control-plane/0"]
    found = json.loads(actions.run(application.compiled, unit, "get-kubeconfig")["kubeconfig"])
    cluster = found["clusters"][0]["cluster"]
    assert cluster["server"] == f"https://{unit.address}:6443"
    assert cluster["certificate-authority-data"]


def test_every_charm_of_the_bundles_is_in_the_catalogue():
    for cni in ("calico", "cilium"):
        charms = {one["charm"] for one in rendered(cni)["applications"].values()}
        assert charms <= set(descriptions.load())
