"""What one unit's agent keeps at hand while the controller runs."""

from __future__ import annotations

import asyncio
import itertools

from sandbox.juju import errors
from sandbox.juju.engine.commands import CommandOutput, ExecCommand
from sandbox.juju.engine.local import LocalState
from sandbox.juju.engine.observation import Signals
from sandbox.juju.engine.process import Process
from sandbox.juju.engine.remote import RemoteState
from sandbox.juju.engine.runtime import Runtime
from sandbox.juju.state import models, statuses, tasks
from sandbox.juju.state.action_parameters import PREDEFINED
from sandbox.juju.state.store import Transaction

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}


class UnitMemory:
    """The agent's state, signals, waiting commands and running process."""

    def __init__(self, runtime: Runtime, model: str, unit: str) -> None:
        self.runtime = runtime
        self.model = model
        self.unit = unit
        self.local = LocalState()
        self.remote: RemoteState | None = None
        """What was observed last."""
        self.chance = runtime.settings.chance(unit)
        self.next_wait = runtime.settings.retry_first
        """Seconds that the next hook to fail waits for its retry."""
        self.retry_due = False
        self.update_status_due = False
        self.rebooted = False
        self.connected = True
        """Whether the agent reaches the controller."""
        self.process: Process | None = None
        self.running_task: int | None = None
        self._commands: dict[int, tuple[ExecCommand, asyncio.Future[CommandOutput]]] = {}
        self._numbers = itertools.count(1)
        self._agent_status: tuple[str, str] | None = None

    @property
    def signals(self) -> Signals:
        """What the agent itself knows."""
        return Signals(
            self.retry_due, self.update_status_due, tuple(self._commands), self.rebooted
        )

    @property
    def retries(self) -> bool:
        """Whether the model retries failed hooks by itself."""
        with self.runtime.store.transaction() as tx:
            return bool(models.get_config(tx, self.model)["automatically-retry-hooks"])

    def exists(self, tx: Transaction) -> bool:
        """Whether the unit is still there."""
        row = tx.one("SELECT 1 FROM units WHERE model = ? AND name = ?", self.model, self.unit)
        return row is not None

    def load(self, tx: Transaction) -> None:
        """Take up the state that an earlier agent saved."""
        text = tx.value(
            "SELECT uniter_json FROM units WHERE model = ? AND name = ?", self.model, self.unit
        )
        self.local = LocalState.from_text(text)
        status = statuses.get_status(tx, self.model, "agent", self.unit)
        self._agent_status = (status.status, status.message)

    def save(self, tx: Transaction, local: LocalState) -> None:
        """Persist the state; what is at hand follows with it.

        A transaction that fails later must not leave the two apart: save last.
        """
        tx.execute(
            "UPDATE units SET uniter_json = ? WHERE model = ? AND name = ?",
            *(local.to_text(), self.model, self.unit),
        )
        self.local = local

    def set_agent_status(self, status: str, message: str = "", data: dict | None = None) -> None:
        """Report what the agent does, unless it said so last."""
        if self._agent_status == (status, message):
            return
        with self.runtime.store.transaction() as tx:
            self.write_agent_status(tx, status, message, data)

    def write_agent_status(
        self, tx: Transaction, status: str, message: str = "", data: dict | None = None
    ) -> None:
        """Report what the agent does, in a transaction of the caller's."""
        self._agent_status = (status, message)
        statuses.set_status(tx, self.model, "agent", self.unit, status, message, data)

    def log(self, severity: str, module: str, message: str) -> None:
        """Write a line to the debug log."""
        self.runtime.journal.write(self.model, self.unit, severity, module, message)

    def log_refusal(self, refusal: errors.JujuError) -> None:
        """Tell why nothing that was changed could be kept (runner/context, Flush)."""
        self.log("ERROR", "juju.worker.uniter.context", f"cannot apply changes: {refusal}")

    def add_command(self, command: ExecCommand) -> asyncio.Future[CommandOutput]:
        """Queue what juju-exec asks for; the future has what it gave."""
        future = asyncio.get_running_loop().create_future()
        self._commands[next(self._numbers)] = (command, future)
        return future

    def take_command(self, number: int) -> tuple[ExecCommand, asyncio.Future[CommandOutput]]:
        """A command whose turn has come."""
        return self._commands.pop(number)

    def refuse_commands(self) -> None:
        """Tell those who wait that the unit is gone."""
        for number in list(self._commands):
            self.refuse(self._commands.pop(number)[1])

    def refuse(self, future: asyncio.Future[CommandOutput]) -> None:
        """Tell one who waits for a command that the agent runs it no more."""
        if not future.done():
            future.set_exception(errors.JujuError("command execution aborted"))

    def started(self, process: Process) -> None:
        """A process runs; what was asked of it while it was started is done now."""
        self.process = process
        self.abort_if_asked()
        self.kill_if_gone()

    def abort_if_asked(self) -> None:
        """Kill the running action if it was cancelled.

        A command of `juju exec` goes on to its end all the same: Juju 3.6 and 4.0 tell it of
        nothing but its timeout (worker/uniter/runner, runCommandsWithTimeout).
        """
        if self.running_task is None or self.process is None:
            return
        with self.runtime.store.transaction() as tx:
            task = tasks.get(tx, self.model, self.running_task)
        if task.status == tasks.ABORTING and task.name not in PREDEFINED:
            self.process.kill()

    def kill(self) -> None:
        """Kill what runs for the unit."""
        if self.process is not None:
            self.process.kill()

    def kill_if_gone(self) -> None:
        """Kill what runs for a unit that was removed by force."""
        if self.process is not None:
            with self.runtime.store.transaction() as tx:
                gone = not self.exists(tx)
            if gone:
                self.process.kill()


def update_status_interval(tx: Transaction, model: str) -> float:
    """Seconds between two update-status hooks of a unit of this model."""
    return duration(str(models.get_config(tx, model)["update-status-hook-interval"]))


def duration(text: str) -> float:
    """A duration such as 5m or 1h30m in seconds.

    Raises:
        ValueError: it is none.
    """
    total, number = 0.0, ""
    for character in text:
        if character in _UNITS:
            total += float(number) * _UNITS[character]
            number = ""
        else:
            number += character
    if number or not text:
        raise ValueError(f"{text!r} is not a duration such as 5m")
    return total
