"""Deploying, configuring, exposing and refreshing applications."""

from __future__ import annotations

import pytest

from sandbox.juju import errors, placement
from sandbox.juju.placement import Placement
from sandbox.juju.state import (
    applications,
    machines,
    models,
    refresh,
    relations,
    removal,
    spaces,
    units,
)
from sandbox.juju.state.store import Change

OPTIONS = {
    "level": {"type": "int", "default": 3, "description": "how much"},
    "ratio": {"type": "float"},
    "debug": {"type": "boolean", "default": False},
    "name": {"type": "string", "default": ""},
    "key": {"type": "secret"},
}


def test_a_deployed_application_has_its_peers_units_and_machines(world):
    charm = world.charm("db", peers={"cluster": {"interface": "db-peer"}})
    application = world.deploy("mysql", charm, 3)
    assert application.constraints == {"arch": "amd64"}
    assert world.names("units") == ["mysql/0", "mysql/1", "mysql/2"]
    assert world.names("machines", "id") == ["0", "1", "2"]
    assert world.names("relations", "key") == ["mysql:cluster"]


def test_a_second_application_of_the_same_name_is_refused(world):
    charm = world.charm("db")
    world.deploy("mysql", charm)
    with pytest.raises(errors.AlreadyExists) as refusal:
        world.deploy("mysql", charm)
    assert str(refusal.value) == 'cannot add application "mysql": application already exists'


def test_a_subordinate_is_deployed_without_units_and_constraints(world):
    charm = world.charm(
        "agent",
        subordinate=True,
        requires={"host": {"interface": "juju-info", "scope": "container"}},
    )
    with pytest.raises(errors.JujuError, match="must be deployed without units"):
        world.deploy("agent", charm, 1)
    with pytest.raises(errors.JujuError, match="must be deployed without constraints"):
        world.deploy("agent", charm, constraints={"cores": 2})
    world.deploy("agent", charm)
    with world.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        units.add_units(tx, world.model, "agent")
    assert (
        str(refusal.value)
        == 'cannot add unit to application "agent": application is a subordinate'
    )


def test_unit_numbers_are_never_used_twice_even_by_a_later_application_of_the_name(world):
    charm = world.charm("db")
    world.deploy("mysql", charm, 2)
    with world.store.transaction() as tx:
        removal.destroy_application(tx, world.model, "mysql")
    assert world.names("applications") == []
    world.deploy("mysql", world.charm("db"), 1)
    assert world.names("units") == ["mysql/2"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"level": "high"}, 'option "level" expected int, got "high"'),
        ({"level": True}, 'option "level" expected int, got true'),
        ({"ratio": "x"}, 'option "ratio" expected float, got "x"'),
        ({"debug": "yes"}, 'option "debug" expected boolean, got "yes"'),
        ({"name": 4}, 'option "name" expected string, got 4'),
        ({"colour": "red"}, 'unknown option "colour"'),
        (
            {"key": "hunter2"},
            'invalid secret URI for option "key": secret URI "hunter2" not valid',
        ),
    ],
)
def test_config_of_the_wrong_kind_is_refused_in_juju_s_words(world, given, message):
    charm = world.charm("app", config=OPTIONS)
    with pytest.raises(errors.NotValid) as refusal:
        world.deploy("app", charm, config=given)
    assert str(refusal.value) == message
    assert world.names("applications") == []


def test_config_is_what_was_set_over_the_defaults_until_it_is_reset(world):
    world.deploy("app", world.charm("app", config=OPTIONS), config={"level": "7", "trust": "true"})
    with world.store.transaction() as tx:
        applications.set_config(tx, world.model, "app", {"debug": "true", "ratio": 2})
        assert applications.get(tx, world.model, "app").trust
        assert applications.get_config(tx, world.model, "app") == {
            "level": 7,
            "debug": True,
            "name": "",
            "ratio": 2.0,
        }
        applications.set_config(tx, world.model, "app", unset=["level", "trust"])
        assert applications.get_config(tx, world.model, "app")["level"] == 3
        assert not applications.get(tx, world.model, "app").trust


def test_a_config_change_is_heard_by_the_application_s_units(world):
    world.deploy("app", world.charm("app", config=OPTIONS), 2)
    heard = world.changes(lambda tx: applications.set_config(tx, world.model, "app", {"level": 9}))
    assert Change("unit", world.model, "app/0") in heard
    assert Change("unit", world.model, "app/1") in heard


def test_units_go_where_the_placement_says(world):
    charm = world.charm("app")
    world.deploy("metal", charm, 1)
    directives = ["0", "lxd:0", "lxd", "zone=az2", None]
    placements = [placement.parse(d, model=world.model) if d else None for d in directives]
    world.deploy("app", charm, 5, placement=placements)
    with world.store.transaction() as tx:
        hosts = [unit.machine for unit in units.of_application(tx, world.model, "app")]
        assert hosts == ["0", "0/lxd/0", "1/lxd/0", "2", "3"]
        assert machines.get(tx, world.model, "2").placement == "zone=az2"


def test_placement_on_a_machine_that_is_not_there_deploys_nothing(world):
    with pytest.raises(errors.NotFound) as refusal:
        world.deploy("app", world.charm("app"), 1, placement=[Placement("#", "9")])
    assert str(refusal.value) == 'cannot deploy "app" to machine 9: machine 9 not found'
    assert world.names("applications") == []


def test_a_unit_takes_a_clean_machine_that_suits_it_and_makes_a_new_one_otherwise(world):
    with world.store.transaction() as tx:
        for _ in range(2):
            machines.add_machine(tx, world.model, base="ubuntu@24.04/stable")
    world.provision("0", cores=2)
    world.provision("1", cores=8)
    charm = world.charm("app")
    world.deploy("app", charm, 2, constraints={"cores": 4})
    with world.store.transaction() as tx:
        hosts = [unit.machine for unit in units.of_application(tx, world.model, "app")]
    assert hosts == ["1", "2"]


def test_new_machines_carry_the_model_s_constraints_under_the_application_s(world):
    with world.store.transaction() as tx:
        models.set_constraints(tx, world.model, {"mem": 4096, "cores": 1})
    world.deploy("app", world.charm("app"), 1, constraints={"cores": 4, "tags": ["a"]})
    with world.store.transaction() as tx:
        assert machines.get(tx, world.model, "0").constraints == {
            "arch": "amd64",
            "cores": 4,
            "mem": 4096,
            "tags": ["a"],
        }


def test_a_unit_cannot_go_to_a_machine_of_another_base(world):
    world.deploy("old", world.charm("old"), 1, base="ubuntu@22.04")
    with pytest.raises(errors.JujuError) as refusal:
        world.deploy("app", world.charm("app"), 1, placement=[Placement("#", "0")])
    assert str(refusal.value) == (
        'cannot add application "app": cannot deploy to machine 0: base does not match: unit has'
        ' "ubuntu@24.04", machine has "ubuntu@22.04"'
    )
    world.deploy("app", world.charm("app"))
    with world.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        units.add_units(tx, world.model, "app", 1, [Placement("#", "0")])
    assert str(refusal.value).startswith('acquiring machine to host unit "app/0": cannot assign')


def test_endpoints_are_bound_to_spaces_that_exist(world):
    charm = world.charm("app", provides={"web": {"interface": "http"}})
    with pytest.raises(errors.NotFound, match='space "public" not found'):
        world.deploy("app", charm, bindings={"web": "public"})
    with world.store.transaction() as tx:
        spaces.add(tx, world.model, "public", [{"cidr": "127.9.0.0/16"}])
        assert spaces.space_of(tx, world.model, "127.9.3.4") == "public"
        assert spaces.space_of(tx, world.model, "127.8.3.4") == "alpha"
    with pytest.raises(errors.NotValid, match='unknown endpoint "wep"'):
        world.deploy("app", charm, bindings={"wep": "public"})
    application = world.deploy("app", charm, bindings={"web": "public"})
    assert application.bindings == {"": "alpha", "juju-info": "alpha", "web": "public"}


def test_exposing_merges_endpoints_and_unexposing_takes_them_back(world):
    charm = world.charm("app", provides={"web": {"interface": "http"}})
    world.deploy("app", charm)
    with world.store.transaction() as tx:
        applications.expose(tx, world.model, "app")
        applications.expose(tx, world.model, "app", {"web": {"expose-to-cidrs": ["10.0.0.0/8"]}})
        exposed = applications.get(tx, world.model, "app").exposed or {}
        assert exposed[""]["expose-to-cidrs"] == ["0.0.0.0/0", "::/0"]
        assert exposed["web"]["expose-to-cidrs"] == ["10.0.0.0/8"]
        applications.unexpose(tx, world.model, "app", ["web"])
        assert list(applications.get(tx, world.model, "app").exposed or {}) == [""]
        applications.unexpose(tx, world.model, "app")
        assert applications.get(tx, world.model, "app").exposed is None


def test_a_refresh_raises_the_charm_version_and_keeps_fitting_config(world):
    world.deploy("app", world.charm("app", config=OPTIONS), 1, config={"level": 5, "name": "x"})
    newer = world.charm(
        "app",
        config={"level": {"type": "string"}, "name": {"type": "string"}},
        peers={"cluster": {"interface": "app-peer"}},
    )
    assert newer.url == "local:app-1"
    with world.store.transaction() as tx:
        refreshed = refresh.refresh(tx, world.model, "app", newer)
    assert refreshed.charm_version == 1
    assert refreshed.config == {"name": "x"}
    assert world.names("relations", "key") == ["app:cluster"]
    heard = world.changes(lambda tx: refresh.refresh(tx, world.model, "app", newer))
    assert Change("unit", world.model, "app/0") in heard
    with world.store.transaction() as tx:
        assert applications.get(tx, world.model, "app").charm_version == 1


def test_a_refresh_that_would_break_a_relation_is_refused(world):
    world.deploy("web", world.charm("web", provides={"site": {"interface": "http"}}))
    world.deploy("lb", world.charm("lb", requires={"back": {"interface": "http"}}))
    world.relate("web", "lb")
    without = world.charm("web", provides={"page": {"interface": "http"}})
    with world.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        refresh.refresh(tx, world.model, "web", without)
    assert str(refusal.value) == (
        'cannot upgrade application "web" to charm "local:web-1":'
        ' would break relation "lb:back web:site"'
    )


def test_a_refresh_to_a_charm_for_another_base_needs_force(world):
    world.deploy("app", world.charm("app"))
    jammy = world.charm("app", tracks=("22.04",))
    with world.store.transaction() as tx, pytest.raises(errors.JujuError, match=r"ubuntu@24\.04"):
        refresh.refresh(tx, world.model, "app", jammy)
    with world.store.transaction() as tx:
        refreshed = refresh.refresh(tx, world.model, "app", jammy, force_base=True)
    assert refreshed.charm_url == jammy.url


def test_a_refresh_cannot_turn_a_principal_into_a_subordinate(world):
    world.deploy("app", world.charm("app"))
    other = world.charm("app", subordinate=True)
    with world.store.transaction() as tx, pytest.raises(errors.JujuError, match="subordinacy"):
        refresh.refresh(tx, world.model, "app", other)


def test_a_charm_that_nothing_uses_any_more_is_forgotten(world):
    world.deploy("app", world.charm("app"))
    newer = world.charm("app")
    with world.store.transaction() as tx:
        refresh.refresh(tx, world.model, "app", newer)
        assert relations.all_relations(tx, world.model) == []
    assert world.names("charms", "url") == ["local:app-1"]


def test_storage_follows_the_charm_s_bounds_and_belongs_to_the_unit(world):
    charm = world.charm(
        "osd",
        storage={
            "disks": {"type": "block", "multiple": {"range": "0-4"}, "minimum-size": "1G"},
            "data": {"type": "filesystem", "location": "/srv"},
        },
    )
    world.deploy("osd", charm, 1, storage={"disks": {"count": 2, "size": 2048}})
    assert world.names("storage", "id") == ["data/0", "disks/1", "disks/2"]
    with pytest.raises(errors.NotValid) as refusal:
        world.deploy("many", charm, 1, storage={"disks": {"count": 5}})
    assert str(refusal.value) == (
        'cannot add application "many": charm "osd" store "disks": at most 4 instances supported,'
        " 5 specified"
    )
