"""`juju config`, `juju trust`, `juju constraints`, `juju set-constraints`."""

from __future__ import annotations

from typing import Any

from sandbox.juju import constraints
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
from sandbox.juju.cli.config_actions import ConfigRequest, config_request
from sandbox.juju.cli.config_files import read_text, text_or_file
from sandbox.juju.cli.flags import flag
from sandbox.juju.cli.output import by_name

Json = dict[str, Any]
BRANCH = "master"
"""The generation that every change is for; Juju 3.6 has no other without a feature flag."""


def _config(context: Context) -> None:
    application = context.arguments.positional[0]
    request = _request(context.arguments)
    if request.key:
        context.print(f"{_go_value(_one_value(context, application, request.key))}\n")
        return
    if request.reads_all:
        _show_all(context, application)
        return
    connection = context.session.to_model()
    if request.file:
        change = {"config": {}, "config-yaml": read_text(request.file)}
        _set(context, application, change)
    if request.reset:
        unset = {"application": application, "branch": BRANCH, "options": list(request.reset)}
        connection.one("Application", "UnsetApplicationsConfig", {"Args": [unset]})
    if request.values:
        values = {key: text_or_file(value) for key, value in request.values.items()}
        _set(context, application, {"config": values, "config-yaml": ""})


def _set(context: Context, application: str, change: Json) -> None:
    settings = {"application": application, "generation": BRANCH, **change}
    context.session.to_model().one("Application", "SetConfigs", {"Args": [settings]})


def _get(context: Context, application: str) -> Json:
    return context.session.to_model().call(
        "Application", "Get", {"application": application, "branch": BRANCH}
    )


def _one_value(context: Context, application: str, key: str) -> Any:
    answer = _get(context, application)
    for part in ("config", "application-config"):
        settings = answer.get(part) or {}
        if key in settings:
            return settings[key].get("value")
    raise CommandError(
        f'key "{key}" not found in "{application}" application config or charm settings.'
    )


def _show_all(context: Context, application: str) -> None:
    answer = _get(context, application)
    shown: Json = {"application": answer.get("application", application)}
    if own := answer.get("application-config"):
        shown["application-config"] = _sorted_settings(own)
    shown["charm"] = answer.get("charm", "")
    shown["settings"] = _sorted_settings(answer.get("config") or {})
    context.write(shown)


def _sorted_settings(settings: Json) -> Json:
    return {key: by_name(value) for key, value in by_name(settings).items()}


def _go_value(value: Any) -> str:
    """A value as Go's Println prints it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _trust(context: Context) -> None:
    arguments = context.arguments
    value = "false" if arguments["remove"] else "true"
    _set(
        context,
        arguments.positional[0],
        {"config": {"trust": value}, "config-yaml": ""},
    )


def _constraints(context: Context) -> None:
    application = context.arguments.positional[0]
    result = context.session.to_model().one(
        "Application", "GetConstraints", {"entities": [{"tag": f"application-{application}"}]}
    )
    value = result.get("constraints") or {}
    context.write(value, lambda shown: f"{constraints.render(shown)}\n")


def _set_constraints(context: Context) -> None:
    application, *words = context.arguments.positional
    context.session.to_model().call(
        "Application",
        "SetConstraints",
        {"application": application, "constraints": constraints.parse(*words)},
    )


def _request(arguments: Arguments) -> ConfigRequest:
    return config_request(arguments.positional[1:], arguments["file"], arguments["reset"])


def _check_config(arguments: Arguments) -> None:
    at_least(1, "no application name specified")(arguments)
    if "=" in arguments.positional[0]:
        from sandbox.juju.cli.flags import UsageError

        raise UsageError("no application name specified")
    _request(arguments)


def _check_set_constraints(arguments: Arguments) -> None:
    at_least(1, "no application name specified")(arguments)
    constraints.parse(*arguments.positional[1:])


_COLORS = (
    flag("color", "bool", help="Use ANSI color codes in output"),
    flag("no-color", "bool", help="Disable ANSI color codes in tabular output"),
)

COMMANDS = {
    "config": Command(
        _config,
        "Get, set, or reset configuration for a deployed application.",
        "<application name> [--reset <key[,key]>] [<attribute-key>][=<value>] ...]",
        (
            MODEL,
            *formats("yaml", "json"),
            *_COLORS,
            flag("file", help="Path to yaml-formatted configuration file"),
            flag("reset", "repeat", help="Reset the provided comma delimited keys"),
        ),
        check=_check_config,
    ),
    "trust": Command(
        _trust,
        "Sets the trust status of a deployed application to true.",
        "<application name>",
        (
            MODEL,
            flag("remove", "bool", help="Remove trusted access from a trusted application"),
            flag("scope", help="k8s models only - needs to be set to 'cluster'"),
        ),
        check=exactly(1, "no application name specified"),
    ),
    "constraints": Command(
        _constraints,
        "Displays machine constraints for an application.",
        "<application>",
        (MODEL, *formats("tabular", "json", "yaml")),
        check=exactly(1, "no application name specified"),
    ),
    "set-constraints": Command(
        _set_constraints,
        "Sets machine constraints for an application.",
        "<application> <constraint>=<value> ...",
        (MODEL,),
        check=_check_set_constraints,
    ),
}
COMMANDS["get-constraints"] = COMMANDS["constraints"]
