"""What must be read to judge some steps and gates: a tick reads no more than that. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

import observing
from charms.openstack_coordinator.v0.juju_tasks import EXEC
from charms.openstack_coordinator.v0.rolling_plan import Gate, Operation, Step

_OF_NOVA = frozenset(
    {
        *("disable-host", "enable-host", "drain-host", "boot-canary", "remove-canary"),
        *("map-hosts", "set-zone", "remove-compute-service", "remove-network-agent"),
        *("capacity", "empty", "other-zones-up", "down-in-zone"),
    }
)
_WITH_GUESTS = frozenset({"drain-host", "boot-canary", "remove-canary", "capacity", "empty"})
_OF_CEPH = frozenset({"set-noout", "unset-noout", "require-osd-release", "ceph-health"})


@dataclasses.dataclass(frozen=True)
class Needs:
    """Parts of a snapshot. The model's status is always needed."""

    options: frozenset[str] = frozenset()
    """Applications whose options to read."""
    tasks: frozenset[tuple[str, str]] = frozenset()
    """Units (or application/leader) and actions whose runs to read."""
    nova: bool = False
    guests: frozenset[str] = frozenset()
    """Hosts whose guests and migrations to read."""
    room: bool = False
    agents: bool = False
    ceph: frozenset[str] = frozenset()
    """Applications of monitors."""
    virtual: frozenset[str] = frozenset()
    """Applications of cluster agents."""
    probe: bool = False
    pool: bool = False


def of(steps: Iterable[Step], gates: Iterable[Gate]) -> Needs:
    """What these steps, with their own gates, and these gates need."""
    listed = list(steps)
    asked: list[Operation | Gate] = [step.do for step in listed]
    asked += [gate for step in listed for gate in step.gates]
    asked += gates
    kinds = {one.kind for one in asked}
    return Needs(
        options=frozenset(
            one.arguments["application"] for one in asked if one.kind == "set-options"
        ),
        tasks=frozenset(_tasks(asked)),
        nova=bool(kinds & _OF_NOVA),
        guests=frozenset(h for one in asked if one.kind in _WITH_GUESTS for h in _hosts(one)),
        room=bool(kinds & {"capacity", "drain-host"}),
        agents="remove-network-agent" in kinds,
        ceph=_applications(asked, _OF_CEPH),
        virtual=frozenset(o.arguments["agents"] for o in asked if o.kind == "vip-away"),
        probe="api-probe" in kinds,
        pool=bool(kinds & {"pool", "bmc"}),
    )


def _applications(asked: Iterable[Operation | Gate], kinds: Collection[str]) -> frozenset[str]:
    return frozenset(one.arguments["application"] for one in asked if one.kind in kinds)


def _tasks(asked: Iterable[Operation | Gate]) -> Iterable[tuple[str, str]]:
    for one in asked:
        if one.kind == "held":
            yield from ((unit, EXEC) for unit in one.arguments["units"])
            continue
        action = observing.action_of(one.kind, one.arguments)
        if action is not None:
            yield action[0], action[1]
        elif one.kind in ("hold-agent", "release-agent"):
            yield one.arguments["unit"], EXEC


def _hosts(asked: Operation | Gate) -> Iterable[str]:
    return asked.arguments["hosts"] if "hosts" in asked.arguments else [asked.arguments["host"]]
