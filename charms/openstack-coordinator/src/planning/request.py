"""What an operator may ask for, and the terms on which it is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import steps


@dataclasses.dataclass(frozen=True)
class Window:
    """When work may be begun; see `steps.window`."""

    cron: str
    hours: float
    timezone: str


@dataclasses.dataclass(frozen=True)
class Terms:
    """On what terms any request is carried out."""

    window: Window | None = None
    """None: at any time."""
    failures: int = 0
    """The error budget: failed requests of the probe, from the plan's begin, that stop it."""
    max_unavailable: int = 1
    """Hypervisors of one zone that may be out of service at a time."""
    migrations: int = 2
    """Live migrations of one host at a time."""
    soak: float = 1800.0
    """Seconds between the first hypervisor and the others."""
    cannot: steps.Word = "hold"
    """What to do with guests that cannot be migrated live."""
    words: Mapping[str, steps.Word] = dataclasses.field(default_factory=dict)
    """Guest id -> the operator's word for this one."""


@dataclasses.dataclass(frozen=True)
class Release:
    """The next OpenStack release."""

    to: str = ""
    """For example 2024.1 or caracal; empty for the one after the cloud's."""
    errands: tuple[str, ...] = ("backup", "archive")
    """Which of the knowledge's errands are done first."""
    packages: bool = False
    """Upgrade the machines' other packages as well, unit by unit: of what is upgraded, and of the
    support that no release moves."""
    unattended: bool = False
    """Switch unattended upgrades off on every machine first, and on again at the end."""
    skip: tuple[str, ...] = ()
    """Applications that the operator upgrades himself."""
    strategy: Literal["rolling", "all-in-one"] = "rolling"
    """all-in-one takes every unit of an application at once: for comparison in tests only."""


@dataclasses.dataclass(frozen=True)
class Refresh:
    """Charms to the head of their channel, or to what is named."""

    applications: tuple[str, ...] = ()
    """Empty: all of OpenStack's."""
    channel: str = ""
    """Another channel of the same track; empty: the one that each follows."""
    revision: int = 0
    """For one application; 0: the newest that Juju knows."""


@dataclasses.dataclass(frozen=True)
class Restart:
    """Applications, unit by unit, by pause and resume."""

    applications: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Drain:
    """Hosts of Nova out of service, for maintenance."""

    hosts: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Undrain:
    """Hosts of Nova back into service, each proven with a canary guest."""

    hosts: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ScaleOut:
    """More units on machines of the pool, zones balanced; 0: take in those that are there."""

    role: str = "compute"
    """A role of the pool."""
    count: int = 0
    application: str = ""
    """Needed where several applications run hypervisors."""
    units: tuple[str, ...] = ()
    """Without a count: only these of the units that are there; empty for all."""


@dataclasses.dataclass(frozen=True)
class ScaleIn:
    """Units that run hypervisors away, their machines back to the pool."""

    units: tuple[str, ...]


Request = Release | Refresh | Restart | Drain | Undrain | ScaleOut | ScaleIn
