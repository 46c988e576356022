"""The client's files are Juju's own: libjuju and other clients read them."""

from __future__ import annotations

import json
import stat

import pytest
import yaml
from juju.client.jujudata import FileJujuData

from sandbox.home import Home
from sandbox.juju.client.errors import ClientError, NotRemembered
from sandbox.juju.client.store import ClientStore, KnownModel, register

WRITTEN = {
    "uuid": "aaaaaaaa-0000-0000-0000-000000000000",
    "name": "sandbox",
    "addresses": ["127.77.255.1:17070"],
    "ca_cert": "-----BEGIN CERTIFICATE-----\n",
    "user": "admin",
    "password": "hunter2",
}


@pytest.fixture
def store(tmp_path, monkeypatch) -> ClientStore:
    monkeypatch.setenv("JUJU_DATA", str(tmp_path / "data"))
    home = Home(tmp_path / "home", 77)
    (home.folder("juju") / "controller.json").write_text(json.dumps(WRITTEN))
    register(home)
    return ClientStore(tmp_path / "data")


def test_a_registered_controller_is_in_focus_with_its_account(store):
    assert store.current_controller() == "sandbox"
    target = store.target("sandbox", "model-uuid")
    assert (target.user, target.addresses) == ("admin", ("127.77.255.1:17070",))
    assert target.model == "model-uuid"


def test_the_password_is_shown_by_no_representation(store):
    assert "hunter2" not in repr(store.target("sandbox"))


def test_the_files_are_for_their_owner_only(store):
    store.set_credentials({"maas": {"main": {"auth-type": "oauth1", "maas-oauth": "a:b:c"}}})
    for path in store.folder.glob("*.yaml"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_libjuju_reads_what_is_in_focus(store, monkeypatch):
    store.update_model("sandbox", KnownModel("admin/cloud", "uuid-1"))
    store.set_current_model("sandbox", "admin/cloud")
    data = FileJujuData()
    assert data.current_controller() == "sandbox"
    assert data.current_model() == "sandbox:admin/cloud"
    assert data.accounts()["sandbox"]["password"] == "hunter2"
    assert data.models()["sandbox"]["models"]["admin/cloud"]["uuid"] == "uuid-1"
    assert data.controllers()["sandbox"]["api-endpoints"] == ["127.77.255.1:17070"]


def test_a_model_that_is_gone_loses_focus(store):
    store.update_model("sandbox", KnownModel("admin/a", "1"))
    store.update_model("sandbox", KnownModel("admin/b", "2"))
    store.set_current_model("sandbox", "admin/a")
    store.remove_model("sandbox", "admin/a")
    assert store.current_model("sandbox") == ""
    assert list(store.models("sandbox")) == ["admin/b"]


def test_registering_again_changes_the_controller_and_keeps_the_focus(store, tmp_path):
    store.update_controller("other", {"uuid": "x", "api-endpoints": []})
    store.set_current_controller("other")
    register(Home(tmp_path / "home", 77))
    assert store.current_controller() == "other"
    assert set(store.controllers()) == {"other", "sandbox"}


def test_credentials_are_written_as_juju_writes_them(store):
    store.set_credentials({"maas": {"main": {"auth-type": "oauth1", "maas-oauth": "k"}}, "x": {}})
    text = (store.folder / "credentials.yaml").read_text()
    assert yaml.safe_load(text) == {
        "credentials": {"maas": {"main": {"auth-type": "oauth1", "maas-oauth": "k"}}}
    }


def test_what_is_not_known_is_named(store):
    with pytest.raises(NotRemembered, match="controller nope not found"):
        store.target("nope")


def test_a_controller_that_was_never_started_cannot_be_registered(tmp_path):
    with pytest.raises(ClientError, match="start it first"):
        register(Home(tmp_path / "empty", 77))
