"""`juju model-config`, `juju model-constraints`, `juju set-model-constraints`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju import constraints
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_most,
    formats,
)
from sandbox.juju.cli.config_actions import ConfigRequest, config_request
from sandbox.juju.cli.config_files import read_yaml
from sandbox.juju.cli.flags import flag
from sandbox.juju.cli.output import in_format, smart_text, yaml_text
from sandbox.juju.cli.table import Table

Json = dict[str, Any]
# Attributes that belong to the model's identity; model-config does not show them.
_IDENTITY = ("name", "type", "uuid")


def _model_config(context: Context) -> None:
    request = _request(context.arguments)
    if request.key:
        _show_one(context, request.key)
        return
    if request.reads_all:
        _show_all(context)
        return
    connection = context.session.to_model()
    ignoring = context.arguments["ignore-read-only-fields"]
    if request.file:
        document = read_yaml(request.file)
        if not isinstance(document, dict):
            raise CommandError(f"{request.file} does not hold a map of attributes")
        settings = {
            key: item["value"] if isinstance(item, dict) and "value" in item else item
            for key, item in document.items()
        }
        connection.call("ModelConfig", "ModelSet", {"config": _writable(settings, ignoring)})
    if request.reset:
        known = _attributes(context)
        for key in request.reset:
            if key not in known:
                context.warn(
                    f'key "{key}" is not defined in the current model configuration: '
                    "possible misspelling"
                )
        connection.call("ModelConfig", "ModelUnset", {"keys": list(request.reset)})
    if request.values:
        values = _typed(request.values)
        connection.call("ModelConfig", "ModelSet", {"config": _writable(values, ignoring)})


def _attributes(context: Context) -> dict[str, Json]:
    answer = context.session.to_model().call("ModelConfig", "ModelGet")
    config = answer.get("config") or {}
    return {key: config[key] for key in sorted(config) if key not in _IDENTITY}


def _show_one(context: Context, key: str) -> None:
    attributes = _attributes(context)
    if key not in attributes:
        name = context.session.model_name
        raise CommandError(f'"{key}" is not a key of the currently targeted model: "{name}"')
    if context.arguments["format"] == "tabular":
        context.write_text(smart_text(attributes[key].get("value")))
    else:
        context.write({key: _entry(attributes[key])})


def _show_all(context: Context) -> None:
    attributes = {key: _entry(value) for key, value in _attributes(context).items()}
    context.write(attributes, _table)


def _entry(attribute: Mapping[str, Any]) -> Json:
    return {"Source": attribute.get("source", ""), "Value": attribute.get("value")}


def _table(attributes: Mapping[str, Json]) -> str:
    table = Table()
    table.row("Attribute", "From", "Value")
    for key, attribute in attributes.items():
        value = attribute["Value"]
        table.row(key, attribute["Source"], yaml_text(value).removesuffix("\n"))
    return table.text()


def _typed(values: Mapping[str, str]) -> Json:
    """Values with the types that YAML gives them; text stays text where YAML sees none."""
    import yaml

    typed: Json = {}
    for key, text in values.items():
        try:
            value = yaml.safe_load(text) if text else text
        except yaml.YAMLError:
            value = text
        typed[key] = value if isinstance(value, (bool, int, float)) else text
    return typed


def _writable(settings: Mapping[str, Any], ignoring: bool) -> Json:
    """Settings that may be set here.

    Raises:
        CommandError: one may not, and --ignore-read-only-fields was not given.
    """
    read_only = {"agent-version": "upgrade-model", "charmhub-url": "add-model"}
    for key, command in read_only.items():
        if key in settings and not ignoring:
            raise CommandError(f'"{key}" must be set via "{command}"')
    return {key: value for key, value in settings.items() if key not in read_only}


def _model_constraints(context: Context) -> None:
    answer = context.session.to_model().call("ModelConfig", "GetModelConstraints")
    value = {k: v for k, v in (answer.get("constraints") or {}).items() if v is not None}
    context.write_text(
        f"{constraints.render(value)}\n"
        if context.arguments["format"] == "tabular"
        else in_format(context.arguments["format"], value)
    )


def _set_model_constraints(context: Context) -> None:
    parsed = constraints.parse(*context.arguments.positional)
    context.session.to_model().call(
        "ModelConfig", "SetModelConstraints", {"application": "", "constraints": parsed}
    )


def _request(arguments: Arguments) -> ConfigRequest:
    return config_request(arguments.positional, arguments["file"], arguments["reset"])


def _check_model_config(arguments: Arguments) -> None:
    _request(arguments)


def _check_constraints(arguments: Arguments) -> None:
    constraints.parse(*arguments.positional)


COMMANDS = {
    "model-config": Command(
        _model_config,
        "Displays or sets configuration values on a model.",
        "[<model-key>[=<value>] ...]",
        (
            MODEL,
            *formats("tabular", "json", "yaml"),
            flag("file", help="Path to yaml-formatted configuration file"),
            flag("reset", "repeat", help="Reset the provided comma delimited keys"),
            flag("ignore-read-only-fields", "bool", help="Ignore read only fields"),
            flag("color", "bool", help="Use ANSI color codes in output"),
            flag("no-color", "bool", help="Disable ANSI color codes in tabular output"),
        ),
        check=_check_model_config,
    ),
    "model-constraints": Command(
        _model_constraints,
        "Displays machine constraints for a model.",
        flags=(MODEL, *formats("tabular", "json", "yaml")),
        check=at_most(0),
    ),
    "set-model-constraints": Command(
        _set_model_constraints,
        "Sets machine constraints on a model.",
        "<constraint>=<value> ...",
        (MODEL,),
        check=_check_constraints,
    ),
}
COMMANDS["get-model-constraints"] = COMMANDS["model-constraints"]
