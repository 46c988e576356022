"""Running hooks: prepared, run, and committed as a whole or not at all."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from sandbox.juju import clock, errors
from sandbox.juju.engine import flush
from sandbox.juju.engine.context import HookContext
from sandbox.juju.engine.hooks import Hook
from sandbox.juju.engine.launch import handler, launch
from sandbox.juju.engine.local import begin_hook, commit_hook, queue
from sandbox.juju.engine.memory import UnitMemory
from sandbox.juju.engine.output import Stream
from sandbox.juju.engine.process import Ended
from sandbox.juju.state import (
    leases,
    relations,
    runs,
    scopes,
    secret_consumers,
    secrets,
    statuses,
    storage_attachments,
    units,
)
from sandbox.juju.state.secret_values import RETRY
from sandbox.juju.state.store import Transaction

_OPERATION = "juju.worker.uniter.operation"
CUT_OFF = "connection is shut down"
"""What Juju's agent says of every call while it has lost the controller."""


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """A hook that is about to run."""

    hook: Hook
    name: str
    context: HookContext
    run: int
    config_hash: str
    leader_settings: int
    revision: int
    """Of the secret that it is to rotate."""


async def run_hook(memory: UnitMemory, hook: Hook) -> None:
    """Run a hook and commit what it did; on failure only the failure is noted."""
    prepared = _prepare(memory, hook)
    if prepared is None:
        skip_hook(memory, hook)
        return
    # An update-status that comes due while this runs is another (resolver/opfactory, wrapHookOp).
    memory.update_status_due = False
    charm = memory.runtime.unit_folder(memory.model, memory.unit) / "charm"
    found = handler(charm, "hooks", prepared.name)
    started = time.monotonic()
    ended = Ended(0)
    if found is not None:
        try:
            ended = await launch(
                memory,
                prepared.context,
                prepared.run,
                [str(found[0])],
                dispatch_path=f"hooks/{prepared.name}",
                on_line=_logger(memory, prepared.name),
            )
        except OSError as error:
            memory.log("ERROR", _OPERATION, f'cannot execute "{found[0]}": {error.strerror}')
            ended = Ended(126)
    await _conclude(memory, prepared, ended, time.monotonic() - started, found[1] if found else "")


def skip_hook(memory: UnitMemory, hook: Hook) -> None:
    """Take a hook as run without running it, with what it would have been told."""
    local, remote = memory.local, memory.remote
    with memory.runtime.store.transaction() as tx:
        _clear_resolved(tx, memory)
        _follow_up(tx, memory, hook)
        memory.save(
            tx,
            commit_hook(
                local,
                hook,
                config_hash=remote.config_hash if remote else local.config_hash,
                leader_settings=remote.leader_settings_version if remote else 0,
                retry_expired=_retry_expired(),
            ),
        )


def report_failure(memory: UnitMemory) -> None:
    """Show the failed hook in the agent's status."""
    hook = memory.local.hook
    if hook is None:
        return
    name = hook.kind
    data: dict[str, Any] = {}
    if hook.about_relation:
        view = memory.remote.relations.get(hook.relation or 0) if memory.remote else None
        name = hook.name(view.endpoint) if view else hook.kind
        data["relation-id"] = hook.relation
        if hook.remote_unit:
            data["remote-unit"] = hook.remote_unit
    if hook.about_secret:
        data |= {"secret-uri": f"secret:{hook.secret}", "secret-label": hook.secret_label}
    memory.set_agent_status("error", f'hook failed: "{name}"', {**data, "hook": name})


def leave_scope(tx: Transaction, memory: UnitMemory, relation: int) -> None:
    """Leave a relation's scope; a relation that is gone has none."""
    if tx.one("SELECT 1 FROM relations WHERE model = ? AND id = ?", memory.model, relation):
        unit = units.get(tx, memory.model, memory.unit)
        scopes.leave(tx, relations.get(tx, memory.model, relation), unit)


def _prepare(memory: UnitMemory, hook: Hook) -> _Prepared | None:
    """Note that a hook begins; None for one that has lost its subject."""
    remote = memory.remote
    with memory.runtime.store.transaction() as tx:
        unit = units.get(tx, memory.model, memory.unit)
        if remote is None or not _has_subject(tx, memory, hook):
            return None
        endpoint = remote.relations[hook.relation].endpoint if hook.relation is not None else ""
        revision = 0
        if hook.about_secret:
            secret = secret_consumers.anywhere(tx, memory.model, memory.unit, hook.secret)
            revision = secret.latest
            if hook.kind != "secret-changed":  # the owner is told its own label
                hook = dataclasses.replace(hook, secret_label=secret.label)
        name = hook.name(endpoint)
        context = HookContext(
            memory.runtime.store,
            memory.runtime.journal,
            unit,
            memory.local,
            hook=hook,
            name=name,
        )
        run = runs.begin(
            tx, memory.model, memory.unit, name, hook.subject, context.id, hook.relation
        )
        _set_status_before(tx, memory, hook)
        if hook.kind != "update-status":
            memory.write_agent_status(tx, "executing", hook.running_message(name))
        _clear_resolved(tx, memory)
        memory.save(tx, begin_hook(memory.local, hook))
    memory.retry_due = False
    if hook.kind == "start":
        memory.rebooted = False
    return _Prepared(
        hook, name, context, run, remote.config_hash, remote.leader_settings_version, revision
    )


def _has_subject(tx: Transaction, memory: UnitMemory, hook: Hook) -> bool:
    """Whether what a hook is about is still there, and still the unit's to handle."""
    remote = memory.remote
    if remote is None:
        return False
    if hook.relation is not None:
        return hook.relation in remote.relations and hook.relation in memory.local.relations
    if hook.kind == "leader-elected":
        return remote.leader
    if hook.about_storage:
        return hook.storage in remote.storage
    if hook.kind == "secret-changed":
        return hook.secret in remote.consumed
    if hook.about_secret:
        row = tx.one(
            "SELECT owner_kind FROM secrets WHERE model = ? AND id = ?", memory.model, hook.secret
        )
        shared = row is not None and row["owner_kind"] == "application"
        return row is not None and (not shared or remote.leader)
    return True


def _set_status_before(tx: Transaction, memory: UnitMemory, hook: Hook) -> None:
    messages = {
        "install": "" if memory.local.status_set else statuses.INSTALLING_CHARM,
        "stop": "stopping charm software",
        "remove": "cleaning up prior to charm deletion",
    }
    message = messages.get(hook.kind)
    if message:
        statuses.set_status(tx, memory.model, "workload", memory.unit, "maintenance", message)


def _clear_resolved(tx: Transaction, memory: UnitMemory) -> None:
    tx.execute(
        "UPDATE units SET resolved = '' WHERE model = ? AND name = ? AND resolved <> ''",
        *(memory.model, memory.unit),
    )


async def _conclude(
    memory: UnitMemory, prepared: _Prepared, ended: Ended, seconds: float, handled_by: str
) -> None:
    if ended.terminated:
        _requeue(memory, prepared, ended, seconds)
        _reboot_if_asked(memory, prepared.context, "now")
        return
    reason = ended.reason if ended.code else _failure_on_purpose(memory, prepared.name)
    if not reason:
        try:
            async with memory.runtime.crash_points.around_commit(prepared.context):
                _commit(memory, prepared, seconds, handled_by)
        except errors.JujuError as refusal:
            memory.log_refusal(refusal)
            reason = str(refusal)
    if not reason:
        _reboot_if_asked(memory, prepared.context, "after")
        return
    memory.log("ERROR", _OPERATION, f'hook "{prepared.name}" (via {handled_by}) failed: {reason}')
    with memory.runtime.store.transaction() as tx:
        runs.finish(tx, prepared.run, seconds, ended.code or 1, prepared.context.effects)


def _failure_on_purpose(memory: UnitMemory, name: str) -> str:
    """Why a hook fails that its charm ended well; empty for one that does not."""
    if not memory.connected:
        return CUT_OFF
    if memory.runtime.failures.take(memory.model, memory.unit, name):
        return "exit status 1 (on purpose)"
    return ""


def _reboot_if_asked(memory: UnitMemory, context: HookContext, when: str) -> None:
    if context.reboot == when and context.unit.machine:
        memory.set_agent_status("rebooting")
        memory.runtime.reboot(memory.model, context.unit.machine)


def _requeue(memory: UnitMemory, prepared: _Prepared, ended: Ended, seconds: float) -> None:
    """Somebody killed the hook: it runs again at once, as Juju's agent does it."""
    memory.log("WARNING", _OPERATION, f'hook "{prepared.name}" was terminated')
    with memory.runtime.store.transaction() as tx:
        runs.finish(tx, prepared.run, seconds, ended.code, prepared.context.effects)
        memory.save(tx, queue(memory.local, prepared.hook))


def _commit(memory: UnitMemory, prepared: _Prepared, seconds: float, handled_by: str) -> None:
    """Everything that a hook changed, and that it has run, in one transaction."""
    context, hook = prepared.context, prepared.hook
    status_set = memory.local.status_set or context.status_set
    with memory.runtime.store.transaction() as tx:
        changes = flush.flush(tx, context)
        if hook.kind == "config-changed":
            flush.refresh_network_settings(tx, context.refresh_unit())
        _set_status_after(tx, memory, hook, status_set)
        _follow_up(tx, memory, hook)
        if hook.kind == "secret-rotate":
            secrets.rotated(tx, memory.model, hook.secret, prepared.revision)
        runs.finish(tx, prepared.run, seconds, 0, changes)
        local = commit_hook(
            dataclasses.replace(memory.local, status_set=status_set),
            hook,
            config_hash=prepared.config_hash,
            leader_settings=prepared.leader_settings,
            retry_expired=_retry_expired(),
        )
        done = f'ran "{prepared.name}" hook (via {handled_by})'
        memory.log(
            "INFO", _OPERATION, done if handled_by else f'skipped "{prepared.name}" hook (missing)'
        )
        memory.save(tx, local)


def _retry_expired() -> str:
    """From when secret-expired may ask again for a revision that the charm keeps."""
    return clock.stamp(clock.now() + RETRY)


def _set_status_after(tx: Transaction, memory: UnitMemory, hook: Hook, status_set: bool) -> None:
    after = {"stop": "maintenance", "remove": "terminated"}
    if hook.kind == "start" and not status_set:
        after["start"] = "unknown"
    if hook.kind in after:
        statuses.set_status(tx, memory.model, "workload", memory.unit, after[hook.kind])


def _follow_up(tx: Transaction, memory: UnitMemory, hook: Hook) -> None:
    """What the end of a hook brings with it, whether it ran or was skipped."""
    if hook.kind == "relation-broken" and hook.relation is not None:
        _break(tx, memory, hook.relation)
    if hook.kind == "storage-detaching" and memory.remote and memory.remote.life == "alive":
        storage_attachments.detached(tx, memory.model, hook.storage)


def _break(tx: Transaction, memory: UnitMemory, relation: int) -> None:
    row = tx.one(
        "SELECT suspended FROM relations WHERE model = ? AND id = ?", memory.model, relation
    )
    now = clock.now().timestamp()
    if row is not None and row["suspended"] and leases.leads(tx, memory.model, memory.unit, now):
        relations.set_status(tx, memory.model, relation, "suspended")
    leave_scope(tx, memory, relation)


def _logger(memory: UnitMemory, name: str) -> Callable[[Stream, str], None]:
    module = f"unit.{memory.unit}.{name}"

    def write(stream: Stream, line: str) -> None:
        memory.log("DEBUG" if stream == "stdout" else "WARNING", module, line)

    return write
