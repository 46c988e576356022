"""The pool as it is published: every machine's state and reasons, and counts per role and zone."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from assignment import (
    MOST_ATTEMPTS,
    Assignment,
    attempts,
    is_ours,
    may_come,
)
from charms.baremetal_inventory.v0.node_pool import Claim, NodeState, PoolNode, RoleCount
from charms.maas_bmc.v0.baremetal_nodes import (
    ROLE_TAG_PREFIX,
    DesiredMachine,
    ObservedMachine,
)
from fitness import Finding, ailments, failings, is_fit
from policy import Policy

_MOST_REASONS = 3


@dataclasses.dataclass(frozen=True)
class Shortfall:
    """A role that has less than its minimum, or too few zones."""

    role: str
    have: int
    need: int
    coming: int
    """Machines that may still turn out fit."""
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        text = f"{self.role} has {self.have} of {self.need}"
        return f"{text} ({'; '.join(self.reasons)})" if self.reasons else text


@dataclasses.dataclass(frozen=True)
class Pool:
    """The whole pool."""

    nodes: Mapping[str, PoolNode]
    counts: tuple[RoleCount, ...]
    shortfalls: tuple[Shortfall, ...]

    def summary(self) -> list[str]:
        """How many each role has of what it wants, in the order of the policy."""
        roles = dict.fromkeys(count.role for count in self.counts)
        return [f"{role} {self._total(role)}" for role in roles]

    def _total(self, role: str) -> str:
        counts = [count for count in self.counts if count.role == role]
        have = sum(count.ready + count.claimed for count in counts)
        return f"{have} of {sum(count.wanted for count in counts)}"


def survey(
    machines: Mapping[str, ObservedMachine],
    policy: Policy,
    assignment: Assignment,
    asked: Mapping[str, DesiredMachine],
    claims: Mapping[str, Claim],
) -> Pool:
    """The pool of these machines; `claims` are those that run, by system id."""
    nodes = {
        system_id: _node(machine, policy, assignment, asked.get(system_id), claims)
        for system_id, machine in sorted(machines.items())
        if is_ours(machine, policy)
    }
    counts = tuple(count for name in policy.roles for count in _counts(name, policy, nodes))
    shortfalls = tuple(
        shortfall
        for name in policy.roles
        if (shortfall := _shortfall(name, policy, machines, nodes)) is not None
    )
    return Pool(nodes, counts, shortfalls)


def _node(
    machine: ObservedMachine,
    policy: Policy,
    assignment: Assignment,
    asked: DesiredMachine | None,
    claims: Mapping[str, Claim],
) -> PoolNode:
    role = assignment.roles.get(machine.system_id, "")
    state, reasons = _state(machine, policy, role, asked)
    claim = claims.get(machine.system_id)
    owner = (machine.juju_machine or machine.owner) if machine.in_use else ""
    if state == "ready" and claim is not None:
        state, owner = "claimed", claim.owner
    return PoolNode(
        system_id=machine.system_id,
        hostname=machine.hostname,
        zone=machine.zone,
        role=role,
        state=state,
        reasons=reasons,
        owner=owner,
        lease_until=claim.lease_until if claim is not None and owner == claim.owner else None,
    )


def _state(
    machine: ObservedMachine, policy: Policy, role: str, asked: DesiredMachine | None
) -> tuple[NodeState, tuple[str, ...]]:
    if machine.in_use:
        return "claimed", ()
    refused = (machine.refusal,) if machine.refusal else ()
    if may_come(machine, asked):
        return "preparing", (f"it is {machine.status}", *refused)
    if role:
        return _state_in_role(machine, policy, role)
    found = ailments(machine)
    if found or machine.status != "Ready":
        return "unfit", (*_texts(found), *_given_up(machine, asked), *refused)
    automatic = {n: r for n, r in policy.roles.items() if r.assign == "automatic"}
    if any(is_fit(machine, each) for each in automatic.values()):
        return "spare", ()
    reasons = (
        f"{name}: {finding}"
        for name, each in automatic.items()
        for finding in failings(machine, each)
    )
    return "unfit", tuple(reasons) or ("no role of the policy is given automatically",)


def _given_up(machine: ObservedMachine, asked: DesiredMachine | None) -> tuple[str, ...]:
    if attempts(asked) < MOST_ATTEMPTS:
        return () if ailments(machine) else (f"it is {machine.status}: make it Ready in MAAS",)
    return (f"commissioning was asked for {MOST_ATTEMPTS} times: commission it in MAAS",)


def _state_in_role(
    machine: ObservedMachine, policy: Policy, role: str
) -> tuple[NodeState, tuple[str, ...]]:
    found = (*ailments(machine), *failings(machine, policy.roles[role]))
    if found:
        return "unfit", _texts(found)
    if machine.status != "Ready":
        return "preparing", (f"it is {machine.status}",)
    if f"{ROLE_TAG_PREFIX}{role}" not in machine.tags:
        return "preparing", (machine.refusal or "waits for its tag",)
    return "ready", ()


def _counts(name: str, policy: Policy, nodes: Mapping[str, PoolNode]) -> list[RoleCount]:
    zones = sorted({node.zone for node in nodes.values()})
    states = Counter((node.zone, node.state) for node in nodes.values() if node.role == name)
    held = {zone: states[zone, "ready"] + states[zone, "claimed"] for zone in zones}
    wanted = _spread(policy.roles[name].want, held)
    return [
        RoleCount(
            role=name,
            zone=zone,
            wanted=wanted[zone],
            ready=states[zone, "ready"],
            claimed=states[zone, "claimed"],
            preparing=states[zone, "preparing"],
            unfit=states[zone, "unfit"],
        )
        for zone in zones
    ]


def _spread(total: int, held: Mapping[str, int]) -> dict[str, int]:
    """`total` over the zones, evenly; what is left over goes to zones that hold more already."""
    wanted = dict.fromkeys(held, 0)
    for _ in range(total if wanted else 0):
        zone = min(wanted, key=lambda zone: (wanted[zone], -held[zone], zone))
        wanted[zone] += 1
    return wanted


def _shortfall(
    name: str,
    policy: Policy,
    machines: Mapping[str, ObservedMachine],
    nodes: Mapping[str, PoolNode],
) -> Shortfall | None:
    role = policy.roles[name]
    have = [n for n in nodes.values() if n.role == name and n.state in ("ready", "claimed")]
    zones = {node.zone for node in have}
    reasons: list[str] = []
    if len(have) >= role.min and len(zones) >= min(role.zones, len(have)):
        return None
    hopes = (name, "") if role.assign == "automatic" else (name,)
    coming = sum(node.state == "preparing" and node.role in hopes for node in nodes.values())
    if len(have) >= role.min:
        reasons.append(f"they are in {len(zones)} zones, wants {role.zones}")
    if role.assign == "by-operator":
        reasons.append(f"tag fit machines {ROLE_TAG_PREFIX}{name} in MAAS")
    reasons += _reasons(name, policy, machines, nodes)
    return Shortfall(name, len(have), role.min, coming, tuple(reasons))


def _reasons(
    name: str,
    policy: Policy,
    machines: Mapping[str, ObservedMachine],
    nodes: Mapping[str, PoolNode],
) -> list[str]:
    """Why the machines that are nearest to the role are not in it: fewest failings first."""
    role = policy.roles[name]
    found: list[tuple[int, str, Finding]] = []
    for system_id, node in nodes.items():
        machine = machines[system_id]
        against = (*ailments(machine), *failings(machine, role))
        if node.state in ("unfit", "spare") and node.role in (name, "") and against:
            found.append((len(against), machine.hostname, against[0]))
    if not found:
        free = any(node.state in ("spare", "unfit") for node in nodes.values())
        return [] if free else ["no machine is free: enlist more in MAAS"]
    nearest = sorted(found, key=lambda each: each[:2])
    shown = [f"{hostname}: {finding}" for _, hostname, finding in nearest[:_MOST_REASONS]]
    more = len(nearest) - len(shown)
    return [*shown, f"and {more} more: see list-nodes"] if more else shown


def _texts(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(str(finding) for finding in findings)
