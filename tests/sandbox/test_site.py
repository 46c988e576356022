"""The sandbox's own overlay."""

from __future__ import annotations

import pathlib

import yaml

from sandbox import site
from sandbox.home import Home

_BUNDLES = pathlib.Path(site.__file__).parent.parent / "bundles"


def test_every_virtual_address_of_a_bundle_is_one_of_the_sandbox(tmp_path: pathlib.Path):
    home = Home(tmp_path, 77)
    files = [_BUNDLES / "full-stack.yaml", _BUNDLES / "overlays" / "ha.yaml"]

    applications = yaml.safe_load(site.overlay(home, files).read_text())["applications"]

    addresses = [application["options"]["vip"] for application in applications.values()]
    assert len(set(addresses)) == len(addresses) == 9
    assert all(address.startswith("127.77.253.") for address in addresses)
    assert "keystone" in applications


def test_without_high_availability_a_site_sets_nothing(tmp_path: pathlib.Path):
    files = [_BUNDLES / "full-stack.yaml"]

    assert yaml.safe_load(site.overlay(Home(tmp_path, 77), files).read_text()) == {
        "applications": {}
    }
