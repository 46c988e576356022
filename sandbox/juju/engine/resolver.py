"""The next operation of a unit's agent. Pure.

The order is that of Juju's uniter (internal/worker/uniter/resolver.go): start after a
restart of the machine, scopes and relation-created, leadership, secrets, actions, commands,
storage; then the hook that is queued or has failed; and when nothing is in progress, the
unit's own life, its charm, its configuration, its relations, and last update-status.
"""

from __future__ import annotations

from sandbox.juju.engine import relation_order
from sandbox.juju.engine.hooks import Hook
from sandbox.juju.engine.local import LocalState
from sandbox.juju.engine.operations import (
    AcceptLeadership,
    Deploy,
    FailAction,
    Operation,
    ResignLeadership,
    RunAction,
    RunCommand,
    RunHook,
    SkipHook,
    Terminate,
)
from sandbox.juju.engine.remote import RemoteState, StorageView


def next_operation(local: LocalState, remote: RemoteState) -> Operation | None:
    """What to do next; None when there is nothing to do until something changes."""
    if remote.life == "dead" or (local.removed and remote.life == "dying"):
        return _terminate(remote)
    if local.kind in ("install", "upgrade"):
        if remote.life == "dying" and not local.installed:
            return _terminate(remote)
        return Deploy(remote.charm_url, remote.charm_version)
    if remote.rebooted and local.started and local.kind == "continue":
        return RunHook(Hook("start"))
    urgent = (
        _scopes(local, remote)
        or _leadership(local, remote)
        or _secrets(local, remote)
        or _actions(local, remote)
        or _commands(remote)
        or _storage(local, remote)
    )
    if urgent is not None:
        return urgent
    if _awaits_storage(local, remote):
        return None
    if local.kind == "run-hook" and local.hook is not None:
        return _hook_in_progress(local, remote, local.hook)
    return _onwards(local, remote)


def _scopes(local: LocalState, remote: RemoteState) -> Operation | None:
    if not local.installed or remote.life == "dying" or local.kind != "continue":
        return None
    change = relation_order.scope_change(local, remote)
    return change or _run(relation_order.created_hook(local, remote))


def _leadership(local: LocalState, remote: RemoteState) -> Operation | None:
    if not local.installed:
        return None
    if local.leader and (not remote.leader or remote.life == "dying"):
        return ResignLeadership()
    if local.kind != "continue" or remote.life == "dying" or local.leader:
        return None
    if remote.leader:
        return AcceptLeadership()
    if local.leader_settings_version != remote.leader_settings_version:
        return RunHook(Hook("leader-settings-changed"))
    return None


def _secrets(local: LocalState, remote: RemoteState) -> Operation | None:
    if not local.installed or remote.life == "dying" or local.kind != "continue":
        return None
    for secret, revision in remote.expired:
        return RunHook(Hook("secret-expired", secret=secret, secret_revision=revision))
    for secret in remote.rotations:
        return RunHook(Hook("secret-rotate", secret=secret))
    for secret, (revision, label) in sorted(remote.consumed.items()):
        if local.consumed.get(secret, 0) != revision:
            return RunHook(
                Hook("secret-changed", secret=secret, secret_revision=revision, secret_label=label)
            )
    for secret, revisions in sorted(remote.obsolete.items()):
        for revision in revisions:
            if revision not in local.obsolete.get(secret, ()):
                return RunHook(Hook("secret-remove", secret=secret, secret_revision=revision))
    return None


def _actions(local: LocalState, remote: RemoteState) -> Operation | None:
    """Actions run between hooks and while a hook has failed."""
    if local.kind == "run-action" and local.action is not None:
        return FailAction(local.action)
    if remote.actions and (local.kind == "continue" or local.failed):
        return RunAction(remote.actions[0])
    return None


def _commands(remote: RemoteState) -> Operation | None:
    return RunCommand(remote.commands[0]) if remote.commands else None


def _storage(local: LocalState, remote: RemoteState) -> Operation | None:
    """The first storage hooks come before install, later ones whenever nothing else runs."""
    waiting = local.kind == "run-hook" and local.step == "queued" and not local.installed
    if local.kind != "continue" and not waiting:
        return None
    for storage, view in sorted(remote.storage.items()):
        operation = _storage_hook(local, remote, storage, view)
        if operation is not None:
            return operation
    return None


def _storage_hook(
    local: LocalState, remote: RemoteState, storage: str, view: StorageView
) -> Operation | None:
    known = storage in local.storage
    leaving = view.life != "alive" or remote.life == "dying"
    if leaving:
        return RunHook(Hook("storage-detaching", storage=storage)) if known else None
    if view.attached and not known:
        return RunHook(Hook("storage-attached", storage=storage))
    return None


def _awaits_storage(local: LocalState, remote: RemoteState) -> bool:
    """Before its install a unit waits for the storage that the unit was deployed with."""
    if local.installed or local.failed or remote.life != "alive":
        return False
    return any(storage not in local.storage for storage in remote.storage)


def _hook_in_progress(local: LocalState, remote: RemoteState, hook: Hook) -> Operation | None:
    if local.step == "pending":
        return _failed_hook(local, remote, hook)
    if hook.kind == "install":
        # A unit that dies before its install never runs it.
        return _onwards(local, remote)
    return RunHook(hook)


def _failed_hook(local: LocalState, remote: RemoteState, hook: Hook) -> Operation | None:
    if remote.force_charm and _charm_changed(local, remote):
        return Deploy(remote.charm_url, remote.charm_version)
    if remote.resolved == "no-hooks":
        return SkipHook(hook)
    if remote.resolved == "retry-hooks" or remote.retry_due:
        return RunHook(hook)
    return None


def _onwards(local: LocalState, remote: RemoteState) -> Operation | None:
    if remote.life == "dying":
        return _dying(local, remote)
    if not local.installed and not local.started:
        return RunHook(Hook("install"))
    if _charm_changed(local, remote):
        return Deploy(remote.charm_url, remote.charm_version)
    if local.config_hash != remote.config_hash:
        return RunHook(Hook("config-changed"))
    hook = relation_order.next_hook(local, remote)
    if hook is None and remote.update_status_due:
        hook = Hook("update-status")
    return _run(hook)


def _dying(local: LocalState, remote: RemoteState) -> Operation | None:
    """Relations are left before all; then stop, remove, and the end."""
    if local.kind == "continue":
        hook = relation_order.next_hook(local, remote)
        if hook is not None:
            return RunHook(hook)
    if local.started and not local.stopped:
        return RunHook(Hook("stop"))
    if local.installed and not local.removed:
        return RunHook(Hook("remove"))
    return _terminate(remote)


def _terminate(remote: RemoteState) -> Operation | None:
    """A unit goes once its subordinates are gone."""
    return None if remote.has_subordinates else Terminate()


def _charm_changed(local: LocalState, remote: RemoteState) -> bool:
    return (local.charm_url, local.charm_version) != (remote.charm_url, remote.charm_version)


def _run(hook: Hook | None) -> Operation | None:
    return None if hook is None else RunHook(hook)
