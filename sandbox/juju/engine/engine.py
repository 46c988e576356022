"""The agents of all units, on one event loop: told of changes, of time, and of hook tools."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pathlib
from collections.abc import Iterator

from sandbox import processes
from sandbox.home import Home
from sandbox.juju import clock, errors
from sandbox.juju.engine.agent import UnitAgent
from sandbox.juju.engine.commands import parse_exec
from sandbox.juju.engine.deployment import end_processes
from sandbox.juju.engine.execution import CUT_OFF
from sandbox.juju.engine.faults import Faults
from sandbox.juju.engine.machine_tasks import MachineTasks
from sandbox.juju.engine.memory import update_status_interval
from sandbox.juju.engine.record import Record
from sandbox.juju.engine.runtime import Runtime, Settings
from sandbox.juju.hook_tools import build, registry
from sandbox.juju.hook_tools.answer import Answer, refuse
from sandbox.juju.hook_tools.invocation import UsageError
from sandbox.juju.hook_tools.server import Request, ToolServer, socket_path
from sandbox.juju.state import leases, mirrored_relations, runs, secret_consumers, secrets
from sandbox.juju.state.action_parameters import PREDEFINED
from sandbox.juju.state.store import Change, Store, Transaction

_LOGGER = logging.getLogger(__name__)
_EXEC = ("juju-exec", "juju-run")
_COMMANDS = frozenset(f"action {name}" for name in PREDEFINED)
"""What the runs of `juju exec` are called."""
_SHORTEST_TICK = 0.05
"""Of the machine's seconds, however fast the clock runs."""


class Engine:
    """Runs the unit agents of every model of a controller."""

    def __init__(self, home: Home, store: Store, settings: Settings | None = None) -> None:
        self.runtime = Runtime(home, store, settings or Settings())
        self._store = store
        self._agents: dict[tuple[str, str], UnitAgent] = {}
        self._applications: dict[tuple[str, str], set[str]] = {}
        path = socket_path(self.runtime.folder)
        self._server = ToolServer(path, self._answer)
        self._machine_tasks = MachineTasks(self.runtime)
        self._reboots: set[asyncio.Task[None]] = set()
        self.faults = Faults(self.runtime, self._agents, self._revive)
        path = home.folder("log") / "hooks.jsonl"
        self._record = Record(path, store, self.runtime.journal)
        self._clock: asyncio.Task[None] | None = None
        self._unsubscribe = lambda: None

    async def start(self) -> None:
        """Build the tools, end what an earlier daemon left running, and take up every unit."""
        runtime = self.runtime
        runtime.reboot = self._reboot
        runtime.socket = self._server.path
        runtime.tools = await asyncio.to_thread(
            build.build, runtime.folder / "tools", str(runtime.socket)
        )
        await self.faults.start()
        self._record.start()
        await self._end_leftovers()
        await self._server.start()
        self._unsubscribe = self._store.subscribe(self._hear)
        with self._store.transaction() as tx:
            leases.extend_all(tx, clock.now().timestamp())
            found = [
                (row["model"], row["name"]) for row in tx.all("SELECT model, name FROM units")
            ]
        for model, unit in found:
            self._agent(model, unit).look()
        self._machine_tasks.take_up()
        self._clock = asyncio.get_running_loop().create_task(self._tick(), name="engine clock")

    async def stop(self) -> None:
        """Let running hooks end for a moment, then stop everything."""
        self._unsubscribe()
        if self._clock is not None:
            self._clock.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._clock
        await self.faults.stop()
        await asyncio.gather(*(agent.stop() for agent in list(self._agents.values())))
        await self._machine_tasks.stop()
        self.runtime.warm_start.close()
        await self._server.stop()
        self._record.stop()
        self.runtime.journal.flush()

    def _agent(self, model: str, unit: str) -> UnitAgent:
        key = (model, unit)
        if key not in self._agents:
            self._agents[key] = UnitAgent(self.runtime, model, unit, self._gone)
            self._applications.setdefault((model, unit.rpartition("/")[0]), set()).add(unit)
        return self._agents[key]

    def _revive(self, model: str, unit: str) -> UnitAgent:
        """Another agent in place of one that was killed."""
        self._agents.pop((model, unit), None)
        return self._agent(model, unit)

    def _gone(self, agent: UnitAgent) -> None:
        self._agents.pop((agent.model, agent.unit), None)
        key = (agent.model, agent.unit.rpartition("/")[0])
        siblings = self._applications.get(key, set())
        siblings.discard(agent.unit)
        if not siblings:
            self._applications.pop(key, None)

    def _hear(self, changes: frozenset[Change]) -> None:
        """Let the agents look whom a commit concerns."""
        for model, unit in {key for change in changes for key in self._concerned(change)}:
            self._agent(model, unit).look()
        for change in changes:
            if change.kind == "task":
                self._task_changed(change)
            elif change.kind == "model":
                self._model_changed(change.model)

    def _concerned(self, change: Change) -> Iterator[tuple[str, str]]:
        if change.kind == "unit" and (
            (change.model, change.key) in self._agents or self._exists(change)
        ):
            yield change.model, change.key
        elif change.kind == "application":
            for unit in self._applications.get((change.model, change.key), ()):
                yield change.model, unit
        elif change.kind == "secret":
            yield from self._of_secret(change)

    def _exists(self, change: Change) -> bool:
        with self._store.transaction() as tx:
            row = tx.one(
                "SELECT 1 FROM units WHERE model = ? AND name = ?", change.model, change.key
            )
        return row is not None

    def _of_secret(self, change: Change) -> Iterator[tuple[str, str]]:
        """The owner of a secret, or its application's units, and those who read it anywhere."""
        with self._store.transaction() as tx:
            consumers = secret_consumers.units(tx, change.model, change.key)
            elsewhere = {
                alias
                for consumer in consumers
                for alias in mirrored_relations.aliases(tx, change.model, consumer)
            }
            row = tx.one(
                "SELECT owner_kind, owner FROM secrets WHERE model = ? AND id = ?",
                *(change.model, change.key),
            )
        owners: set[str] = set()
        if row is not None and row["owner_kind"] == "unit":
            owners = {row["owner"]}
        elif row is not None:
            owners = self._applications.get((change.model, row["owner"]), set())
        here = {(change.model, unit) for unit in {*owners, *consumers}}
        yield from (key for key in here | elsewhere if key in self._agents)

    def _task_changed(self, change: Change) -> None:
        with self._store.transaction() as tx:
            receiver = tx.value(
                "SELECT receiver FROM tasks WHERE model = ? AND id = ?", change.model, change.key
            )
        agent = self._agents.get((change.model, receiver))
        if agent is not None:
            agent.task_changed()
        elif receiver is not None and receiver[0].isdigit():  # a machine: no unit begins so
            self._machine_tasks.look(change.model, receiver)

    def _model_changed(self, model: str) -> None:
        """A model's configuration may have changed: its log levels and update-status."""
        self.runtime.journal.forget_config(model)
        with self._store.transaction() as tx:
            if not tx.one("SELECT 1 FROM models WHERE uuid = ?", model):
                return
            interval = update_status_interval(tx, model)
        for agent in self._agents.values():
            if agent.model == model:
                agent.pace(interval)

    def _reboot(self, model: str, machine: str) -> None:
        """Restart a machine: all that its units left running ends, and they start again."""
        with self._store.transaction() as tx:
            found = [
                self._agents[key]
                for row in tx.all("SELECT name, machine FROM units WHERE model = ?", model)
                if f"{row['machine']}/".startswith(f"{machine}/")
                and (key := (model, row["name"])) in self._agents
            ]
        work = asyncio.get_running_loop().create_task(self._restart(found))
        self._reboots.add(work)
        work.add_done_callback(self._reboots.discard)

    async def _restart(self, agents: list[UnitAgent]) -> None:
        for agent in agents:
            if agent.memory.process is None:
                await end_processes(self.runtime, agent.model, agent.unit)
            agent.memory.rebooted = True
            agent.look()

    async def _tick(self) -> None:
        """What only time brings: renewals of leases, rotations and expiries of secrets."""
        settings = self.runtime.settings
        renewed = 0.0
        while True:
            now = clock.now()
            with self._store.transaction() as tx:
                due = secrets.due(tx, now)
                if now.timestamp() - renewed >= settings.renewal:
                    renewed = now.timestamp()
                    self._renew(tx, renewed)
            for model, secret in due:
                self._hear(frozenset({Change("secret", model, secret)}))
            await asyncio.sleep(max(_SHORTEST_TICK, clock.real_seconds(settings.tick)))

    def _renew(self, tx: Transaction, now: float) -> None:
        """Renew the leases whose holders live; let the others run out and be claimed."""
        for row in tx.all("SELECT model, application, holder, expires FROM leases"):
            holder = self._agents.get((row["model"], row["holder"]))
            if holder is not None and holder.live:
                leases.claim(tx, row["model"], row["holder"], now)
            elif row["expires"] <= now:
                tx.touch("application", row["model"], row["application"])

    async def _end_leftovers(self) -> None:
        """End the hooks that an earlier daemon did not see the end of: they have failed.

        Commands of `juju exec` go on, as with Juju, whose agents outlive a controller.
        """
        with self._store.transaction() as tx:
            unfinished = [run for run in runs.unfinished(tx) if run.kind not in _COMMANDS]
        for run in unfinished:
            left = self.runtime.left_running(run)
            if left:
                await asyncio.to_thread(processes.end, left, patience=0.0)
        with self._store.transaction() as tx:
            for run in unfinished:
                seconds = (clock.now() - clock.parse(run.started)).total_seconds()
                runs.finish(tx, run.id, seconds, None)

    async def _answer(self, request: Request) -> Answer:
        """Answer one call of a hook tool."""
        if request.tool in _EXEC:
            return await self._exec(request)
        context = self.runtime.contexts.get(request.context)
        if context is None:
            return refuse(f'bad request: wrong context ID; got "{request.context}"')
        agent = self._agents.get((context.model, context.unit.name))
        if agent is not None and not agent.memory.connected:
            return refuse(CUT_OFF)
        try:
            answer = registry.call(
                context, request.tool, request.arguments, request.directory, request.stdin
            )
        except Exception:  # one broken call must not stop the daemon
            _LOGGER.exception("hook tool %s failed", request.tool)
            return refuse("internal error, see the controller's log")
        await self.runtime.crash_points.set(context)
        if context.reboot == "now" and context.kill is not None:
            context.kill()
        return answer

    async def _exec(self, request: Request) -> Answer:
        """Run a script of juju-exec in its unit's turn."""
        try:
            command = parse_exec(request.arguments, request.context)
            if not command.unit:
                return await self._without_context(request, command.script)
            agent = self._executing(request, command.unit)
            output = await agent.run_command(command)
        except UsageError as refusal:
            return refuse(str(refusal), refusal.code)
        except errors.JujuError as refusal:
            return refuse(str(refusal))
        return Answer(output.code, output.stdout, output.stderr)

    def _executing(self, request: Request, unit: str) -> UnitAgent:
        """The agent that is meant: of the caller's model, by its environment or its folder."""
        agents = self.runtime.folder / "agents"
        folder = pathlib.Path(request.directory)
        model = request.model
        if not model and folder.is_relative_to(agents) and folder != agents:
            model = folder.relative_to(agents).parts[0]
        found = [
            agent
            for (owner, name), agent in self._agents.items()
            if name == unit and owner == (model or owner)
        ]
        if len(found) != 1:
            raise errors.NotFound(f'unit "{unit}" not found on this machine')
        return found[0]

    async def _without_context(self, request: Request, script: str) -> Answer:
        process = await asyncio.create_subprocess_exec(
            "/bin/bash",
            "-s",
            cwd=request.directory,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await process.communicate(script.encode())
        return Answer(process.returncode or 0, stdout, stderr)
