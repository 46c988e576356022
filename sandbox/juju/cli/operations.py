"""`juju operations`, `show-operation`, `show-task`, `cancel-task` (cmd/juju/action)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju.cli.actions import await_task
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_least,
    exactly,
    formats,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.task_document import (
    operation_document,
    plain_run_text,
    receiver_id,
    task_document,
    task_id,
)
from sandbox.juju.cli.times import iso_seconds
from sandbox.juju.client.errors import raise_for

Json = dict[str, Any]
_MOST_TASKS = 5
_POLL_SECONDS = 0.5


def _operations(context: Context) -> None:
    arguments = context.arguments
    query: Json = {
        "applications": list(arguments["applications"]),
        "units": list(arguments["units"]),
        "machines": list(arguments["machines"]),
        "actions": list(arguments["actions"]),
        "status": list(arguments["status"]),
    }
    for option in ("limit", "offset"):
        if arguments[option]:
            query[option] = arguments[option]
    answer = context.session.to_model().call("Action", "ListOperations", query)
    results = sorted(answer.get("results") or [], key=lambda item: int(_number(item)))
    if not results:
        context.inform("no matching operations")
        return
    if arguments["format"] == "plain":
        context.write_text(_table(results, arguments["utc"]))
        return
    utc = arguments["utc"]
    context.write({_number(item): operation_document(item, utc=utc) for item in results})


def _table(operations: Sequence[Json], utc: bool) -> str:
    table = Table()
    table.align_right(0)
    table.row("ID", "Status", "Started", "Finished", "Task IDs", "Summary")
    for operation in operations:
        tasks = [task_id(task) for task in operation.get("actions") or [] if task.get("action")]
        more = "..." if len(tasks) > _MOST_TASKS else ""
        table.row(
            _number(operation),
            operation.get("status", ""),
            iso_seconds(operation.get("started"), utc=utc),
            iso_seconds(operation.get("completed"), utc=utc),
            ",".join(tasks[:_MOST_TASKS]) + more,
            operation.get("summary", ""),
        )
    return table.text()


def _show_operation(context: Context) -> None:
    arguments = context.arguments
    number = arguments.positional[0]
    deadline = time.monotonic() + arguments["wait"] if arguments["wait"] > 0 else None
    waits = arguments["watch"] or deadline is not None
    while True:
        answer = context.session.to_model().call(
            "Action", "Operations", {"entities": [{"tag": f"operation-{number}"}]}
        )
        operation = answer["results"][0]
        raise_for(operation)
        if not waits or operation.get("status") not in ("pending", "running"):
            break
        if deadline is not None and time.monotonic() >= deadline:
            raise CommandError("timeout reached")
        time.sleep(_POLL_SECONDS)
    context.write(operation_document(operation, utc=arguments["utc"]))


def _show_task(context: Context) -> None:
    arguments = context.arguments
    number = arguments.positional[0]
    wait, watch = arguments["wait"], arguments["watch"]
    deadline = None if watch else time.monotonic() + max(wait, 0)
    log = context.inform if watch else None
    result = await_task(context, number, deadline, log)
    if result is None:
        result = context.session.to_model().call(
            "Action", "Actions", {"entities": [{"tag": f"action-{number}"}]}
        )["results"][0]
    document, _ = task_document(result, utc=arguments["utc"])
    receiver = receiver_id((result.get("action") or {}).get("receiver", ""))
    name = arguments["format"]
    if name == "plain":
        context.write_text(plain_run_text({receiver: {**document, "id": number}}))
    else:
        context.write({**document, "id": number})


def _cancel_tasks(context: Context) -> None:
    tags = [{"tag": f"action-{number}"} for number in context.arguments.positional]
    answer = context.session.to_model().call("Action", "Cancel", {"entities": tags})
    shown: dict[str, Json] = {}
    for result in answer.get("results") or []:
        raise_for(result)
        document, _ = task_document(result)
        shown[task_id(result)] = document
    if not shown:
        raise CommandError("no tasks found, no tasks have been canceled")
    context.write(shown)


def _number(operation: Mapping[str, Any]) -> str:
    return operation.get("operation", "").removeprefix("operation-")


def _check_number(noun: str) -> Any:
    def check(arguments: Arguments) -> None:
        exactly(1, f"no {noun} ID specified")(arguments)
        if not arguments.positional[0].isdigit():
            raise UsageError(f'{noun} ID "{arguments.positional[0]}" not valid')
        if arguments["watch"] and "wait" in arguments.given:
            raise UsageError("specify either --watch or --wait but not both")

    return check


_WAIT = (
    flag("wait", "seconds", help="Wait for results"),
    flag("watch", "bool", help="Wait indefinitely for results"),
    flag("utc", "bool", help="Show times in UTC"),
)

COMMANDS = {
    "operations": Command(
        _operations,
        "Lists pending, running, or completed operations for specified application, units, "
        "machines, or all.",
        flags=(
            MODEL,
            *formats("plain", "json", "yaml"),
            flag("apps applications", "list", help="Comma separated list of applications"),
            flag("units", "list", help="Comma separated list of units"),
            flag("machines", "list", help="Comma separated list of machines"),
            flag("actions", "list", help="Comma separated list of actions names"),
            flag("status", "list", help="Comma separated list of operation status values"),
            flag("limit", "int", help="The maximum number of operations to return"),
            flag("offset", "int", help="Return operations from offset onwards"),
            flag("utc", "bool", help="Show times in UTC"),
        ),
    ),
    "show-operation": Command(
        _show_operation,
        "Show results of an operation.",
        "<operation-id>",
        (MODEL, *formats("yaml", "json"), *_WAIT),
        check=_check_number("operation"),
    ),
    "show-task": Command(
        _show_task,
        "Show results of a task by ID.",
        "<task ID>",
        (MODEL, *formats("plain", "json", "yaml"), *_WAIT),
        check=_check_number("task"),
    ),
    "cancel-task": Command(
        _cancel_tasks,
        "Cancel pending or running tasks.",
        "(<task-id>|<task-id-prefix>) [...]",
        (MODEL, *formats("yaml", "json")),
        check=at_least(1, "no task IDs specified"),
    ),
}
COMMANDS["list-operations"] = COMMANDS["operations"]
