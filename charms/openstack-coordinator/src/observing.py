"""What a snapshot shows of each step of a plan: not begun, at work, done or failed. Pure.

Where an operation has an effect that can be seen, the effect decides. Where it has none, Juju's
record of actions does. Nothing is concluded from what could not be read: such a step is left out,
and waits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import draining
import observing_hosts
import observing_units
import steps
from charms.openstack_coordinator.v0.juju_tasks import EXEC
from charms.openstack_coordinator.v0.rolling import Journal, Observation, Record
from charms.openstack_coordinator.v0.rolling_plan import Step
from sight import DONE, WORKING, Arguments, Sight
from snapshot import Snapshot

ACTIONS: Mapping[str, str] = {
    "pause-unit": "pause",
    "resume-unit": "resume",
    "upgrade-unit": "openstack-upgrade",
    "set-noout": "set-noout",
    "unset-noout": "unset-noout",
}
"""Operation -> the action that does it, where it is always the same."""

_EVERY = 1 << 30
"""More attempts than any step has: of whichever attempt."""


def observe(
    wanted: Iterable[Step], journal: Journal, snapshot: Snapshot
) -> dict[str, Observation]:
    """Step id -> what is seen of it; steps of which nothing can be told are left out."""
    found: dict[str, Observation] = {}
    for step in wanted:
        seen = observe_step(step, journal.records.get(step.id), snapshot)
        if seen is not None and journal.mode == "aborting":
            seen = _stopped(step, seen, snapshot)
        if seen is not None:
            found[step.id] = seen
    return found


def observe_step(step: Step, record: Record | None, snapshot: Snapshot) -> Observation | None:
    """What is seen of one step; None when that cannot be told from this snapshot.

    Args:
        step: the step.
        record: how far the journal has it; None when it was not begun.
        snapshot: a look that was taken after the record was written.
    """
    arguments = step.do.arguments
    if snapshot.nova is not None:
        arguments = snapshot.nova.with_names(arguments)
    return _OBSERVERS[step.do.kind](Sight(snapshot, record), arguments)


def action_of(kind: str, arguments: Arguments) -> tuple[str, str, Mapping[str, Any]] | None:
    """The unit, action and parameters by which an operation is done; None when by none.

    The unit may be `application/leader`.
    """
    if kind in ("set-noout", "unset-noout"):
        return steps.leader(arguments["application"]), ACTIONS[kind], {}
    if kind in ACTIONS:
        return arguments["unit"], ACTIONS[kind], {}
    if kind == "run-action":
        return arguments["unit"], arguments["action"], arguments["parameters"]
    command = command_of(kind, arguments)
    return (command[0], EXEC, {"command": command[1]}) if command else None


def command_of(kind: str, arguments: Arguments) -> tuple[str, str] | None:
    """The unit and the command by which an operation is done; None when by none."""
    if kind == "run-command":
        return arguments["unit"], arguments["command"]
    if kind == "tell-version":
        return arguments["unit"], steps.TELL
    if kind == "require-osd-release":
        return _require(arguments)
    return None


def _require(arguments: Arguments) -> tuple[str, str]:
    command = f"ceph osd require-osd-release {arguments['release']}"
    return steps.leader(arguments["application"]), command


# -- Ceph -----------------------------------------------------------------------------------


def _set_noout(sight: Sight, wanted: Arguments) -> Observation | None:
    ceph = sight.ceph(wanted["application"])
    if ceph is None:
        return None
    if "noout" in ceph.flags:
        return DONE
    return sight.by_task(steps.leader(wanted["application"]), "set-noout", None)


def _unset_noout(sight: Sight, wanted: Arguments) -> Observation | None:
    ceph = sight.ceph(wanted["application"])
    if ceph is None:
        return None
    if "noout" not in ceph.flags:
        return DONE
    return sight.by_task(steps.leader(wanted["application"]), "unset-noout", None)


def _require_osd_release(sight: Sight, wanted: Arguments) -> Observation | None:
    ceph = sight.ceph(wanted["application"])
    if ceph is None:
        return None
    if ceph.required_release == wanted["release"]:
        return DONE
    unit, command = _require(wanted)
    return sight.by_task(unit, EXEC, {"command": command})


# -- time, and nothing ----------------------------------------------------------------------


def _soak(sight: Sight, wanted: Arguments) -> Observation:
    over = sight.requested and sight.snapshot.at >= sight.since + wanted["seconds"]
    return DONE if over else WORKING


def _nothing(_look: Sight, _wanted: Arguments) -> Observation:
    return DONE


def _stopped(step: Step, seen: Observation, snapshot: Snapshot) -> Observation:
    """While a plan is aborted, a drain and waits end where they are: nothing new is asked for."""
    kind = step.do.kind
    if seen.state != "working":
        return seen
    if kind in ("soak", "await-unsealed"):
        return Observation("failed", _EVERY, "the plan was aborted")
    if kind == "drain-host" and snapshot.nova is not None:
        drain = draining.look(step.do.arguments, snapshot.nova, math.inf)
        if not drain.moving:
            return Observation("failed", _EVERY, f"aborted with {drain.left} guests left")
    return seen


_OBSERVERS: Mapping[str, Callable[[Sight, Arguments], Observation | None]] = {
    **observing_units.OBSERVERS,
    **observing_hosts.OBSERVERS,
    "set-noout": _set_noout,
    "unset-noout": _unset_noout,
    "require-osd-release": _require_osd_release,
    "soak": _soak,
    "nothing": _nothing,
}
