"""`juju show-status-log` (cmd/juju/status/history.go)."""

from __future__ import annotations

import datetime
from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_most,
    formats,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import filled
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.tags import is_machine, is_unit, machine_tag, unit_tag
from sandbox.juju.cli.times import day_and_time
from sandbox.juju.names import is_application

Json = dict[str, Any]
_DEFAULT_SIZE = 20
_UNIT_KINDS = ("unit", "juju-unit", "workload")
_APPLICATION_KINDS = ("application", "saas")
_MACHINE_KINDS = ("machine", "juju-machine", "container", "juju-container", "modification")


def _show_status_log(context: Context) -> None:
    arguments = context.arguments
    kind = arguments["type"]
    bounded = arguments.given & {"n", "days", "from-date"}
    size = arguments["n"] if bounded else _DEFAULT_SIZE
    filter_: Json = {"size": size, "date": None, "delta": None, "exclude": []}
    if arguments["days"]:
        filter_["delta"] = int(arguments["days"] * 86400 * 1e9)
    if arguments["from-date"]:
        filter_["date"] = f"{arguments['from-date']}T00:00:00Z"
    request = {
        "historyKind": kind,
        "size": size,
        "filter": filter_,
        "tag": _tag(context, kind),
    }
    result = context.session.to_model().one("Client", "StatusHistory", {"requests": [request]})
    statuses = (result.get("history") or {}).get("statuses") or []
    if not statuses:
        raise CommandError("no status history available")
    utc = arguments["utc"]
    lines = [
        filled(
            status=item.get("status"),
            message=item.get("info"),
            data=item.get("data"),
            since=day_and_time(item["since"], utc=utc) if item.get("since") else None,
            type=item.get("kind"),
        )
        for item in statuses
    ]
    context.write(lines, _table)


def _tag(context: Context, kind: str) -> str:
    if kind == "model":
        return f"model-{context.session.model().uuid}"
    name = context.arguments.positional[0]
    if kind in _UNIT_KINDS:
        return unit_tag(name)
    return f"application-{name}" if kind in _APPLICATION_KINDS else machine_tag(name)


def _table(lines: list[Json]) -> str:
    table = Table()
    table.row("Time", "Type", "Status", "Message")
    for line in lines:
        table.row(
            line.get("since", ""),
            line.get("type", ""),
            line.get("status", ""),
            line.get("message", ""),
        )
    return table.text()


def _check(arguments: Arguments) -> None:
    kind = arguments["type"]
    if kind not in ("model", *_UNIT_KINDS, *_APPLICATION_KINDS, *_MACHINE_KINDS):
        raise UsageError(f'unexpected status type "{kind}"')
    at_most(1)(arguments)
    if {"n", "days"} <= arguments.given or {"n", "from-date"} <= arguments.given:
        raise UsageError("backlog size and backlog date cannot be specified together")
    if arguments["from-date"]:
        try:
            datetime.date.fromisoformat(arguments["from-date"])
        except ValueError:
            raise UsageError(
                f'parsing backlog date: expected YYYY-MM-DD, got "{arguments["from-date"]}"'
            ) from None
    if kind == "model":
        return
    if not arguments.positional:
        raise UsageError("entity name is missing")
    name = arguments.positional[0]
    rules = {_UNIT_KINDS: is_unit, _APPLICATION_KINDS: is_application, _MACHINE_KINDS: is_machine}
    valid = next(rule for kinds, rule in rules.items() if kind in kinds)
    if not valid(name):
        noun = "an application" if kind in _APPLICATION_KINDS else f"a {kind}"
        raise UsageError(f'"{name}" is not a valid name for {noun}')


COMMANDS = {
    "show-status-log": Command(
        _show_status_log,
        "Output past statuses for the specified entity.",
        "<entity name>",
        (
            MODEL,
            *formats("tabular", "json", "yaml"),
            flag("type", default="unit", help="Type of statuses to be displayed"),
            flag("n", "int", help="Returns the last N logs"),
            flag("days", "int", help="Returns the logs for the past <days> days"),
            flag("from-date", help="Returns logs for any date after YYYY-MM-DD"),
            flag("utc", "bool", help="Display time as UTC in RFC3339 format"),
        ),
        check=_check,
    ),
}
