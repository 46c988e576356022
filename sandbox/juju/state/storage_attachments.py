"""Storage added to running units, attached to them, detached and removed (state/storage.go).

Only storage that outlives machines can be detached: a folder of a machine's own disk cannot go
to another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju import errors
from sandbox.juju.state import applications, storage, units
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import StorageDeclaration, StorageInstance, Unit

_REMOVING = "dead"
"""The life of storage that is to go as soon as its unit has let it go."""


def add(
    tx: Transaction, model: str, unit: str, name: str, given: Mapping[str, Any]
) -> list[StorageInstance]:
    """Add storage to a unit that runs: as many pieces as the directive says, at least one.

    Raises:
        NotFound: no such unit, or the charm has no such storage.
        NotValid: more pieces than the charm takes, or a size or pool that it cannot have.
    """
    found = units.get(tx, model, unit)
    declared = _declared(tx, found, name)
    count = given.get("count") or 1
    _check_total(tx, found, declared, count)
    application = applications.get(tx, model, found.application)
    directive = {**application.storage[name], **{k: v for k, v in given.items() if v}}
    storage.check_pool(tx, model, directive["pool"])
    return [storage.add_instance(tx, found, declared, directive) for _ in range(count)]


def attach(tx: Transaction, model: str, identity: str, unit: str) -> None:
    """Give detached storage to a unit.

    Raises:
        NotFound: no such storage or unit, or its charm has no such storage.
        JujuError: the storage is attached already, or the unit takes no more.
    """
    instance, found = storage.get(tx, model, identity), units.get(tx, model, unit)
    try:
        if instance.owner:
            raise errors.JujuError(f'storage is already attached to "{instance.owner}"')
        if instance.life != "alive":
            raise errors.JujuError("storage not alive")
        if found.life != "alive":
            raise errors.JujuError("unit not alive")
        declared = _declared(tx, found, instance.name)
        if declared.kind != instance.kind:
            raise errors.JujuError(
                f'cannot attach {instance.kind} storage as charm store "{declared.name}"'
            )
        _check_total(tx, found, declared, 1)
    except errors.JujuError as refusal:
        raise errors.annotated(
            refusal, f"cannot attach storage {identity} to unit {unit}"
        ) from None
    tx.update("storage", {"model": model, "id": identity}, owner=unit, status="pending")
    tx.touch("unit", model, unit)
    if found.machine:
        tx.touch("machine", model, found.machine)


def detach(tx: Transaction, model: str, identity: str, *, force: bool = False) -> None:
    """Take storage from its unit, whose storage-detaching runs first.

    Raises:
        NotFound: there is no such storage.
        JujuError: it cannot leave its machine, or the charm cannot be without it.
    """
    instance = storage.get(tx, model, identity)
    if not instance.owner or instance.life != "alive":
        return
    try:
        if not storage.outlives_machine(instance):
            raise errors.JujuError("storage is not detachable")
        unit = units.get(tx, model, instance.owner)
        if not force:
            _check_total(tx, unit, _declared(tx, unit, instance.name), -1)
    except errors.JujuError as refusal:
        context = f"cannot destroy storage attachment {identity}:{instance.owner}"
        raise errors.annotated(refusal, context) from None
    _let_go(tx, instance, "dying")


def remove(tx: Transaction, model: str, identity: str, *, attached_too: bool = False) -> None:
    """Remove storage for good; `attached_too` takes it from its unit first.

    Raises:
        NotFound: there is no such storage.
        JujuError: a unit has it, or it cannot leave the machine.
    """
    instance = storage.get(tx, model, identity)
    if not instance.owner:
        storage.delete(tx, model, identity)
        return
    if not attached_too:
        raise errors.JujuError("storage is attached", code="storage is attached")
    if not storage.outlives_machine(instance):
        raise errors.JujuError(
            f"cannot destroy storage attachment {identity}:{instance.owner}:"
            " storage is not detachable"
        )
    _let_go(tx, instance, _REMOVING)


def detached(tx: Transaction, model: str, identity: str) -> None:
    """Note that the unit has let its storage go: it is free now, or gone."""
    instance = storage.get(tx, model, identity)
    owner = instance.owner
    if instance.life == _REMOVING:
        storage.delete(tx, model, identity)
    else:
        where = {"model": model, "id": identity}
        tx.update("storage", where, owner="", location="", status="detached", life="alive")
    tx.touch("unit", model, owner)


def _let_go(tx: Transaction, instance: StorageInstance, life: str) -> None:
    """Let the unit's agent run storage-detaching; one that never saw the storage has none."""
    where = {"model": instance.model, "id": instance.id}
    tx.update("storage", where, life=life)
    if instance.status == "pending":
        detached(tx, instance.model, instance.id)
    tx.touch("unit", instance.model, instance.owner)


def _declared(tx: Transaction, unit: Unit, name: str) -> StorageDeclaration:
    application = applications.get(tx, unit.model, unit.application)
    charm = applications.charm_of(tx, application)
    if name not in charm.storage():
        raise errors.NotFound(f'charm storage "{name}" not found')
    return charm.storage()[name]


def _check_total(tx: Transaction, unit: Unit, declared: StorageDeclaration, change: int) -> None:
    """Refuse a change that leaves a unit with less, or gives it more, than its charm asks for."""
    held = sum(s.name == declared.name for s in storage.of_unit(tx, unit.model, unit.name))
    total = held + change
    verb = "attaching" if change > 0 else "removing"
    plural = "" if abs(change) == 1 else "s"
    what = f"{verb} {abs(change)} storage instance{plural} brings the total to {total}"
    if change < 0 and total < declared.count_min:
        raise errors.JujuError(f"{what}, which is less than the minimum of {declared.count_min}")
    if change > 0 and 0 <= declared.count_max < total:
        raise errors.JujuError(f"{what}, exceeding the maximum of {declared.count_max}")
