"""What the running cloud tells others about itself."""

from __future__ import annotations

import json
import stat

import pytest

from sandbox.charmhub.runtime import openstack
from sandbox.home import Home
from sandbox.openstack import access
from sandbox.openstack.layout import Layout


@pytest.fixture
def layout(tmp_path) -> Layout:
    return Layout.load(Home(tmp_path, 26))


def test_only_the_owner_reads_the_administrators_password(layout):
    access.announce(layout)

    for name in ("clouds.yaml", "cloud.json"):
        file = layout.folder / name
        assert layout.passwords["admin"] in file.read_text()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_unit_finds_the_cloud_of_its_sandbox(layout):
    home = str(layout.home.path)
    assert openstack.find(home) is None

    access.announce(layout)

    found = openstack.find(home)
    assert found is not None
    assert found["apis"]["glance"] == ["127.26.254.3", 9292]
    assert found["folder"] == str(layout.folder)


def test_a_unit_outside_a_sandbox_finds_none(layout):
    access.announce(layout)

    assert openstack.find("/var/lib/elsewhere/charm") is None


def test_when_the_cloud_has_stopped_units_answer_for_themselves(layout):
    access.announce(layout)
    access.withdraw(layout)

    assert openstack.find(f"{layout.home.path}/juju/agents/0f/unit-glance-0/charm") is None


def test_each_sandbox_has_passwords_of_its_own_and_keeps_them(layout, tmp_path):
    other = Layout.load(Home(tmp_path / "other", 27))

    assert Layout.load(layout.home).passwords == layout.passwords
    assert set(other.passwords.values()).isdisjoint(layout.passwords.values())
    assert layout.passwords["admin"] not in repr(layout)


def test_clients_read_the_clouds_file_as_openstacks_own(layout):
    access.announce(layout)

    clouds = json.loads((layout.folder / "clouds.yaml").read_text())["clouds"]
    assert clouds["sandbox"]["auth"]["auth_url"] == "http://127.26.254.1:5000/v3"
