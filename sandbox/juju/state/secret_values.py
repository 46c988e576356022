"""What a secret is: its identity, metadata, revisions and content. Pure."""

from __future__ import annotations

import base64
import binascii
import calendar
import dataclasses
import datetime
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from typing import Literal

from sandbox.juju import errors

OwnerKind = Literal["model", "application", "unit"]
SubjectKind = Literal["application", "unit"]

RETRY = datetime.timedelta(minutes=5)
"""How soon Juju asks again when a charm did not rotate or remove what it was asked to."""

ROTATE_POLICIES = ("never", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly")

LIMIT = 1_000_000
"""Bytes of base64 text, of one value and of all of them (core/secrets/createsecret.go)."""

_KEY = re.compile(r"[a-z](?:-?[a-z0-9]){2,}\Z")
_URI = re.compile(r"(?:secret:)?(?://)?(?:[a-f0-9-]{36}/)?(?P<id>[0-9a-v]{20})\Z")
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_MONTHS = {"monthly": 1, "quarterly": 3, "yearly": 12}
_SPANS = {
    "hourly": datetime.timedelta(hours=1),
    "daily": datetime.timedelta(days=1),
    "weekly": datetime.timedelta(days=7),
}

Content = Mapping[str, str]
"""Key to base64 text."""


@dataclasses.dataclass(frozen=True)
class Secret:
    """A secret without its content."""

    model: str
    id: str
    owner_kind: OwnerKind
    owner: str
    """The unit, the application, or the UUID of the model for a user secret."""
    label: str
    """The owner's label; a user secret's name."""
    description: str
    rotate_policy: str
    next_rotate: str | None
    auto_prune: bool
    latest: int
    created: str
    updated: str

    @property
    def uri(self) -> str:
        """secret:<id>, as people and clients write it."""
        return f"secret:{self.id}"

    @property
    def rotates(self) -> bool:
        """Whether its policy ever asks for a rotation."""
        return self.rotate_policy != "never"


@dataclasses.dataclass(frozen=True)
class Revision:
    """One revision of a secret, without its content."""

    number: int
    expire: str | None
    obsolete: bool
    """Nobody tracks it and it is not the latest."""
    created: str


@dataclasses.dataclass(frozen=True)
class Grant:
    """Who may read a secret, and the relation that the permission lasts with."""

    subject_kind: SubjectKind
    subject: str
    relation: int | None
    """None for a user secret's grant, which is of the whole model."""
    role: str = "view"


def new_id() -> str:
    """A new secret's id: 20 characters of base32, as an xid."""
    return "".join(randomness.choice(_ALPHABET) for _ in range(19)) + randomness.choice("0g")


def parse_uri(text: str) -> str:
    """The id in `secret:<id>`, `secret://<model>/<id>` or a bare id.

    Raises:
        NotValid: it is none of these.
    """
    match = _URI.match(text)
    if match is None:
        raise errors.NotValid(f'secret URI "{text}" not valid')
    return match["id"]


def encode(pairs: Mapping[str, str]) -> dict[str, str]:
    """Content from keys and plain values; a key that ends in #base64 has its value encoded.

    Raises:
        NotValid: a key is not one, or the content is over the limit.
    """
    content: dict[str, str] = {}
    for key, value in pairs.items():
        name, _, form = key.partition("#")
        content[name] = value if form == "base64" else _base64(str(value))
    check(content)
    return content


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def check(content: Content) -> None:
    """Refuse content whose keys or sizes Juju refuses; NotValid says which.

    Values are never quoted in a message.
    """
    for key, value in content.items():
        if not _KEY.match(key):
            raise errors.NotValid(f'key "{key}" not valid')
        if len(value) > LIMIT:
            raise errors.NotValid(
                f'base64 encoded secret content for key "{key}" too large: {len(value)} bytes'
            )
    total = sum(len(value) for value in content.values())
    if total > LIMIT:
        raise errors.NotValid(f"base64 encoded secret content too large: {total} bytes")


def decode(content: Content) -> dict[str, str]:
    """The plain values; bytes that are no UTF-8 are kept by escapes, so nothing is lost.

    Raises:
        NotValid: a value is not base64.
    """
    try:
        return {
            key: base64.b64decode(value).decode("utf-8", "surrogateescape")
            for key, value in content.items()
        }
    except binascii.Error:
        raise errors.NotValid("illegal base64 data in the secret's content") from None


def key_values(arguments: Sequence[str]) -> dict[str, str]:
    """`key=value` arguments as a mapping; base64 padding at the end is part of the value.

    Raises:
        NotValid: an argument is not of that form.
    """
    pairs: dict[str, str] = {}
    for argument in arguments:
        split = argument.rstrip("=").find("=")
        if split < 1:
            raise errors.NotValid(f'key value "{argument}" not valid')
        pairs[argument[:split]] = argument[split + 1 :]
    return pairs


def next_rotation(policy: str, last: datetime.datetime) -> datetime.datetime | None:
    """When a policy asks for the rotation after `last`; None for never."""
    if policy in _SPANS:
        return last + _SPANS[policy]
    if policy in _MONTHS:
        return _add_months(last, _MONTHS[policy])
    return None


def _add_months(moment: datetime.datetime, months: int) -> datetime.datetime:
    """The same day some months later; a day that the month lacks runs over into the next."""
    index = moment.month - 1 + months
    year, month = moment.year + index // 12, index % 12 + 1
    days = calendar.monthrange(year, month)[1]
    overrun = max(0, moment.day - days)
    return moment.replace(year=year, month=month, day=min(moment.day, days)) + datetime.timedelta(
        days=overrun
    )
