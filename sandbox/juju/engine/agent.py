"""One unit's agent: it looks, decides, acts, and waits for the next change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from sandbox.juju import clock
from sandbox.juju.engine import deployment, execution, observation, task_execution
from sandbox.juju.engine.commands import CommandOutput, ExecCommand
from sandbox.juju.engine.local import (
    LocalState,
    accept_leadership,
    end_action,
    enter,
    leave,
    resign_leadership,
)
from sandbox.juju.engine.memory import UnitMemory, update_status_interval
from sandbox.juju.engine.operations import (
    AcceptLeadership,
    Deploy,
    EnterScope,
    FailAction,
    LeaveScope,
    Operation,
    ResignLeadership,
    RunAction,
    RunCommand,
    RunHook,
    SkipHook,
    Terminate,
)
from sandbox.juju.engine.resolver import next_operation
from sandbox.juju.engine.runtime import Runtime
from sandbox.juju.state import (
    leases,
    machines,
    relations,
    removal,
    runs,
    scopes,
    statuses,
    tasks,
    units,
)
from sandbox.juju.state.store import Transaction

_LOGGER = logging.getLogger(__name__)

_SOON = 1.0
"""Seconds until what could not be done, or had not ended, is looked at again."""


class UnitAgent:
    """Runs what a unit has to run, one operation after the other, while there is any."""

    def __init__(
        self, runtime: Runtime, model: str, unit: str, on_gone: Callable[[UnitAgent], None]
    ) -> None:
        self.memory = UnitMemory(runtime, model, unit)
        self._runtime = runtime
        self._on_gone = on_gone
        self._task: asyncio.Task[None] | None = None
        self._look_again = False
        self._told = False
        """Something may have changed since the last decision."""
        self._update_status: asyncio.TimerHandle | None = None
        self._interval = 0.0
        self._retry: asyncio.TimerHandle | None = None
        self._wait = 0.0
        self._machine = ""
        self._started = False
        self._stopping = False
        self._held = False

    @property
    def model(self) -> str:
        """The UUID of the unit's model."""
        return self.memory.model

    @property
    def unit(self) -> str:
        """The unit's name."""
        return self.memory.unit

    @property
    def live(self) -> bool:
        """Whether the agent runs on a started machine, so that it may lead."""
        return self._started and not self._stopping and not self._held

    def look(self) -> None:
        """Something about the unit may have changed."""
        self._look_again = self._told = True
        self.memory.kill_if_gone()
        if self._task is None and not self._stopping and not self._held:
            self._task = asyncio.get_running_loop().create_task(
                self._work(), name=f"agent {self.unit}"
            )
            self._task.add_done_callback(self._ended)

    def look_in(self, seconds: float) -> None:
        """Look again after a while."""
        asyncio.get_running_loop().call_later(seconds, self.look)

    async def run_command(self, command: ExecCommand) -> CommandOutput:
        """Run what juju-exec asks for when its turn comes."""
        future = self.memory.add_command(command)
        self.look()
        return await future

    def pace(self, interval: float) -> None:
        """Take a new update-status-hook-interval, in seconds."""
        if self._started and interval != self._interval:
            self._schedule_update_status(interval)

    def keep_pace(self) -> None:
        """The clock runs at another pace from now on."""
        if self._started and not self._stopping:
            self._schedule_update_status(self._interval)
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
            self.memory.next_wait = self._wait  # the same, at the new pace
            self._await_retry()

    def hold(self) -> None:
        """Begin nothing, hear nothing and renew nothing until `release`."""
        self._held = True

    def release(self) -> None:
        """Go on."""
        self._held = False
        self.look()

    def task_changed(self) -> None:
        """A task of the unit changed: a running one may have to be aborted."""
        self.memory.abort_if_asked()
        self.look()

    async def stop(self) -> None:
        """Let a running hook end for a moment; what is cut off counts as failed."""
        self._rest()
        task = self._task
        if task is None:
            return
        await asyncio.wait({task}, timeout=self._runtime.settings.patience)
        self.memory.kill()
        task.cancel()
        await asyncio.wait({task})

    async def crash(self) -> None:
        """End as an agent that is killed: at once, with what it runs, and without a word."""
        self._rest()
        task, process = self._task, self.memory.process
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        if process is not None:
            process.kill()
            await process.wait()
        self.memory.refuse_commands()

    def _rest(self) -> None:
        """Begin nothing any more."""
        self._stopping = True
        for timer in (self._update_status, self._retry):
            if timer is not None:
                timer.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if task.cancelled() or self._stopping:
            return
        failure = task.exception()
        if failure is not None:
            self.memory.log("ERROR", "juju.worker.uniter", f"resolver loop error: {failure!r}")
            _LOGGER.error("agent of %s failed", self.unit, exc_info=failure)
            self.look_in(_SOON)
        elif self._look_again and not self._held:
            self.look()

    async def _work(self) -> None:
        while self._look_again and not self._stopping and not self._held:
            self._look_again = False
            operation = self._decide()
            if isinstance(operation, Terminate):
                await self._terminate()
                return
            if operation is None:
                self._idle()
                await asyncio.sleep(0)
                continue
            self._look_again = True
            await self._perform(operation)

    def _decide(self) -> Operation | None:
        """The next operation by what the store says now."""
        self._told = False
        memory = self.memory
        with self._runtime.store.transaction() as tx:
            if not self._started and not self._start(tx):
                return Terminate() if not memory.exists(tx) else None
            remote = observation.observe(tx, self.model, self.unit, memory.local, memory.signals)
            if remote is None:
                return Terminate()
            if remote.life == "alive" and not remote.leader and self._claim(tx):
                remote = observation.observe(
                    tx, self.model, self.unit, memory.local, memory.signals
                )
        memory.remote = remote
        return None if remote is None else next_operation(memory.local, remote)

    def _start(self, tx: Transaction) -> bool:
        """Start the agent once its machine has started; whether it runs."""
        row = tx.one(
            "SELECT machine FROM units WHERE model = ? AND name = ?", self.model, self.unit
        )
        if row is None or row["machine"] is None:
            return False
        if not machines.is_started(tx, self.model, row["machine"]):
            return False
        self._started = True
        self._machine = row["machine"]
        self.memory.load(tx)
        current = statuses.get_status(tx, self.model, "workload", self.unit)
        if current.message == statuses.WAITING_FOR_MACHINE:
            statuses.set_status(
                tx, self.model, "workload", self.unit, "waiting", statuses.AGENT_INITIALISING
            )
        self._schedule_update_status(update_status_interval(tx, self.model))
        return True

    def _claim(self, tx: Transaction) -> bool:
        now = clock.now().timestamp()
        application = self.unit.rpartition("/")[0]
        if leases.holder(tx, self.model, application, now) is not None:
            return False
        return leases.claim(tx, self.model, self.unit, now)

    async def _perform(self, operation: Operation) -> None:
        if isinstance(operation, (RunHook, RunAction, RunCommand)):
            await self._run_exclusively(operation)
        elif isinstance(operation, Deploy):
            async with self._runtime.slot():
                done = await deployment.deploy(self.memory, operation)
            if not done:
                await asyncio.sleep(_SOON)
        elif isinstance(operation, SkipHook):
            execution.skip_hook(self.memory, operation.hook)
            self._end_retries()
        elif isinstance(operation, FailAction):
            await self._fail_action(operation.task)
        elif isinstance(operation, EnterScope):
            await self._enter(operation.relation)
        elif isinstance(operation, LeaveScope):
            self._leave(operation.relation)
        elif isinstance(operation, AcceptLeadership):
            self._save(accept_leadership(self.memory.local))
        elif isinstance(operation, ResignLeadership):
            self._save(resign_leadership(self.memory.local))

    async def _run_exclusively(self, operation: RunHook | RunAction | RunCommand) -> None:
        """Run a process when the machine is free and there is a slot, if it is still due."""
        async with self._exclusion(operation), self._runtime.slot():
            if self._stopping or self._held:
                return
            if self._told and self._decide() != operation:
                return
            if isinstance(operation, RunHook):
                await execution.run_hook(self.memory, operation.hook)
            elif isinstance(operation, RunAction):
                await task_execution.run_action(self.memory, operation.task)
            else:
                await task_execution.run_command(self.memory, operation.command)
        if not self.memory.local.failed:
            self._end_retries()

    def _exclusion(
        self, operation: RunHook | RunAction | RunCommand
    ) -> contextlib.AbstractAsyncContextManager[object]:
        """The machine's lock; a parallel action needs none, one of a group that of the group."""
        group = ""
        if isinstance(operation, RunAction):
            with self._runtime.store.transaction() as tx:
                task = tasks.get(tx, self.model, operation.task)
            if task.parallel and not task.execution_group:
                return contextlib.nullcontext()
            group = task.execution_group
        return self._runtime.machine_lock(self.model, self._machine, group)

    def _idle(self) -> None:
        """Nothing to do: idle, or in error until a retry or an operator's word."""
        memory = self.memory
        if not self._started:
            return
        if memory.local.failed:
            self._await_retry()
        elif memory.local.kind == "continue":
            memory.set_agent_status("idle")

    def _await_retry(self) -> None:
        memory = self.memory
        execution.report_failure(memory)
        if self._retry is not None or not memory.retries:
            return
        self._wait = memory.next_wait
        memory.next_wait = self._runtime.settings.longer(self._wait, memory.chance.uniform(-1, 1))
        delay = clock.real_seconds(self._wait)
        self._retry = asyncio.get_running_loop().call_later(delay, self._retry_now)

    def _end_retries(self) -> None:
        """No hook has failed: the next one that does waits the shortest time again."""
        self.memory.next_wait = self._runtime.settings.retry_first
        self.memory.retry_due = False
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _retry_now(self) -> None:
        self._retry = None
        self.memory.retry_due = True
        self.look()

    def _schedule_update_status(self, interval: float, since: float | None = None) -> None:
        """Let the next one be due an interval after `since` of the loop's time, by default now."""
        if self._update_status is not None:
            self._update_status.cancel()
        self._interval = interval
        # Juju spreads the hooks of many units by a fifth either way.
        delay = clock.real_seconds(interval * self.memory.chance.uniform(0.8, 1.2))
        loop = asyncio.get_running_loop()
        due = (loop.time() if since is None else since) + delay
        self._update_status = loop.call_at(due, self._status_is_due, due)

    def _status_is_due(self, due: float) -> None:
        # From when it was due: a busy machine is late each time, and would have fewer in an hour.
        self._schedule_update_status(self._interval, due)
        self.memory.update_status_due = True
        self.look()

    def _save(self, local: LocalState) -> None:
        with self._runtime.store.transaction() as tx:
            self.memory.save(tx, local)

    async def _fail_action(self, task: int) -> None:
        """Nobody has seen its end; a command that runs still has it before it to come."""
        with self._runtime.store.transaction() as tx:
            left = runs.unfinished(tx)
        mine = [run for run in left if (run.model, run.unit) == (self.model, self.unit)]
        async with self._exclusion(RunAction(task)):
            # Nobody tells of the end of another daemon's process.
            while any(self._runtime.left_running(run) for run in mine):  # noqa: ASYNC110
                await asyncio.sleep(_SOON)
        with self._runtime.store.transaction() as tx:
            runs.abandon(tx, self.model, self.unit)
            tasks.finish(tx, self.model, task, tasks.FAILED, "action terminated")
            self.memory.save(tx, end_action(self.memory.local))

    async def _enter(self, relation: int) -> None:
        """Enter a relation's scope; the leader notes the relation as joined."""
        try:
            with self._runtime.store.transaction() as tx:
                found = relations.get(tx, self.model, relation)
                unit = units.get(tx, self.model, self.unit)
                scopes.enter(tx, found, unit)
                now = clock.now().timestamp()
                if found.status == "joining" and leases.leads(tx, self.model, self.unit, now):
                    relations.set_status(tx, self.model, relation, "joined")
                self.memory.save(tx, enter(self.memory.local, relation))
        except (scopes.CannotEnterScope, scopes.CannotEnterScopeYet) as refusal:
            self.memory.log("INFO", "juju.worker.uniter.relation", str(refusal))
            await asyncio.sleep(_SOON)

    def _leave(self, relation: int) -> None:
        with self._runtime.store.transaction() as tx:
            execution.leave_scope(tx, self.memory, relation)
            self.memory.save(tx, leave(self.memory.local, relation))

    async def _terminate(self) -> None:
        """The unit is gone, or goes now: so does all that it left running."""
        with self._runtime.store.transaction() as tx:
            if self.memory.exists(tx):
                removal.remove_unit(tx, units.get(tx, self.model, self.unit))
        self._rest()
        self.memory.refuse_commands()
        await deployment.clear(self._runtime, self.model, self.unit)
        self._on_gone(self)
