"""Operations and their tasks: actions and commands that units and machines are asked to run."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju import clock, errors
from sandbox.juju.state import action_parameters, leases, models
from sandbox.juju.state.store import Transaction

PENDING = "pending"
RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
CANCELLED = "cancelled"
ABORTING = "aborting"
ABORTED = "aborted"
ERROR = "error"

FINAL = frozenset({COMPLETED, FAILED, CANCELLED, ABORTED, ERROR})

# The status of an operation is the first of these that one of its tasks has; state/operation.go.
_ORDER = (RUNNING, ABORTING, PENDING, ERROR, FAILED, CANCELLED, ABORTED, COMPLETED)


@dataclasses.dataclass(frozen=True)
class Request:
    """What somebody asks of one unit or machine."""

    receiver: str
    """A unit (keystone/0), the leader (keystone/leader), or a machine's id."""
    name: str
    """The action; juju-exec for a command."""
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parallel: bool | None = None
    """None: as the charm says."""
    execution_group: str | None = None


@dataclasses.dataclass(frozen=True)
class Task:
    """One action or command for one receiver."""

    model: str
    id: int
    operation: int
    receiver: str
    name: str
    parameters: dict[str, Any]
    execution_group: str
    parallel: bool
    status: str
    message: str
    results: dict[str, Any]
    log: list[dict[str, str]]
    """[{"timestamp", "message"}], oldest first."""
    enqueued: str
    started: str | None
    completed: str | None

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Task:
        """The task of a row of `tasks`."""
        return cls(
            model=row["model"],
            id=row["id"],
            operation=row["operation"],
            receiver=row["receiver"],
            name=row["name"],
            parameters=json.loads(row["parameters_json"]),
            execution_group=row["execution_group"],
            parallel=bool(row["parallel"]),
            status=row["status"],
            message=row["message"],
            results=json.loads(row["results_json"]),
            log=json.loads(row["log_json"]),
            enqueued=row["enqueued"],
            started=row["started"],
            completed=row["completed"],
        )


@dataclasses.dataclass(frozen=True)
class Operation:
    """Tasks that were asked for together."""

    model: str
    id: int
    summary: str
    fail: str
    enqueued: str
    tasks: tuple[Task, ...]
    refusals: Mapping[int, errors.JujuError] = dataclasses.field(default_factory=dict)
    """Of the requests that made no task: their place in the request, and why."""

    @property
    def status(self) -> str:
        """The status of its tasks as one."""
        found = {task.status for task in self.tasks}
        return next((status for status in _ORDER if status in found), PENDING)

    @property
    def started(self) -> str | None:
        """When its first task started."""
        return min((t.started for t in self.tasks if t.started), default=None)

    @property
    def completed(self) -> str | None:
        """When its last task ended; None while one has not."""
        ends = [task.completed for task in self.tasks]
        return None if None in ends or not ends else max(e for e in ends if e)


def enqueue(tx: Transaction, model: str, requests: Sequence[Request]) -> Operation:
    """Ask for actions; those that are refused make no task, and the others run.

    The result has a task for each accepted request, in order, and `refusals` for the rest.
    """
    names = sorted({request.name for request in requests})
    name = names[0] if len(names) == 1 else "multiple actions"
    receivers = ",".join(request.receiver for request in requests)
    operation = models.next_number(tx, model, "task") + 1
    tx.insert(
        "operations",
        model=model,
        id=operation,
        summary=f"{name} run on {receivers}",
        enqueued=clock.stamp(),
    )
    attempts = [_attempt(tx, model, operation, request) for request in requests]
    refusals = {index: refusal for index, refusal in enumerate(attempts) if refusal}
    if len(refusals) == len(requests):
        why = "; ".join(str(refusal) for refusal in refusals.values())
        tx.update("operations", {"model": model, "id": operation}, fail=why)
    return dataclasses.replace(get_operation(tx, model, operation), refusals=refusals)


def get(tx: Transaction, model: str, task: int) -> Task:
    """A task by its number; NotFound if there is none."""
    row = tx.one("SELECT * FROM tasks WHERE model = ? AND id = ?", model, task)
    if row is None:
        raise errors.NotFound(f'action "{task}" not found')
    return Task.from_row(row)


def get_operation(tx: Transaction, model: str, operation: int) -> Operation:
    """An operation with its tasks; NotFound if there is none."""
    row = tx.one("SELECT * FROM operations WHERE model = ? AND id = ?", model, operation)
    if row is None:
        raise errors.NotFound(f'operation "{operation}" not found')
    return _operation(tx, row)


def operations(tx: Transaction, model: str) -> list[Operation]:
    """Every operation of a model, oldest first."""
    rows = tx.all("SELECT * FROM operations WHERE model = ? ORDER BY id", model)
    return [_operation(tx, row) for row in rows]


def pending(tx: Transaction, model: str, receiver: str) -> list[int]:
    """The tasks that a receiver has not begun, oldest first."""
    rows = tx.all(
        "SELECT id FROM tasks WHERE model = ? AND receiver = ? AND status = ? ORDER BY id",
        *(model, receiver, PENDING),
    )
    return [row["id"] for row in rows]


def running(tx: Transaction, model: str, receiver: str) -> list[int]:
    """The tasks that a receiver has begun and not ended."""
    rows = tx.all(
        "SELECT id FROM tasks WHERE model = ? AND receiver = ? AND status IN (?, ?) ORDER BY id",
        *(model, receiver, RUNNING, ABORTING),
    )
    return [row["id"] for row in rows]


def begin(tx: Transaction, model: str, task: int) -> None:
    """Note that a task starts."""
    tx.update("tasks", {"model": model, "id": task}, status=RUNNING, started=clock.stamp())
    tx.touch("task", model, str(task))


def finish(
    tx: Transaction,
    model: str,
    task: int,
    status: str,
    message: str = "",
    results: Mapping[str, Any] | None = None,
) -> None:
    """Note how a task ended; one that ended already stays as it is."""
    if get(tx, model, task).status in FINAL:
        return
    tx.update(
        "tasks",
        {"model": model, "id": task},
        status=status,
        message=message,
        results_json=dict(results or {}),
        completed=clock.stamp(),
    )
    tx.touch("task", model, str(task))


def write_log(tx: Transaction, model: str, task: int, message: str) -> None:
    """Append one line to a task's log."""
    lines = [*get(tx, model, task).log, {"timestamp": clock.stamp(), "message": message}]
    tx.update("tasks", {"model": model, "id": task}, log_json=lines)
    tx.touch("task", model, str(task))


def cancel(tx: Transaction, model: str, task: int) -> Task:
    """Cancel a task: at once while it is pending; a running one is asked to abort.

    Raises:
        NotFound: no such task.
    """
    status = get(tx, model, task).status
    if status == PENDING:
        finish(tx, model, task, CANCELLED, "action cancelled via the API")
    elif status == RUNNING:
        tx.update("tasks", {"model": model, "id": task}, status=ABORTING)
        tx.touch("task", model, str(task))
    return get(tx, model, task)


def abandon(tx: Transaction, model: str, receiver: str) -> None:
    """End the tasks of a receiver that is gone."""
    for task in pending(tx, model, receiver):
        finish(tx, model, task, CANCELLED, "unit removed")
    for task in running(tx, model, receiver):
        finish(tx, model, task, ABORTED, "unit removed")


def _operation(tx: Transaction, row: sqlite3.Row) -> Operation:
    tasks = tx.all(
        "SELECT * FROM tasks WHERE model = ? AND operation = ? ORDER BY id",
        *(row["model"], row["id"]),
    )
    return Operation(
        row["model"],
        row["id"],
        row["summary"],
        row["fail"],
        row["enqueued"],
        tuple(Task.from_row(task) for task in tasks),
    )


def _attempt(
    tx: Transaction, model: str, operation: int, request: Request
) -> errors.JujuError | None:
    try:
        _add(tx, model, operation, request)
    except errors.JujuError as refusal:
        return refusal
    return None


def _add(tx: Transaction, model: str, operation: int, request: Request) -> None:
    receiver = _receiver(tx, model, request.receiver)
    action = action_parameters.defined(_actions(tx, model, receiver), request.name)
    if action is None:
        raise errors.NotValid(f'action "{request.name}" not defined on unit "{receiver}"', code="")
    parameters = action_parameters.prepared(action, request.parameters)
    number = models.next_number(tx, model, "task") + 1
    parallel = action.parallel if request.parallel is None else request.parallel
    group = action.execution_group if request.execution_group is None else request.execution_group
    tx.insert(
        "tasks",
        model=model,
        id=number,
        operation=operation,
        receiver=receiver,
        name=request.name,
        parameters_json=parameters,
        execution_group=group,
        parallel=int(parallel),
        status=PENDING,
        enqueued=clock.stamp(),
    )
    tx.touch("task", model, str(number))


def _receiver(tx: Transaction, model: str, receiver: str) -> str:
    """The unit or machine that is meant; NotFound where there is none."""
    application, slash, number = receiver.rpartition("/")
    if slash and number == "leader":
        leader = leases.holder(tx, model, application, clock.now().timestamp())
        if leader is None:
            raise errors.NotFound(f'could not determine leader for "{application}"', code="")
        return leader
    if tx.one("SELECT 1 FROM units WHERE model = ? AND name = ?", model, receiver):
        return receiver
    if tx.one("SELECT 1 FROM machines WHERE model = ? AND id = ?", model, receiver):
        return receiver
    kind = "unit" if slash else "machine"
    raise errors.NotFound(f'{kind} "{receiver}" not found')


def _actions(tx: Transaction, model: str, receiver: str) -> dict[str, Any]:
    """The actions that the receiver's charm defines; a machine has Juju's own only.

    Juju reads them from the charm that the unit's agent runs, before that from the
    application's.
    """
    text = tx.value(
        "SELECT c.actions_json FROM units u"
        " JOIN applications a ON a.model = u.model AND a.name = u.application"
        " JOIN charms c ON c.model = u.model"
        " AND c.url = CASE u.charm_url WHEN '' THEN a.charm_url ELSE u.charm_url END"
        " WHERE u.model = ? AND u.name = ?",
        *(model, receiver),
    )
    return json.loads(text) if text else {}
