"""Commands that run on a machine itself: `juju exec --machine`."""

from __future__ import annotations

import asyncio
import pathlib

from sandbox.juju.engine.environment import SYSTEM_PATH
from sandbox.juju.engine.process import Command, Ended, Process
from sandbox.juju.engine.runtime import Runtime
from sandbox.juju.engine.task_results import output
from sandbox.juju.state import machines, tasks
from sandbox.juju.state.action_parameters import PREDEFINED


class MachineTasks:
    """Runs the tasks of machines: one at a time on each, and those that are parallel beside it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._working: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()

    def look(self, model: str, machine: str) -> None:
        """A task of a machine may wait."""
        for task in self._begun_beside(model, machine):
            work = asyncio.get_running_loop().create_task(self._run_beside(task))
            self._beside.add(work)
            work.add_done_callback(self._beside.discard)
        key = (model, machine)
        if key not in self._working:
            work = asyncio.get_running_loop().create_task(self._work(model, machine))
            self._working[key] = work
            work.add_done_callback(lambda _: self._working.pop(key))

    def take_up(self) -> None:
        """Fail what an earlier daemon left running, and look at every machine that has tasks."""
        with self._runtime.store.transaction() as tx:
            rows = tx.all(
                "SELECT t.model, t.id, t.receiver, t.status FROM tasks t JOIN machines m"
                " ON m.model = t.model AND m.id = t.receiver WHERE t.status IN (?, ?, ?)",
                *(tasks.PENDING, tasks.RUNNING, tasks.ABORTING),
            )
            for row in rows:
                if row["status"] != tasks.PENDING:
                    tasks.finish(tx, row["model"], row["id"], tasks.FAILED, "action terminated")
        for row in rows:
            self.look(row["model"], row["receiver"])

    async def stop(self) -> None:
        """Cut off what runs."""
        working = [*self._working.values(), *self._beside]
        for work in working:
            work.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def _work(self, model: str, machine: str) -> None:
        while waiting := self._waiting(model, machine, parallel=False):
            async with self._runtime.machine_lock(model, machine), self._runtime.slot():
                if (task := self._begun(model, waiting[0].id)) is not None:
                    await self._run(task)

    def _begun_beside(self, model: str, machine: str) -> list[tasks.Task]:
        """The tasks that need no lock, begun by this."""
        waiting = self._waiting(model, machine, parallel=True)
        return [task for w in waiting if (task := self._begun(model, w.id)) is not None]

    def _waiting(self, model: str, machine: str, *, parallel: bool) -> list[tasks.Task]:
        with self._runtime.store.transaction() as tx:
            row = tx.one("SELECT 1 FROM machines WHERE model = ? AND id = ?", model, machine)
            if row is None or not machines.is_started(tx, model, machine):
                return []
            waiting = [tasks.get(tx, model, id_) for id_ in tasks.pending(tx, model, machine)]
        return [task for task in waiting if _beside(task) is parallel]

    def _begun(self, model: str, number: int) -> tasks.Task | None:
        with self._runtime.store.transaction() as tx:
            task = tasks.get(tx, model, number)
            if task.status != tasks.PENDING:
                return None
            tasks.begin(tx, model, number)
        return task

    async def _run_beside(self, task: tasks.Task) -> None:
        async with self._runtime.slot():
            await self._run(task)

    async def _run(self, task: tasks.Task) -> None:
        if task.name in PREDEFINED:
            ended = await self._shell(str(task.parameters["command"]))
            status, message, results = tasks.COMPLETED, "", output(ended)
        else:
            status, message, results = tasks.FAILED, f"unexpected action {task.name}", {}
        with self._runtime.store.transaction() as tx:
            tasks.finish(tx, task.model, task.id, status, message, results)

    async def _shell(self, script: str) -> Ended:
        environment = {"PATH": SYSTEM_PATH, "SANDBOX_HOME": str(self._runtime.home.path)}
        command = Command(["/bin/bash", "-s"], pathlib.Path("/"), environment, script)
        return await (await Process.start(command, None)).wait()


def _beside(task: tasks.Task) -> bool:
    """Whether it waits for no lock (worker/machineactions, runAction)."""
    return task.parallel and not task.execution_group
