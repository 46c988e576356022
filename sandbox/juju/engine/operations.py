"""What a unit's agent may do next."""

from __future__ import annotations

import dataclasses

from sandbox.juju.engine.hooks import Hook


@dataclasses.dataclass(frozen=True)
class Deploy:
    """Put the charm's files in place: at first, or over those of an older revision."""

    charm_url: str
    charm_version: int


@dataclasses.dataclass(frozen=True)
class RunHook:
    """Run a hook."""

    hook: Hook


@dataclasses.dataclass(frozen=True)
class SkipHook:
    """Take a failed hook as run, as `juju resolved --no-retry` asks."""

    hook: Hook


@dataclasses.dataclass(frozen=True)
class RunAction:
    """Run a task."""

    task: int


@dataclasses.dataclass(frozen=True)
class FailAction:
    """Fail a task that an earlier agent left running: an action is never run twice."""

    task: int


@dataclasses.dataclass(frozen=True)
class RunCommand:
    """Run what juju-exec asks for."""

    command: int


@dataclasses.dataclass(frozen=True)
class AcceptLeadership:
    """Queue leader-elected."""


@dataclasses.dataclass(frozen=True)
class ResignLeadership:
    """Note that the unit leads no longer."""


@dataclasses.dataclass(frozen=True)
class EnterScope:
    """Appear in a relation."""

    relation: int


@dataclasses.dataclass(frozen=True)
class LeaveScope:
    """Disappear from a relation without a hook."""

    relation: int


@dataclasses.dataclass(frozen=True)
class Terminate:
    """The unit is dead: remove it."""


Operation = (
    Deploy
    | RunHook
    | SkipHook
    | RunAction
    | FailAction
    | RunCommand
    | AcceptLeadership
    | ResignLeadership
    | EnterScope
    | LeaveScope
    | Terminate
)
