"""What is seen of a cluster from outside: its Juju model and its OpenStack project.

A value that could not be read in this tick is None, so that nothing is concluded from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from ownership import Resource
from preflight import Shortage

Presence = Literal["absent", "other", "current"]
"""`other`: it is there, but with other content than is wanted."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """One unit, subordinates too."""

    status: str
    message: str = ""
    dying: bool = False
    leader: bool = False
    machine: str = ""
    """Empty of a subordinate."""


@dataclasses.dataclass(frozen=True)
class Application:
    """One application of the cluster's model."""

    units: Mapping[str, Unit] = dataclasses.field(default_factory=dict)
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """In force."""
    constraints: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Of machines to come, as text; zones separated by commas."""
    exposed: bool = False
    dying: bool = False
    version: str = ""
    """Of its workload."""

    @property
    def alive(self) -> list[str]:
        """Units that nobody removes, by number."""
        names = (name for name, unit in self.units.items() if not unit.dying)
        return sorted(names, key=lambda name: int(name.rpartition("/")[2]))


@dataclasses.dataclass(frozen=True)
class Model:
    """The cluster's Juju model."""

    uuid: str
    name: str = ""
    dying: bool = False
    applications: Mapping[str, Application] = dataclasses.field(default_factory=dict)
    relations: frozenset[frozenset[str]] = frozenset()
    """Sets of application:endpoint."""
    failed_machines: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Machine -> why it was not provisioned."""
    instances: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Machine -> the id of its server, once Juju has one for it."""


@dataclasses.dataclass(frozen=True)
class Server:
    """One of the cluster's machines, as Nova sees it."""

    id: str
    status: str
    fault: str = ""
    """What Nova says went wrong with it."""


@dataclasses.dataclass(frozen=True)
class Fetched:
    """The last run of get-kubeconfig."""

    state: Literal["none", "running", "completed", "failed"]
    reason: str = ""
    kubeconfig: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(frozen=True)
class World:
    """Everything that the plan's steps are compared with."""

    cloud: Presence | None = None
    credential: Presence | None = None
    model: Model | Literal["absent"] | None = None
    taken: str = ""
    """Why a name of the cluster is somebody else's; empty when it is not."""
    network: Presence | None = None
    fetched: Fetched | None = None
    kept: bool = False
    """A kubeconfig of this model is kept as a secret."""
    servers: tuple[Server, ...] | None = None
    """Of the cluster's model."""
    shortages: tuple[Shortage, ...] = ()
    """What keeps the plan from going on, where that was looked at."""
    unmarked: tuple[str, ...] | None = None
    """Volumes in use by the cluster that do not bear its tag."""
    resources: tuple[Resource, ...] | None = None
    """Everything in the project; read only where the cluster is being deleted."""
    owned: tuple[Resource, ...] | None = None
    """What is in the project and belongs to the cluster."""
