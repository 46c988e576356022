"""Accounts, clouds, credentials and models."""

from __future__ import annotations

import pytest

from sandbox.juju import errors
from sandbox.juju.placement import Placement
from sandbox.juju.state import accounts, clouds, machines, models, spaces
from sandbox.juju.state.store import Change


def test_a_password_is_kept_as_a_salted_hash_and_checked_against_it(store):
    with store.transaction() as tx:
        accounts.add_user(tx, "operator", "hunter2", access="superuser")
        stored = tx.value("SELECT password_hash FROM users")
        assert "hunter2" not in stored
        assert accounts.hash_password("hunter2") != stored
        assert accounts.authenticate(tx, "operator", "hunter2").access == "superuser"
        for name, password in (("operator", "wrong"), ("nobody", "hunter2"), ("operator", "")):
            with pytest.raises(errors.Unauthorized, match="invalid entity name or password"):
                accounts.authenticate(tx, name, password)


def test_user_names_are_checked_and_unique(store):
    with store.transaction() as tx:
        accounts.add_user(tx, "operator", "x")
        with pytest.raises(errors.AlreadyExists):
            accounts.add_user(tx, "operator", "y")
        with pytest.raises(errors.NotValid, match='invalid user name "a b"'):
            accounts.add_user(tx, "a b", "y")


@pytest.mark.parametrize("name", ["Prod", "prod_1", "", "-prod", "prod.eu"])
def test_a_model_s_name_has_lowercase_letters_digits_and_hyphens_only(store, name):
    with store.transaction() as tx:
        clouds.add(tx, "localhost", "lxd", {})
        with pytest.raises(errors.NotValid, match="model names may only contain lowercase"):
            models.add_model(tx, name, "admin", "localhost")


def test_a_model_is_found_by_owner_and_name_and_two_owners_may_use_one_name(store):
    with store.transaction() as tx:
        clouds.add(tx, "localhost", "lxd", {})
        mine = models.add_model(tx, "prod", "admin", "localhost")
        theirs = models.add_model(tx, "prod", "other", "localhost")
        assert models.find(tx, "admin", "prod") == mine
        assert models.find(tx, "other", "prod") == theirs
        assert mine.access == {"admin": "admin"}
        with pytest.raises(errors.AlreadyExists):
            models.add_model(tx, "prod", "admin", "localhost")
        with pytest.raises(errors.NotFound):
            models.find(tx, "admin", "stage")


def test_a_model_needs_a_cloud_region_and_credential_that_exist(store):
    with store.transaction() as tx:
        clouds.add(tx, "metal", "maas", {"regions": [{"name": "default"}]})
        for cloud, region, credential in (
            ("elsewhere", "", ""),
            ("metal", "north", ""),
            ("metal", "", "metal/admin/none"),
        ):
            with pytest.raises(errors.NotFound):
                models.add_model(tx, "prod", "admin", cloud, region=region, credential=credential)
        assert models.add_model(tx, "prod", "admin", "metal").region == "default"


def test_model_config_shows_defaults_until_something_is_set(world):
    with world.store.transaction() as tx:
        models.set_config(
            tx, world.model, {"update-status-hook-interval": "1m", "proxy-ssh": "true"}
        )
        config = models.get_config(tx, world.model)
        assert config["update-status-hook-interval"] == "1m"
        assert config["proxy-ssh"] is True
        assert config["automatically-retry-hooks"] is True
        assert (config["name"], config["type"]) == ("test", "lxd")
        models.set_config(tx, world.model, {}, unset=("update-status-hook-interval",))
        assert models.get_config(tx, world.model)["update-status-hook-interval"] == "5m"
        with pytest.raises(errors.NotValid, match="expected bool"):
            models.set_config(tx, world.model, {"proxy-ssh": "perhaps"})
        with pytest.raises(errors.NotValid, match="cannot change name"):
            models.set_config(tx, world.model, {"name": "other"})


def test_numbers_of_a_sequence_are_never_given_twice(world):
    with world.store.transaction() as tx:
        given = [models.next_number(tx, world.model, "operation") for _ in range(3)]
        assert given == [0, 1, 2]
        assert models.next_number(tx, world.model, "relation") == 0


def test_a_credential_is_replaced_shown_without_its_secret_and_kept_while_it_is_used(store):
    with store.transaction() as tx:
        clouds.add(tx, "metal", "maas", {"auth-types": ["oauth1"]})
        key = clouds.set_credential(tx, "metal", "admin", "key", "oauth1", {"maas-oauth": "a:b:c"})
        assert "a:b:c" not in repr(key)
        model = models.add_model(tx, "prod", "admin", "metal", credential=key.key)
        clouds.invalidate_credential(tx, key, "cloud denied access")
        assert clouds.get_credential(tx, "metal", "admin", "key").invalid
        with pytest.raises(errors.JujuError, match="still used by 1 model"):
            clouds.revoke_credential(tx, "metal", "admin", "key")
        with pytest.raises(errors.JujuError, match="cloud is used by 1 model"):
            clouds.remove(tx, "metal")
        with pytest.raises(errors.NotValid, match='"userpass" not supported'):
            clouds.set_credential(tx, "metal", "admin", "key", "userpass", {})
    heard: set[Change] = set()
    store.subscribe(heard.update)
    with store.transaction() as tx:
        clouds.set_credential(tx, "metal", "admin", "key", "oauth1", {"maas-oauth": "d:e:f"})
        assert not clouds.get_credential(tx, "metal", "admin", "key").invalid
    assert Change("model", model.uuid, "") in heard


def test_spaces_are_taken_over_from_the_provider_and_alpha_stays(world):
    subnet = {"cidr": "127.9.0.0/16", "provider-id": "1", "zones": [], "vlan-tag": 0}
    with world.store.transaction() as tx:
        spaces.reload(tx, world.model, {"metal": [subnet]})
        spaces.reload(tx, world.model, {"metal": [subnet], "public": []})
        found = {space.name: space.id for space in spaces.all_spaces(tx, world.model)}
        assert found == {"alpha": "0", "metal": "1", "public": "2"}
        with pytest.raises(errors.AlreadyExists):
            spaces.add(tx, world.model, "metal")


def test_what_cannot_be_a_machine_is_refused(world):
    base = "ubuntu@24.04/stable"
    with world.store.transaction() as tx:
        with pytest.raises(errors.JujuError, match="machine-id cannot be specified"):
            machines.add_by_placement(tx, world.model, Placement("#", "0"), base=base)
        with pytest.raises(errors.NotFound, match="machine 7 not found"):
            machines.add_container(tx, world.model, "7", base=base)
        machines.add_by_placement(tx, world.model, Placement("lxd"), base=base)
        with pytest.raises(errors.JujuError, match="machine 0 cannot host kvm containers"):
            machines.add_container(tx, world.model, "0", base=base, kind="kvm")
        with pytest.raises(errors.JujuError, match="cannot host lxd containers"):
            machines.add_container(tx, world.model, "0/lxd/0", base=base)
        with pytest.raises(errors.JujuError, match="is not in an error state"):
            machines.retry_provisioning(tx, world.model, "0")
        ids = [machine.id for machine in machines.all_machines(tx, world.model)]
    assert ids == ["0", "0/lxd/0"]
