"""Units: added, given a machine, found."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sandbox.juju import clock, errors
from sandbox.juju.placement import CONTAINER_TYPES, MACHINE_SCOPE, Placement
from sandbox.juju.state import charms, clouds, machines, models, statuses, storage
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Application, Machine, Unit


def add_units(
    tx: Transaction,
    model: str,
    application: str,
    count: int = 1,
    placements: Sequence[Placement | None] = (),
    existing_storage: Sequence[str] = (),
) -> list[Unit]:
    """Add units to an application, each on a machine.

    That is where its placement says, else a clean machine that suits it, else a new one. No
    storage is made in place of what exists and is to be attached.

    Raises:
        NotFound: no such application, or no such machine in a placement.
        JujuError: none asked for, a subordinate or dying application, or a machine that
            cannot take the unit.
    """
    if count < 1:
        raise errors.JujuError("must add at least one unit")
    found = _application(tx, model, application)
    refusal = ""
    if found.subordinate:
        refusal = "application is a subordinate"
    elif found.life != "alive":
        refusal = "application is not found or not alive"
    if refusal:
        raise errors.JujuError(f'cannot add unit to application "{application}": {refusal}')
    added = []
    for index in range(count):
        unit = _insert(tx, found, existing_storage=existing_storage)
        placement = placements[index] if index < len(placements) else None
        _assign(tx, found, unit, placement)
        added.append(get(tx, model, unit.name))
    return added


def add_subordinate(tx: Transaction, model: str, application: str, principal: Unit) -> Unit:
    """Add the subordinate unit of an application beside a principal, on its machine."""
    return _insert(tx, _application(tx, model, application), principal)


def get(tx: Transaction, model: str, unit: str) -> Unit:
    """A unit by name; NotFound if there is none."""
    row = tx.one("SELECT * FROM units WHERE model = ? AND name = ?", model, unit)
    if row is None:
        raise errors.NotFound(f'unit "{unit}" not found')
    return Unit.from_row(row)


def all_units(tx: Transaction, model: str) -> list[Unit]:
    """Every unit of the model, by application and number."""
    rows = tx.all("SELECT * FROM units WHERE model = ? ORDER BY application, number", model)
    return [Unit.from_row(row) for row in rows]


def of_application(tx: Transaction, model: str, application: str) -> list[Unit]:
    """The units of an application, by number."""
    rows = tx.all(
        "SELECT * FROM units WHERE model = ? AND application = ? ORDER BY number",
        *(model, application),
    )
    return [Unit.from_row(row) for row in rows]


def names(tx: Transaction, model: str, application: str) -> list[str]:
    """The names of an application's units, by number."""
    rows = tx.all(
        "SELECT name FROM units WHERE model = ? AND application = ? ORDER BY number",
        *(model, application),
    )
    return [row["name"] for row in rows]


def on_machine(tx: Transaction, model: str, machine: str) -> list[Unit]:
    """The units on a machine itself, subordinates included, not those in its containers."""
    rows = tx.all(
        "SELECT * FROM units WHERE model = ? AND machine = ? ORDER BY application, number",
        *(model, machine),
    )
    return [Unit.from_row(row) for row in rows]


def subordinates(tx: Transaction, model: str, principal: str) -> list[Unit]:
    """The subordinate units beside a principal."""
    rows = tx.all(
        "SELECT * FROM units WHERE model = ? AND principal = ? ORDER BY application, number",
        *(model, principal),
    )
    return [Unit.from_row(row) for row in rows]


def address(tx: Transaction, unit: Unit) -> str:
    """The preferred address of the unit's machine; empty while it has none."""
    return machines.get(tx, unit.model, unit.machine).address if unit.machine else ""


def set_resolved(tx: Transaction, model: str, unit: str, mode: str) -> None:
    """Ask a unit in error to go on: `retry-hooks` or `no-hooks`; empty takes it back.

    Raises:
        JujuError: the unit is not in error, or was asked already.
    """
    found = get(tx, model, unit)
    if mode and statuses.get_status(tx, model, "agent", unit).status != "error":
        raise errors.JujuError(f'unit "{unit}" is not in an error state')
    if mode and found.resolved:
        raise errors.JujuError(f'cannot set resolved mode for unit "{unit}": already resolved')
    tx.update("units", {"model": model, "name": unit}, resolved=mode)
    tx.touch("unit", model, unit)


def set_state(tx: Transaction, model: str, unit: str, state: dict[str, str]) -> None:
    """Keep what the charm stored with `state-set`."""
    tx.update("units", {"model": model, "name": unit}, state_json=json.dumps(state))


def bound_spaces(application: Application) -> set[str]:
    """The spaces that the application's endpoints are bound to; alpha asks for nothing."""
    return {space for space in application.bindings.values() if space not in ("", "alpha")}


def refusal_of(tx: Transaction, application: Application, machine: Machine) -> str:
    """Why an existing machine cannot take a unit of an application; empty where it can."""
    if machine.life != "alive":
        return "machine is not found or not alive"
    if _track(machine.base) != _track(application.base):
        return (
            f'base does not match: unit has "{_track(application.base)}",'
            f' machine has "{_track(machine.base)}"'
        )
    if _needs_own_disks(tx, application):
        return '"maas" storage provider does not support dynamic storage'
    return ""


def _application(tx: Transaction, model: str, name: str) -> Application:
    row = tx.one("SELECT * FROM applications WHERE model = ? AND name = ?", model, name)
    if row is None:
        raise errors.NotFound(f'application "{name}" not found')
    return Application.from_row(row)


def _insert(
    tx: Transaction,
    application: Application,
    principal: Unit | None = None,
    existing_storage: Sequence[str] = (),
) -> Unit:
    model = application.model
    number = models.next_number(tx, model, f"application-{application.name}")
    name = f"{application.name}/{number}"
    now = clock.stamp()
    tx.insert(
        "units",
        model=model,
        name=name,
        application=application.name,
        number=number,
        principal=principal.name if principal else None,
        machine=principal.machine if principal else None,
        created=now,
    )
    waiting = statuses.WAITING_FOR_MACHINE
    statuses.set_status(tx, model, "workload", name, "waiting", waiting, since=now)
    statuses.set_status(tx, model, "agent", name, "allocating", since=now)
    tx.touch("unit", model, name)
    tx.touch("application", model, application.name)
    if principal:
        tx.touch("unit", model, principal.name)
    unit = get(tx, model, name)
    charm = charms.get(tx, model, application.charm_url)
    storage.add_for_unit(tx, application, charm, unit, existing_storage)
    return unit


def _assign(
    tx: Transaction, application: Application, unit: Unit, placement: Placement | None
) -> None:
    machine = _machine(tx, application, unit, placement)
    tx.update("units", {"model": unit.model, "name": unit.name}, machine=machine)
    tx.update("machines", {"model": unit.model, "id": machine}, clean=0)
    tx.touch("machine", unit.model, machine)
    tx.touch("unit", unit.model, unit.name)


def _machine(
    tx: Transaction, application: Application, unit: Unit, placement: Placement | None
) -> str:
    """The machine that a unit goes to, made where need be."""
    model, base = unit.model, application.base
    wanted = machines.resolved_constraints(tx, model, application.constraints)
    if placement is None:
        return _unplaced(tx, application, wanted)
    if placement.scope == MACHINE_SCOPE:
        machine = machines.get(tx, model, placement.directive)
        if refusal := refusal_of(tx, application, machine):
            raise errors.JujuError(
                f'acquiring machine to host unit "{unit.name}": cannot assign unit'
                f' "{unit.name}" to machine {machine.id}: {refusal}'
            )
        return machine.id
    if placement.scope in CONTAINER_TYPES:
        # Only where a container is asked for does Juju write the spaces into constraints; for
        # other machines the provisioner takes them from the bindings.
        wanted = _with_bound_spaces(application, wanted)
        host = placement.directive
        host = (
            host or machines.add_machine(tx, model, base=base, constraints=wanted, clean=False).id
        )
        kind = placement.scope
        return machines.add_container(
            tx, model, host, base=base, kind=kind, constraints=wanted, clean=False
        ).id
    if placement.scope == model:
        # Juju ignores the model's constraints where the provider was told what to take.
        return machines.add_machine(
            tx,
            model,
            base=base,
            constraints=application.constraints,
            placement=placement.directive,
            clean=False,
        ).id
    raise errors.NotValid(f'placement scope: invalid model UUID "{placement.scope}"')


def _unplaced(tx: Transaction, application: Application, wanted: dict) -> str:
    model, base = application.model, application.base
    clean = machines.clean_machine(tx, model, base, wanted)
    if clean is not None and not refusal_of(tx, application, clean):
        return clean.id
    kind = wanted.get("container")
    machine = machines.add_machine(tx, model, base=base, constraints=wanted, clean=False)
    if kind in (None, "", "none"):
        return machine.id
    return machines.add_container(
        tx, model, machine.id, base=base, kind=kind, constraints=wanted, clean=False
    ).id


def _needs_own_disks(tx: Transaction, application: Application) -> bool:
    """Whether its storage is disks of the machine, which only MAAS's allocation can choose."""
    on_metal = clouds.get(tx, models.get(tx, application.model).cloud).type == "maas"
    return on_metal and any(
        directive["pool"] == "maas" and directive["count"]
        for directive in application.storage.values()
    )


def _with_bound_spaces(application: Application, wanted: dict) -> dict:
    bound = bound_spaces(application)
    if not bound:
        return wanted
    return {**wanted, "spaces": sorted({*(wanted.get("spaces") or []), *bound})}


def _track(base: str) -> str:
    return base.partition("/")[0]
