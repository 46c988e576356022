"""Reading the parameters of a call as Juju's Go decoder does.

A missing or null member is the zero value, names match whatever their case (encoding/json),
and a member of the wrong type is an error that names it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from sandbox.juju.errors import JujuError


class Fields:
    """One JSON object of the parameters."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = values or {}
        self._folded = {name.lower(): value for name, value in self._values.items()}

    @classmethod
    def parse(cls, value: Any) -> Fields:
        """The parameters of a call.

        Raises:
            JujuError: they are not an object.
        """
        if value is None:
            return cls()
        if not isinstance(value, dict):
            raise JujuError(f"json: cannot unmarshal {_kind(value)} into the call's parameters")
        return cls(value)

    def raw(self, name: str) -> Any:
        """The member as it came; None where it is missing."""
        if name in self._values:
            return self._values[name]
        return self._folded.get(name.lower())

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return self.raw(name) is not None

    def text(self, name: str) -> str:
        """A string, empty where missing."""
        return self._typed(name, str, "string") or ""

    def number(self, name: str) -> int:
        """An integer, 0 where missing."""
        return self.optional_number(name) or 0

    def optional_number(self, name: str) -> int | None:
        """An integer, or None."""
        value = self._typed(name, (int, float), "int")
        if isinstance(value, bool):
            raise _wrong(name, value, "int")
        return None if value is None else int(value)

    def flag(self, name: str) -> bool:
        """A boolean, false where missing."""
        return bool(self._typed(name, bool, "bool"))

    def optional_flag(self, name: str) -> bool | None:
        """A boolean, or None."""
        return self._typed(name, bool, "bool")

    def mapping(self, name: str) -> dict[str, Any]:
        """An object, empty where missing."""
        return self._typed(name, dict, "map[string]interface {}") or {}

    def texts(self, name: str) -> list[str]:
        """A list of strings."""
        return [_text(name, value) for value in self._list(name)]

    def text_map(self, name: str) -> dict[str, str]:
        """An object whose values are strings."""
        return {key: _text(name, value) for key, value in self.mapping(name).items()}

    def fields(self, name: str) -> Fields:
        """An object of its own, empty where missing."""
        return Fields(self.mapping(name))

    def each(self, name: str) -> list[Fields]:
        """A list of objects."""
        entries = []
        for value in self._list(name):
            if value is not None and not isinstance(value, dict):
                raise _wrong(name, value, "struct")
            entries.append(Fields(value))
        return entries

    def time(self, name: str) -> datetime.datetime | None:
        """A time in RFC 3339, or None."""
        value = self.text(name)
        return parse_time(value) if value else None

    def duration(self, name: str) -> datetime.timedelta | None:
        """A Go duration: a number of nanoseconds, or None."""
        value = self.optional_number(name)
        return None if value is None else datetime.timedelta(microseconds=value / 1000)

    def seconds(self, name: str, default: float) -> float:
        """A Go duration in seconds, `default` where it is missing."""
        value = self.duration(name)
        return default if value is None else value.total_seconds()

    def _list(self, name: str) -> list[Any]:
        return self._typed(name, list, "slice") or []

    def _typed(self, name: str, kind: type | tuple[type, ...], go_type: str) -> Any:
        value = self.raw(name)
        if value is not None and not isinstance(value, kind):
            raise _wrong(name, value, go_type)
        return value


def parse_time(text: str) -> datetime.datetime:
    """A time in RFC 3339 with any number of decimals.

    Raises:
        JujuError: the text is no such time.
    """
    head, dot, tail = text.replace("Z", "+00:00").partition(".")
    if dot:
        digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
        tail = f".{digits[:6].ljust(6, '0')}{tail[len(digits) :]}"
    try:
        return datetime.datetime.fromisoformat(head + tail)
    except ValueError as error:
        raise JujuError(f'parsing time "{text}": not in RFC 3339') from error


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, value, "string")
    return value


def _wrong(name: str, value: Any, go_type: str) -> JujuError:
    return JujuError(
        f"json: cannot unmarshal {_kind(value)} into Go struct field .{name} of type {go_type}"
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def entity_tags(parameters: Fields) -> list[str]:
    """The tags of params.Entities."""
    return [entity.text("tag") for entity in parameters.each("entities")]
