"""Storage of units: instances made from the charm's declarations and the directives at deploy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju import errors
from sandbox.juju.state import clouds, models
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import (
    Application,
    Charm,
    StorageDeclaration,
    StorageInstance,
    Unit,
    mebibytes,
)

DEFAULT_SIZE = 1024
"""MiB, where neither the directive nor the charm says (state/storage.go)."""

POOLS = ("loop", "maas", "rootfs", "tmpfs")
"""Of the machine itself: this storage goes with it."""

LASTING_POOLS = {"lxd": ("lxd",)}
"""By the type of the cloud, the pools whose storage can leave its machine."""

_DEFAULT_POOL = {"block": "loop", "filesystem": "rootfs"}
_SIZE = re.compile(r"[0-9]+(\.[0-9]+)?[MGTPEZY]?(i?B)?\Z")
_POOL = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*\Z")


def parse_directive(text: str) -> dict[str, Any]:
    """A directive `pool,count,size` in any order, each part optional.

    Raises:
        NotValid: a part that is none of them, or one given twice.
    """
    directive: dict[str, Any] = {}
    for part in (p.strip() for p in text.split(",")):
        if not part:
            continue
        if re.fullmatch(r"[0-9]+", part):
            if int(part) == 0:
                raise errors.NotValid(
                    'cannot parse count: count must be greater than zero, got "0"'
                )
            _put(directive, "count", int(part), part)
        elif _SIZE.match(part):
            _put(directive, "size", mebibytes(re.sub(r"i?B\Z", "", part)), part)
        elif _POOL.match(part):
            _put(directive, "pool", part, part)
        else:
            raise errors.NotValid(f'unrecognized storage constraint "{part}" not valid')
    if not directive:
        raise errors.NotValid("storage constraints require at least one field to be specified")
    return directive


def pools(tx: Transaction, model: str) -> tuple[str, ...]:
    """The pools that a model's cloud has, by name."""
    cloud = clouds.get(tx, models.get(tx, model).cloud).type
    return tuple(sorted((*POOLS, *LASTING_POOLS.get(cloud, ()))))


def check_pool(tx: Transaction, model: str, pool: str) -> None:
    """Refuse a pool that the model's cloud lacks; NotFound."""
    if pool not in pools(tx, model):
        raise errors.NotFound(f'pool "{pool}" not found')


def directives(charm: Charm, given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The complete directive of every storage of a charm: what was given, defaults for the rest.

    Raises:
        NotValid: a storage that the charm lacks, a count or size outside its bounds.
    """
    declared = charm.storage()
    for name in given:
        if name not in declared:
            raise errors.NotValid(f'charm "{charm.name}" has no store called "{name}"')
    complete = {name: _complete(d, given.get(name, {})) for name, d in declared.items()}
    for name, directive in complete.items():
        _check(charm, declared[name], directive)
    return complete


def add_for_unit(
    tx: Transaction,
    application: Application,
    charm: Charm,
    unit: Unit,
    existing: Sequence[str] = (),
) -> None:
    """Make the storage instances that a new unit starts with, but those that exist already."""
    declared = charm.storage()
    names = [identity.partition("/")[0] for identity in existing]
    for name, directive in application.storage.items():
        count = directive["count"] - names.count(name)
        for _ in range(count if name in declared else 0):
            add_instance(tx, unit, declared[name], directive)


def add_instance(
    tx: Transaction, unit: Unit, declared: StorageDeclaration, directive: Mapping[str, Any]
) -> StorageInstance:
    """Make one storage instance, attached to a unit and pending until its machine runs."""
    identity = f"{declared.name}/{models.next_number(tx, unit.model, 'stores')}"
    tx.insert(
        "storage",
        model=unit.model,
        id=identity,
        name=declared.name,
        kind=declared.kind,
        owner=unit.name,
        pool=directive["pool"],
        size=directive["size"],
    )
    tx.touch("unit", unit.model, unit.name)
    return get(tx, unit.model, identity)


def get(tx: Transaction, model: str, identity: str) -> StorageInstance:
    """A storage instance by id (osd-devices/0); NotFound if there is none."""
    row = tx.one("SELECT * FROM storage WHERE model = ? AND id = ?", model, identity)
    if row is None:
        raise errors.NotFound(f'storage instance "{identity}" not found')
    return StorageInstance.from_row(row)


def all_storage(tx: Transaction, model: str) -> list[StorageInstance]:
    """Every storage instance of the model, by id."""
    rows = tx.all("SELECT * FROM storage WHERE model = ? ORDER BY id", model)
    return [StorageInstance.from_row(row) for row in rows]


def pending(tx: Transaction, model: str) -> list[StorageInstance]:
    """The storage that units wait for, by id."""
    rows = tx.all(
        "SELECT * FROM storage WHERE model = ? AND status = 'pending' AND owner <> '' ORDER BY id",
        model,
    )
    return [StorageInstance.from_row(row) for row in rows]


def of_unit(tx: Transaction, model: str, unit: str) -> list[StorageInstance]:
    """The storage that is attached to a unit, by id."""
    rows = tx.all("SELECT * FROM storage WHERE model = ? AND owner = ? ORDER BY id", model, unit)
    return [StorageInstance.from_row(row) for row in rows]


def provision(tx: Transaction, model: str, identity: str, location: str) -> None:
    """Note where a storage instance is (a device or a mount point): it is attached now.

    One that was removed meanwhile is no error.
    """
    where = {"model": model, "id": identity}
    if tx.update("storage", where, location=location, status="attached"):
        tx.touch("unit", model, get(tx, model, identity).owner)


def outlives_machine(instance: StorageInstance) -> bool:
    """Whether the storage can be detached and kept when its unit or machine goes."""
    return instance.pool not in POOLS


def delete(tx: Transaction, model: str, identity: str) -> None:
    """Let a storage instance be gone."""
    tx.execute("DELETE FROM storage WHERE model = ? AND id = ?", model, identity)


def remove_of_unit(tx: Transaction, model: str, unit: str, *, destroy: bool) -> None:
    """Let go the storage of a unit that is gone.

    Storage of the machine itself (loop, rootfs, tmpfs) always goes with it; that of a pool
    that outlives machines stays detached unless it is to be destroyed.
    """
    for instance in of_unit(tx, model, unit):
        where = {"model": model, "id": instance.id}
        if destroy or not outlives_machine(instance):
            delete(tx, model, instance.id)
        else:
            tx.update("storage", where, owner="", location="", status="detached")


def _put(directive: dict[str, Any], field: str, value: Any, text: str) -> None:
    if field in directive:
        raise errors.NotValid(f'storage constraint "{text}" repeats the {field}')
    directive[field] = value


def _complete(declared: StorageDeclaration, given: Mapping[str, Any]) -> dict[str, Any]:
    size = given.get("size") or declared.minimum_size or DEFAULT_SIZE
    count = given.get("count")
    if count is None:
        count = max(declared.count_min, 1 if given else 0)
    pool = given.get("pool") or _DEFAULT_POOL[declared.kind]
    return {"pool": pool, "size": int(size), "count": int(count)}


def _check(charm: Charm, declared: StorageDeclaration, directive: Mapping[str, Any]) -> None:
    store = f'charm "{charm.name}" store "{declared.name}"'
    if declared.count_min == declared.count_max == 1 != directive["count"]:
        raise errors.NotValid(f"{store}: storage is singular, {directive['count']} specified")
    if directive["count"] < declared.count_min:
        raise errors.NotValid(
            f"{store}: {declared.count_min} instances required, {directive['count']} specified"
        )
    if 0 <= declared.count_max < directive["count"]:
        raise errors.NotValid(
            f"{store}: at most {declared.count_max} instances supported,"
            f" {directive['count']} specified"
        )
    if directive["size"] < declared.minimum_size:
        raise errors.NotValid(
            f"{store}: minimum storage size is {_human(declared.minimum_size)},"
            f" {_human(directive['size'])} specified"
        )


def _human(size: int) -> str:
    """As Juju writes a size: 1.0 GB for 1024 MiB of ten to the ninth bytes each."""
    number, unit = float(size) * 1024**2, "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"
