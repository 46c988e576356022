"""What may go wrong in a history, and how likely it is."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Misfortune:
    """Chances, per tick but for those of Luck."""

    crash: float
    new_leader: float
    unit_fails: float
    unit_lost: float
    leader_moves: float
    agent_restarts: float
    host_dies: float
    guest_arrives: float
    clock_jumps: float
    metal_fails: float
    ceph_fails: float
    operator: float


def of(bad: float) -> Misfortune:
    """Chances of a world that is as bad as this; 0 for one where all goes well."""
    return Misfortune(
        crash=0.05 * bad,
        new_leader=0.01 * bad,
        unit_fails=0.002 * bad,
        unit_lost=0.001 * bad,
        leader_moves=0.0005 * bad,
        agent_restarts=0.002 * bad,
        host_dies=0.001 * bad,
        guest_arrives=0.01 * bad,
        clock_jumps=0.002 * bad,
        metal_fails=0.002 * bad,
        ceph_fails=0.001 * bad,
        operator=0.004 * bad,
    )
