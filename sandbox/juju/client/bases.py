"""Bases: ubuntu@24.04, ubuntu@24.04/stable (core/base)."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from sandbox.juju.client.errors import ClientError

_SERIES = {
    "focal": "20.04",
    "jammy": "22.04",
    "mantic": "23.10",
    "noble": "24.04",
    "oracular": "24.10",
    "plucky": "25.04",
    "resolute": "26.04",
    "bionic": "18.04",
    "xenial": "16.04",
}
_OS = re.compile(r"[a-z][a-z0-9]*")
_RISKS = ("stable", "candidate", "beta", "edge")


@dataclasses.dataclass(frozen=True)
class Base:
    """An operating system and a channel of it, with its risk: ubuntu@24.04/stable."""

    name: str
    channel: str

    def __str__(self) -> str:
        return f"{self.name}@{self.channel}"

    @property
    def shown(self) -> str:
        """The base as messages show it: without the risk when that is stable."""
        return f"{self.name}@{self.channel.removesuffix('/stable')}"

    @property
    def wire(self) -> dict[str, Any]:
        """The base as the API takes it."""
        return {"name": self.name, "channel": self.channel}


def parse_base(text: str) -> Base:
    """A base from its text.

    Raises:
        ClientError: it is not <name>@<channel>.
    """
    name, at, channel = text.partition("@")
    if not at:
        raise ClientError(
            f'expected base string to contain os and channel separated by "@": "{text}"'
        )
    track, slash, risk = channel.partition("/")
    if not _OS.fullmatch(name) or not track or (slash and risk not in _RISKS):
        raise ClientError(f'malformed channel in base string "{text}"')
    return Base(name, f"{track}/{risk or 'stable'}")


def base_of_series(series: str) -> Base:
    """The base of a series' name.

    Raises:
        ClientError: no such series is known.
    """
    if series not in _SERIES:
        raise ClientError(f'unknown version for series: "{series}"')
    return Base("ubuntu", f"{_SERIES[series]}/stable")
