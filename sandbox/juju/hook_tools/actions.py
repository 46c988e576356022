"""action-get, action-set, action-log, action-fail."""

from __future__ import annotations

import re
from typing import Any

from sandbox.juju.engine.context import ActionData, HookContext
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import Invocation, ToolError, UsageError
from sandbox.juju.state import tasks

_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
_RESERVED = ("stdout", "stdout-encoding", "stderr", "stderr-encoding")


def get(context: HookContext, invocation: Invocation) -> Answer:
    """The action's parameters, or the one at a path such as outfile.size."""
    action = _action(context)
    invocation.expect(1)
    value: Any = action.parameters
    for part in invocation.first().split(".") if invocation.first() else ():
        value = value.get(part) if isinstance(value, dict) else None
    return formatted(invocation, value)


def put(context: HookContext, invocation: Invocation) -> Answer:
    """Add values to the action's results."""
    action = _action(context)
    for path, value in [_result(argument) for argument in invocation.arguments]:
        _place(action.results, path, value)
    return NOTHING


def write_log(context: HookContext, invocation: Invocation) -> Answer:
    """Tell how far the action is; it takes effect at once."""
    if not invocation.arguments:
        raise UsageError("no message specified")
    task = _action(context).task
    with context.store.transaction() as tx:
        tasks.write_log(tx, context.model, task, " ".join(invocation.arguments))
    return NOTHING


def fail(context: HookContext, invocation: Invocation) -> Answer:
    """Let the action end as failed."""
    action = _action(context)
    invocation.expect(1)
    action.failed = True
    action.message = invocation.first(
        "action failed without reason given, check action for errors"
    )
    return NOTHING


def _action(context: HookContext) -> ActionData:
    if context.action is None:
        raise ToolError("not running an action")
    return context.action


def _result(argument: str) -> tuple[list[str], str]:
    name, sign, value = argument.partition("=")
    if not sign:
        raise UsageError(f'argument "{argument}" must be of the form key...=value')
    path = name.split(".")
    for key in path:
        if not _KEY.match(key):
            raise UsageError(
                f'key "{key}" must start and end with lowercase alphanumeric, and contain only'
                " lowercase alphanumeric and hyphens"
            )
        if key in _RESERVED:
            raise UsageError(f'cannot set reserved action key "{key}"')
    return path, value


def _place(results: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        if not isinstance(results.get(key), dict):
            results[key] = {}
        results = results[key]
    results[path[-1]] = value
