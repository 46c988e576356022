"""Hypervisors that an operator added by `juju add-unit`: known by their units. Pure.

The peers keep the units that were seen at work. What is there when the cloud has settled for the
first time is its beginning; what comes later has to be taken into service, unless a plan has done
that: it tells the hosts that it proved. A unit that was known stays so, also while it is away: its
number is never given again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, MutableMapping

_ACTIVE = "hypervisors-active"
_KNOWN = "hypervisors-known"
_PROVEN = "hypervisors-proven"

Databag = MutableMapping[str, str]


def note(shared: Databag, active: Mapping[str, str]) -> None:
    """Keep which units run hypervisors now, in a cloud where nothing is settling.

    Args:
        shared: what the peers keep.
        active: unit -> the name of its host.
    """
    shared[_ACTIVE] = json.dumps(sorted(active))
    if not _names(shared, _KNOWN):
        shared[_KNOWN] = shared[_ACTIVE]
    proven = _names(shared, _PROVEN)
    if proven:
        settle(shared, (unit for unit, host in active.items() if host in proven))
        shared[_PROVEN] = json.dumps(sorted(proven - set(active.values())))


def prove(shared: Databag, hosts: Iterable[str]) -> None:
    """A plan has taken these hosts into service: their units are known when they are noted."""
    proven = _names(shared, _PROVEN) | set(hosts)
    if proven:
        shared[_PROVEN] = json.dumps(sorted(proven))


def new(shared: Databag) -> tuple[str, ...]:
    """The units that nobody has taken into service yet."""
    return tuple(sorted(_names(shared, _ACTIVE) - _names(shared, _KNOWN)))


def settle(shared: Databag, units: Iterable[str]) -> None:
    """Nothing more is to be begun for these."""
    shared[_KNOWN] = json.dumps(sorted(_names(shared, _KNOWN) | set(units)))


def _names(shared: Databag, key: str) -> set[str]:
    return set(json.loads(shared.get(key, "") or "[]"))
