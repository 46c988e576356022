"""Running actions, and the scripts of juju-exec."""

from __future__ import annotations

import base64
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
from sandbox.juju.state import runs, tasks, units
from sandbox.juju.state.action_parameters import PREDEFINED
from sandbox.juju.state.tasks import Task

_OPERATION = "juju.worker.uniter.operation"
_SHELL = ["/bin/bash", "-s"]


async def run_action(memory: UnitMemory, number: int) -> None:
    """Run a task and report how it ended; a task never puts its unit in error."""
    runtime = memory.runtime
    with runtime.store.transaction() as tx:
        task = tasks.get(tx, memory.model, number)
        unit = units.get(tx, memory.model, memory.unit)
        action = ActionData(number, task.name, task.parameters)
        context = HookContext(runtime.store, unit, memory.local, action=action, name=task.name)
        detail = str(number)
        run = runs.begin(tx, memory.model, memory.unit, f"action {task.name}", detail, context.id)
        tasks.begin(tx, memory.model, number)
        memory.write_agent_status(tx, "executing", f"running action {task.name}")
        memory.save(tx, begin_action(memory.local, number))
    memory.running_task = number
    started = time.monotonic()
    try:
        ended = await _run(memory, context, run, task)
    finally:
        memory.running_task = None
    _finish(memory, context, action, task, run, ended, time.monotonic() - started)


async def run_command(memory: UnitMemory, number: int) -> None:
    """Run a script that juju-exec asked for, and answer who asked."""
    command, future = memory.take_command(number)
    runtime = memory.runtime
    with runtime.store.transaction() as tx:
        unit = units.get(tx, memory.model, memory.unit)
        context = HookContext(
            runtime.store,
            unit,
            memory.local,
            name="run-commands",
            relation=command.relation,
            remote_unit=command.remote_unit,
        )
        run = runs.begin(tx, memory.model, memory.unit, "run commands", "", context.id)
        memory.write_agent_status(tx, "executing", "running commands")
    started = time.monotonic()
    try:
        ended = await launch(memory, context, run, _SHELL, script=command.script)
        seconds = time.monotonic() - started
        with runtime.store.transaction() as tx:
            runs.finish(tx, run, seconds, ended.code, flush.flush(tx, context))
    except (OSError, errors.JujuError) as error:
        with runtime.store.transaction() as tx:
            runs.finish(tx, run, time.monotonic() - started, 1)
        ended = Ended(1, stderr=f"ERROR {error}\n".encode())
    if not future.done():
        future.set_result(CommandOutput(_shell_code(ended.code), ended.stdout, ended.stderr))


async def _run(memory: UnitMemory, context: HookContext, run: int, task: Task) -> Ended | str:
    """The end of the action's process, or why there was none."""
    try:
        if task.name in PREDEFINED:
            return await launch(
                memory, context, run, _SHELL, script=str(task.parameters["command"])
            )
        charm = memory.runtime.unit_folder(memory.model, memory.unit) / "charm"
        found = handler(charm, "actions", task.name)
        if found is None:
            return f'action not implemented on unit "{memory.unit}"'
        return await launch(
            memory, context, run, [str(found[0])], dispatch_path=f"actions/{task.name}"
        )
    except OSError as error:
        return f"cannot execute: {error.strerror}"


def _finish(
    memory: UnitMemory,
    context: HookContext,
    action: ActionData,
    task: Task,
    run: int,
    ended: Ended | str,
    seconds: float,
) -> None:
    status = tasks.FAILED if action.failed else tasks.COMPLETED
    message = action.message
    results = dict(action.results)
    failure = ended if isinstance(ended, str) else _failure(ended, task)
    if isinstance(ended, Ended):
        results |= _output(ended)
    if failure:
        status, message = tasks.FAILED, failure
    code = ended.code if isinstance(ended, Ended) else 1
    changes: dict[str, Any] = {}
    if not failure:
        try:
            with memory.runtime.store.transaction() as tx:
                changes = flush.flush(tx, context)
                _end(memory, context, task, run, status, message, results, code, seconds, changes)
            return
        except errors.JujuError as refusal:
            stderr = f"{results['stderr']}\n" if results.get("stderr") else ""
            results |= {"stderr": f"{stderr}{refusal}", "return-code": code or 1}
            status = tasks.FAILED
            message = message or "committing requested changes failed"
    _end(memory, context, task, run, status, message, results, code, seconds, changes)


def _end(
    memory: UnitMemory,
    context: HookContext,
    task: Task,
    run: int,
    status: str,
    message: str,
    results: dict[str, Any],
    code: int,
    seconds: float,
    changes: dict[str, Any],
) -> None:
    with memory.runtime.store.transaction() as tx:
        asked = tasks.get(tx, memory.model, task.id).status
        if asked == tasks.ABORTING and status == tasks.FAILED:
            status = tasks.ABORTED
        tasks.finish(tx, memory.model, task.id, status, message, results)
        runs.finish(tx, run, seconds, code, changes)
        memory.save(tx, end_action(memory.local))


def _failure(ended: Ended, task: Task) -> str:
    """Why the process failed; a script of juju-exec reports its code as a result instead."""
    if task.name in PREDEFINED and not ended.terminated:
        return ""
    return ended.reason if ended.code else ""


def _output(ended: Ended) -> dict[str, Any]:
    results: dict[str, Any] = {"return-code": _shell_code(ended.code)}
    for stream, data in (("stdout", ended.stdout), ("stderr", ended.stderr)):
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = base64.b64encode(data).decode()
            results[f"{stream}-encoding"] = "base64"
        if text:
            results[stream] = text
    return results


def _shell_code(code: int) -> int:
    """An exit code as a shell gives it: 128 and the signal for a killed process."""
    return 128 - code if code < 0 else code
