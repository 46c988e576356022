"""Relating applications, and what units see of each other."""

from __future__ import annotations

import pytest

from sandbox.juju import errors
from sandbox.juju.state import applications, relations, removal, scopes, units
from sandbox.juju.state.store import Change

AGENT = {
    "subordinate": True,
    "requires": {"host": {"interface": "juju-info", "scope": "container"}},
}


@pytest.fixture
def pair(world):
    """A web application that needs a database."""
    world.deploy("db", world.charm("db", provides={"sql": {"interface": "mysql"}}), 2)
    world.deploy("web", world.charm("web", requires={"store": {"interface": "mysql"}}), 2)
    return world


def test_two_application_names_are_enough_when_only_one_relation_is_possible(pair):
    relation = pair.relate("db", "web")
    assert relation.key == "web:store db:sql"
    assert [side.role for side in relation.endpoints] == ["requirer", "provider"]
    assert (relation.id, relation.scope) == (0, "global")


def test_an_ambiguous_relation_names_every_possibility(world):
    two = {"one": {"interface": "mysql"}, "two": {"interface": "mysql"}}
    world.deploy("db", world.charm("db", provides=two))
    world.deploy("web", world.charm("web", requires={"store": {"interface": "mysql"}}))
    with pytest.raises(errors.JujuError) as refusal:
        world.relate("web", "db")
    assert str(refusal.value) == (
        'ambiguous relation: "web db" could refer to "web:store db:one"; "web:store db:two"'
    )
    assert world.relate("web", "db:two").key == "web:store db:two"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("web:store", "web:store"), "no relations found"),
        (("db", "db"), "no relations found"),
        (("db", "nothing"), 'application "nothing" not found'),
        (("db:oracle", "web"), 'application "db" has no "oracle" relation'),
        (("db:", "web"), 'invalid endpoint "db:"'),
        (("db", "web", "db"), "cannot relate 3 endpoints"),
    ],
)
def test_what_cannot_be_related_is_refused_in_juju_s_words(pair, names, message):
    with pytest.raises(errors.JujuError) as refusal:
        pair.relate(*names)
    assert str(refusal.value) == message


def test_the_same_relation_twice_is_refused(pair):
    pair.relate("db", "web")
    with pytest.raises(errors.AlreadyExists) as refusal:
        pair.relate("web:store", "db:sql")
    assert str(refusal.value) == (
        'cannot add relation "web:store db:sql": relation web:store db:sql already exists'
    )


def test_a_limit_of_relations_is_kept(world):
    world.deploy("web", world.charm("web", requires={"store": {"interface": "mysql", "limit": 1}}))
    for name in ("db", "other"):
        world.deploy(name, world.charm("db", provides={"sql": {"interface": "mysql"}}))
    world.relate("web", "db")
    with pytest.raises(errors.QuotaLimitExceeded, match="maximum relation limit of 1"):
        world.relate("web", "other")


def test_any_principal_is_related_to_a_subordinate_by_the_implicit_juju_info(world):
    world.deploy("app", world.charm("app"), 1)
    world.deploy("agent", world.charm("agent", **AGENT))
    relation = world.relate("app", "agent")
    assert (relation.key, relation.scope) == ("agent:host app:juju-info", "container")


def test_a_container_scoped_relation_needs_a_subordinate(world):
    scoped = {"host": {"interface": "juju-info", "scope": "container"}}
    world.deploy("app", world.charm("app"))
    world.deploy("peer", world.charm("peer", requires=scoped))
    with pytest.raises(errors.JujuError, match="no relations found"):
        world.relate("app", "peer")


def test_a_subordinate_must_run_on_its_principal_s_base(world):
    world.deploy("app", world.charm("app"))
    world.deploy("agent", world.charm("agent", tracks=("22.04",), **AGENT), base="ubuntu@22.04")
    with pytest.raises(errors.JujuError) as refusal:
        world.relate("app", "agent")
    assert str(refusal.value).endswith(
        "subordinate must support principal application's base; subordinate only supports:"
        " [ubuntu@22.04]"
    )


def test_an_existing_relation_is_found_by_its_names_in_either_order(pair):
    pair.relate("db", "web")
    with pair.store.transaction() as tx:
        assert relations.infer_active(tx, pair.model, "db", "web").id == 0
        assert relations.infer_active(tx, pair.model, "web:store", "db").id == 0
        with pytest.raises(errors.NotFound, match='relation matching "db:x web" not found'):
            relations.infer_active(tx, pair.model, "db:x", "web")


def test_the_subordinate_unit_appears_when_its_principal_enters_scope(world):
    world.deploy("app", world.charm("app"), 2)
    world.deploy("agent", world.charm("agent", **AGENT))
    world.relate("app", "agent")
    assert "agent/0" not in world.names("units")
    world.provision("0")
    world.start("app/0")
    with world.store.transaction() as tx:
        subordinate = units.get(tx, world.model, "agent/0")
    assert (subordinate.principal, subordinate.machine) == ("app/0", "0")
    world.start("app/0")
    assert world.names("units") == ["agent/0", "app/0", "app/1"]


def test_in_a_container_scoped_relation_a_unit_sees_only_the_one_beside_it(world):
    world.deploy("app", world.charm("app"), 2)
    world.deploy("agent", world.charm("agent", **AGENT))
    relation = world.relate("app", "agent")
    for unit in ("app/0", "app/1", "agent/0", "agent/1"):
        world.start(unit)
    with world.store.transaction() as tx:
        seen = {
            name: scopes.remote_units(tx, relation, units.get(tx, world.model, name))
            for name in ("app/0", "app/1", "agent/1")
        }
    assert seen == {"app/0": ["agent/0"], "app/1": ["agent/1"], "agent/1": ["app/1"]}


def test_a_peer_sees_the_others_and_not_itself(world):
    world.deploy("db", world.charm("db", peers={"cluster": {"interface": "p"}}), 3)
    for unit in ("db/0", "db/1", "db/2"):
        world.start(unit)
    with world.store.transaction() as tx:
        cluster = relations.by_key(tx, world.model, "db:cluster")
        unit = units.get(tx, world.model, "db/1")
        assert scopes.remote_units(tx, cluster, unit) == ["db/0", "db/2"]


def test_a_unit_enters_with_its_addresses_and_the_other_side_hears_what_it_writes(pair):
    relation = pair.relate("db", "web")
    pair.provision("0")
    for unit in ("db/0", "web/0"):
        pair.start(unit)
    with pair.store.transaction() as tx:
        settings = scopes.unit_settings(tx, relation, "db/0")
        unit = units.get(tx, pair.model, "db/0")
    assert settings.values["ingress-address"] == "127.0.0.9"
    assert settings.version == 1

    def write(tx):
        assert scopes.set_unit_settings(tx, relation, unit, {"host": "h", "private-address": ""})
        assert not scopes.set_unit_settings(tx, relation, unit, {"host": "h"})

    heard = pair.changes(write)
    assert Change("unit", pair.model, "web/0") in heard
    assert Change("unit", pair.model, "db/1") not in heard
    with pair.store.transaction() as tx:
        settings = scopes.unit_settings(tx, relation, "db/0")
    assert settings.version == 2
    assert "private-address" not in settings.values
    assert settings.values["host"] == "h"


def test_a_write_to_the_application_s_databag_is_heard_by_the_other_side(pair):
    relation = pair.relate("db", "web")
    heard = pair.changes(
        lambda tx: scopes.set_application_settings(tx, relation, "db", {"ready": "yes"})
    )
    assert Change("unit", pair.model, "web/1") in heard
    with pair.store.transaction() as tx:
        assert scopes.application_settings(tx, relation, "db").values == {"ready": "yes"}
        with pytest.raises(errors.NotFound):
            scopes.application_settings(tx, relation, "other")


def test_a_databag_over_16_mebibytes_is_refused_and_nothing_is_written(pair):
    relation = pair.relate("db", "web")
    pair.start("db/0")
    with pair.store.transaction() as tx:
        unit = units.get(tx, pair.model, "db/0")
        exact = "x" * (scopes.MAXIMUM_SIZE - 1)
        assert scopes.set_unit_settings(tx, relation, unit, {"k": exact})
        with pytest.raises(errors.QuotaLimitExceeded, match="16777216"):
            scopes.set_unit_settings(tx, relation, unit, {"l": ""} | {"k": exact + "xx"})
        assert scopes.unit_settings(tx, relation, "db/0").values["k"] == exact


def test_nobody_enters_a_relation_that_is_going(pair):
    relation = pair.relate("db", "web")
    pair.start("db/0")
    with pair.store.transaction() as tx:
        removal.destroy_relation(tx, pair.model, relation.id)
        dying = relations.get(tx, pair.model, relation.id)
        with pytest.raises(scopes.CannotEnterScope, match="relation is no longer alive"):
            scopes.enter(tx, dying, units.get(tx, pair.model, "web/0"))


def test_a_departed_unit_s_databag_stays_readable_until_the_relation_goes(pair):
    relation = pair.relate("db", "web")
    pair.start("db/0")
    with pair.store.transaction() as tx:
        unit = units.get(tx, pair.model, "db/0")
        scopes.set_unit_settings(tx, relation, unit, {"host": "h"})
        scopes.leave(tx, relation, unit)
        assert scopes.unit_settings(tx, relation, "db/0").values["host"] == "h"
        assert not scopes.in_scope(tx, relation, "db/0")


def test_a_relation_can_be_suspended_and_resumed(pair):
    relation = pair.relate("db", "web")
    with pair.store.transaction() as tx:
        relations.set_suspended(tx, pair.model, relation.id, True, "audit")
        suspended = relations.get(tx, pair.model, relation.id)
        assert (suspended.suspended, suspended.suspended_reason) == (True, "audit")
        relations.set_suspended(tx, pair.model, relation.id, False)
        assert not relations.get(tx, pair.model, relation.id).suspended
        assert applications.get(tx, pair.model, "db").life == "alive"
