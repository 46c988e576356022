"""Which machine plays which role. Pure: the same input gives the same answer.

Rules, in this order: a machine keeps its role, unless it turns out unfit for good, or is ill and
another can take its place, so that a BMC network that is down for a while takes no role away;
what somebody uses, or the policy leaves alone, is not touched; zones are balanced; within a zone
the machine with the most matching disks, then memory, then cores comes first, then the lowest
system id.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine, ObservedMachine
from fitness import data_disks, is_fit, is_fit_in_time
from policy import Policy, Role

MOST_ATTEMPTS = 3
"""Times that commissioning is asked for before an operator has to look."""
_TO_COMMISSION = ("New", "Failed commissioning", "Failed testing")
_UNDERWAY = ("Commissioning", "Testing")


@dataclasses.dataclass(frozen=True)
class Assignment:
    """The roles of machines, and what is to be commissioned."""

    roles: Mapping[str, str]
    """Role by system id: of those that keep it and those that just got it."""
    granted: frozenset[str]
    """System ids whose role is this charm's doing; the others were tagged by the operator."""
    withdrawn: frozenset[str]
    """System ids that lose a role which this charm gave them: they are not fit any more."""
    commission: frozenset[str]
    """System ids to be commissioned now."""


def is_ours(machine: ObservedMachine, policy: Policy) -> bool:
    """Whether the policy covers the machine."""
    if policy.pools and machine.pool not in policy.pools:
        return False
    return not set(policy.leave_alone) & set(machine.tags)


def assign(
    machines: Mapping[str, ObservedMachine],
    policy: Policy,
    before: Mapping[str, DesiredMachine],
) -> Assignment:
    """Roles for the machines, going on from what was asked for `before`."""
    ours = {key: each for key, each in sorted(machines.items()) if is_ours(each, policy)}
    roles: dict[str, str] = {}
    granted: set[str] = set()
    withdrawn: set[str] = set()
    for system_id, machine in ours.items():
        asked = before.get(system_id)
        role = _kept(machine, asked, policy)
        mine = asked is not None and asked.role is not None
        if mine and not machine.in_use and _is_lost(machine, asked, role, policy):
            withdrawn.add(system_id)
        elif role:
            roles[system_id] = role
            if mine:
                granted.add(system_id)
    for name, wanted in policy.roles.items():
        if wanted.assign == "automatic":
            members = [ours[key] for key, role in roles.items() if role == name]
            taken = roles.keys() | withdrawn
            free = [each for key, each in ours.items() if key not in taken]
            chosen = _choose(wanted, members, free, before)
            mine = [each for each in members if each.system_id in granted]
            replaced = _replaced(wanted, members, mine, chosen)
            withdrawn |= replaced
            granted = (granted - replaced) | chosen
            roles = {key: role for key, role in roles.items() if key not in replaced}
            roles.update(dict.fromkeys(chosen, name))
    return Assignment(
        roles=dict(sorted(roles.items())),
        granted=frozenset(granted),
        withdrawn=frozenset(withdrawn),
        commission=_to_commission(ours, policy, before),
    )


def holds(machine: ObservedMachine, role: Role) -> bool:
    """Whether a machine that has the role counts for it."""
    return machine.in_use or is_fit(machine, role)


def may_come(machine: ObservedMachine, asked: DesiredMachine | None) -> bool:
    """Whether the machine may still turn out fit once it is commissioned."""
    if machine.in_use or machine.role:
        return False
    return machine.status in _UNDERWAY or _may_be_commissioned(machine, asked)


def attempts(asked: DesiredMachine | None) -> int:
    """How often commissioning was asked for since the machine was last Ready."""
    return asked.attempts if asked is not None and asked.commission else 0


def _kept(machine: ObservedMachine, asked: DesiredMachine | None, policy: Policy) -> str:
    """The role that the machine has: by its tag, or on its way to the tag; empty without one."""
    role = machine.role or (asked.role if asked else "") or ""
    return role if role in policy.roles else ""


def _is_lost(
    machine: ObservedMachine, asked: DesiredMachine | None, role: str, policy: Policy
) -> bool:
    """Whether a role that this charm gave is to be taken back, until its tag is gone."""
    if not role:
        return False
    taking_back = asked is not None and asked.role == ""
    return taking_back or not is_fit_in_time(machine, policy.roles[role])


def _replaced(
    role: Role,
    members: Sequence[ObservedMachine],
    mine: Sequence[ObservedMachine],
    chosen: set[str],
) -> set[str]:
    """The ill among the machines that this charm chose, as far as others took their places."""
    well = sum(holds(each, role) for each in members)
    ill = [each.system_id for each in mine if not holds(each, role)]
    surplus = well + len(chosen) + len(ill) - role.want
    return set(ill[: max(0, surplus)])


def _choose(
    role: Role,
    members: Sequence[ObservedMachine],
    free: Sequence[ObservedMachine],
    before: Mapping[str, DesiredMachine],
) -> set[str]:
    """The machines that get the role now, one after another into the emptiest zone.

    A zone whose machines are still being commissioned has places kept for them, so that the
    zones end up balanced in whatever order machines become ready.
    """
    counts = Counter(each.zone for each in members if holds(each, role))
    ready = _by_zone(each for each in free if _is_candidate(each, role))
    coming = Counter(each.zone for each in free if may_come(each, before.get(each.system_id)))
    for machines in ready.values():
        machines.sort(key=lambda each: _preference(each, role))
    chosen: set[str] = set()
    for _ in range(role.want - counts.total()):
        zones = [zone for zone in {*ready, *coming} if ready.get(zone) or coming[zone]]
        if not zones:
            break
        zone = min(zones, key=lambda zone: (counts[zone], zone))
        counts[zone] += 1
        if ready.get(zone):
            chosen.add(ready[zone].pop(0).system_id)
        else:
            coming[zone] -= 1
    return chosen


def _is_candidate(machine: ObservedMachine, role: Role) -> bool:
    return (
        machine.status == "Ready"
        and not machine.in_use
        and not machine.role
        and is_fit(machine, role)
    )


def _preference(machine: ObservedMachine, role: Role) -> tuple[int, int, int, str]:
    """Sorts the best machine first."""
    disks = len(data_disks(machine, role.data_disks)) if role.data_disks else 0
    return (-disks, -machine.memory_mib, -machine.cores, machine.system_id)


def _by_zone(machines: Iterable[ObservedMachine]) -> dict[str, list[ObservedMachine]]:
    found: dict[str, list[ObservedMachine]] = {}
    for machine in machines:
        found.setdefault(machine.zone, []).append(machine)
    return found


def _to_commission(
    machines: Mapping[str, ObservedMachine],
    policy: Policy,
    before: Mapping[str, DesiredMachine],
) -> frozenset[str]:
    """New machines, and those whose commissioning failed before, a bounded number at a time."""
    underway = sum(machine.status in _UNDERWAY for machine in machines.values())
    asked = [key for key, each in machines.items() if _is_asked(each, before.get(key))]
    places = max(0, policy.commission_at_once - underway - len(asked))
    waiting = [
        key
        for key, each in machines.items()
        if key not in asked and _wants_commissioning(each, before.get(key))
    ]
    return frozenset(asked + waiting[:places])


def _is_asked(machine: ObservedMachine, asked: DesiredMachine | None) -> bool:
    """Whether commissioning was asked for and nothing came of it yet."""
    return (
        asked is not None
        and asked.commission
        and machine.status in _TO_COMMISSION
        and asked.generation > machine.carried_out
    )


def _wants_commissioning(machine: ObservedMachine, asked: DesiredMachine | None) -> bool:
    """Whether it may be commissioned, and its BMC was heard of where it can be asked."""
    unasked = machine.bmc.reachable is None and machine.bmc.kind in ("redfish", "ipmi")
    return _may_be_commissioned(machine, asked) and not unasked


def _may_be_commissioned(machine: ObservedMachine, asked: DesiredMachine | None) -> bool:
    if machine.in_use or machine.status not in _TO_COMMISSION:
        return False
    if machine.bmc.reachable is False or machine.bmc.health == "critical":
        return False
    if machine.status != "New" and asked is None:
        # It failed before this charm had a hand in it: somebody knows why.
        return False
    return _is_asked(machine, asked) or attempts(asked) < MOST_ATTEMPTS
