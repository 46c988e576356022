"""Containers of machines: they run as soon as their host does."""

from __future__ import annotations

from sandbox.home import Home
from sandbox.juju.providers.connect import instance_prefix, own_address
from sandbox.juju.state import machines, removal
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Machine


def look_at(tx: Transaction, home: Home, machine: Machine) -> None:
    """Start a container whose host has started; remove one that is dead."""
    if machine.life == "dead":
        removal.remove_machine(tx, machine.model, machine.id)
    elif machine.life == "alive" and not machine.instance_id and machine.parent:
        host = machines.get(tx, machine.model, machine.parent)
        if machines.is_started(tx, machine.model, host.id):
            _start(tx, home, machine, host)


def _start(tx: Transaction, home: Home, machine: Machine, host: Machine) -> None:
    name = f"{instance_prefix(machine.model)}-{machine.id.replace('/', '-')}"
    inherited = ("arch", "availability-zone")
    machines.set_instance(
        tx,
        machine.model,
        machine.id,
        instance_id=name,
        hostname=name,
        hardware={fact: host.hardware[fact] for fact in inherited if fact in host.hardware},
        addresses=[own_address(tx, home, machine.model, machine.id)],
    )
    machines.set_started(tx, machine.model, machine.id, "Container started")
