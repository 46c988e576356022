"""Running actions, and the scripts of juju-exec."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import Any

from sandbox.juju import errors
from sandbox.juju.engine import flush
from sandbox.juju.engine.commands import CommandOutput
from sandbox.juju.engine.context import ActionData, HookContext
from sandbox.juju.engine.launch import handler, launch
from sandbox.juju.engine.local import begin_action, end_action
from sandbox.juju.engine.memory import UnitMemory
from sandbox.juju.engine.process import Ended
from sandbox.juju.engine.task_results import exit_code, output
from sandbox.juju.state import runs, tasks, units
from sandbox.juju.state.action_parameters import PREDEFINED
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.tasks import Task

_SHELL = ["/bin/bash", "-s"]
_SOON = 0.05
"""Seconds until a process that is still being started is looked for again."""


@dataclasses.dataclass(frozen=True)
class _Running:
    """A task while its process runs."""

    task: Task
    action: ActionData
    context: HookContext
    run: int
    started: float


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """How a task ended."""

    status: str
    message: str
    results: dict[str, Any]
    code: int
    succeeded: bool = False
    """Its process ended well, so that its changes are made; action-fail does not undo them."""


async def run_action(memory: UnitMemory, number: int) -> None:
    """Run a task and report how it ended; a task never puts its unit in error."""
    running = _begin(memory, number)
    memory.running_task = number
    try:
        ended = await _run(memory, running)
    except OSError as error:
        ended = f"cannot execute: {error.strerror}"
    finally:
        memory.running_task = None
    outcome = _outcome(running, ended)
    if outcome.succeeded:
        try:
            async with memory.runtime.crash_points.around_commit(running.context):
                with memory.runtime.store.transaction() as tx:
                    _end(tx, memory, running, outcome, flush.flush(tx, running.context))
            return
        except errors.JujuError as refusal:
            memory.log_refusal(refusal)
            outcome = _refused(outcome, refusal)
    with memory.runtime.store.transaction() as tx:
        _end(tx, memory, running, outcome, running.context.effects)


async def run_command(memory: UnitMemory, number: int) -> None:
    """Run a script that juju-exec asked for, and answer who asked."""
    command, future = memory.take_command(number)
    store = memory.runtime.store
    with store.transaction() as tx:
        context = HookContext(
            store,
            memory.runtime.journal,
            units.get(tx, memory.model, memory.unit),
            memory.local,
            name="run-commands",
            relation=command.relation,
            remote_unit=command.remote_unit,
        )
        refusal = _infer_remote_unit(context)
        about = command.relation
        run = runs.begin(tx, memory.model, memory.unit, "run commands", "", context.id, about)
        memory.write_agent_status(tx, "executing", "running commands")
    started = time.monotonic()
    try:
        if refusal:
            raise errors.NotValid(refusal)
        ended = await launch(memory, context, run, _SHELL, script=command.script)
        seconds = time.monotonic() - started
        async with memory.runtime.crash_points.around_commit(context):
            with store.transaction() as tx:
                runs.finish(tx, run, seconds, ended.code, flush.flush(tx, context))
    except asyncio.CancelledError:
        memory.refuse(future)
        raise
    except (OSError, errors.JujuError) as error:
        if isinstance(error, errors.JujuError) and not refusal:
            memory.log_refusal(error)
        with store.transaction() as tx:
            runs.finish(tx, run, time.monotonic() - started, 1, context.effects)
        ended = Ended(1, stderr=f"ERROR {error}\n".encode())
    if not future.done():
        future.set_result(CommandOutput(exit_code(ended.code), ended.stdout, ended.stderr))


def _infer_remote_unit(context: HookContext) -> str:
    """Find the remote unit of a relation that was named alone; why there is none, if so."""
    if context.relation is None:
        return ""
    relation = context.hook_relation()
    if relation is None:
        return f"unknown relation id: {context.relation}"
    members = relation.members
    if not context.remote_unit and len(members) == 1:
        context.remote_unit = members[0]
    elif not context.remote_unit:
        reason = f"ambiguous remote unit; possibilities are [{' '.join(members)}]"
        return reason if members else f"cannot infer remote unit in empty relation {relation.id}"
    elif context.remote_unit not in members:
        return f"unknown remote unit {context.remote_unit}"
    return ""


def _begin(memory: UnitMemory, number: int) -> _Running:
    store = memory.runtime.store
    with store.transaction() as tx:
        task = tasks.get(tx, memory.model, number)
        unit = units.get(tx, memory.model, memory.unit)
        action = ActionData(number, task.name, task.parameters)
        context = HookContext(
            store, memory.runtime.journal, unit, memory.local, action=action, name=task.name
        )
        kind = f"action {task.name}"
        run = runs.begin(tx, memory.model, memory.unit, kind, str(number), context.id)
        tasks.begin(tx, memory.model, number)
        memory.write_agent_status(tx, "executing", f"running action {task.name}")
        memory.save(tx, begin_action(memory.local, number))
    return _Running(task, action, context, run, time.monotonic())


async def _run(memory: UnitMemory, running: _Running) -> Ended | str:
    """The end of the task's process, or why there was none."""
    task = running.task
    if task.name in PREDEFINED:
        return await _run_script(memory, running)
    charm = memory.runtime.unit_folder(memory.model, memory.unit) / "charm"
    found = handler(charm, "actions", task.name)
    if found is None:
        return f'action not implemented on unit "{memory.unit}"'
    path = f"actions/{task.name}"
    return await launch(memory, running.context, running.run, [str(found[0])], dispatch_path=path)


async def _run_script(memory: UnitMemory, running: _Running) -> Ended | str:
    """The end of a command of `juju exec`, which its timeout alone can bring about."""
    parameters, late = running.task.parameters, False
    loop = asyncio.get_running_loop()

    def end() -> None:
        nonlocal late, timer
        late = True
        if memory.process is None:  # it is still being started
            timer = loop.call_later(_SOON, end)
        memory.kill()

    seconds = float(parameters["timeout"]) / 1e9
    timer = loop.call_later(seconds, end) if seconds else None
    try:
        script = str(parameters["command"])
        ended = await launch(memory, running.context, running.run, _SHELL, script=script)
    finally:
        if timer:
            timer.cancel()
    return "command cancelled" if late else ended


def _outcome(running: _Running, ended: Ended | str) -> _Outcome:
    """The task's end by its process and what it said of itself with action-fail."""
    action = running.action
    results = dict(action.results)
    if isinstance(ended, str):
        return _Outcome(tasks.FAILED, ended, results, 1)
    results |= output(ended)
    # A script of juju-exec reports its exit code as a result instead.
    reports = running.task.name in PREDEFINED and not ended.terminated
    if ended.code and not reports:
        return _Outcome(tasks.FAILED, ended.reason, results, ended.code)
    status = tasks.FAILED if action.failed else tasks.COMPLETED
    return _Outcome(status, action.message, results, ended.code, succeeded=True)


def _refused(outcome: _Outcome, refusal: errors.JujuError) -> _Outcome:
    """The end of a task whose changes could not be made."""
    before = outcome.results.get("stderr")
    results = {
        **outcome.results,
        "stderr": f"{before}\n{refusal}" if before else str(refusal),
        "return-code": outcome.results.get("return-code") or 1,
    }
    message = outcome.message or "committing requested changes failed"
    return _Outcome(tasks.FAILED, message, results, outcome.code or 1)


def _end(
    tx: Transaction,
    memory: UnitMemory,
    running: _Running,
    outcome: _Outcome,
    changes: dict[str, Any],
) -> None:
    status = outcome.status
    asked = tasks.get(tx, memory.model, running.task.id).status
    if asked == tasks.ABORTING and status == tasks.FAILED:
        status = tasks.ABORTED
    tasks.finish(tx, memory.model, running.task.id, status, outcome.message, outcome.results)
    seconds = time.monotonic() - running.started
    runs.finish(tx, running.run, seconds, outcome.code, changes)
    memory.save(tx, end_action(memory.local))
