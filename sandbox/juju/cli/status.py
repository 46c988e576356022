"""`juju status`, `juju machines`, `juju show-machine`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from sandbox.juju.cli.command import MODEL, Arguments, Command, CommandError, Context, formats
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import in_format
from sandbox.juju.cli.session import unqualified
from sandbox.juju.cli.status_document import (
    View,
    machines_document,
    relation_rows,
    status_document,
)
from sandbox.juju.cli.status_summary import oneline_text, summary_text
from sandbox.juju.cli.status_tables import machines_table, status_tables
from sandbox.juju.cli.tags import is_machine
from sandbox.juju.client.errors import ApiError, ClientError, ConnectionFailed

_STRUCTS = ("model-status", "juju-status", "machine-status", "modification-status")


def full_status(context: Context, patterns: tuple[str, ...] = (), *, storage: bool = False) -> Any:
    """One FullStatus of the model."""
    parameters = {"patterns": list(patterns), "include-storage": storage}
    return context.session.to_model().call("Client", "FullStatus", parameters)


def _status(context: Context) -> None:
    arguments = context.arguments
    if not arguments["watch"]:
        _show(context)
        return
    while True:
        context.print("\x1b[2J\x1b[H")
        _show(context)
        time.sleep(arguments["watch"])


def _show(context: Context) -> None:
    arguments = context.arguments
    tabular = arguments["format"] == "tabular"
    asked = [name for name in ("integrations", "relations", "storage") if name in arguments.given]
    if asked and not tabular:
        noun = "options are" if len(asked) > 1 else "option is"
        context.inform(f"provided {', '.join(asked)} {noun} always enabled in non tabular formats")
    with_relations = not tabular or arguments["relations"] or arguments["integrations"]
    with_storage = not tabular or arguments["storage"]
    status = _fetched(context, with_storage)
    view = View(
        controller=context.session.controller,
        utc=arguments["utc"] or _truth(os.environ.get("JUJU_STATUS_ISO_TIME", "")),
        relations=with_relations,
        storage=with_storage,
    )
    context.write_text(_rendered(arguments["format"], status, view))
    if any(
        status.get(part)
        for part in ("applications", "machines", "offers", "remote-applications", "relations")
    ):
        return
    if arguments.positional:
        plural = "s" if len(arguments.positional) > 1 else ""
        context.inform(f"Nothing matched specified filter{plural}.")
    else:
        context.inform(f'\nModel "{context.session.model_name}" is empty.')


def _rendered(name: str, status: Mapping[str, Any], view: View) -> str:
    document = status_document(status, view)
    if name == "tabular":
        return status_tables(document, relation_rows(status) if view.relations else ())
    if name == "summary":
        return summary_text(document)
    if name in ("short", "line", "oneline"):
        return oneline_text(document)
    return in_format(name, document if name == "json" else _without_empty_structs(document))


def _without_empty_structs(value: Any) -> Any:
    """The document for YAML, where Go leaves out empty structures that JSON shows as {}."""
    if isinstance(value, dict):
        return {
            key: _without_empty_structs(item)
            for key, item in value.items()
            if item != {} or key not in (*_STRUCTS, "workload-status")
        }
    return value


def _fetched(context: Context, with_storage: bool) -> Any:
    """FullStatus, tried again as --retry-count and --retry-delay say."""
    tries = context.arguments["retry-count"] + 1
    while True:
        tries -= 1
        try:
            return full_status(context, context.arguments.positional, storage=with_storage)
        except (ApiError, ConnectionFailed) as error:
            hopeless = isinstance(error, ApiError) and error.code in (
                "model not found",
                "unauthorized access",
            )
            if hopeless or tries <= 0:
                raise
            context.session.reconnect()
            time.sleep(context.arguments["retry-delay"])


def _truth(text: str) -> bool:
    if text and text not in ("1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false"):
        raise CommandError("invalid JUJU_STATUS_ISO_TIME env var, expected true|false")
    return text in ("1", "t", "T", "true", "TRUE", "True")


def _check_status(arguments: Arguments) -> None:
    if arguments["color"] and arguments["no-color"]:
        raise UsageError("cannot mix --no-color and --color")


def _machines(context: Context) -> None:
    document = _machine_document(context)
    if context.arguments["format"] == "tabular" and not document["machines"]:
        name = unqualified(context.session.model_name)
        context.inform(f'No machines in model "{name}".') if not context.quiet else None
        return
    context.write(document, lambda shown: machines_table(shown["machines"]))


def _machine_document(context: Context) -> dict[str, Any]:
    status = full_status(context)
    if not isinstance(status, dict):
        raise ClientError("unable to obtain the current status")
    wanted = context.arguments.positional
    return machines_document(status, wanted, utc=context.arguments["utc"])


def _check_machines(arguments: Arguments) -> None:
    for name in arguments.positional:
        if not is_machine(name):
            raise UsageError(f'invalid machine "{name}"')


_TIMES = (
    flag("utc", "bool", help="Display timestamps in the UTC timezone"),
    flag("color", "bool", help="Use ANSI color codes in tabular output"),
)

COMMANDS = {
    "status": Command(
        _status,
        "Report the status of the model, its machines, applications and units.",
        "[<selector> [...]]",
        (
            MODEL,
            *formats("tabular", "json", "yaml", "short", "line", "oneline", "summary"),
            *_TIMES,
            flag("no-color", "bool", help="Disable ANSI color codes in tabular output"),
            flag("integrations", "bool", help="Same as `--relations`"),
            flag("relations", "bool", help="Show relations section in tabular output"),
            flag("storage", "bool", help="Show storage section in tabular output"),
            flag("retry-count", "int", 3, "Number of times to retry API failures"),
            flag("retry-delay", "seconds", 0.1, "Time to wait between retry attempts"),
            flag("watch", "seconds", 0.0, "Watch the status every period of time"),
        ),
        check=_check_status,
    ),
    "machines": Command(
        _machines,
        "Lists machines in a model.",
        flags=(MODEL, *formats("tabular", "json", "yaml"), *_TIMES),
    ),
    "show-machine": Command(
        _machines,
        "Show a machine's status.",
        "<machineID> ...",
        (MODEL, *formats("yaml", "json", "tabular"), *_TIMES),
        check=_check_machines,
    ),
}
COMMANDS["list-machines"] = COMMANDS["machines"]
