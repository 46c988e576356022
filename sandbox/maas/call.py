"""One API request as the handlers see it, and what they may answer."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from multidict import MultiDict

from sandbox.maas.refusals import BadRequest
from sandbox.maas.region import Region

_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}


@dataclasses.dataclass(frozen=True)
class Answer:
    """An answer that is not JSON with status 200."""

    body: bytes | str = ""
    status: int = 200
    content_type: str = "text/plain"


DELETED = Answer(status=204)


@dataclasses.dataclass(frozen=True)
class Call:
    """A request: who asks (user, or the system id of a machine), and its parameters."""

    region: Region
    user: str
    machine: str
    path: Mapping[str, str]
    query: MultiDict[str]
    form: MultiDict[str]
    files: Mapping[str, bytes] = dataclasses.field(default_factory=dict)

    def mandatory(self, name: str) -> str:
        """A parameter of the form; BadRequest when it is missing."""
        value = self.form.get(name)
        if value is None:
            raise BadRequest(f"No provided {name}!")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean of the form, in any of the spellings that MAAS takes."""
        value = self.form.get(name)
        if value is None or value == "":
            return default
        if value.strip().lower() in _TRUE:
            return True
        if value.strip().lower() in _FALSE:
            return False
        raise BadRequest(f"Invalid {name}: Value should be 'true' or 'false'")

    def number(self, name: str) -> int | None:
        """A whole number of the query string."""
        value = self.query.get(name)
        if value is None:
            return None
        if not re.fullmatch(r"\s*-?\d+\s*", value):
            raise BadRequest(f"Invalid {name}: Please enter an integer value")
        return int(value)

    def listed(self, name: str) -> list[str] | None:
        """A repeatable parameter of the query string; None when it is not there."""
        return self.query.getall(name, None)

    @property
    def comment(self) -> str | None:
        """The operator's comment for the event log."""
        return self.form.get("comment")


Handler = Callable[[Call], Awaitable[Any]]


@dataclasses.dataclass(frozen=True)
class Resource:
    """A path of the API and what can be done on it, by method and `op`."""

    pattern: str
    operations: Mapping[tuple[str, str | None], Handler]
    anonymous: Mapping[tuple[str, str | None], Handler] = dataclasses.field(default_factory=dict)
    """What works without a credential. Where the method is among these, another `op` without a
    credential is a 400, as in MAAS; everywhere else it is a 401."""
    for_machines: bool = False
    """It is for the keys of machines, not for those of users."""
