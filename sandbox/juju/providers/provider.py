"""What the provisioner asks of a cloud, and how a cloud refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, Protocol

State = Literal["claimed", "building", "allocating", "running", "failed"]
"""Claimed is taken but not set going: the one who took it went away in between. Building may
still turn out to be nothing, so it is not recorded yet."""


class ProviderError(Exception):
    """A cloud did not do what was asked; the message is what the operator reads."""


class NoMatch(ProviderError):
    """No free machine satisfies the request in this zone; another zone may have one."""


class NoHost(NoMatch):
    """The same, of a cloud that says so in words of its own."""


class Refused(ProviderError):
    """The request fails in every zone alike."""


class Unreachable(ProviderError):
    """The cloud did not answer. Whether it did what was asked is not known."""


class AccessDenied(ProviderError):
    """The cloud does not accept the model's credential."""


@dataclasses.dataclass(frozen=True)
class Disk:
    """One disk that a unit's storage asks of the machine."""

    storage: str
    """The storage instance: osd-devices/0."""
    size: int
    """MiB."""
    tags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class StartRequest:
    """The instance that one machine needs."""

    machine: str
    base: str
    constraints: Mapping[str, Any]
    placement: str = ""
    """The cloud's own directive: zone=az1, system-id=4y3h7n, or a machine's name."""
    zone: str = ""
    """Where the provisioner wants it; a system id or a name in the placement wins."""
    spaces: Collection[str] = ()
    """Spaces that the units' endpoints are bound to."""
    disks: Sequence[Disk] = ()
    owner_data: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What the cloud should remember with the instance."""


@dataclasses.dataclass(frozen=True)
class Instance:
    """One instance, as its cloud tells it now."""

    id: str
    hostname: str
    state: State
    message: str = ""
    hardware: dict[str, Any] = dataclasses.field(default_factory=dict)
    """arch, cores, mem (MiB), availability-zone, tags: Juju's hardware characteristics."""
    addresses: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    disks: dict[str, str] = dataclasses.field(default_factory=dict)
    """Storage instance to the path of its disk."""
    owner_data: dict[str, str] = dataclasses.field(default_factory=dict)


class Provider(Protocol):
    """One cloud, with one model's credential. Every call may raise ProviderError."""

    async def zones(self) -> list[str]:
        """The names of its availability zones; none where it knows no zones."""
        ...

    async def spaces(self) -> dict[str, list[dict[str, Any]]]:
        """Its network spaces and their subnets; none where it has no such notion."""
        ...

    async def start(self, request: StartRequest) -> Instance:
        """Claim an instance and set it going; it need not run yet."""
        ...

    async def settled(self, instance: Instance, request: StartRequest) -> Instance:
        """Wait until an instance that is building is more than that.

        One that fails is given back, and what was its fault is raised as by `start`.
        """
        ...

    async def instances(self, ids: Collection[str]) -> dict[str, Instance]:
        """Those of these instances that there are."""
        ...

    async def claimed(self) -> list[Instance]:
        """Every instance that this model has claimed, recorded or not."""
        ...

    async def stop(self, instance: str) -> None:
        """Give an instance back; one that is gone already is no error."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
