"""What ends, in which order, and that nothing of it is left over."""

from __future__ import annotations

import pytest

from sandbox.juju import errors
from sandbox.juju.placement import Placement
from sandbox.juju.state import (
    machines,
    model_removal,
    models,
    relations,
    removal,
    scopes,
    statuses,
    units,
)

AGENT = {
    "subordinate": True,
    "requires": {"host": {"interface": "juju-info", "scope": "container"}},
}


def life(world, unit: str) -> str:
    with world.store.transaction() as tx:
        return units.get(tx, world.model, unit).life


def finish(world, name: str) -> None:
    """The agent of a dying unit runs its last hooks."""
    with world.store.transaction() as tx:
        unit = units.get(tx, world.model, name)
        for relation in scopes.entered(tx, unit):
            scopes.leave(tx, relation, unit)
        removal.unit_is_dead(tx, unit)
        removal.remove_unit(tx, unit)


@pytest.fixture
def started(world):
    """One app unit with its agent subordinate, related to a database."""
    world.deploy("db", world.charm("db", provides={"sql": {"interface": "mysql"}}), 1)
    world.deploy("app", world.charm("app", requires={"store": {"interface": "mysql"}}), 1)
    world.deploy("agent", world.charm("agent", **AGENT))
    world.relate("app", "db")
    world.relate("app", "agent")
    for machine in ("0", "1"):
        world.provision(machine)
    for unit in ("db/0", "app/0", "agent/0"):
        world.start(unit)
    return world


def test_a_unit_that_never_started_goes_at_once_and_its_machine_dies_with_it(world):
    world.deploy("app", world.charm("app"), 2)
    with world.store.transaction() as tx:
        removal.destroy_unit(tx, world.model, "app/0")
        assert machines.get(tx, world.model, "0").life == "dead"
        assert machines.get(tx, world.model, "1").life == "alive"
    assert world.names("units") == ["app/1"]


def test_a_running_unit_waits_for_its_subordinate_and_is_seen_gone_at_once(started):
    with started.store.transaction() as tx:
        removal.destroy_unit(tx, started.model, "app/0")
        relation = relations.by_key(tx, started.model, "app:store db:sql")
        assert scopes.remote_units(tx, relation, units.get(tx, started.model, "db/0")) == []
        assert scopes.in_scope(tx, relation, "app/0")
    assert (life(started, "app/0"), life(started, "agent/0")) == ("dying", "dying")
    with started.store.transaction() as tx, pytest.raises(errors.JujuError, match="subordinates"):
        removal.unit_is_dead(tx, units.get(tx, started.model, "app/0"))
    finish(started, "agent/0")
    finish(started, "app/0")
    with started.store.transaction() as tx:
        assert machines.get(tx, started.model, "1").life == "dead"
    assert started.names("applications") == ["agent", "app", "db"]


def test_a_subordinate_unit_is_not_removed_by_itself(started):
    with started.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        removal.destroy_unit(tx, started.model, "agent/0")
    assert str(refusal.value) == (
        'unit "agent/0" is a subordinate, to remove use remove-relation. Note: this will remove'
        ' all units of "agent"'
    )
    with started.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        removal.destroy_unit(tx, started.model, "app/7")
    assert str(refusal.value) == 'unit "app/7" does not exist'


def test_a_relation_with_units_in_scope_dies_and_goes_with_the_last_of_them(started):
    with started.store.transaction() as tx:
        relation = relations.by_key(tx, started.model, "app:store db:sql")
        removal.destroy_relation(tx, started.model, relation.id)
        dying = relations.get(tx, started.model, relation.id)
        assert dying.life == "dying"
        scopes.leave(tx, dying, units.get(tx, started.model, "db/0"))
        scopes.leave(tx, dying, units.get(tx, started.model, "app/0"))
        with pytest.raises(errors.NotFound):
            relations.get(tx, started.model, relation.id)


def test_a_relation_without_units_in_scope_goes_at_once(world):
    world.deploy("db", world.charm("db", provides={"sql": {"interface": "mysql"}}))
    world.deploy("app", world.charm("app", requires={"store": {"interface": "mysql"}}))
    relation = world.relate("app", "db")
    with world.store.transaction() as tx:
        removal.destroy_relation(tx, world.model, relation.id)
    assert world.names("relations", "id") == []


def test_a_peer_relation_cannot_be_destroyed(world):
    world.deploy("db", world.charm("db", peers={"cluster": {"interface": "p"}}))
    with world.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        removal.destroy_relation(tx, world.model, 0)
    assert str(refusal.value) == 'cannot destroy relation "db:cluster": is a peer relation'


def test_removing_the_relation_to_its_principal_ends_the_subordinate_unit(started):
    with started.store.transaction() as tx:
        relation = relations.by_key(tx, started.model, "agent:host app:juju-info")
        removal.destroy_relation(tx, started.model, relation.id)
    assert (life(started, "app/0"), life(started, "agent/0")) == ("alive", "dying")
    finish(started, "agent/0")
    with started.store.transaction() as tx:
        app = units.get(tx, started.model, "app/0")
        (dying,) = [r for r in scopes.entered(tx, app) if r.scope == "container"]
        scopes.leave(tx, dying, app)
    assert started.names("relations", "key") == ["app:store db:sql"]
    assert started.names("applications") == ["agent", "app", "db"]


def test_an_application_goes_with_its_last_unit_and_relation(started):
    with started.store.transaction() as tx:
        removal.destroy_application(tx, started.model, "app")
        removal.destroy_application(tx, started.model, "app")
    finish(started, "agent/0")
    finish(started, "app/0")
    assert started.names("applications") == ["agent", "app", "db"]
    with started.store.transaction() as tx:
        relation = relations.by_key(tx, started.model, "app:store db:sql")
        scopes.leave(tx, relation, units.get(tx, started.model, "db/0"))
    assert started.names("applications") == ["agent", "db"]
    assert started.names("statuses", "entity").count("app") == 0


def test_a_machine_with_a_living_unit_is_not_destroyed_but_by_force(started):
    with started.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        removal.destroy_machine(tx, started.model, "1")
    assert str(refusal.value) == 'machine 1 has unit "app/0" assigned'
    assert refusal.value.code == "machine has assigned units"
    with started.store.transaction() as tx:
        removal.destroy_machine(tx, started.model, "1", force=True)
        assert machines.get(tx, started.model, "1").life == "dead"
    assert started.names("units") == ["db/0"]


def test_a_machine_that_hosts_containers_is_not_destroyed_but_by_force(world):
    world.deploy("app", world.charm("app"), 1, placement=[Placement("lxd")])
    with world.store.transaction() as tx, pytest.raises(errors.JujuError) as refusal:
        removal.destroy_machine(tx, world.model, "0")
    assert str(refusal.value) == 'machine 0 is hosting containers "0/lxd/0"'
    with world.store.transaction() as tx:
        removal.destroy_machine(tx, world.model, "0", force=True)
        removal.remove_machine(tx, world.model, "0/lxd/0")
        assert machines.get(tx, world.model, "0").life == "dead"


def test_a_host_stays_when_the_last_container_on_it_goes(world):
    world.deploy("app", world.charm("app"), 1, placement=[Placement("lxd")])
    with world.store.transaction() as tx:
        removal.destroy_unit(tx, world.model, "app/0")
        removal.remove_machine(tx, world.model, "0/lxd/0")
        assert machines.get(tx, world.model, "0").life == "alive"


def test_force_waits_a_minute_for_the_agents_and_then_removes_by_itself(started):
    with started.store.transaction() as tx:
        removal.destroy_unit(tx, started.model, "app/0", force=True)
        due = tx.value("SELECT max(due) FROM cleanups")
        removal.run_cleanups(tx, due - 1)
    assert life(started, "app/0") == "dying"
    with started.store.transaction() as tx:
        removal.run_cleanups(tx, due)
    assert started.names("units") == ["db/0"]
    assert started.names("cleanups", "entity") == []


def test_force_without_wait_needs_no_agent_at_all(started):
    with started.store.transaction() as tx:
        removal.destroy_application(tx, started.model, "app", force=True, maximum_wait=0)
        removal.run_cleanups(tx, tx.value("SELECT max(due) FROM cleanups"))
    assert started.names("applications") == ["agent", "db"]


def test_a_dead_unit_s_pending_actions_are_cancelled(started):
    with started.store.transaction() as tx:
        tx.insert(
            "tasks",
            model=started.model,
            id=2,
            operation=1,
            receiver="app/0",
            name="pause",
            parameters_json={},
            status="pending",
            enqueued="",
        )
        removal.destroy_machine(tx, started.model, "1", force=True)
        row = tx.one("SELECT status, message FROM tasks")
    assert tuple(row) == ("cancelled", "unit removed")


def test_an_empty_model_goes_at_once(world):
    with world.store.transaction() as tx:
        model_removal.destroy_model(tx, world.model)
        with pytest.raises(errors.NotFound):
            models.get(tx, world.model)


def test_a_model_goes_when_everything_in_it_has_gone(started):
    with started.store.transaction() as tx:
        model_removal.destroy_model(tx, started.model)
        assert models.get(tx, started.model).life == "dying"
        assert statuses.get_status(tx, started.model, "model", "").status == "destroying"
        with pytest.raises(errors.JujuError, match="no longer alive"):
            machines.add_machine(tx, started.model, base="ubuntu@24.04/stable")
    for unit in ("agent/0", "app/0", "db/0"):
        finish(started, unit)
    with started.store.transaction() as tx:
        for machine in ("0", "1"):
            assert machines.get(tx, started.model, machine).life == "dead"
            removal.remove_machine(tx, started.model, machine)
        with pytest.raises(errors.NotFound):
            models.get(tx, started.model)
    tables = ("units", "relations", "relation_units", "statuses", "status_history", "charms")
    assert [started.names(table, "model") for table in tables] == [[]] * len(tables)
