"""The parameters of an action: defaults and checks by the charm's schema. Pure.

Juju reads the parameters of an action as a JSON schema of an object (charm/actions.go); this
covers what charms write there: types, required, enum, bounds, lengths, patterns, items,
nested properties and additionalProperties.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from sandbox.juju import errors

# Of each task that runs a command, as Juju predefines it (core/actions/actions.go).
_EXEC = {
    "params": {
        "command": {"type": "string"},
        "timeout": {"type": "number"},
        "workload-context": {"type": "boolean"},
    },
    "required": ["command", "timeout"],
    "additionalProperties": False,
}
PREDEFINED: Mapping[str, Mapping[str, Any]] = {"juju-exec": _EXEC, "juju-run": _EXEC}

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


@dataclasses.dataclass(frozen=True)
class Action:
    """One action that a charm defines."""

    name: str
    schema: Mapping[str, Any]
    parallel: bool = False
    execution_group: str = ""


def defined(actions: Mapping[str, Any], name: str) -> Action | None:
    """The action of this name in a charm's actions.yaml, or of Juju's own; None if neither."""
    document = PREDEFINED.get(name)
    if document is None:
        if name not in actions:
            return None
        document = actions[name] or {}
    return Action(
        name,
        _schema(document),
        bool(document.get("parallel", False)),
        str(document.get("execution-group") or ""),
    )


def prepared(action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
    """The given parameters with the schema's defaults filled in.

    Raises:
        NotValid: they do not fit the schema; the message names the parameter.
    """
    _check("", dict(given), action.schema)
    return _with_defaults(dict(given), action.schema)


def _schema(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": document.get("params") or {},
        "required": document.get("required") or [],
        "additionalProperties": document.get("additionalProperties", True),
    }


def _with_defaults(value: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    for name, inner in (schema.get("properties") or {}).items():
        if not isinstance(inner, Mapping):
            continue
        if name not in value and "default" in inner:
            value[name] = inner["default"]
        elif inner.get("properties"):
            nested = _with_defaults(dict(value.get(name) or {}), inner)
            if nested:
                value[name] = nested
    return value


def _check(path: str, value: Any, schema: Mapping[str, Any]) -> None:
    _check_type(path, value, schema)
    if "enum" in schema and value not in schema["enum"]:
        _refuse(path, f"must be one of the following: {schema['enum']}")
    _check_bounds(path, value, schema)
    if isinstance(value, str):
        _check_text(path, value, schema)
    if isinstance(value, dict):
        _check_object(path, value, schema)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for index, item in enumerate(value):
            _check(f"{path}.{index}", item, schema["items"])


def _check_type(path: str, value: Any, schema: Mapping[str, Any]) -> None:
    names = schema.get("type")
    if names is None:
        return
    allowed = [names] if isinstance(names, str) else list(names)
    if not any(_is(value, name) for name in allowed):
        _refuse(path, f"must be of type {' or '.join(allowed)}, given {value!r}")


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(name, (object,)))


def _check_bounds(path: str, value: Any, schema: Mapping[str, Any]) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    if "minimum" in schema and value < schema["minimum"]:
        _refuse(path, f"must be greater than or equal to {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        _refuse(path, f"must be less than or equal to {schema['maximum']}")


def _check_text(path: str, value: str, schema: Mapping[str, Any]) -> None:
    if len(value) < schema.get("minLength", 0):
        _refuse(path, f"length must be greater than or equal to {schema['minLength']}")
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        _refuse(path, f"length must be less than or equal to {schema['maxLength']}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        _refuse(path, f"does not match pattern '{schema['pattern']}'")


def _check_object(path: str, value: dict[str, Any], schema: Mapping[str, Any]) -> None:
    properties = schema.get("properties") or {}
    for name in schema.get("required") or []:
        if name not in value:
            _refuse(path, f"{name} is required")
    for name, inner in value.items():
        if isinstance(properties.get(name), Mapping):
            _check(f"{path}.{name}" if path else name, inner, properties[name])
        elif name not in properties and schema.get("additionalProperties") is False:
            _refuse(path, f"Additional property {name} is not allowed")


def _refuse(path: str, problem: str) -> None:
    place = f"(root).{path}" if path else "(root)"
    raise errors.NotValid(f"validation failed: {place} : {problem}")
