"""Values of config options: the text of a client or a bundle's YAML, checked by the charm.

The messages are those of Juju's charm package (config.go).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.juju import errors
from sandbox.juju.state.values import Charm, ConfigOption

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


def parse(charm: Charm, given: Mapping[str, Any]) -> dict[str, Any]:
    """The typed values of options given as text or as YAML scalars.

    Raises:
        NotValid: an option that the charm lacks, or a value of another type.
    """
    options = charm.options()
    return {name: _typed(known(options, name), value) for name, value in given.items()}


def known(options: Mapping[str, ConfigOption], name: str) -> ConfigOption:
    """An option by name; NotValid if the charm lacks it."""
    if name not in options:
        raise errors.NotValid(f'unknown option "{name}"')
    return options[name]


def fitting(charm: Charm, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that another revision of the charm still takes."""
    options = charm.options()
    return {n: v for n, v in values.items() if n in options and _fits(options[n], v)}


def _typed(option: ConfigOption, value: Any) -> Any:
    typed = _from_text(option.type, value) if isinstance(value, str) else value
    if option.type == "float" and isinstance(typed, int) and not isinstance(typed, bool):
        typed = float(typed)
    if not _fits(option, typed):
        raise errors.NotValid(f'option "{option.name}" expected {option.type}, got {_go(value)}')
    if option.type == "secret" and typed:
        _check_secret(option.name, str(typed))
    return typed


def _from_text(kind: str, text: str) -> Any:
    if kind == "int" and _INTEGER.match(text):
        return int(text)
    if kind == "float" and _FLOAT.match(text):
        return float(text)
    if kind == "boolean" and text in _TRUE + _FALSE:
        return text in _TRUE
    return text


def _fits(option: ConfigOption, value: Any) -> bool:
    if option.type in ("string", "secret"):
        return isinstance(value, str)
    if option.type == "boolean":
        return isinstance(value, bool)
    if option.type == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, float)


def _check_secret(name: str, text: str) -> None:
    if not re.fullmatch(r"secret:(//[0-9a-f-]{36}/)?[0-9a-z]{20}|[0-9a-z]{20}", text):
        raise errors.NotValid(
            f'invalid secret URI for option "{name}": secret URI "{text}" not valid'
        )


def _go(value: Any) -> str:
    """A value as Go's %#v shows it."""
    return json.dumps(value) if isinstance(value, (str, bool)) else str(value)
