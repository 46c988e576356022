"""What to ask of MAAS and the BMCs, given what is wanted and what is. Pure."""

from __future__ import annotations

import dataclasses
from typing import Literal

from charms.maas_bmc.v0.baremetal_nodes import ROLE_TAG_PREFIX, DesiredMachine, ObservedMachine

QUARANTINE_MARK = "quarantine: "
"""Begins the comment of machines that this charm marked broken, so that it unmarks no others."""

_TO_COMMISSION = ("New", "Failed commissioning", "Failed testing")
_PASSING = (
    "Commissioning",
    "Testing",
    "Deploying",
    "Releasing",
    "Disk erasing",
    "Entering rescue mode",
    "Exiting rescue mode",
)

Kind = Literal["tag", "untag", "move", "commission", "release", "quarantine", "fix", "on", "off"]


@dataclasses.dataclass(frozen=True)
class Operation:
    """One thing to do with one machine."""

    kind: Kind
    system_id: str
    argument: str = ""
    """The tag, the pool, or the reason."""


@dataclasses.dataclass(frozen=True)
class Due:
    """What is to be done with one machine, and why something is not done."""

    operations: tuple[Operation, ...] = ()
    refusal: str = ""


def passing(machine: ObservedMachine) -> bool:
    """Whether the machine's status will change by itself."""
    return machine.status in _PASSING


def due(machine: ObservedMachine, desired: DesiredMachine) -> Due:
    """The operations that take the machine to what is wanted.

    States (role, pool, quarantine) are restored whenever they differ. Deeds (commission,
    release, power) are done once per generation. Doing any of them twice changes nothing more.
    """
    parts = [
        _role(machine, desired),
        _pool(machine, desired),
        _quarantine(machine, desired),
    ]
    if desired.generation > machine.carried_out:
        parts += [_commission(machine, desired), _release(machine, desired)]
        parts.append(_power(machine, desired))
    refusals = (part.refusal for part in parts if part.refusal)
    return Due(
        operations=tuple(operation for part in parts for operation in part.operations),
        refusal="; ".join(refusals),
    )


def _role(machine: ObservedMachine, desired: DesiredMachine) -> Due:
    if desired.role is None:
        return Due()
    wanted = {f"{ROLE_TAG_PREFIX}{desired.role}"} if desired.role else set()
    present = {tag for tag in machine.tags if tag.startswith(ROLE_TAG_PREFIX)}
    take = [Operation("untag", machine.system_id, tag) for tag in sorted(present - wanted)]
    give = [Operation("tag", machine.system_id, tag) for tag in sorted(wanted - present)]
    return Due((*take, *give))


def _pool(machine: ObservedMachine, desired: DesiredMachine) -> Due:
    if desired.pool is None or desired.pool == machine.pool:
        return Due()
    return Due((Operation("move", machine.system_id, desired.pool),))


def _quarantine(machine: ObservedMachine, desired: DesiredMachine) -> Due:
    if desired.quarantine is None:
        return Due()
    ours = machine.status == "Broken" and machine.message.startswith(QUARANTINE_MARK)
    if not desired.quarantine:
        return Due((Operation("fix", machine.system_id),) if ours else ())
    if machine.status == "Broken":
        return Due()
    if machine.status != "Ready" or machine.in_use:
        return Due(refusal=f"not put in quarantine: it is {machine.status}, not Ready")
    reason = f"{QUARANTINE_MARK}{desired.quarantine}"
    return Due((Operation("quarantine", machine.system_id, reason),))


def _commission(machine: ObservedMachine, desired: DesiredMachine) -> Due:
    if not desired.commission or passing(machine) or machine.status == "Ready":
        return Due()
    if machine.in_use or machine.status not in _TO_COMMISSION:
        return Due(refusal=f"not commissioned: it is {machine.status}")
    return Due((Operation("commission", machine.system_id),))


def _release(machine: ObservedMachine, desired: DesiredMachine) -> Due:
    if not desired.release or not machine.in_use or machine.status == "Releasing":
        return Due()
    if machine.juju_model:
        return Due(
            refusal=f"not released: Juju holds it as {machine.juju_machine}: use remove-machine"
        )
    return Due((Operation("release", machine.system_id),))


def _power(machine: ObservedMachine, desired: DesiredMachine) -> Due:
    if desired.power is None or machine.bmc.power == desired.power:
        return Due()
    if machine.in_use or passing(machine):
        return Due(refusal=f"not switched {desired.power}: it is {machine.status}")
    return Due((Operation(desired.power, machine.system_id),))
