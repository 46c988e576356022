"""Relations between models: offered in one, consumed in another, the same at both ends."""

from __future__ import annotations

import dataclasses

import pytest

from sandbox.juju import errors
from sandbox.juju.state import (
    consuming,
    model_removal,
    models,
    offers,
    relations,
    remote_applications,
    remote_removal,
    removal,
    scopes,
    statuses,
    units,
)
from sandbox.juju.state.offers import Offering


@dataclasses.dataclass
class Pair:
    """A model that offers a database, and one whose web application consumes it."""

    there: object
    here: object
    offer: offers.Offer


@pytest.fixture
def pair(world):
    here = dataclasses.replace(world)
    with world.store.transaction() as tx:
        here.model = models.add_model(tx, "shop", "bob", "localhost").uuid
    sql = {"sql": {"interface": "mysql"}, "admin": {"interface": "mysql-admin"}}
    world.deploy("db", world.charm("db", provides=sql), 2)
    here.deploy("web", here.charm("web", requires={"store": {"interface": "mysql"}}), 1)
    with world.store.transaction() as tx:
        offering = Offering("database", "db", {"sql": "sql"}, "admin")
        offer = offers.put(tx, world.model, offering)
    return Pair(world, here, offer)


@pytest.fixture
def related(pair):
    """The pair related, with the agents of all units in scope."""
    with pair.here.store.transaction() as tx:
        consuming.consume(tx, pair.here.model, pair.offer, "admin/test.database", "mydb")
        relation = relations.add(tx, pair.here.model, "web", "mydb")
        consuming.connect(tx, relation, "bob")
    for unit in ("db/0", "db/1"):
        pair.there.start(unit)
    pair.here.start("web/0")
    return pair


def ends(pair):
    """The one relation, as each model has it."""
    with pair.here.store.transaction() as tx:
        (here,) = relations.all_relations(tx, pair.here.model)
        (there,) = relations.all_relations(tx, pair.there.model)
    return here, there


def leave(tx, world, relation, unit):
    """The unit's agent has run its last hook of the relation."""
    found = relations.get(tx, world.model, relation.id)
    scopes.leave(tx, found, units.get(tx, world.model, unit))


def test_each_model_sees_the_other_s_units_under_the_name_that_it_knows(related):
    here, there = ends(related)
    assert here.key == "web:store mydb:sql"
    standin = there.remote("db").application
    assert standin.startswith("remote-")
    with related.here.store.transaction() as tx:
        web = units.get(tx, related.here.model, "web/0")
        db = units.get(tx, related.there.model, "db/0")
        assert scopes.remote_units(tx, here, web) == ["mydb/0", "mydb/1"]
        assert scopes.remote_units(tx, there, db) == [f"{standin}/0"]


def test_databags_are_the_same_at_both_ends(related):
    here, there = ends(related)
    with related.here.store.transaction() as tx:
        db = units.get(tx, related.there.model, "db/1")
        scopes.set_unit_settings(tx, there, db, {"password": "hunter2"})
        scopes.set_application_settings(tx, there, "db", {"endpoints": "127.0.0.9:3306"})
        scopes.set_application_settings(tx, here, "web", {"database": "shop"})
    with related.here.store.transaction() as tx:
        standin = there.remote("db").application
        assert scopes.unit_settings(tx, here, "mydb/1").values["password"] == "hunter2"
        assert scopes.application_settings(tx, here, "mydb").values == {
            "endpoints": "127.0.0.9:3306"
        }
        assert scopes.application_settings(tx, there, standin).values == {"database": "shop"}


def test_a_unit_that_goes_is_gone_in_the_other_model(related):
    here, _ = ends(related)
    with related.here.store.transaction() as tx:
        removal.destroy_unit(tx, related.there.model, "db/1")
        web = units.get(tx, related.here.model, "web/0")
        assert scopes.remote_units(tx, here, web) == ["mydb/0"]


def test_a_relation_that_ends_in_one_model_ends_in_both(related):
    here, there = ends(related)
    with related.here.store.transaction() as tx:
        removal.destroy_relation(tx, related.here.model, here.id)
        assert relations.get(tx, related.there.model, there.id).life == "dying"
        for model, name in (("here", "web/0"), ("there", "db/0"), ("there", "db/1")):
            leave(tx, getattr(related, model), here if model == "here" else there, name)
    assert related.here.names("relations", "key") == []
    assert related.there.names("relations", "key") == []
    assert related.there.names("remote_applications") == []
    assert related.here.names("remote_applications") == ["mydb"]


def test_suspending_the_relation_suspends_both_ends(related):
    _, there = ends(related)
    with related.here.store.transaction() as tx:
        consuming.set_suspended(tx, related.there.model, there.id, True, "too expensive")
    assert [end.suspended for end in ends(related)] == [True, True]
    assert {end.suspended_reason for end in ends(related)} == {"too expensive"}


def test_only_those_who_offer_suspend_a_relation(related):
    here, _ = ends(related)
    with related.here.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        consuming.set_suspended(tx, related.here.model, here.id, True, "")
    assert "which is not associated with an offer" in str(refusal.value)


def offer_of(related, tx):
    found = offers.by_uuid(tx, related.offer.uuid)
    assert found
    return found


def test_whoever_may_no_longer_consume_has_their_relations_suspended_until_they_may(related):
    _, there = ends(related)
    with related.here.store.transaction() as tx:
        offers.set_access(tx, offer_of(related, tx), "bob", "admin")
        consuming.revoke(tx, offer_of(related, tx), "bob", "admin")
        assert offer_of(related, tx).access["bob"] == "consume"
    assert [end.suspended for end in ends(related)] == [False, False]
    with related.here.store.transaction() as tx:
        consuming.revoke(tx, offer_of(related, tx), "bob", "consume")
        assert offer_of(related, tx).access["bob"] == "read"
    assert [end.suspended for end in ends(related)] == [True, True]
    assert [end.suspended_reason for end in ends(related)] == ["offer permission revoked", ""]
    with related.here.store.transaction() as tx, pytest.raises(errors.PermissionDenied):
        consuming.set_suspended(tx, related.there.model, there.id, False, "")
    with related.here.store.transaction() as tx:
        offers.set_access(tx, offer_of(related, tx), "bob", "consume")
        consuming.set_suspended(tx, related.there.model, there.id, False, "")
    assert [end.suspended for end in ends(related)] == [False, False]


def test_relations_of_an_administrator_outlive_a_revoked_offer(related):
    with related.here.store.transaction() as tx:
        models.set_access(tx, related.there.model, "bob", "admin")
        offers.set_access(tx, offer_of(related, tx), "bob", "consume")
        consuming.revoke(tx, offer_of(related, tx), "bob", "read")
        assert "bob" not in offer_of(related, tx).access
    assert [end.suspended for end in ends(related)] == [False, False]


def test_a_saas_shows_the_status_of_what_is_offered(related):
    with related.here.store.transaction() as tx:
        for unit in ("db/0", "db/1"):
            statuses.set_status(tx, related.there.model, "workload", unit, "active", "ready")
        saas = remote_applications.get(tx, related.here.model, "mydb")
        assert remote_applications.status(tx, saas).message == "ready"


def test_an_offer_with_relations_goes_only_by_force_and_leaves_a_terminated_saas(related):
    with related.here.store.transaction() as tx:
        with pytest.raises(errors.JujuError) as refusal:
            remote_removal.destroy_offer(tx, related.offer)
        assert str(refusal.value) == (
            'cannot delete application offer "database": offer has 1 relation'
        )
        remote_removal.destroy_offer(tx, related.offer, force=True)
        saas = remote_applications.get(tx, related.here.model, "mydb")
        assert remote_applications.status(tx, saas).status == "terminated"
    assert [end.life for end in ends(related)] == ["dying", "dying"]


def test_an_application_with_consumers_is_not_destroyed(related):
    with related.here.store.transaction() as tx:
        with pytest.raises(errors.JujuError) as refusal:
            removal.destroy_application(tx, related.there.model, "db")
        assert str(refusal.value) == (
            'cannot destroy application "db": application is used by 1 offer'
        )
        removal.destroy_application(tx, related.there.model, "db", force=True, maximum_wait=0)


def test_a_model_is_destroyed_with_its_offers_and_their_consumers_see_the_end(related):
    here, _ = ends(related)
    with related.here.store.transaction() as tx:
        model_removal.destroy_model(tx, related.there.model)
        assert relations.get(tx, related.here.model, here.id).life == "dying"
        assert offers.all_offers(tx, related.there.model) == []


def test_a_removed_saas_takes_its_relations_along(related):
    here, there = ends(related)
    with related.here.store.transaction() as tx:
        remote_removal.destroy_saas(tx, related.here.model, "mydb")
        assert remote_applications.get(tx, related.here.model, "mydb").life == "dying"
        leave(tx, related.here, here, "web/0")
        for unit in ("db/0", "db/1"):
            leave(tx, related.there, there, unit)
    assert related.here.names("remote_applications") == []


def test_by_force_one_model_lets_go_without_waiting_for_the_other(related):
    here, there = ends(related)
    with related.here.store.transaction() as tx:
        removal.destroy_relation(tx, related.here.model, here.id, force=True, maximum_wait=0)
        removal.run_cleanups(tx, 4e9)
    assert related.here.names("relations", "key") == []
    with related.here.store.transaction() as tx:
        assert relations.get(tx, related.there.model, there.id).life == "dying"
        for unit in ("db/0", "db/1"):
            leave(tx, related.there, there, unit)
    assert related.there.names("relations", "key") == []


@pytest.mark.parametrize(
    ("offering", "message"),
    [
        (Offering("Bad Name", "db", {"sql": "sql"}, "admin"), 'offer name "Bad Name" not valid'),
        (Offering("other", "nothing", {"sql": "sql"}, "admin"), 'application "nothing" not found'),
        (
            Offering("other", "db", {"x": "x"}, "admin"),
            'getting relation endpoint for relation "x" and application "db":'
            ' application "db" has no "x" relation',
        ),
    ],
)
def test_what_cannot_be_offered_is_refused_in_juju_s_words(pair, offering, message):
    with pair.there.store.transaction() as tx:
        with pytest.raises(errors.JujuError) as refusal:
            offers.put(tx, pair.there.model, offering)
        assert str(refusal.value) == f'cannot add application offer "{offering.name}": {message}'


def test_an_endpoint_with_consumers_is_not_taken_back(related):
    with related.there.store.transaction() as tx:
        offering = Offering("database", "db", {"admin": "admin"}, "admin")
        with pytest.raises(errors.JujuError) as refusal:
            offers.put(tx, related.there.model, offering)
        assert str(refusal.value) == (
            'cannot update application offer "database":'
            ' application endpoint "sql" has active consumers'
        )


def test_a_name_that_is_taken_is_refused(pair):
    with pair.here.store.transaction() as tx:
        with pytest.raises(errors.AlreadyExists) as refusal:
            consuming.consume(tx, pair.here.model, pair.offer, "admin/test.database", "web")
        assert str(refusal.value) == (
            'cannot add saas application "web": local application with same name already exists'
        )
