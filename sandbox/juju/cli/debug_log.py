"""`juju debug-log` (cmd/juju/commands/debuglog.go)."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from typing import Any

from sandbox.juju.cli.command import MODEL, Arguments, Command, Context, at_most
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.tags import is_machine, is_unit, machine_tag, unit_tag
from sandbox.juju.cli.times import moment
from sandbox.juju.client.errors import ConnectionFailed
from sandbox.juju.names import is_application

_LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR")
_DEFAULT_LINES = 10


def log_query(arguments: Arguments, *, terminal: bool) -> dict[str, Any]:
    """The query of the log's address for these options."""
    given = arguments.given
    follow = arguments["tail"] or "lines" in given
    if not follow:
        follow = terminal and not (arguments["no-tail"] or "limit" in given)
    query: dict[str, Any] = {"version": 2}
    if not follow:
        query["noTail"] = "true"
    if arguments["replay"]:
        query["replay"] = "true"
    if "limit" in given and arguments["limit"]:
        query["maxLines"] = arguments["limit"]
    backlog = arguments["lines"]
    if not backlog and not given & {"lines", "limit", "replay"}:
        backlog = _DEFAULT_LINES
    if backlog:
        query["backlog"] = backlog
    if arguments["level"]:
        query["level"] = arguments["level"].upper()
    for option, parameter in (
        ("include", "includeEntity"),
        ("exclude", "excludeEntity"),
        ("include-module", "includeModule"),
        ("exclude-module", "excludeModule"),
        ("include-labels", "includeLabel"),
        ("exclude-labels", "excludeLabel"),
    ):
        values = arguments[option]
        if values and parameter.endswith("Entity"):
            values = tuple(_entity(value) for value in values)
        if values:
            query[parameter] = list(values)
    return query


def log_line(message: Mapping[str, Any], arguments: Arguments) -> str:
    """One line of the log as people read it."""
    when = moment(message["ts"])
    when = when.astimezone(datetime.timezone.utc) if arguments["utc"] else when.astimezone()
    stamp = when.strftime("%Y-%m-%d %H:%M:%S" if arguments["date"] else "%H:%M:%S")
    if arguments["ms"]:
        stamp += f".{when.microsecond // 1000:03d}"
    location = f"{message.get('loc', '')} " if arguments["location"] else ""
    labels = message.get("lab") or []
    labelled = f"{','.join(labels)} " if labels else ""
    return (
        f"{message['tag']}: {stamp} {message['sev']} {message['mod']} "
        f"{location}{labelled}{message['msg']}\n"
    )


def _debug_log(context: Context) -> None:
    arguments = context.arguments
    query = log_query(arguments, terminal=context.stdout.isatty())
    while True:
        try:
            for message in context.session.to_model().log_messages(query):
                context.print(log_line(message, arguments))
        except ConnectionFailed:
            if not arguments["retry"]:
                raise
        if not arguments["retry"]:
            return
        time.sleep(arguments["retry-delay"])
        context.session.reconnect()


def _entity(text: str) -> str:
    """A tag, or a pattern of tags, for what the user named."""
    if "*" in text or text.startswith(("unit-", "machine-", "application-")):
        return text
    if is_machine(text):
        return machine_tag(text)
    if is_unit(text):
        return unit_tag(text)
    return f"unit-{text}-*" if is_application(text) else text


def _check(arguments: Arguments) -> None:
    at_most(0)(arguments)
    level = arguments["level"]
    if level and level.upper() not in _LEVELS:
        names = ", ".join(f'"{name}"' for name in _LEVELS)
        raise UsageError(f'level value "{level}" is not one of {names}')
    for one, other in (
        ("tail", "no-tail"),
        ("no-tail", "retry"),
        ("no-tail", "lines"),
        ("tail", "limit"),
        ("limit", "lines"),
        ("replay", "lines"),
    ):
        if {one, other} <= arguments.given:
            raise UsageError(f"setting --{one} and --{other} not valid")
    if arguments["retry-delay"] < 0:
        raise UsageError("negative retry delay not valid")


COMMANDS = {
    "debug-log": Command(
        _debug_log,
        "Displays log messages for a model.",
        flags=(
            MODEL,
            flag("i include", "repeat", help="Only show log messages for these entities"),
            flag("x exclude", "repeat", help="Do not show log messages for these entities"),
            flag("include-module", "repeat", help="Only show these logging modules"),
            flag("exclude-module", "repeat", help="Do not show these logging modules"),
            flag("include-label include-labels", "repeat", help="Only show these labels"),
            flag("exclude-label exclude-labels", "repeat", help="Do not show these labels"),
            flag("l level", help="Log level to show"),
            flag("n lines", "int", help="Show this many recent lines, then new ones"),
            flag("limit", "int", help="Show this many of the most recent logs and then exit"),
            flag("replay", "bool", help="Show the entire log and continue to append new ones"),
            flag("no-tail", "bool", help="Show existing log messages and then exit"),
            flag("tail", "bool", help="Show existing log messages and continue"),
            flag("color", "bool", help="Force use of ANSI color codes"),
            flag("utc", "bool", help="Show times in UTC"),
            flag("location", "bool", help="Show filename and line numbers"),
            flag("date", "bool", help="Show dates as well as times"),
            flag("ms", "bool", help="Show times to millisecond precision"),
            flag("retry", "bool", help="Retry connection on failure"),
            flag("retry-delay", "seconds", 1.0, "Delay between retries"),
        ),
        check=_check,
    ),
}
