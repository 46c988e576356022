"""Storage that leaves its unit, goes to another, and comes beside what is there."""

from __future__ import annotations

import pytest

from sandbox.juju import errors
from sandbox.juju.state import removal, storage, storage_attachments, units

DATA = {"data": {"type": "filesystem", "multiple": {"range": "1-2"}}}


@pytest.fixture
def db(world):
    """An application of two units, each with one piece of storage that outlives machines."""
    charm = world.charm("db", storage=DATA)
    world.deploy("db", charm, 2, storage={"data": {"pool": "lxd", "size": 1024, "count": 1}})
    with world.store.transaction() as tx:
        for identity in ("data/0", "data/1"):
            storage.provision(tx, world.model, identity, f"/srv/{identity}")
    return world


def stored(db, identity):
    with db.store.transaction() as tx:
        return storage.get(tx, db.model, identity)


def test_added_storage_is_pending_until_the_machine_has_it(db):
    with db.store.transaction() as tx:
        added = storage_attachments.add(tx, db.model, "db/0", "data", {"size": 2048})
    (instance,) = added
    assert (instance.id, instance.owner, instance.pool, instance.size, instance.status) == (
        "data/2",
        "db/0",
        "lxd",
        2048,
        "pending",
    )


def test_detached_storage_is_free_once_its_unit_has_let_it_go(db):
    with db.store.transaction() as tx:
        storage_attachments.add(tx, db.model, "db/0", "data", {})
        storage_attachments.detach(tx, db.model, "data/0")
    assert (stored(db, "data/0").owner, stored(db, "data/0").life) == ("db/0", "dying")
    with db.store.transaction() as tx:
        storage_attachments.detached(tx, db.model, "data/0")
    free = stored(db, "data/0")
    assert (free.owner, free.life, free.status) == ("", "alive", "detached")


def test_free_storage_goes_to_another_unit(db):
    with db.store.transaction() as tx:
        storage_attachments.add(tx, db.model, "db/0", "data", {})
        storage_attachments.detach(tx, db.model, "data/0")
        storage_attachments.detached(tx, db.model, "data/0")
        storage_attachments.attach(tx, db.model, "data/0", "db/1")
        storage_attachments.attach(tx, db.model, "data/0", "db/1")  # it has it already
        assert [s.id for s in storage.of_unit(tx, db.model, "db/1")] == ["data/0", "data/1"]


def test_storage_that_never_came_goes_at_once(db):
    with db.store.transaction() as tx:
        storage_attachments.add(tx, db.model, "db/0", "data", {})
        storage_attachments.remove(tx, db.model, "data/2", attached_too=True)
        assert [s.id for s in storage.of_unit(tx, db.model, "db/0")] == ["data/0"]


def test_removed_storage_is_gone_once_its_unit_has_let_it_go(db):
    with db.store.transaction() as tx:
        storage_attachments.add(tx, db.model, "db/0", "data", {})
        storage_attachments.remove(tx, db.model, "data/0", attached_too=True)
        storage_attachments.detached(tx, db.model, "data/0")
        with pytest.raises(errors.NotFound):
            storage.get(tx, db.model, "data/0")


def test_a_new_unit_takes_existing_storage_in_place_of_its_own(db):
    with db.store.transaction() as tx:
        db.start("db/0")
        storage_attachments.add(tx, db.model, "db/0", "data", {})
        storage_attachments.detach(tx, db.model, "data/0")
        storage_attachments.detached(tx, db.model, "data/0")
        (unit,) = units.add_units(tx, db.model, "db", existing_storage=["data/0"])
        storage_attachments.attach(tx, db.model, "data/0", unit.name)
        assert [s.id for s in storage.of_unit(tx, db.model, unit.name)] == ["data/0"]


def test_storage_outlives_its_unit_unless_it_is_to_be_destroyed(db):
    with db.store.transaction() as tx:
        removal.remove_unit(tx, units.get(tx, db.model, "db/0"))
        removal.destroy_unit(tx, db.model, "db/1", destroy_storage=True)
        removal.remove_unit(tx, units.get(tx, db.model, "db/1"))
        assert [(s.id, s.status) for s in storage.all_storage(tx, db.model)] == [
            ("data/0", "detached")
        ]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda tx, model: storage_attachments.detach(tx, model, "data/0"),
            "cannot destroy storage attachment data/0:db/0: detaching 1 storage instance brings"
            " the total to 0, which is less than the minimum of 1",
        ),
        (
            lambda tx, model: storage_attachments.attach(tx, model, "data/0", "db/1"),
            "cannot attach storage data/0 to unit db/1: cannot attach storage owned by unit db/0"
            " to unit db/1",
        ),
        (
            lambda tx, model: storage_attachments.attach(tx, model, "data/9", "db/1"),
            'cannot attach storage data/9 to unit db/1: storage instance "data/9" not found',
        ),
        (
            lambda tx, model: storage_attachments.remove(tx, model, "data/0", attached_too=True),
            'cannot destroy storage "data/0": detaching 1 storage instance brings the total to 0,'
            " which is less than the minimum of 1",
        ),
        (
            lambda tx, model: storage_attachments.add(tx, model, "db/0", "data", {"count": 2}),
            "attaching 2 storage instances brings the total to 3, exceeding the maximum of 2",
        ),
        (
            lambda tx, model: storage_attachments.add(tx, model, "db/0", "logs", {}),
            'charm storage "logs" not found',
        ),
        (
            lambda tx, model: storage_attachments.remove(tx, model, "data/0"),
            'cannot destroy storage "data/0": storage is attached',
        ),
    ],
)
def test_what_cannot_be_is_refused(db, act, message):
    with db.store.transaction() as tx:
        with pytest.raises(errors.JujuError) as refusal:
            act(tx, db.model)
        assert str(refusal.value) == message
