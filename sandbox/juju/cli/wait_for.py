"""`juju wait-for model|application|unit|machine`: poll until a query holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sandbox.juju.cli.command import MODEL, Arguments, Command, CommandError, Context
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import yaml_text
from sandbox.juju.cli.session import split_model
from sandbox.juju.cli.status_document import display_channel
from sandbox.juju.cli.tags import is_machine, is_unit
from sandbox.juju.cli.times import seconds_of
from sandbox.juju.cli.wait_query import Query, parse_query
from sandbox.juju.client.errors import ApiError
from sandbox.juju.names import is_application

Json = dict[str, Any]
_POLL_SECONDS = 0.5
_DEFAULTS = {
    "model": 'life=="alive" && status=="available"',
    "application": 'life=="alive" && status=="active"',
    "unit": 'life=="alive" && workload-status=="active"',
    "machine": 'life=="alive" && status=="started"',
}
# What an application shows when its units differ: the first of these that a unit has.
_SEVERITY = (
    "error",
    "blocked",
    "waiting",
    "maintenance",
    "active",
    "terminated",
    "unknown",
)


def _wait_for(context: Context) -> None:
    arguments = context.arguments
    kind, name = arguments.positional
    if kind == "model":
        controller, model = split_model(name)
        from sandbox.juju.cli.session import Session

        context.use(Session(model=name if controller else model))
    query = parse_query(arguments["query"] or _DEFAULTS[kind])
    timeout = arguments["timeout"] or seconds_of("10m")
    deadline = time.monotonic() + timeout
    said = ""
    while True:
        scopes = _scopes(_status(context))
        scope = scopes["model"] if kind == "model" else scopes[f"{kind}s"].get(name)
        if scope is not None and (query.holds(scope) or scope["life"] == "dead"):
            _tell_end(context, kind, name, scope, query)
            return
        shown = f'{kind} "{name}" {"found" if scope else "not found"}, waiting...'
        if shown != said:
            context.inform(shown)
            said = shown
        if time.monotonic() >= deadline:
            raise CommandError(f'timed out waiting for "{name}" to reach goal state')
        time.sleep(_POLL_SECONDS)


def _status(context: Context) -> Mapping[str, Any]:
    try:
        return context.session.to_model().call(
            "Client", "FullStatus", {"patterns": [], "include-storage": False}
        )
    except ApiError as error:
        if error.code == "model not found":
            raise CommandError(f"model {context.session.model_name} removed") from error
        raise


def _tell_end(
    context: Context, kind: str, name: str, scope: Mapping[str, Any], query: Query
) -> None:
    noun = "Application" if kind == "application" else kind
    state = {"dead": "has been removed", "dying": "is being removed"}.get(
        scope["life"], "is running"
    )
    if not context.arguments["summary"]:
        return
    context.inform(f'{noun} "{name}" {state}')
    if state == "is running":
        properties = {key: scope[key] for key in query.names if key in scope}
        plain = {key: value for key, value in properties.items() if not isinstance(value, Mapping)}
        context.print(yaml_text({"properties": plain}))


def _scopes(status: Mapping[str, Any]) -> dict[str, Any]:
    """What queries can ask of the model and of each entity in it."""
    machines = {
        number: _machine_scope(number, machine)
        for number, machine in _all_machines(status.get("machines") or {})
    }
    units: dict[str, Json] = {}
    for application, name, unit, principal in _all_units(status.get("applications") or {}):
        units[name] = _unit_scope(application, name, unit, principal, machines)
    applications = {}
    for name, app in (status.get("applications") or {}).items():
        own = {key: unit for key, unit in units.items() if unit["application"] == name}
        applications[name] = _application_scope(name, app, own, machines)
    model = status["model"]
    detail = model.get("model-status") or {}
    return {
        "units": units,
        "machines": machines,
        "applications": applications,
        "model": {
            "name": model["name"],
            "life": detail.get("life") or "alive",
            "is-controller": model["name"] == "controller",
            "status": detail.get("status", ""),
            "applications": applications,
            "machines": machines,
            "units": units,
        },
    }


def _application_scope(
    name: str, app: Mapping[str, Any], units: Mapping[str, Json], machines: Mapping[str, Json]
) -> Json:
    status = (app.get("status") or {}).get("status", "")
    if status in ("", "unset"):
        present = [unit["workload-status"] for unit in units.values()]
        status = next((item for item in _SEVERITY if item in present), "unknown")
    hosts = {unit["machine-id"] for unit in units.values()}
    return {
        "name": name,
        "life": app.get("life") or "alive",
        "exposed": bool(app.get("exposed")),
        "charm-url": app.get("charm", ""),
        "subordinate": bool(app.get("subordinate-to")),
        "status": status,
        "workload-version": app.get("workload-version", ""),
        "min-units": 0,
        "units": units,
        "machines": {number: machines[number] for number in sorted(hosts) if number in machines},
    }


def _unit_scope(
    application: str,
    name: str,
    unit: Mapping[str, Any],
    principal: str,
    machines: Mapping[str, Json],
) -> Json:
    machine = unit.get("machine", "")
    workload = unit.get("workload-status") or {}
    agent = unit.get("agent-status") or {}
    return {
        "name": name,
        "application": application,
        "charm-url": unit.get("charm", ""),
        "life": agent.get("life") or workload.get("life") or "alive",
        "public-address": unit.get("public-address", ""),
        "private-address": unit.get("address") or unit.get("public-address", ""),
        "machine-id": machine,
        "principal": principal,
        "subordinate": bool(principal),
        "workload-status": workload.get("status", ""),
        "workload-message": workload.get("info", ""),
        "agent-status": agent.get("status", ""),
        "machines": {machine: machines[machine]} if machine in machines else {},
    }


def _machine_scope(number: str, machine: Mapping[str, Any]) -> Json:
    agent = machine.get("agent-status") or {}
    base = machine.get("base") or {}
    return {
        "id": number,
        "life": agent.get("life") or "alive",
        "status": agent.get("status", ""),
        "agent-status": agent.get("status", ""),
        "instance-status": (machine.get("instance-status") or {}).get("status", ""),
        "base": f"{base.get('name', '')}@{display_channel(base.get('channel', ''))}",
        "container-type": number.split("/")[-2] if "/" in number else "",
    }


def _all_machines(machines: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, machine in machines.items():
        yield number, machine
        yield from _all_machines(machine.get("containers") or {})


def _all_units(
    applications: Mapping[str, Any],
) -> Iterator[tuple[str, str, Mapping[str, Any], str]]:
    for application, app in applications.items():
        for name, unit in (app.get("units") or {}).items():
            yield application, name, unit, ""
            for inner, subordinate in (unit.get("subordinates") or {}).items():
                machine = {"machine": unit.get("machine", ""), **subordinate}
                yield inner.rpartition("/")[0], inner, machine, name


def _check(arguments: Arguments) -> None:
    words = list(arguments.positional)
    if not words or words[0] not in _DEFAULTS:
        raise UsageError("wait-for needs one of: application, machine, model, unit")
    kind = words[0]
    noun = "name" if kind != "machine" else "id"
    if len(words) == 1:
        raise UsageError(f"{kind} {noun} must be supplied when waiting for an {kind}")
    if len(words) > 2:
        raise UsageError(f"only one {kind} {noun} can be supplied as an argument to this command")
    valid: Mapping[str, Callable[[str], bool]] = {
        "application": is_application,
        "unit": is_unit,
        "machine": is_machine,
    }
    if kind in valid and not valid[kind](words[1]):
        raise UsageError(f'"{words[1]}" is not valid {kind} {noun}')


COMMANDS = {
    "wait-for": Command(
        _wait_for,
        "Wait for an entity to reach a specified state.",
        "application|machine|model|unit <name>",
        (
            MODEL,
            flag("query", help="Query the goal state"),
            flag("timeout", "seconds", help="How long to wait, before timing out"),
            flag("summary", "bool", True, "Output a summary of the query on exit"),
        ),
        check=_check,
    ),
}
