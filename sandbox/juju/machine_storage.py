"""Storage that machines provide by themselves: a file for a block device, a folder to mount."""

from __future__ import annotations

import os
import pathlib

from sandbox.home import Home
from sandbox.juju.providers.provider import Disk
from sandbox.juju.state import machines, storage, units
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Machine, StorageInstance


def wanted_disks(tx: Transaction, machine: Machine) -> list[Disk]:
    """The disks that a machine on MAAS must have for the storage of its units."""
    return [
        Disk(instance.id, instance.size)
        for unit in units.on_machine(tx, machine.model, machine.id)
        for instance in storage.of_unit(tx, machine.model, unit.name)
        if instance.pool == "maas"
    ]


def attach(tx: Transaction, home: Home, model: str, *, disks: bool) -> None:
    """Give every pending storage instance on a started machine its place.

    Storage of the pool `maas` is the provider's where it has disks, and a file elsewhere.
    """
    for instance in storage.pending(tx, model):
        if instance.pool == "maas" and disks:
            continue
        machine = units.get(tx, model, instance.owner).machine
        if machine is not None and machines.is_started(tx, model, machine):
            storage.provision(tx, model, instance.id, str(_make(home, instance)))


def _make(home: Home, instance: StorageInstance) -> pathlib.Path:
    folder = home.folder("juju") / "storage" / instance.model
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / instance.id.replace("/", "-")
    if instance.kind == "filesystem":
        place.mkdir(exist_ok=True)
    else:
        place.touch()
        os.truncate(place, instance.size * 1024**2)
    return place
