"""Machines and containers: added, found, and told of the instance that they became."""

from __future__ import annotations

from typing import Any

from sandbox.juju import clock, constraints, errors
from sandbox.juju.placement import CONTAINER_TYPES, MACHINE_SCOPE, Placement
from sandbox.juju.state import models, statuses
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Machine


def add_machine(
    tx: Transaction,
    model: str,
    *,
    base: str,
    constraints: dict[str, Any] | None = None,
    placement: str = "",
    clean: bool = True,
) -> Machine:
    """Add a top-level machine; `placement` is a directive for the provider (zone=az1).

    The constraints are taken as they are: merge the model's before.
    """
    models.alive(tx, model)
    number = str(models.next_number(tx, model, "machine"))
    return _insert(
        tx, model, number, base=base, constraints=constraints, placement=placement, clean=clean
    )


def add_container(
    tx: Transaction,
    model: str,
    parent: str,
    *,
    base: str,
    kind: str = "lxd",
    constraints: dict[str, Any] | None = None,
    clean: bool = True,
) -> Machine:
    """Add a container inside a machine.

    Raises:
        NotFound: the host is not there.
        JujuError: the host is dying, is a container itself, or hosts no such containers.
    """
    models.alive(tx, model)
    host = get(tx, model, parent)
    if host.life != "alive":
        raise errors.JujuError("machine is not found or not alive")
    if host.container or kind not in CONTAINER_TYPES or kind == "kvm":
        raise errors.JujuError(f"machine {parent} cannot host {kind} containers")
    number = models.next_number(tx, model, f"machine{parent}{kind}Container")
    tx.touch("machine", model, parent)
    return _insert(
        tx,
        model,
        f"{parent}/{kind}/{number}",
        parent=parent,
        base=base,
        constraints=constraints,
        clean=clean,
    )


def add_by_placement(
    tx: Transaction,
    model: str,
    placement: Placement | None,
    *,
    base: str,
    constraints: dict[str, Any] | None = None,
) -> Machine:
    """What `juju add-machine [placement]` adds: a machine, or a container on a new or old one.

    Raises:
        JujuError: a placement on a machine itself, which would add nothing.
    """
    wanted = resolved_constraints(tx, model, constraints or {})
    if placement is None:
        return add_machine(tx, model, base=base, constraints=wanted)
    if placement.scope == MACHINE_SCOPE:
        raise errors.JujuError("machine-id cannot be specified when adding machines")
    if placement.scope in CONTAINER_TYPES:
        host = placement.directive or add_machine(tx, model, base=base, constraints=wanted).id
        return add_container(
            tx, model, host, base=base, kind=placement.scope, constraints=constraints
        )
    # Juju ignores constraints where the provider was told which machine to take.
    return add_machine(
        tx, model, base=base, constraints=constraints, placement=placement.directive
    )


def resolved_constraints(tx: Transaction, model: str, own: dict[str, Any]) -> dict[str, Any]:
    """These constraints over those of the model."""
    return constraints.merge(models.get(tx, model).constraints, own)


def get(tx: Transaction, model: str, machine: str) -> Machine:
    """A machine by id; NotFound if there is none."""
    row = tx.one("SELECT * FROM machines WHERE model = ? AND id = ?", model, machine)
    if row is None:
        raise errors.NotFound(f"machine {machine} not found")
    return Machine.from_row(row)


def all_machines(tx: Transaction, model: str) -> list[Machine]:
    """Every machine and container of the model, hosts before their containers."""
    rows = tx.all("SELECT * FROM machines WHERE model = ?", model)
    return sorted((Machine.from_row(row) for row in rows), key=lambda m: order(m.id))


def unsettled(tx: Transaction, model: str) -> list[Machine]:
    """The machines that lack an instance or are to lose it, hosts before their containers."""
    rows = tx.all(
        "SELECT * FROM machines WHERE model = ? AND (instance_id = '' OR life = 'dead')", model
    )
    return sorted((Machine.from_row(row) for row in rows), key=lambda m: order(m.id))


def deploying(tx: Transaction, model: str) -> dict[str, str]:
    """The instances that do not run yet, and the machines that they are for."""
    rows = tx.all(
        "SELECT instance_id, id FROM machines JOIN statuses ON statuses.model = machines.model"
        " AND kind = 'instance' AND entity = id"
        " WHERE machines.model = ? AND parent IS NULL AND instance_id <> '' AND life <> 'dead'"
        " AND status NOT IN ('running', 'provisioning error')",
        model,
    )
    return {row["instance_id"]: row["id"] for row in rows}


def zones(tx: Transaction, model: str) -> dict[str, str]:
    """The availability zones of the machines that have an instance, by machine."""
    rows = tx.all(
        "SELECT id, json_extract(hardware_json, '$.\"availability-zone\"') AS zone FROM machines"
        " WHERE model = ? AND parent IS NULL AND instance_id <> ''",
        model,
    )
    return {row["id"]: row["zone"] or "" for row in rows}


def kin(tx: Transaction, model: str, machine: str) -> set[str]:
    """The other machines with principals of the applications that this one is for."""
    rows = tx.all(
        "SELECT DISTINCT other.machine FROM units AS own JOIN units AS other"
        " ON other.model = own.model AND other.application = own.application"
        " WHERE own.model = ? AND own.machine = ? AND own.principal IS NULL"
        " AND other.machine IS NOT NULL AND other.machine <> own.machine",
        *(model, machine),
    )
    return {row["machine"] for row in rows}


def containers(tx: Transaction, model: str, machine: str) -> list[Machine]:
    """The containers of a machine."""
    rows = tx.all("SELECT * FROM machines WHERE model = ? AND parent = ?", model, machine)
    return sorted((Machine.from_row(row) for row in rows), key=lambda m: order(m.id))


def order(machine: str) -> tuple[int | str, ...]:
    """Sorts ids by number: 2 before 10, 0 before 0/lxd/0."""
    return tuple(int(part) if part.isdigit() else part for part in machine.split("/"))


def clean_machine(
    tx: Transaction, model: str, base: str, wanted: dict[str, Any]
) -> Machine | None:
    """A machine that a unit without placement may take: provisioned, never used, suitable.

    The rule is findCleanMachineQuery of Juju's state/unit.go; a machine that is not yet
    provisioned is not considered, since it may turn out unsuitable.
    """
    rows = tx.all(
        "SELECT * FROM machines AS machine WHERE model = ? AND base = ? AND clean = 1"
        " AND life = 'alive' AND instance_id <> '' AND NOT EXISTS"
        " (SELECT 1 FROM machines WHERE model = machine.model AND parent = machine.id)",
        *(model, base),
    )
    suitable = [
        machine
        for machine in map(Machine.from_row, rows)
        if _container_type(machine) == (wanted.get("container") or "none")
        and _suits(machine.hardware, wanted)
    ]
    return min(suitable, key=lambda machine: order(machine.id), default=None)


def set_instance(
    tx: Transaction,
    model: str,
    machine: str,
    *,
    instance_id: str,
    hostname: str,
    hardware: dict[str, Any],
    addresses: list[dict[str, Any]] | None = None,
    display_name: str = "",
) -> None:
    """Note the instance that a machine became; its units may start once it is `started`."""
    tx.update(
        "machines",
        {"model": model, "id": machine},
        instance_id=instance_id,
        hostname=hostname,
        display_name=display_name or hostname,
        hardware_json=hardware,
        addresses_json=addresses or [],
        retry_provisioning=0,
    )
    _touch(tx, model, machine)


def set_addresses(
    tx: Transaction, model: str, machine: str, addresses: list[dict[str, Any]]
) -> None:
    """Note the addresses of a machine; its units hear of a change."""
    if get(tx, model, machine).addresses != addresses:
        tx.update("machines", {"model": model, "id": machine}, addresses_json=addresses)
        _touch(tx, model, machine)


def set_started(tx: Transaction, model: str, machine: str, message: str = "Running") -> None:
    """The instance runs and its machine agent is up."""
    statuses.set_status(tx, model, "instance", machine, "running", message)
    statuses.set_status(tx, model, "machine", machine, "started")
    _touch(tx, model, machine)


def is_started(tx: Transaction, model: str, machine: str) -> bool:
    """Whether the machine agent is up, so that units can be deployed to it."""
    return statuses.get_status(tx, model, "machine", machine).status == "started"


def retry_provisioning(tx: Transaction, model: str, machine: str) -> None:
    """Ask the provisioner to try again a machine that it gave up.

    Raises:
        JujuError: the machine is not in error.
    """
    get(tx, model, machine)
    status = statuses.get_status(tx, model, "instance", machine).status
    if status != "provisioning error":
        raise errors.JujuError(f"machine {machine} is not in an error state ({status})")
    tx.update("machines", {"model": model, "id": machine}, retry_provisioning=1)
    _touch(tx, model, machine)


def take_address_number(tx: Transaction, model: str, machine: str) -> int:
    """The number of the address that the controller gives this machine, the same each time.

    The least one that no machine of any model has.
    """
    held = tx.value(
        "SELECT number FROM address_numbers WHERE model = ? AND machine = ?", model, machine
    )
    if held is not None:
        return held
    free = tx.value(
        "SELECT number + 1 FROM (SELECT -1 AS number UNION ALL SELECT number FROM address_numbers)"
        " AS taken WHERE NOT EXISTS"
        " (SELECT 1 FROM address_numbers WHERE number = taken.number + 1) ORDER BY 1 LIMIT 1"
    )
    tx.insert("address_numbers", number=free, model=model, machine=machine)
    return free


def free_address_number(tx: Transaction, model: str, machine: str) -> None:
    """Give the machine's address number back."""
    tx.execute("DELETE FROM address_numbers WHERE model = ? AND machine = ?", model, machine)


def _insert(
    tx: Transaction,
    model: str,
    machine: str,
    *,
    base: str,
    constraints: dict[str, Any] | None,
    clean: bool,
    placement: str = "",
    parent: str | None = None,
) -> Machine:
    now = clock.stamp()
    tx.insert(
        "machines",
        model=model,
        id=machine,
        parent=parent,
        base=base,
        constraints_json=constraints or {},
        placement=placement,
        clean=int(clean),
        created=now,
    )
    statuses.set_status(tx, model, "machine", machine, "pending", since=now)
    statuses.set_status(tx, model, "instance", machine, "pending", since=now)
    statuses.set_status(tx, model, "modification", machine, "idle", since=now)
    tx.touch("machine", model, machine)
    return get(tx, model, machine)


def _touch(tx: Transaction, model: str, machine: str) -> None:
    tx.touch("machine", model, machine)
    for row in tx.all("SELECT name FROM units WHERE model = ? AND machine = ?", model, machine):
        tx.touch("unit", model, row["name"])
    for row in tx.all("SELECT id FROM machines WHERE model = ? AND parent = ?", model, machine):
        tx.touch("machine", model, row["id"])


def _container_type(machine: Machine) -> str:
    return machine.id.split("/")[-2] if machine.container else "none"


def _suits(hardware: dict[str, Any], wanted: dict[str, Any]) -> bool:
    least = all(hardware.get(k, 0) >= wanted.get(k, 0) for k in ("cores", "mem", "root-disk"))
    arch = wanted.get("arch") in ("", None, hardware.get("arch", "amd64"))
    tags = set(wanted.get("tags") or []) <= set(hardware.get("tags") or [])
    zones = wanted.get("zones") or []
    return least and arch and tags and (not zones or hardware.get("availability-zone") in zones)
