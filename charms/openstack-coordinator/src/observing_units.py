"""What a snapshot shows of the operations on charms, units and machines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import steps
from charms.openstack_coordinator.v0.juju_tasks import EXEC
from charms.openstack_coordinator.v0.rolling import Observation
from cloud import Unit
from sight import ABSENT, DONE, WORKING, Arguments, Sight
from snapshot import Snapshot, Task, is_of, paused, serving, settled

_SEALED = "sealed"

# -- charms and options ---------------------------------------------------------------------


def _refresh_charm(sight: Sight, wanted: Arguments) -> Observation:
    application = sight.application(wanted["application"])
    if application is None:
        return sight.failed(f"{wanted['application']} is gone")
    revision = wanted.get("revision", application.revision)
    if (application.channel, application.revision) != (wanted["channel"], revision):
        return ABSENT
    return DONE


def _set_options(sight: Sight, wanted: Arguments) -> Observation:
    application = sight.application(wanted["application"])
    if application is None:
        return sight.failed(f"{wanted['application']} is gone")
    same = (
        _same_value(application.options.get(option), value)
        for option, value in wanted["options"].items()
    )
    return DONE if all(same) else ABSENT


def _same_value(there: Any, wanted: Any) -> bool:
    if wanted is None:
        return not there
    return _text(there) == _text(wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- units ----------------------------------------------------------------------------------


def _pause_unit(sight: Sight, wanted: Arguments) -> Observation:
    return _unit_by_action(sight, wanted, "pause", paused)


def _resume_unit(sight: Sight, wanted: Arguments) -> Observation:
    return _unit_by_action(sight, wanted, "resume", lambda u: not paused(u) and serving(u))


def _upgrade_unit(sight: Sight, wanted: Arguments) -> Observation:
    name, action = wanted["unit"], "openstack-upgrade"
    unit, task = sight.snapshot.unit(name), sight.task(wanted["unit"], action, None)
    if unit is None:
        return sight.failed(f"{name} is gone")
    there = task is None and is_of(unit.version, wanted["version"])
    if there or (task is not None and task.status == "completed" and not task.in_vain):
        return DONE if unit.agent == "idle" else WORKING
    if task is not None and not task.ended:
        return WORKING
    if _in_error(unit):
        return sight.failed(f"{name} is in error: {unit.message}")
    if task is not None and task.in_vain:
        return sight.failed(f"{action} on {name} did nothing: {task.outcome}")
    return sight.by_task(name, action, None)


def _tell_version(sight: Sight, wanted: Arguments) -> Observation:
    def told(unit: Unit) -> bool:
        return is_of(unit.version, wanted["version"])

    return _unit_by_action(sight, wanted, EXEC, told, {"command": steps.TELL})


def _unit_by_action(
    sight: Sight,
    wanted: Arguments,
    action: str,
    effect: Callable[[Unit], bool],
    parameters: Mapping[str, Any] | None = None,
) -> Observation:
    name = wanted["unit"]
    unit = sight.snapshot.unit(name)
    if unit is None:
        return sight.failed(f"{name} is gone")
    if effect(unit):
        # An agent that is busy, or lost for hours, is waited for: it is not asked a second time.
        return DONE if unit.agent == "idle" else WORKING
    task = sight.task(name, action, parameters)
    if task is not None and not task.ended:
        # Actions run while a hook is in error, too: the same is not asked for beside it.
        return WORKING
    if _in_error(unit):
        return sight.failed(f"{name} is in error: {unit.message}")
    return sight.by_task(name, action, parameters)


def _await_units(sight: Sight, wanted: Arguments) -> Observation:
    version, waiting = wanted.get("version", ""), False
    well = _at_rest if wanted.get("idle") else settled
    for name in wanted["units"]:
        unit = sight.snapshot.unit(name)
        if unit is None:
            return sight.failed(f"{name} is gone")
        if _in_error(unit):
            return sight.failed(f"{name} is in error: {unit.message}")
        reached = (
            well(unit)
            and not unit.refreshing
            and (not version or is_of(unit.version, version))
            and not (wanted.get("restarted") and steps.QUEUED in unit.message)
        )
        waiting = waiting or not reached
    return WORKING if waiting else DONE


def _at_rest(unit: Unit) -> bool:
    return unit.agent == "idle"


def _await_unsealed(sight: Sight, wanted: Arguments) -> Observation:
    units = [sight.snapshot.unit(name) for name in wanted["units"]]
    for name, unit in zip(wanted["units"], units, strict=True):
        if unit is None:
            return sight.failed(f"{name} is gone")
        if not settled(unit) or unit.refreshing or _SEALED in unit.message.lower():
            return WORKING
    return DONE


def _run_action(sight: Sight, wanted: Arguments) -> Observation:
    return _by_completion(sight, wanted["unit"], wanted["action"], wanted["parameters"])


def _run_command(sight: Sight, wanted: Arguments) -> Observation:
    return _by_completion(sight, wanted["unit"], EXEC, {"command": wanted["command"]})


def _by_completion(
    sight: Sight, unit: str, action: str, parameters: Mapping[str, Any]
) -> Observation:
    if sight.record is None:
        return ABSENT
    task = sight.task(unit, action, parameters)
    if task is not None and task.status == "completed":
        return DONE
    if sight.snapshot.unit(unit) is None:
        return sight.failed(f"{unit} is gone")
    return sight.by_task(unit, action, parameters)


def _hold_agent(sight: Sight, wanted: Arguments) -> Observation:
    unit = wanted["unit"]
    if sight.snapshot.unit(unit) is None:
        return sight.failed(f"{unit} is gone")
    command = steps.HELD.format(seconds=wanted["seconds"])
    if is_held(sight.snapshot, unit):
        return DONE
    asked = holding(sight.snapshot, unit)
    return WORKING if asked else sight.by_task(unit, EXEC, {"command": command})


def _release_agent(sight: Sight, wanted: Arguments) -> Observation:
    unit = wanted["unit"]
    if not holding(sight.snapshot, unit):
        return DONE
    return WORKING if sight.requested else ABSENT


def holding(snapshot: Snapshot, unit: str) -> list[Task]:
    """The tasks that keep an agent busy, whoever asked for them."""
    mark = steps.HELD.partition("#")[2]
    return [
        task
        for task in snapshot.tasks
        if task.unit == unit
        and task.action == EXEC
        and not task.ended
        and str(task.parameters.get("command", "")).endswith(mark)
    ]


def is_held(snapshot: Snapshot, unit: str) -> bool:
    """Whether its agent is busy with one. One that is cancelled runs on: see `steps.HELD`."""
    return any(task.status != "pending" for task in holding(snapshot, unit))


def _resolve_unit(sight: Sight, wanted: Arguments) -> Observation:
    unit = sight.snapshot.unit(wanted["unit"])
    if unit is None:
        return sight.failed(f"{wanted['unit']} is gone")
    if not _in_error(unit):
        return DONE
    return WORKING if sight.requested else ABSENT


def _in_error(unit: Unit) -> bool:
    return "error" in (unit.agent, unit.workload)


def _add_units(sight: Sight, wanted: Arguments) -> Observation:
    application = sight.application(wanted["application"])
    if application is None:
        return sight.failed(f"{wanted['application']} is gone")
    cloud, ready = sight.snapshot.cloud, set[str]()
    installing = False
    for unit in application.units:
        if _in_error(unit):
            return sight.failed(f"{unit.name} is in error: {unit.message}")
        machine = cloud.machine(unit)
        if machine is None or not machine.provisioned or not (settled(unit) or paused(unit)):
            installing = True
        elif settled(unit):
            ready.add(machine.instance_id)
    if ready.issuperset(wanted["nodes"]):
        return DONE
    return WORKING if installing else ABSENT


def _remove_unit(sight: Sight, wanted: Arguments) -> Observation:
    if sight.snapshot.unit(wanted["unit"]) is None:
        return DONE
    return WORKING if sight.requested else ABSENT


def _remove_machine(sight: Sight, wanted: Arguments) -> Observation:
    cloud, machine = sight.snapshot.cloud, wanted["machine"]
    if machine not in cloud.machines:
        return DONE
    left = sorted(
        unit.name
        for application in cloud.applications.values()
        for unit in application.units
        if unit.machine == machine and not unit.principal
    )
    left += sorted(id_ for id_ in cloud.machines if id_.startswith(f"{machine}/"))
    if left:
        return sight.failed(f"machine {machine} still holds {', '.join(left)}")
    return WORKING if sight.requested else ABSENT


OBSERVERS: Mapping[str, Callable[[Sight, Arguments], Observation | None]] = {
    "refresh-charm": _refresh_charm,
    "set-options": _set_options,
    "pause-unit": _pause_unit,
    "resume-unit": _resume_unit,
    "upgrade-unit": _upgrade_unit,
    "tell-version": _tell_version,
    "await-units": _await_units,
    "await-unsealed": _await_unsealed,
    "run-action": _run_action,
    "run-command": _run_command,
    "hold-agent": _hold_agent,
    "release-agent": _release_agent,
    "resolve-unit": _resolve_unit,
    "add-units": _add_units,
    "remove-unit": _remove_unit,
    "remove-machine": _remove_machine,
}
