"""The end of things: destroyed by request, dying while agents finish, dead, and gone.

Juju's rules (state/application.go, unit.go, machine.go, cleanup.go): what never started goes
at once; a dying unit waits for its subordinates and leaves its relations; a dying relation
goes with the last unit in its scope; a dying application with its last unit and relation; a
machine with the last unit that it was for.
"""

from __future__ import annotations

from sandbox.juju import clock, errors
from sandbox.juju.state import (
    applications,
    leases,
    lifecycle,
    machines,
    mirrored_relations,
    offers,
    relations,
    scopes,
    secrets,
    statuses,
    storage,
    units,
)
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Relation, Unit

MAXIMUM_WAIT = 60.0
"""Seconds that a forced removal leaves to the agents; `--no-wait` is 0 (common.MaxWait)."""


def destroy_application(
    tx: Transaction,
    model: str,
    name: str,
    *,
    destroy_storage: bool = False,
    force: bool = False,
    maximum_wait: float = MAXIMUM_WAIT,
) -> None:
    """Destroy an application with its units and relations.

    Raises:
        NotFound: there is no such application.
        JujuError: other models are related to what it offers.
    """
    application = applications.get(tx, model, name)
    if application.life != "alive" and not force:
        return
    _check_offers(tx, model, name, force=force)
    tx.update("applications", {"model": model, "name": name}, life="dying")
    applications.touch_with_units(tx, model, name)
    for relation in relations.of_application(tx, model, name):
        end_relation(tx, relation, force=force, maximum_wait=maximum_wait)
    for unit in units.of_application(tx, model, name):
        _end_unit(
            tx, unit, destroy_storage=destroy_storage, force=force, maximum_wait=maximum_wait
        )
    lifecycle.finish_application(tx, model, name)
    finish_model(tx, model)


def destroy_unit(
    tx: Transaction,
    model: str,
    name: str,
    *,
    destroy_storage: bool = False,
    force: bool = False,
    maximum_wait: float = MAXIMUM_WAIT,
) -> None:
    """Destroy a principal unit.

    Raises:
        JujuError: there is no such unit, or it is a subordinate.
    """
    if tx.one("SELECT 1 FROM units WHERE model = ? AND name = ?", model, name) is None:
        raise errors.JujuError(f'unit "{name}" does not exist')
    unit = units.get(tx, model, name)
    if unit.subordinate:
        raise errors.JujuError(
            f'unit "{name}" is a subordinate, to remove use remove-relation. Note: this will'
            f' remove all units of "{unit.application}"'
        )
    _end_unit(tx, unit, destroy_storage=destroy_storage, force=force, maximum_wait=maximum_wait)


def destroy_relation(
    tx: Transaction,
    model: str,
    relation: int,
    *,
    force: bool = False,
    maximum_wait: float = MAXIMUM_WAIT,
) -> None:
    """Destroy a relation, and the subordinate units that only it keeps.

    Raises:
        NotFound: there is no such relation.
        JujuError: it is a peer relation.
    """
    found = relations.get(tx, model, relation)
    if found.peer:
        raise errors.JujuError(f'cannot destroy relation "{found.key}": is a peer relation')
    end_relation(tx, found, force=force, maximum_wait=maximum_wait)


def destroy_machine(
    tx: Transaction,
    model: str,
    machine: str,
    *,
    force: bool = False,
    keep_instance: bool = False,
    maximum_wait: float = MAXIMUM_WAIT,
) -> None:
    """Destroy a machine; by force with the containers and units on it.

    Raises:
        NotFound: there is no such machine.
        JujuError: it hosts containers or a unit that is to live.
    """
    found = machines.get(tx, model, machine)
    where = {"model": model, "id": machine}
    if keep_instance:
        tx.update("machines", where, keep_instance=1)
    if force:
        force_machine(tx, model, machine, maximum_wait)
        return
    _check_containers(tx, model, machine)
    for unit in _principals(tx, model, machine):
        application = applications.get(tx, model, unit.application)
        if unit.life == application.life == "alive":
            raise errors.JujuError(
                f'machine {machine} has unit "{unit.name}" assigned',
                code="machine has assigned units",
            )
    if found.life == "alive":
        tx.update("machines", where, life="dying")
    tx.touch("machine", model, machine)
    finish_machine(tx, model, machine)


def end_relation(tx: Transaction, relation: Relation, *, force: bool, maximum_wait: float) -> None:
    """Let a relation end, in both models if it is one between models."""
    if relation.life != "alive" and not force:
        return
    tx.update("relations", {"model": relation.model, "id": relation.id}, life="dying")
    relations.touch(tx, relation)
    there = mirrored_relations.other(tx, relation)
    if there is not None:
        end_relation(tx, there, force=False, maximum_wait=maximum_wait)
    dying = relations.get(tx, relation.model, relation.id)
    if lifecycle.finish_relation(tx, dying):
        return
    if relation.scope == "container":
        _end_unrelated_subordinates(tx, dying, force=force, maximum_wait=maximum_wait)
    if force:
        _schedule(tx, relation.model, "relation", str(relation.id), maximum_wait)


def unit_is_dead(tx: Transaction, unit: Unit) -> None:
    """Note that a unit's agent has run its last hook.

    Raises:
        JujuError: it still has subordinates beside it.
    """
    if units.subordinates(tx, unit.model, unit.name):
        raise errors.JujuError("unit has subordinates", code="unit has subordinates")
    tx.update("units", {"model": unit.model, "name": unit.name}, life="dead")
    tx.touch("unit", unit.model, unit.name)


def remove_unit(tx: Transaction, unit: Unit) -> None:
    """Remove a unit that is dead, or that never started, with everything that was its own."""
    model, name = unit.model, unit.name
    for relation in scopes.entered(tx, unit):
        scopes.leave(tx, relation, unit)
    storage.remove_of_unit(tx, model, name, destroy=unit.destroy_storage)
    secrets.remove_owned(tx, model, "unit", name)
    leases.revoke(tx, model, name)
    _cancel_tasks(tx, model, name)
    for kind in ("workload", "agent"):
        statuses.forget(tx, model, kind, name)
    tx.execute(
        "DELETE FROM cleanups WHERE model = ? AND kind = 'unit' AND entity = ?", model, name
    )
    tx.execute("DELETE FROM units WHERE model = ? AND name = ?", model, name)
    tx.touch("unit", model, name)
    tx.touch("application", model, unit.application)
    if unit.principal:
        tx.touch("unit", model, unit.principal)
    elif unit.machine:
        _end_host(tx, model, unit.machine)
    lifecycle.finish_application(tx, model, unit.application)
    lifecycle.forget_unused_charm(tx, model, unit.charm_url)
    finish_model(tx, model)


def finish_machine(tx: Transaction, model: str, machine: str) -> None:
    """Let a dying machine be dead once it has neither units nor containers.

    Its instance is the provisioner's to release; `remove_machine` follows.
    """
    found = machines.get(tx, model, machine)
    held = units.on_machine(tx, model, machine) or machines.containers(tx, model, machine)
    if found.life == "dying" and not held:
        tx.update("machines", {"model": model, "id": machine}, life="dead")
        tx.touch("machine", model, machine)


def remove_machine(tx: Transaction, model: str, machine: str) -> None:
    """Remove a dead machine whose instance is released or kept."""
    parent = machines.get(tx, model, machine).parent
    for kind in ("machine", "instance", "modification"):
        statuses.forget(tx, model, kind, machine)
    machines.free_address_number(tx, model, machine)
    _cancel_tasks(tx, model, machine)
    tx.execute(
        "DELETE FROM cleanups WHERE model = ? AND kind = 'machine' AND entity = ?", model, machine
    )
    tx.execute("DELETE FROM machines WHERE model = ? AND id = ?", model, machine)
    tx.touch("machine", model, machine)
    if parent is not None:
        tx.touch("machine", model, parent)
        finish_machine(tx, model, parent)
    finish_model(tx, model)


def finish_model(tx: Transaction, uuid: str) -> bool:
    """Remove a dying model that has neither applications nor machines; whether it did."""
    held = tx.value(
        "SELECT life = 'alive' OR EXISTS (SELECT 1 FROM applications WHERE model = uuid)"
        " OR EXISTS (SELECT 1 FROM machines WHERE model = uuid) FROM models WHERE uuid = ?",
        uuid,
    )
    if held is None or held:
        return False
    tables = tx.all("SELECT name FROM sqlite_master WHERE type = 'table'")
    for table in (row["name"] for row in tables):
        columns = {row["name"] for row in tx.all(f"PRAGMA table_info({table})")}
        if "model" in columns:
            tx.execute(f"DELETE FROM {table} WHERE model = ?", uuid)
    tx.execute("DELETE FROM models WHERE uuid = ?", uuid)
    tx.touch("model", uuid)
    return True


def run_cleanups(tx: Transaction, now: float) -> None:
    """Finish the forced removals whose time has come; `now` is in seconds since the epoch."""
    due = tx.all("SELECT model, kind, entity FROM cleanups WHERE due <= ? ORDER BY due", now)
    for row in due:
        model, kind, entity = row["model"], row["kind"], row["entity"]
        tx.execute(
            "DELETE FROM cleanups WHERE model = ? AND kind = ? AND entity = ?",
            *(model, kind, entity),
        )
        table, column = {
            "unit": ("units", "name"),
            "machine": ("machines", "id"),
            "relation": ("relations", "id"),
        }[kind]
        if not tx.one(f"SELECT 1 FROM {table} WHERE model = ? AND {column} = ?", model, entity):
            continue
        if kind == "unit":
            _obliterate_unit(tx, units.get(tx, model, entity))
        elif kind == "machine":
            remove_machine(tx, model, entity)
        else:
            _empty_relation(tx, relations.get(tx, model, int(entity)))


def _end_unit(
    tx: Transaction, unit: Unit, *, destroy_storage: bool, force: bool, maximum_wait: float
) -> None:
    if unit.life != "alive" and not force:
        return
    model, name = unit.model, unit.name
    stored = {"destroy_storage": int(destroy_storage or unit.destroy_storage)}
    tx.update("units", {"model": model, "name": name}, **stored, force_destroy=int(force))
    if _never_started(tx, unit):
        remove_unit(tx, units.get(tx, model, name))
        return
    if unit.life == "alive":
        tx.update("units", {"model": model, "name": name}, life="dying")
    tx.touch("unit", model, name)
    tx.touch("application", model, unit.application)
    for relation in scopes.entered(tx, unit):
        scopes.prepare_to_leave(tx, relation, unit)
    for subordinate in units.subordinates(tx, model, name):
        _end_unit(
            tx,
            subordinate,
            destroy_storage=destroy_storage,
            force=force,
            maximum_wait=maximum_wait,
        )
    if force:
        _schedule(tx, model, "unit", name, maximum_wait)


def _check_offers(tx: Transaction, model: str, name: str, *, force: bool) -> None:
    count = 0 if force else offers.connected(tx, model, name)
    if count:
        plural = "" if count == 1 else "s"
        raise errors.JujuError(
            f'cannot destroy application "{name}": application is used by {count} offer{plural}'
        )


def _never_started(tx: Transaction, unit: Unit) -> bool:
    """Whether a unit's agent has set no status yet, so that there is nothing to shut down.

    Juju spares subordinates and units with storage this short cut.
    """
    return (
        not unit.subordinate
        and not units.subordinates(tx, unit.model, unit.name)
        and not storage.of_unit(tx, unit.model, unit.name)
        and statuses.get_status(tx, unit.model, "agent", unit.name).status == "allocating"
    )


def _obliterate_unit(tx: Transaction, unit: Unit) -> None:
    """Remove a unit and its subordinates without waiting for any agent."""
    for subordinate in units.subordinates(tx, unit.model, unit.name):
        _obliterate_unit(tx, subordinate)
    remove_unit(tx, unit)


def _end_unrelated_subordinates(
    tx: Transaction, relation: Relation, *, force: bool, maximum_wait: float
) -> None:
    """Destroy the subordinate units that no alive relation ties to their principals any more."""
    pair = set(relation.applications)
    others = relations.of_application(tx, relation.model, relation.applications[0])
    if any(
        other.life == "alive" and other.scope == "container" and set(other.applications) == pair
        for other in others
    ):
        return
    for application in relation.applications:
        for unit in units.of_application(tx, relation.model, application):
            if unit.principal and unit.principal.rpartition("/")[0] in pair:
                _end_unit(tx, unit, destroy_storage=False, force=force, maximum_wait=maximum_wait)


def _empty_relation(tx: Transaction, relation: Relation) -> None:
    members = tx.all(
        "SELECT member.unit, units.name FROM relation_units AS member LEFT JOIN units"
        " ON units.model = member.model AND units.name = member.unit"
        " WHERE member.model = ? AND member.relation = ? AND member.in_scope = 1",
        *(relation.model, relation.id),
    )
    for row in members:
        if row["name"] is None:
            scopes.drop_remote(tx, relation, row["unit"])
    for row in members:
        if row["name"] is not None:
            scopes.leave(tx, relation, units.get(tx, relation.model, row["unit"]))
    lifecycle.finish_relation(tx, relation)


def _end_host(tx: Transaction, model: str, machine: str) -> None:
    """Destroy the machine of a unit that is gone, unless others or containers are on it."""
    if not _principals(tx, model, machine) and not machines.containers(tx, model, machine):
        tx.execute(
            "UPDATE machines SET life = 'dying' WHERE model = ? AND id = ? AND life = 'alive'",
            *(model, machine),
        )
    tx.touch("machine", model, machine)
    finish_machine(tx, model, machine)


def force_machine(tx: Transaction, model: str, machine: str, maximum_wait: float) -> None:
    """Destroy a machine with all that is on it, without waiting for any agent."""
    for container in machines.containers(tx, model, machine):
        force_machine(tx, model, container.id, maximum_wait)
    where = {"model": model, "id": machine}
    tx.update("machines", where, life="dying", force_destroy=1)
    for unit in _principals(tx, model, machine):
        _obliterate_unit(tx, unit)
    tx.touch("machine", model, machine)
    finish_machine(tx, model, machine)
    # The provisioner has at least this long to release the instance: only where it cannot,
    # since the credential is no longer valid, does the machine go without.
    _schedule(tx, model, "machine", machine, max(maximum_wait, MAXIMUM_WAIT))


def _principals(tx: Transaction, model: str, machine: str) -> list[Unit]:
    return [unit for unit in units.on_machine(tx, model, machine) if not unit.subordinate]


def _check_containers(tx: Transaction, model: str, machine: str) -> None:
    hosted = ",".join(container.id for container in machines.containers(tx, model, machine))
    if hosted:
        raise errors.JujuError(
            f'machine {machine} is hosting containers "{hosted}"',
            code="machine is hosting containers",
        )


def _schedule(tx: Transaction, model: str, kind: str, entity: str, maximum_wait: float) -> None:
    due = clock.now().timestamp() + maximum_wait
    tx.execute(
        "INSERT INTO cleanups (model, kind, entity, due) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (model, kind, entity) DO UPDATE SET due = min(due, excluded.due)",
        *(model, kind, entity, due),
    )
    tx.touch("model", model)


def _cancel_tasks(tx: Transaction, model: str, receiver: str) -> None:
    waiting = tx.all(
        "SELECT id FROM tasks WHERE model = ? AND receiver = ?"
        " AND status IN ('pending', 'running', 'aborting')",
        *(model, receiver),
    )
    for row in waiting:
        tx.update(
            "tasks",
            {"model": model, "id": row["id"]},
            status="cancelled",
            message="unit removed",
            completed=clock.stamp(),
        )
        tx.touch("task", model, str(row["id"]))
