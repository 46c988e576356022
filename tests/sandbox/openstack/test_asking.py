"""What the units of OpenStack's charms ask of the sandbox, by files."""

from __future__ import annotations

import json
import pathlib
import threading
import time

import pytest

from sandbox.charmhub import descriptions
from sandbox.charmhub.runtime import openstack
from sandbox.charmhub.runtime.world import PAUSED, Relation, World


def _compiled(charm: str) -> dict:
    description = descriptions.load()[charm]
    return descriptions.compiled(description, description.releases[-1])


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path


def _unit(folder: pathlib.Path, name: str, told: dict[str, dict[str, str]], **facts) -> World:
    """A unit whose related units have told what its charm needs."""
    world = World(name, host="node04", address="127.26.0.4", release="caracal", **facts)
    world.cloud = {"folder": str(folder), "apis": {}}
    for number, (endpoint, data) in enumerate(told.items()):
        other = f"other{number}"
        world.relations[f"{endpoint}:{number}"] = Relation(endpoint, other, {f"{other}/0": data})
    return world


def _compute(folder: pathlib.Path) -> World:
    told = {
        "amqp": {"hostname": "127.26.2.1", "password": "x"},
        "image-service": {"glance-api-server": "http://127.26.2.2:9292"},
        "cloud-compute": {"network_manager": "neutron", "region": "RegionOne"},
    }
    return _unit(folder, "nova-compute/0", told)


def _hypervisor(folder: pathlib.Path) -> str:
    file = folder / "hypervisors" / "node04"
    return file.read_text() if file.exists() else ""


def test_a_compute_unit_brings_its_machine_as_a_hypervisor(folder):
    openstack.ask(_compiled("nova-compute"), _compute(folder), going=False)

    assert _hypervisor(folder) == "127.26.0.4"


def test_a_compute_unit_that_is_not_ready_brings_nothing(folder):
    world = _compute(folder)
    del world.relations["amqp:0"]

    openstack.ask(_compiled("nova-compute"), world, going=False)

    assert _hypervisor(folder) == ""


@pytest.mark.parametrize("flag", [PAUSED, "removed"])
def test_a_unit_that_is_paused_or_removed_from_the_cloud_keeps_its_switch_only(folder, flag):
    world = _compute(folder)
    world.flags[flag] = True
    openstack.ask(_compiled("nova-compute"), world, going=False)
    assert _hypervisor(folder) == "127.26.0.4 paused"

    world.flags[flag] = False
    openstack.ask(_compiled("nova-compute"), world, going=False)
    assert _hypervisor(folder) == "127.26.0.4"


def test_a_unit_that_goes_takes_its_hypervisor_along(folder):
    openstack.ask(_compiled("nova-compute"), _compute(folder), going=False)
    openstack.ask(_compiled("nova-compute"), _compute(folder), going=True)
    openstack.ask(_compiled("nova-compute"), _compute(folder), going=True)

    assert _hypervisor(folder) == ""


def _keystone(folder: pathlib.Path, *, leader: bool) -> World:
    urls = {f"{kind}_url": "http://127.26.2.2:9292" for kind in ("public", "internal", "admin")}
    told = {
        "shared-db": {"db_host": "127.0.0.1", "password": "x", "allowed_units": "keystone/0"},
        "identity-service": {"service": "glance", **urls},
    }
    config = {"service-port": 5000}
    return _unit(folder, "keystone/0", told, leader=leader, config=config)


def _endpoints(folder: pathlib.Path) -> dict[str, str]:
    files = (folder / "endpoints").glob("*.json")
    return {file.stem: json.loads(file.read_text())["public_url"] for file in files}


def test_keystones_leader_asks_for_its_own_endpoint_and_for_those_related_to_it(folder):
    openstack.ask(_compiled("keystone"), _keystone(folder, leader=True), going=False)

    assert _endpoints(folder) == {
        "keystone": "http://127.26.0.4:5000/v3",
        "glance": "http://127.26.2.2:9292",
    }


def test_keystones_other_units_leave_the_catalogue_alone(folder):
    openstack.ask(_compiled("keystone"), _keystone(folder, leader=False), going=False)

    assert _endpoints(folder) == {}


def _members(folder: pathlib.Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in (folder / "members" / "database").iterdir()}


def test_a_member_of_the_database_serves_until_most_members_are_paused(folder):
    world = World("mysql/0", release="caracal", address="127.26.0.4", flags={"formed": True})
    world.cloud = {"folder": str(folder), "apis": {}}
    peers: dict[str, dict[str, str]] = {"mysql/1": {}, "mysql/2": {}}
    world.relations["cluster:1"] = Relation("cluster", "mysql", peers)
    compiled = _compiled("mysql-innodb-cluster")
    openstack.ask(compiled, world, going=False)
    assert _members(folder) == {"mysql-0": "serves"}

    peers["mysql/1"][PAUSED] = peers["mysql/2"][PAUSED] = "true"
    openstack.ask(compiled, world, going=False)
    assert _members(folder) == {"mysql-0": "away"}

    openstack.ask(compiled, world, going=True)
    assert _members(folder) == {}


def test_another_password_of_the_administrator_is_awaited_and_not_told_by_him_who_asks(folder):
    home = folder / "home"
    for name in ("openstack/administrator", "openstack"):
        (home / name).mkdir(parents=True, exist_ok=True)
    shown = home / "openstack" / "cloud.json"
    shown.write_text(json.dumps({"admin": {"password": "old"}}))
    world = World("keystone/0", leader=True)
    world.cloud = openstack.find(str(home))
    asked = home / "openstack" / "administrator" / "password"

    def take() -> None:
        while not asked.exists():
            time.sleep(0.01)
        part = shown.with_suffix(".part")
        part.write_text(json.dumps({"admin": {"password": asked.read_text()}}))
        part.replace(shown)

    taking = threading.Thread(target=take)
    taking.start()
    assert openstack.rotate_admin_password(world)
    taking.join()
    assert world.cloud["admin"]["password"] == "old"
    assert asked.stat().st_mode & 0o077 == 0
