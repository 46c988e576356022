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
    """Runs the tasks of machines, one at a time on each."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._working: dict[tuple[str, str], asyncio.Task[None]] = {}

    def look(self, model: str, machine: str) -> None:
        """A task of a machine may wait."""
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
        working = list(self._working.values())
        for work in working:
            work.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    async def _work(self, model: str, machine: str) -> None:
        while True:
            with self._runtime.store.transaction() as tx:
                row = tx.one("SELECT 1 FROM machines WHERE model = ? AND id = ?", model, machine)
                if row is None or not machines.is_started(tx, model, machine):
                    return
                waiting = tasks.pending(tx, model, machine)
            if not waiting:
                return
            async with self._runtime.machine_lock(model, machine), self._runtime.slot():
                await self._run(model, waiting[0])

    async def _run(self, model: str, number: int) -> None:
        store = self._runtime.store
        with store.transaction() as tx:
            task = tasks.get(tx, model, number)
            if task.status != tasks.PENDING:
                return
            tasks.begin(tx, model, number)
        if task.name in PREDEFINED:
            ended = await self._shell(str(task.parameters["command"]))
            status, message, results = tasks.COMPLETED, "", output(ended)
        else:
            status, message, results = tasks.FAILED, f"unexpected action {task.name}", {}
        with store.transaction() as tx:
            tasks.finish(tx, model, number, status, message, results)

    async def _shell(self, script: str) -> Ended:
        environment = {"PATH": SYSTEM_PATH, "SANDBOX_HOME": str(self._runtime.home.path)}
        command = Command(["/bin/bash", "-s"], pathlib.Path("/"), environment, script)
        return await (await Process.start(command, None)).wait()
