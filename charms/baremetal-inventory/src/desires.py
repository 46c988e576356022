"""What to ask of maas-bmc, given the assignment and what was asked before. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from assignment import Assignment, attempts
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine, ObservedMachine


def desires(
    assignment: Assignment,
    machines: Mapping[str, ObservedMachine],
    before: Mapping[str, DesiredMachine],
) -> dict[str, DesiredMachine]:
    """One wish per machine that something is wanted of; generations go up with each change."""
    wished: dict[str, DesiredMachine] = {}
    for system_id, machine in sorted(machines.items()):
        asked = before.get(system_id)
        wish = _wish(assignment, machine, asked)
        if wish is not None:
            wished[system_id] = wish
    return wished


def _wish(
    assignment: Assignment, machine: ObservedMachine, asked: DesiredMachine | None
) -> DesiredMachine | None:
    system_id = machine.system_id
    if system_id in assignment.granted:
        return _next(machine, asked, role=assignment.roles[system_id])
    if system_id in assignment.withdrawn:
        return _next(machine, asked, role="")
    if system_id in assignment.commission:
        return _commission(machine, asked)
    if asked is not None and asked.commission and machine.status != "Ready":
        # Under way, or failed for good: the number of attempts is remembered here.
        return asked
    return None


def _commission(machine: ObservedMachine, asked: DesiredMachine | None) -> DesiredMachine:
    if asked is not None and asked.commission and asked.generation > machine.carried_out:
        return asked
    return DesiredMachine(
        system_id=machine.system_id,
        generation=_generation(machine, asked) + 1,
        commission=True,
        attempts=attempts(asked) + 1,
    )


def _next(machine: ObservedMachine, asked: DesiredMachine | None, *, role: str) -> DesiredMachine:
    if asked is not None and asked.role == role and not asked.commission:
        return asked
    return DesiredMachine(
        system_id=machine.system_id, generation=_generation(machine, asked) + 1, role=role
    )


def _generation(machine: ObservedMachine, asked: DesiredMachine | None) -> int:
    """The highest generation so far, also of wishes that were given up meanwhile."""
    return max(asked.generation if asked else 0, machine.carried_out)
