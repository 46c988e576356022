"""`juju run`, `juju exec`, `juju actions`, `juju show-action` (cmd/juju/action)."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    Silent,
    exactly,
    formats,
)
from sandbox.juju.cli.config_files import read_yaml
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import filled, naturally, yaml_text
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.tags import is_machine, is_unit, unit_tag
from sandbox.juju.cli.task_document import (
    plain_exec_text,
    plain_run_text,
    receiver_id,
    task_document,
    task_id,
    with_value,
)
from sandbox.juju.cli.times import moment
from sandbox.juju.client.errors import raise_for
from sandbox.juju.names import is_application

Json = dict[str, Any]
_NAME = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_LEADER = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*/leader")
_DEFAULT_WAIT = 60.0
_POLL_FIRST, _POLL_MOST, _POLL_GROWTH = 0.02, 2.0, 1.5


def _run(context: Context) -> None:
    receivers, action, pairs = split_run(context.arguments.positional)
    parameters: Json = {}
    if path := context.arguments["params"]:
        parameters = read_yaml(path) or {}
        if not isinstance(parameters, dict):
            raise CommandError("params must contain a YAML map with string keys")
    for path_, text in pairs:
        value = text if context.arguments["string-args"] else _yaml_value(text)
        parameters = with_value(parameters, path_, value)
    actions = [
        {
            "receiver": receiver if receiver.endswith("/leader") else unit_tag(receiver),
            "name": action,
            "parameters": parameters,
        }
        for receiver in receivers
    ]
    answer = context.session.to_model().call("Action", "EnqueueOperation", {"actions": actions})
    _finish(context, answer, plain_run_text, quiet_progress=False)


def _exec(context: Context) -> None:
    arguments = context.arguments
    words = arguments.positional
    command = words[0] if len(words) == 1 else shlex.join(words)
    wait = _wait(arguments)
    connection = context.session.to_model()
    parameters: Json = {"commands": command, "timeout": int(max(wait, 0) * 1e9)}
    if arguments["all"]:
        answer = connection.call("Action", "RunOnAllMachines", parameters)
    else:
        parameters |= filled(
            machines=list(arguments["machine"]),
            applications=list(arguments["application"]),
            units=list(arguments["unit"]),
        )
        parameters["parallel"] = arguments["parallel"]
        parameters["execution-group"] = arguments["execution-group"]
        answer = connection.call("Action", "Run", parameters)
    _finish(context, answer, plain_exec_text, quiet_progress=True)


def _finish(
    context: Context,
    answer: Mapping[str, Any],
    plain: Callable[[Mapping[str, Any]], str],
    *,
    quiet_progress: bool,
) -> None:
    """Tell what was scheduled, wait for it unless in the background, and show the results."""
    say = context.explain if quiet_progress else context.inform
    results = answer.get("actions") or []
    refused = [result["error"]["message"] for result in results if result.get("error")]
    tasks = [result for result in results if not result.get("error")]
    operation = answer.get("operation", "").removeprefix("operation-")
    background = context.arguments["background"]
    if tasks and not background:
        say(f"Running operation {operation} with {_count(tasks)}")
        for task in tasks:
            say(f"  - task {task_id(task)} on {task['action']['receiver']}")
        say("\n")
    if not tasks:
        problems = "\n".join(refused)
        context.inform(f"Operation {operation} failed to schedule any tasks:\n{problems}")
        return
    if refused:
        context.inform("Some actions could not be scheduled:\n" + "\n".join(refused) + "\n\n")
    if background:
        _tell_scheduled(context, operation, tasks)
        return
    _await_and_show(context, tasks, plain, say)


def _tell_scheduled(context: Context, operation: str, tasks: Sequence[Json]) -> None:
    if len(tasks) == 1:
        number = task_id(tasks[0])
        context.inform(f"Scheduled operation {operation} with task {number}")
        context.inform(f"Check operation status with 'juju show-operation {operation}'")
        context.inform(f"Check task status with 'juju show-task {number}'")
        return
    context.inform(f"Scheduled operation {operation} with {len(tasks)} tasks")
    ids = {receiver_id(t["action"]["receiver"]): {"id": task_id(t)} for t in tasks}
    context.print(yaml_text(ids))
    context.inform(f"Check operation status with 'juju show-operation {operation}'")
    context.inform("Check task status with 'juju show-task <id>'")


def _await_and_show(
    context: Context,
    tasks: Sequence[Json],
    plain: Callable[[Mapping[str, Any]], str],
    say: Callable[[str], None],
) -> None:
    wait = _wait(context.arguments)
    deadline = time.monotonic() + wait if wait >= 0 else None
    utc = context.arguments["utc"]
    shown: dict[str, Json] = {}
    failed: dict[str, int] = {}
    for task in tasks:
        number = task_id(task)
        say(f"Waiting for task {number}...\n")
        result = await_task(context, number, deadline, context.inform if len(tasks) == 1 else None)
        if result is None:
            late = [t["action"]["receiver"] for t in tasks[len(shown) :]]
            names = ", ".join(f"{t.partition('-')[0]} {receiver_id(t)}" for t in sorted(late))
            raise CommandError(f"timed out waiting for results from: {names}")
        document, code = task_document(result, utc=utc)
        shown[receiver_id(task["action"]["receiver"])] = {**document, "id": number}
        if code >= 1:
            failed[number] = code
    context.write_results(shown, plain)
    if failed:
        raise CommandError(_failure(failed))


def await_task(
    context: Context,
    number: str,
    deadline: float | None,
    log: Callable[[str], None] | None = None,
) -> Json | None:
    """Poll a task until it has ended; None when the deadline passes before.

    `log` is given every line that the task logs, as it comes.
    """
    pause, seen = _POLL_FIRST, 0
    connection = context.session.to_model()
    while True:
        result = connection.call("Action", "Actions", {"entities": [{"tag": f"action-{number}"}]})[
            "results"
        ][0]
        raise_for(result)
        lines = result.get("log") or []
        if log is not None:
            for line in lines[seen:]:
                stamp = moment(line["timestamp"]).astimezone()
                log(f"{stamp.strftime('%H:%M:%S')} {line['message']}")
            seen = len(lines)
        if result.get("status") not in ("pending", "running"):
            if log is not None and lines:
                log("\n")
            return result
        if deadline is not None and time.monotonic() >= deadline:
            return None
        time.sleep(pause)
        pause = min(pause * _POLL_GROWTH, _POLL_MOST)


def split_run(words: Sequence[str]) -> tuple[list[str], str, list[tuple[list[str], str]]]:
    """Units, action and key.key=value parameters of `juju run`.

    Raises:
        UsageError: a part is missing or malformed, in Juju's words.
    """
    receivers: list[str] = []
    action = ""
    for word in words:
        if is_unit(word) or _LEADER.fullmatch(word):
            receivers.append(word)
        elif _NAME.fullmatch(word):
            action = word
            break
        else:
            raise UsageError(f'invalid unit or action name "{word}"')
    if not receivers:
        raise UsageError("no unit specified")
    if not action:
        raise UsageError("no action specified")
    if len({receiver.partition("/")[0] for receiver in receivers}) > 1:
        raise UsageError("all units must be of the same application")
    pairs: list[tuple[list[str], str]] = []
    for word in words[len(receivers) + 1 :]:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f'argument "{word}" must be of the form key.key.key...=value')
        path = key.split(".")
        for part in path:
            if not _NAME.fullmatch(part):
                raise UsageError(
                    f'key "{part}" must start and end with lowercase alphanumeric, '
                    "and contain only lowercase alphanumeric and hyphens"
                )
        pairs.append((path, value))
    return receivers, action, pairs


def _actions(context: Context) -> None:
    application = context.arguments.positional[0]
    specs = _specs(context, application)
    name = context.arguments["format"]
    if context.arguments["schema"]:
        schemas = {key: spec.get("params") or {} for key, spec in sorted(specs.items())}
        context.write_as("yaml" if name == "default" else name, schemas)
        return
    described = {
        key: specs[key].get("description") or "No description" for key in naturally(specs)
    }
    if name in ("json", "yaml"):
        context.write(described)
    elif not described:
        context.inform(f"No actions defined for {application}.")
    else:
        table = Table()
        table.row("Action", "Description")
        for key, text in described.items():
            for index, line in enumerate(text.strip().splitlines()):
                table.row(key if index == 0 else "", line)
        context.write_text(table.text())


def _show_action(context: Context) -> None:
    application, name = context.arguments.positional
    specs = _specs(context, application)
    if name not in specs:
        context.inform(f'unknown action "{name}"\n')
        raise Silent
    spec = specs[name]
    properties = (spec.get("params") or {}).get("properties") or {}
    arguments = {
        key: {
            "type": details.get("type"),
            "description": details.get("description"),
            **filled(default=details.get("default")),
        }
        for key, details in sorted(properties.items())
        if isinstance(details, dict)
    }
    context.print(f"{spec.get('description', '')}\n\nArguments\n{yaml_text(arguments)}\n")


def _specs(context: Context, application: str) -> dict[str, Json]:
    answer = context.session.to_model().call(
        "Action",
        "ApplicationsCharmsActions",
        {"entities": [{"tag": f"application-{application}"}]},
    )["results"][0]
    raise_for(answer)
    return answer.get("actions") or {}


def _yaml_value(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CommandError(f"cannot parse parameter value {text!r}: {error}") from error


def _wait(arguments: Arguments) -> float:
    """Seconds to wait; negative for ever."""
    if arguments["background"]:
        return 0.0
    return arguments["wait"] or _DEFAULT_WAIT


def _count(tasks: Sequence[Any]) -> str:
    return f"{len(tasks)} task{'s' if len(tasks) > 1 else ''}"


def _failure(failed: Mapping[str, int]) -> str:
    plural = "s" if len(failed) > 1 else ""
    lines = "\n".join(sorted(f' - id "{n}" with return code {c}' for n, c in failed.items()))
    return (
        f"the following task{plural} failed:\n{lines}\n\n"
        f"use 'juju show-task' to inspect the failure{plural}\n"
    )


def _check_run(arguments: Arguments) -> None:
    _check_wait(arguments)
    split_run(arguments.positional)


def _check_wait(arguments: Arguments) -> None:
    if arguments["background"] and arguments["wait"] > 0:
        raise UsageError("cannot specify both --wait and --background")


def _check_exec(arguments: Arguments) -> None:
    _check_wait(arguments)
    if not arguments.positional:
        raise UsageError("no commands specified")
    targets = {
        "machines": arguments["machine"],
        "applications": arguments["application"],
        "units": arguments["unit"],
    }
    if arguments["all"]:
        for noun, given in targets.items():
            if given:
                raise UsageError(f"You cannot specify --all and individual {noun}")
    elif not any(targets.values()):
        raise UsageError(
            "You must specify a target, either through --all, --machine, --application or --unit"
        )
    wrong = [
        f'  "{m}" is not a valid machine id' for m in targets["machines"] if not is_machine(m)
    ]
    wrong += [
        f'  "{a}" is not a valid application name'
        for a in targets["applications"]
        if not is_application(a)
    ]
    wrong += [
        f'  "{u}" is not a valid unit name'
        for u in targets["units"]
        if not is_unit(u) and not _LEADER.fullmatch(u)
    ]
    if wrong:
        raise UsageError("The following exec targets are not valid:\n" + "\n".join(wrong))


def _check_application(arguments: Arguments) -> None:
    if arguments["schema"] and arguments["format"] == "tabular":
        raise UsageError("full schema not compatible with tabular output")
    exactly(1, "no application name specified")(arguments)
    if not is_application(arguments.positional[0]):
        raise UsageError(f'invalid application name "{arguments.positional[0]}"')


_WAITING = (
    MODEL,
    *formats("plain", "json", "yaml"),
    flag("background", "bool", help="Run the task in the background"),
    flag("wait", "seconds", help="Maximum wait time for a task to complete"),
    flag("no-color", "bool", help="Disable ANSI color codes in output"),
    flag("color", "bool", help="Use ANSI color codes in output"),
    flag("utc", "bool", help="Show times in UTC"),
)

COMMANDS = {
    "run": Command(
        _run,
        "Run an action on a specified unit.",
        "<unit> [<unit> ...] <action-name> [<key>=<value> [<key>[.<key> ...]=<value>]]",
        (
            *_WAITING,
            flag("string-args", "bool", help="Use raw string values of CLI args"),
            flag("params", help="Path to yaml-formatted params file"),
        ),
        check=_check_run,
    ),
    "exec": Command(
        _exec,
        "Run the commands on the remote targets specified.",
        "<commands>",
        (
            *_WAITING,
            flag("all", "bool", help="Run the commands on all the machines"),
            flag("operator", "bool", help="Run the commands on the operator (k8s-only)"),
            flag("parallel", "bool", True, "Run the commands in parallel without a lock"),
            flag("execution-group", help="Commands in the same group run one after another"),
            flag("machine", "list", help="One or more machine ids"),
            flag("a app application", "list", help="One or more application names"),
            flag("u unit", "list", help="One or more unit ids"),
        ),
        check=_check_exec,
    ),
    "actions": Command(
        _actions,
        "List actions defined for an application.",
        "<application>",
        (
            MODEL,
            *formats("default", "json", "yaml", "tabular"),
            flag("schema", "bool", help="Display the full action schema"),
        ),
        check=_check_application,
    ),
    "show-action": Command(
        _show_action,
        "Shows detailed information about an action.",
        "<application> <action>",
        (MODEL,),
        check=exactly(2, "no application specified"),
    ),
}
COMMANDS["list-actions"] = COMMANDS["actions"]
