"""The whole bundle's stand-ins agree with each other and become active."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml

BUNDLES = pathlib.Path(__file__).parents[3] / "bundles"
OURS = {"maas-bmc", "baremetal-inventory", "openstack-coordinator", "k8s-on-openstack"}


def merged(*names: str) -> dict[str, Any]:
    """The bundle with overlays, merged as far as this test needs it."""
    bundle = yaml.safe_load((BUNDLES / "full-stack.yaml").read_text("utf-8"))
    for name in names:
        overlay = yaml.safe_load((BUNDLES / "overlays" / name).read_text("utf-8"))
        for application, document in overlay.get("applications", {}).items():
            if document is None:
                del bundle["applications"][application]
                continue
            known = bundle["applications"].setdefault(application, {})
            options = {**known.get("options", {}), **document.get("options", {})}
            bundle["applications"][application] = {**known, **document, "options": options}
        bundle["relations"] += overlay.get("relations", [])
    names_left = set(bundle["applications"]) - OURS
    bundle["relations"] = [
        relation
        for relation in bundle["relations"]
        if {end.partition(":")[0] for end in relation} <= names_left
    ]
    return bundle


def deploy(cloud: Any, bundle: dict[str, Any]) -> None:
    for name, document in bundle["applications"].items():
        if name in OURS:
            continue
        cloud.deploy(
            name,
            document.get("num_units", 0),
            charm=document["charm"],
            channel=document["channel"],
            options=document.get("options"),
            devices=2 if name == "ceph-osd" else 0,
        )
    ends = [[tuple(end.split(":")) for end in relation] for relation in bundle["relations"]]
    cloud.integrate(*ends)


@pytest.mark.parametrize("overlays", [("sandbox.yaml",), ("sandbox.yaml", "ha.yaml")])
def test_every_unit_of_the_bundle_becomes_active(cloud, overlays):
    deploy(cloud, merged(*overlays))
    cloud.settle()
    waiting = {unit: shown for unit, shown in cloud.statuses().items() if shown[0] != "active"}
    assert waiting == {}


def test_without_unlocking_vault_the_cloud_waits_and_vault_says_why(cloud):
    deploy(cloud, merged())
    cloud.settle()
    assert cloud.status("vault/0") == ("blocked", "Vault needs to be initialized")
    assert cloud.status("ovn-central/0") == (
        "waiting",
        "'certificates' awaiting server certificate data",
    )
    assert cloud.status("keystone/0") == ("active", "Unit is ready")


def test_clients_hear_of_an_api_only_once_its_virtual_address_is_kept(cloud):
    bundle = merged("sandbox.yaml", "ha.yaml")
    bundle["applications"]["keystone-hacluster"]["options"]["cluster_count"] = 5
    deploy(cloud, bundle)
    cloud.settle()
    assert cloud.status("keystone-hacluster/0") == (
        "blocked",
        "Insufficient peer units for ha cluster (require 5)",
    )
    assert cloud.status("keystone/0") == ("active", "Unit is ready")
    assert cloud.status("glance/0") == ("waiting", "Incomplete relations: identity")
