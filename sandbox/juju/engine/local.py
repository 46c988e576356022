"""What a unit's agent has seen and done, as Juju's uniter keeps it. Pure.

The shape is that of Juju's operation.State together with its relation, storage and secret
states (internal/worker/uniter); a hook's own progress needs no `done` step here, since its
effects and this state are committed together.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Literal

from sandbox.juju.engine.hooks import Hook

Kind = Literal["install", "upgrade", "run-hook", "run-action", "continue"]
Step = Literal["queued", "pending"]


@dataclasses.dataclass(frozen=True)
class RelationState:
    """What the unit was told of one relation that it has entered."""

    created: bool = False
    """relation-created has run."""
    members: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """The remote units that joined, and the version of their databag last told."""
    application_members: Mapping[str, int] = dataclasses.field(default_factory=dict)
    changed_pending: str = ""
    """The unit whose relation-changed must be this relation's next hook."""

    def after(self, hook: Hook) -> RelationState:
        """This state once a hook of the relation (not relation-broken) has run."""
        if hook.kind == "relation-created":
            return dataclasses.replace(self, created=True)
        members = dict(self.members)
        if hook.kind == "relation-departed":
            members.pop(hook.remote_unit, None)
            return dataclasses.replace(self, members=members)
        applications = dict(self.application_members)
        if hook.remote_unit:
            members[hook.remote_unit] = hook.change_version
        else:
            applications[hook.remote_application] = hook.change_version
        pending = hook.remote_unit if hook.kind == "relation-joined" else ""
        return RelationState(self.created, members, applications, pending)


@dataclasses.dataclass(frozen=True)
class LocalState:
    """One unit agent's memory."""

    kind: Kind = "install"
    step: Step = "queued"
    hook: Hook | None = None
    """The hook that is queued, runs, has failed, or waits for an action or upgrade to end."""
    hook_step: Step | None = None
    """Of a hook that an action interrupted."""
    action: int | None = None
    """The task that runs."""
    leader: bool = False
    installed: bool = False
    started: bool = False
    stopped: bool = False
    removed: bool = False
    status_set: bool = False
    """The charm has set a workload status of its own."""
    charm_url: str = ""
    charm_version: int = 0
    config_hash: str = ""
    leader_settings_version: int = 0
    relations: Mapping[int, RelationState] = dataclasses.field(default_factory=dict)
    storage: frozenset[str] = frozenset()
    """The storage whose storage-attached has run."""
    consumed: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """The revision of each secret that secret-changed last told."""
    obsolete: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    """The revisions that secret-remove has told."""
    expired: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """secret/revision to the timestamp from which secret-expired may tell it again."""

    @property
    def failed(self) -> bool:
        """Whether a hook has failed, or was cut off, and awaits a retry or an operator."""
        return self.kind == "run-hook" and self.step == "pending"

    def to_text(self) -> str:
        """As JSON. It is written several times a hook: `dataclasses.asdict` would copy all."""
        document = {
            **vars(self),
            "hook": self.hook.to_document() if self.hook else None,
            "storage": sorted(self.storage),
            "relations": {number: vars(state) for number, state in self.relations.items()},
        }
        return json.dumps(document, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> LocalState:
        """The state that `to_text` wrote; `{}` is a unit's that never ran."""
        values = json.loads(text)
        if not values:
            return cls()
        values["hook"] = Hook(**values["hook"]) if values["hook"] else None
        values["relations"] = {
            int(number): RelationState(**state) for number, state in values["relations"].items()
        }
        values["storage"] = frozenset(values["storage"])
        values["obsolete"] = {k: tuple(v) for k, v in values["obsolete"].items()}
        return cls(**values)


def queue(local: LocalState, hook: Hook) -> LocalState:
    """This state with a hook that is to run next."""
    return dataclasses.replace(local, kind="run-hook", step="queued", hook=hook, hook_step=None)


def begin_hook(local: LocalState, hook: Hook) -> LocalState:
    """This state while a hook runs: should nobody see its end, it has failed."""
    return dataclasses.replace(local, kind="run-hook", step="pending", hook=hook, hook_step=None)


def begin_action(local: LocalState, action: int) -> LocalState:
    """This state while a task runs; a failed hook waits meanwhile."""
    step = local.step if local.hook else None
    return dataclasses.replace(
        local, kind="run-action", step="pending", action=action, hook_step=step
    )


def end_action(local: LocalState) -> LocalState:
    """This state after a task: back to the failed hook, or on."""
    if local.hook is None:
        return _go_on(dataclasses.replace(local, action=None))
    return dataclasses.replace(
        local, kind="run-hook", step=local.hook_step or "pending", hook_step=None, action=None
    )


def begin_deploy(local: LocalState, charm_url: str) -> LocalState:
    """This state while the charm's files are put in place; the unit runs that charm now."""
    kind: Kind = "upgrade" if local.installed or local.kind != "install" else "install"
    return dataclasses.replace(local, kind=kind, step="pending", charm_url=charm_url)


def end_deploy(local: LocalState, charm_version: int) -> LocalState:
    """This state with the charm in place: its first hook is queued, or a failed one is back."""
    local = dataclasses.replace(local, charm_version=charm_version)
    if local.kind == "upgrade" and local.hook is not None:
        return begin_hook(local, local.hook)
    return queue(local, Hook("install" if local.kind == "install" else "upgrade-charm"))


def accept_leadership(local: LocalState) -> LocalState:
    """This state of a leader, with leader-elected queued."""
    return dataclasses.replace(queue(local, Hook("leader-elected")), leader=True)


def resign_leadership(local: LocalState) -> LocalState:
    """This state of a unit that leads no longer. Juju runs no hook for it."""
    return dataclasses.replace(local, leader=False)


def enter(local: LocalState, relation: int) -> LocalState:
    """This state in the scope of one more relation."""
    return dataclasses.replace(local, relations={**local.relations, relation: RelationState()})


def leave(local: LocalState, relation: int) -> LocalState:
    """This state out of the scope of a relation."""
    rest = {number: state for number, state in local.relations.items() if number != relation}
    return dataclasses.replace(local, relations=rest)


def commit_hook(
    local: LocalState, hook: Hook, *, config_hash: str, leader_settings: int, retry_expired: str
) -> LocalState:
    """This state after a hook has run or was skipped, with what follows from it queued.

    `config_hash` and `leader_settings` are what the hook saw; `retry_expired` is the timestamp
    from which secret-expired may run again for a revision that the charm keeps.
    """
    local = _note(_remember(local, hook, retry_expired), hook, config_hash, leader_settings)
    if hook.kind == "config-changed" and not local.started:
        return queue(local, Hook("start"))
    if hook.kind == "upgrade-charm":
        return queue(local, Hook("config-changed"))
    return _go_on(local)


def _go_on(local: LocalState) -> LocalState:
    return dataclasses.replace(local, kind="continue", step="pending", hook=None, hook_step=None)


def _note(local: LocalState, hook: Hook, config_hash: str, leader_settings: int) -> LocalState:
    """The flags that hooks of the unit's own life leave."""
    changes: dict[str, dict[str, Any]] = {
        "install": {"installed": True, "removed": False},
        "start": {"started": True, "stopped": False},
        "stop": {"stopped": True},
        "remove": {"removed": True},
        "config-changed": {"config_hash": config_hash},
        "leader-settings-changed": {"leader_settings_version": leader_settings},
    }
    return dataclasses.replace(local, **changes.get(hook.kind, {}))


def _remember(local: LocalState, hook: Hook, retry_expired: str) -> LocalState:
    """What hooks of relations, storage and secrets were told."""
    if hook.relation is not None:
        return _remember_relation(local, hook, hook.relation)
    if hook.kind == "storage-attached":
        return dataclasses.replace(local, storage=local.storage | {hook.storage})
    if hook.kind == "storage-detaching":
        return dataclasses.replace(local, storage=local.storage - {hook.storage})
    if hook.kind == "secret-changed":
        consumed = {**local.consumed, hook.secret: hook.secret_revision}
        return dataclasses.replace(local, consumed=consumed)
    if hook.kind == "secret-remove":
        told = {*local.obsolete.get(hook.secret, ()), hook.secret_revision}
        obsolete = {**local.obsolete, hook.secret: tuple(sorted(told))}
        return dataclasses.replace(local, obsolete=obsolete)
    if hook.kind == "secret-expired":
        key = f"{hook.secret}/{hook.secret_revision}"
        return dataclasses.replace(local, expired={**local.expired, key: retry_expired})
    return local


def _remember_relation(local: LocalState, hook: Hook, relation: int) -> LocalState:
    if relation not in local.relations:
        return local
    if hook.kind == "relation-broken":
        return leave(local, relation)
    state = local.relations[relation].after(hook)
    return dataclasses.replace(local, relations={**local.relations, relation: state})
