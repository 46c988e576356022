"""Hypervisors that an operator added by `juju add-unit`: known by their units. Pure.

The peers keep the units that were seen at work. What is there when the cloud has settled for the
first time is its beginning; what comes later has to be taken into service. A unit that was known
stays so, also while it is away: its number is never given again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, MutableMapping

_ACTIVE = "hypervisors-active"
_KNOWN = "hypervisors-known"

Databag = MutableMapping[str, str]


def note(shared: Databag, active: Iterable[str]) -> None:
    """Keep which units run hypervisors now, in a cloud where nothing is settling."""
    shared[_ACTIVE] = json.dumps(sorted(active))
    if not _units(shared, _KNOWN):
        shared[_KNOWN] = shared[_ACTIVE]


def new(shared: Databag) -> tuple[str, ...]:
    """The units that nobody has taken into service yet."""
    return tuple(sorted(_units(shared, _ACTIVE) - _units(shared, _KNOWN)))


def settle(shared: Databag, units: Iterable[str]) -> None:
    """Nothing more is to be begun for these."""
    shared[_KNOWN] = json.dumps(sorted(_units(shared, _KNOWN) | set(units)))


def _units(shared: Databag, key: str) -> set[str]:
    return set(json.loads(shared.get(key, "") or "[]"))
