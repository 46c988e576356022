"""Action 7: operations, their tasks, and commands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.juju import release
from sandbox.juju.api import framing, tags
from sandbox.juju.api.facades import charm_documents
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each, one
from sandbox.juju.api.session import Access, Session, server_version
from sandbox.juju.api.watchers import Watcher
from sandbox.juju.errors import JujuError, NotFound, NotSupported, NotValid
from sandbox.juju.state import applications, machines, tasks, units
from sandbox.juju.state.store import Change, Transaction

_ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time: of a task that has not started or ended."""

_EXEC = "juju-exec"
_PAGE = 50
"""Operations that one ListOperations shows where no limit was asked for."""


def enqueue_operation(session: Session, parameters: Fields) -> dict[str, Any]:
    """EnqueueOperation: tasks that belong together; each is accepted or refused by itself."""
    wanted = parameters.each("actions")
    with session.store.transaction() as tx:
        receivers = [_receiver(action.text("receiver")) for action in wanted]
        requests = [
            tasks.Request(
                receiver,
                action.text("name"),
                action.mapping("parameters"),
                action.optional_flag("parallel"),
                action.text("execution-group") or None,
            )
            for receiver, action in zip(receivers, wanted, strict=True)
        ]
        return _enqueued(tasks.enqueue(tx, session.model, requests), len(requests))


def run(session: Session, parameters: Fields) -> dict[str, Any]:
    """Run: a command on units, on all units of applications, on machines."""
    with session.store.transaction() as tx:
        receivers = _unit_names(tx, session.model, parameters)
        for machine in parameters.texts("machines"):
            if not tags.valid_machine(machine):
                raise JujuError(f'invalid machine id "{machine}"')
            receivers.append(machine)
        return _run(tx, session.model, receivers, parameters)


def run_on_all_machines(session: Session, parameters: Fields) -> dict[str, Any]:
    """RunOnAllMachines."""
    with session.store.transaction() as tx:
        receivers = [machine.id for machine in machines.all_machines(tx, session.model)]
        return _run(tx, session.model, receivers, parameters)


def show_actions(session: Session, parameters: Fields) -> dict[str, Any]:
    """Actions: tasks by tag."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        try:
            return task_result(tasks.get(tx, session.model, tags.number(tag, "action")))
        except JujuError:
            raise NotFound("id not found") from None

    return each(session, entity_tags(parameters), show)


def cancel(session: Session, parameters: Fields) -> dict[str, Any]:
    """Cancel: pending tasks at once, running ones are asked to abort."""

    def stop(tx: Transaction, tag: str) -> dict[str, Any]:
        try:
            number = tags.number(tag, "action")
        except JujuError:
            raise NotFound("id not found") from None
        return task_result(tasks.cancel(tx, session.model, number))

    return {
        "results": [
            {"action": {"tag": tag, "receiver": "", "name": ""}, **one(session, tag, stop)}
            for tag in entity_tags(parameters)
        ]
    }


def list_operations(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListOperations: by receivers, action names and status; oldest first, paged.

    No task shows its results or its log here (3.6, state/operation.go: "results can be large").
    """
    offset, limit = parameters.number("offset"), parameters.number("limit") or _PAGE
    names, wanted = parameters.texts("actions"), parameters.texts("status")
    with session.store.transaction() as tx:
        juju = release.of_version(server_version(tx))
        receivers = _queried_receivers(tx, session.model, parameters)
        found = tasks.operations(tx, session.model)

    def matches(task: tasks.Task) -> bool:
        by_name = task.name in names and (juju.lists_commands_by_name or task.name != _EXEC)
        return (
            (not receivers or task.receiver in receivers)
            and (not names or by_name)
            and (not wanted or task.status in wanted)
        )

    matching = [operation for operation in found if any(map(matches, operation.tasks))]
    if juju.orders_numbers_as_text:
        matching.sort(key=lambda operation: str(operation.id))
    limit = min(limit, juju.most_operations or limit)
    page = matching[offset : offset + limit]
    return {
        "results": [_operation_result(operation, brief=True) for operation in page],
        "truncated": offset + limit < len(matching),
    }


def show_operations(session: Session, parameters: Fields) -> dict[str, Any]:
    """Operations: by tag."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        number = tags.number(tag, "operation")
        return _operation_result(tasks.get_operation(tx, session.model, number))

    return each(session, entity_tags(parameters), show)


def applications_charms_actions(session: Session, parameters: Fields) -> dict[str, Any]:
    """ApplicationsCharmsActions: what the charms of applications can do."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        application = applications.get(tx, session.model, tags.application(tag))
        declared = applications.charm_of(tx, application).actions
        return {
            "application-tag": tag,
            "actions": {n: charm_documents.action(n, a or {}) for n, a in declared.items()},
        }

    return each(session, entity_tags(parameters), show)


def watch_actions_progress(session: Session, parameters: Fields) -> dict[str, Any]:
    """WatchActionsProgress: a strings watcher per task, of the lines that it logs."""

    def watch(tx: Transaction, tag: str) -> dict[str, Any]:
        number = tags.number(tag, "action")
        lines = _log_lines(tx, session.model, number)
        progress = _Progress(session, number, len(lines))
        watcher = Watcher(session.store, progress.concerns, progress.delta)
        return {"watcher-id": session.watchers.add(watcher), "changes": lines}

    return each(session, entity_tags(parameters), watch)


def task_result(task: tasks.Task) -> dict[str, Any]:
    """params.ActionResult."""
    return {
        "action": {
            "tag": f"action-{task.id}",
            "receiver": tags.for_receiver(task.receiver),
            "name": task.name,
            "parameters": task.parameters,
            "parallel": task.parallel,
            "execution-group": task.execution_group,
        },
        "enqueued": task.enqueued,
        "started": task.started or _ZERO_TIME,
        "completed": task.completed or _ZERO_TIME,
        "status": task.status,
        "message": task.message,
        "log": task.log,
        "output": task.results,
    }


class _Progress:
    """The lines of one task's log that a watcher has not told yet."""

    def __init__(self, session: Session, number: int, told: int) -> None:
        self._session = session
        self._number = number
        self._told = told

    def concerns(self, change: Change) -> bool:
        wanted = ("task", self._session.model, str(self._number))
        return (change.kind, change.model, change.key) == wanted

    def delta(self, _changes: frozenset[Change]) -> list[str] | None:
        with self._session.store.transaction() as tx:
            lines = _log_lines(tx, self._session.model, self._number)
        fresh, self._told = lines[self._told :], len(lines)
        return fresh or None


def _log_lines(tx: Transaction, model: str, number: int) -> list[str]:
    return [json.dumps(line) for line in tasks.get(tx, model, number).log]


def _receiver(tag: str) -> str:
    """The unit or machine that a receiver names; `app/leader` is found when it is enqueued."""
    if tag.endswith("/leader"):
        return tag
    if tag.startswith("machine-"):
        return tags.machine(tag)
    if tag.startswith("unit-"):
        return tags.unit(tag)
    raise NotValid(f'"{tag}" not valid')


def _enqueued(operation: tasks.Operation, count: int) -> dict[str, Any]:
    accepted = iter(operation.tasks)
    refusals: Mapping[int, JujuError] = operation.refusals
    return {
        "operation": f"operation-{operation.id}",
        "actions": [
            {"error": framing.error_document(refusals[index])}
            if index in refusals
            else task_result(next(accepted))
            for index in range(count)
        ],
    }


def _run(tx: Transaction, model: str, receivers: list[str], parameters: Fields) -> dict[str, Any]:
    command = parameters.text("commands")
    if command.split()[:1] in (["juju-exec"], ["juju-run"]):
        raise NotSupported(f'cannot use "{command}" as an action command')
    arguments = {
        "command": command,
        "timeout": parameters.number("timeout"),
        "workload-context": parameters.flag("workload-context"),
    }
    group = parameters.text("execution-group") or None
    parallel = parameters.optional_flag("parallel")
    requests = [
        tasks.Request(receiver, _EXEC, arguments, parallel, group) for receiver in receivers
    ]
    return _enqueued(tasks.enqueue(tx, model, requests), len(requests))


def _unit_names(tx: Transaction, model: str, parameters: Fields) -> list[str]:
    found = set(parameters.texts("units"))
    for name in parameters.texts("applications"):
        applications.get(tx, model, name)
        found.update(units.names(tx, model, name))
    for name in found:
        if not name.endswith("/leader") and not tags.valid_unit(name):
            raise JujuError(f'invalid unit name "{name}"')
    return sorted(found)


def _queried_receivers(tx: Transaction, model: str, parameters: Fields) -> set[str]:
    receivers = {*parameters.texts("units"), *parameters.texts("machines")}
    for name in parameters.texts("applications"):
        applications.get(tx, model, name)
        receivers.update(units.names(tx, model, name))
    return receivers


def _operation_result(operation: tasks.Operation, *, brief: bool = False) -> dict[str, Any]:
    """params.OperationResult; `brief` is without what its tasks gave."""
    left_out = {"output": {}, "log": []} if brief else {}
    return {
        "operation": f"operation-{operation.id}",
        "summary": operation.summary,
        "fail": operation.fail,
        "enqueued": operation.enqueued,
        "started": operation.started or _ZERO_TIME,
        "completed": operation.completed or _ZERO_TIME,
        "status": operation.status,
        "actions": [{**task_result(task), **left_out} for task in operation.tasks],
    }


FACADES = (
    Facade(
        "Action",
        7,
        {
            "EnqueueOperation": Method(enqueue_operation, Access.WRITE),
            "Run": Method(run, Access.ADMIN),
            "RunOnAllMachines": Method(run_on_all_machines, Access.ADMIN),
            "Actions": Method(show_actions, Access.READ),
            "Cancel": Method(cancel, Access.WRITE),
            "ListOperations": Method(list_operations, Access.READ),
            "Operations": Method(show_operations, Access.READ),
            "ApplicationsCharmsActions": Method(applications_charms_actions, Access.WRITE),
            "WatchActionsProgress": Method(watch_actions_progress, Access.READ),
        },
    ),
)
