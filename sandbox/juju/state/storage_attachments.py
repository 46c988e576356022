"""Storage added to running units, attached to them, detached and removed (state/storage.go)."""

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
    """Give detached storage to a unit; what it has already is no error.

    Raises:
        NotFound: no such storage or unit.
        JujuError: another unit has it, the unit's charm has no such storage, or takes no more.
    """
    try:
        instance, found = storage.get(tx, model, identity), units.get(tx, model, unit)
        if found.life != "alive":
            raise errors.JujuError("unit not alive")
        if instance.life != "alive":
            raise errors.JujuError("storage not alive")
        if instance.owner == unit:
            return
        if instance.owner:
            raise errors.JujuError(
                f"cannot attach storage owned by unit {instance.owner} to unit {unit}"
            )
        _check_taken(tx, instance, found)
    except errors.JujuError as refusal:
        raise errors.annotated(
            refusal, f"cannot attach storage {identity} to unit {unit}"
        ) from None
    tx.update("storage", {"model": model, "id": identity}, owner=unit, status="pending")
    tx.touch("unit", model, unit)
    if found.machine:
        tx.touch("machine", model, found.machine)


def detach(tx: Transaction, model: str, identity: str) -> None:
    """Take storage from its unit, whose storage-detaching runs first.

    Raises:
        NotFound: there is no such storage.
        JujuError: the charm cannot be without it, or it is a folder of the machine's own disk:
            Juju leaves that on the machine with no owner, which the sandbox has no place for.
    """
    instance = storage.get(tx, model, identity)
    if not instance.owner or instance.life != "alive":
        return
    try:
        _check_left(tx, instance)
        if not storage.outlives_machine(instance):
            raise errors.JujuError("storage is not detachable")
    except errors.JujuError as refusal:
        context = f"cannot destroy storage attachment {identity}:{instance.owner}"
        raise errors.annotated(refusal, context) from None
    _let_go(tx, instance, "dying")


def remove(
    tx: Transaction,
    model: str,
    identity: str,
    *,
    attached_too: bool = False,
    release: bool = False,
) -> None:
    """Remove storage for good; `attached_too` takes it from its unit first.

    With `release` only Juju forgets it: the cloud keeps what is on it.

    Raises:
        NotFound: there is no such storage.
        JujuError: a unit has it and must not lose it, or the cloud would not keep it.
    """
    try:
        instance = storage.get(tx, model, identity)
        if instance.owner and not attached_too:
            raise errors.JujuError("storage is attached", code="storage is attached")
        if instance.owner:
            _check_left(tx, instance)
        if release and not storage.outlives_machine(instance):
            raise errors.JujuError(
                f'storage provider "{instance.pool}" does not support releasing storage'
            )
    except errors.JujuError as refusal:
        verb = "release" if release else "destroy"
        raise errors.annotated(refusal, f'cannot {verb} storage "{identity}"') from None
    if instance.owner:
        _let_go(tx, instance, _REMOVING)
    else:
        storage.delete(tx, model, identity)


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


def _check_taken(tx: Transaction, instance: StorageInstance, unit: Unit) -> None:
    """Refuse storage that a unit's charm does not take, or no more of."""
    application = applications.get(tx, unit.model, unit.application)
    charm = applications.charm_of(tx, application)
    declared = charm.storage().get(instance.name)
    if declared is None:
        raise errors.JujuError(f"charm {charm.name} has no storage called {instance.name}")
    if declared.kind != instance.kind:
        raise errors.JujuError(
            f'cannot attach {instance.kind} storage as charm store "{declared.name}"'
        )
    _check_total(tx, unit, declared, 1)


def _check_left(tx: Transaction, instance: StorageInstance) -> None:
    """Refuse to leave a living unit with less than its charm asks for."""
    unit = units.get(tx, instance.model, instance.owner)
    if unit.life == "alive":
        _check_total(tx, unit, _declared(tx, unit, instance.name), -1)


def _check_total(tx: Transaction, unit: Unit, declared: StorageDeclaration, change: int) -> None:
    """Refuse a change that leaves a unit with less, or gives it more, than its charm asks for."""
    held = sum(s.name == declared.name for s in storage.of_unit(tx, unit.model, unit.name))
    total = held + change
    verb = "attach" if change > 0 else "detach"
    if declared.count_min == declared.count_max == 1 != total:
        raise errors.JujuError(f"cannot {verb}, storage is singular")
    plural = "" if abs(change) == 1 else "s"
    what = f"{verb}ing {abs(change)} storage instance{plural} brings the total to {total}"
    if total < declared.count_min:
        raise errors.JujuError(f"{what}, which is less than the minimum of {declared.count_min}")
    if 0 <= declared.count_max < total:
        raise errors.JujuError(f"{what}, exceeding the maximum of {declared.count_max}")
