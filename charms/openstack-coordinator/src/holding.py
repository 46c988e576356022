"""Agents that a plan holds and that were let go by something else: held again in time. Pure.

Whatever restarts the agent of a machine (a reboot, an upgrade of Juju) ends the command that holds
the agents of its units. Until what they are held for was asked for, nothing is lost: they are held
again. Afterwards what waited for them has run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import observing_units

if TYPE_CHECKING:
    from charms.openstack_coordinator.v0.rolling import Journal
    from charms.openstack_coordinator.v0.rolling_plan import Operation, Wave
    from snapshot import Snapshot


def again(wave: Wave, journal: Journal, snapshot: Snapshot) -> Iterator[Operation]:
    """What holds those that are free, and that a step still to be asked for needs held.

    Args:
        wave: the one at work.
        journal: as it will be persisted; it is not stopped.
        snapshot: by which it was advanced.
    """
    held: dict[str, Operation] = {}
    for step in wave.steps:
        unit, record = step.do.arguments.get("unit", ""), journal.records.get(step.id)
        if record is not None and record.finished:
            if step.do.kind == "hold-agent":
                held[unit] = step.do
            elif step.do.kind == "release-agent":
                held.pop(unit, None)
            continue
        if record is None or record.state == "intended":
            needed = [
                name for g in step.gates if g.kind == "held" for name in g.arguments["units"]
            ]
            for name in needed:
                if name in held and not observing_units.holding(snapshot, name):
                    yield held[name]
        return
