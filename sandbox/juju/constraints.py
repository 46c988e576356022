"""Constraints: what a machine must be like to carry a unit.

Kept as the dict that Juju's API carries ({"cores": 8, "mem": 16384, "tags": ["a", "^b"]},
sizes in MiB). The language and its errors are those of Juju's core/constraints.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.juju import errors

Constraints = dict[str, Any]

ARCHITECTURES = ("amd64", "arm64", "ppc64el", "s390x", "riscv64")
_ALIASES = {"cpu-cores": "cores"}
_MEBIBYTES = {"M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}
_SPACE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_UNSIGNED = re.compile(r"[0-9]+\Z")
_FLOAT = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")


def parse(*texts: str) -> Constraints:
    """The constraints that these texts of name=value pairs spell.

    Raises:
        NotValid: a malformed pair, an unknown name, a bad value, or a name given twice.
    """
    constraints: Constraints = {}
    for text in texts:
        for raw in text.replace("\\ ", "\0").split(" "):
            pair = raw.replace("\0", " ").strip()
            if pair:
                _set(constraints, pair)
    return constraints


def render(constraints: Mapping[str, Any]) -> str:
    """The text that spells these constraints, in Juju's order; sizes in M."""
    parts = [
        f"{name}={_text(name, constraints[name])}".replace(" ", "\\ ")
        for name in _ORDER
        if constraints.get(name) is not None
    ]
    return " ".join(parts)


def checked(constraints: Mapping[str, Any]) -> Constraints:
    """Constraints as a client sent them, checked by the rules of `parse`.

    Raises:
        NotValid: an unknown name or a bad value.
    """
    known = {name: value for name, value in constraints.items() if value is not None}
    for name in known:
        if name not in _PARSERS:
            raise errors.NotValid(f'unknown constraint "{name}"')
    return parse(render(known))


def merge(fallback: Mapping[str, Any], own: Mapping[str, Any]) -> Constraints:
    """What holds for an application: its own constraints, the model's for the rest.

    An empty value of its own (`tags=`) overrides the model's and asks for nothing.
    """
    return {**fallback, **own}


def included(items: list[str] | None) -> list[str]:
    """The tags, spaces or zones that are asked for."""
    return [item for item in items or [] if not item.startswith("^")]


def excluded(items: list[str] | None) -> list[str]:
    """The tags or spaces that are refused, without their `^`."""
    return [item[1:] for item in items or [] if item.startswith("^")]


def _set(constraints: Constraints, pair: str) -> None:
    given, equals, text = pair.partition("=")
    if not equals or not given:
        raise errors.NotValid(f'malformed constraint "{pair}"')
    name = _ALIASES.get(given, given)
    if name not in _PARSERS:
        raise errors.NotValid(f'unknown constraint "{name}"')
    if name == "allocate-public-ip" and not text:
        return
    if name in constraints:
        raise errors.NotValid(f'bad "{name}" constraint: already set')
    try:
        constraints[name] = _PARSERS[name](text)
    except ValueError as error:
        raise errors.NotValid(f'bad "{name}" constraint: {error}') from None


def _plain(text: str) -> str:
    return text


def _arch(text: str) -> str:
    if text and text not in ARCHITECTURES:
        raise ValueError(f'"{text}" not recognized')
    return text


def _container(text: str) -> str:
    if text and text not in ("none", "lxd", "kvm"):
        raise ValueError(f'invalid container type "{text}"')
    return text


def _count(text: str) -> int:
    if not text:
        return 0
    if not _UNSIGNED.match(text) or int(text) >= 2**64:
        raise ValueError("must be a non-negative integer")
    return int(text)


def _size(text: str) -> int:
    if not text:
        return 0
    factor = _MEBIBYTES.get(text[-1])
    number = text[:-1] if factor else text
    if not _FLOAT.match(number):
        raise ValueError("must be a non-negative float with optional M/G/T/P suffix")
    return math.ceil(float(number) * (factor or 1))


def _items(text: str) -> list[str]:
    return text.split(",") if text else []


def _spaces(text: str) -> list[str]:
    spaces = _items(text)
    for space in spaces:
        name = space.removeprefix("^")
        if not _SPACE.match(name):
            raise ValueError(f'"{name}" is not a valid space name')
    return spaces


def _flag(text: str) -> bool:
    if text in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if text in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError("must be 'true' or 'false'")


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(value)
    if isinstance(value, (int, float)):
        unit = "M" if name in ("mem", "root-disk") else ""
        return f"{value}{unit}" if value else ""
    return str(value)


# In the order in which Juju writes them.
_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "arch": _arch,
    "container": _container,
    "cores": _count,
    "cpu-power": _count,
    "instance-role": _plain,
    "instance-type": _plain,
    "mem": _size,
    "root-disk": _size,
    "root-disk-source": _plain,
    "tags": _items,
    "spaces": _spaces,
    "virt-type": _plain,
    "zones": _items,
    "allocate-public-ip": _flag,
    "image-id": _plain,
}
_ORDER = tuple(_PARSERS)
