"""What the controller says of a unit at one moment. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from sandbox.juju.state.values import Life, Role, Scope


@dataclasses.dataclass(frozen=True)
class RelationView:
    """One relation of the unit's application, as the unit sees it."""

    endpoint: str
    role: Role
    scope: Scope
    remote_application: str
    """The application at the other end; for a peer relation its own."""
    life: Life = "alive"
    suspended: bool = False
    implicit: bool = False
    """The unit's end is Juju's own juju-info, which has no hooks."""
    implemented: bool = True
    """The charm that the unit runs has this endpoint."""
    members: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """The remote units in scope and the version of their databags."""
    application_members: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether units may be in its scope."""
        return self.life == "alive" and not self.suspended


@dataclasses.dataclass(frozen=True)
class StorageView:
    """One piece of the unit's storage."""

    life: Life = "alive"
    attached: bool = True
    """It is provisioned and has its location."""


@dataclasses.dataclass(frozen=True)
class RemoteState:
    """Everything that a unit's agent acts on."""

    unit: str
    life: Life = "alive"
    application_life: Life = "alive"
    charm_url: str = ""
    """Of the application: what the unit should run."""
    charm_version: int = 0
    force_charm: bool = False
    """The refresh does not wait for a failed hook."""
    resolved: str = ""
    """'' | retry-hooks | no-hooks."""
    retry_due: bool = False
    """The time to run the failed hook again has come."""
    update_status_due: bool = False
    config_hash: str = ""
    """Of the configuration, trust and addresses."""
    leader: bool = False
    leader_settings_version: int = 1
    has_subordinates: bool = False
    relations: Mapping[int, RelationView] = dataclasses.field(default_factory=dict)
    storage: Mapping[str, StorageView] = dataclasses.field(default_factory=dict)
    actions: tuple[int, ...] = ()
    """Tasks that wait, oldest first."""
    commands: tuple[int, ...] = ()
    """Commands of juju-exec that wait, oldest first."""
    rebooted: bool = False
    """The machine has restarted since the unit's last start."""
    rotations: tuple[str, ...] = ()
    """Secrets that the unit should rotate now."""
    expired: tuple[tuple[str, int], ...] = ()
    """(secret, revision) that the unit should remove now."""
    consumed: Mapping[str, tuple[int, str]] = dataclasses.field(default_factory=dict)
    """The latest revision (from the second on) of each secret that it reads, and its label."""
    obsolete: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    """The revisions of its secrets that nobody tracks."""
