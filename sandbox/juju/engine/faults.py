"""Bringing faults about in the controller: asked for over a socket of the sandbox's own.

A request is one line of JSON with a fault (sandbox.faults.fault) and a model, an answer one
line with what became of it. No client of Juju's API sees any of this.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import random
import signal
from collections.abc import Callable, Coroutine, Mapping, MutableMapping
from typing import Any, Literal

from sandbox import processes
from sandbox.faults.fault import Fault, NoSuchFault, check
from sandbox.juju import clock
from sandbox.juju.engine.agent import UnitAgent
from sandbox.juju.engine.deployment import end_processes
from sandbox.juju.engine.runtime import Runtime
from sandbox.juju.hook_tools.server import socket_path
from sandbox.juju.state import leases, presence, runs
from sandbox.juju.state.store import Change, Store

_CLOCK = "clock"
_LONGEST_REQUEST = 65536

Agents = MutableMapping[tuple[str, str], UnitAgent]
_Away = tuple[str, presence.Agent]
"""The agent of a unit or a machine, and the UUID of its model."""
_Cause = Literal["killed", "frozen", "cut off"]


class Faults:
    """What goes wrong on purpose, and what undoes it."""

    def __init__(
        self, runtime: Runtime, agents: Agents, revive: Callable[[str, str], UnitAgent]
    ) -> None:
        self._runtime = runtime
        self._store: Store = runtime.store
        self._agents = agents
        self._revive = revive
        self._timers: set[asyncio.TimerHandle] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._away: dict[_Away, set[_Cause]] = {}
        self._server: asyncio.AbstractServer | None = None
        self._path = socket_path(runtime.folder, "faults.socket")
        runtime.crash_points.kill = self._kill_unit

    async def start(self) -> None:
        """Take up the pace of the clock, and listen."""
        with self._store.transaction() as tx:
            known = tx.value("SELECT value FROM controller WHERE key = ?", _CLOCK)
            presence.forget_all(tx)
        clock.take_up(clock.Pace(**json.loads(known)) if known else clock.Pace())
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(
            self._serve, str(self._path), limit=_LONGEST_REQUEST
        )
        self._path.chmod(0o600)

    async def stop(self) -> None:
        """Stop listening, and undo what would outlive the controller."""
        for timer in self._timers:
            timer.cancel()
        for key in self._all("frozen"):
            self._thaw(key)
        for work in list(self._work):
            work.cancel()
        self._store.send_by(None)
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    def apply(self, fault: Fault, model: str = "") -> str:
        """Bring a fault about; returns what was done, for people.

        Raises:
            NoSuchFault: there is no such unit, machine or application, or it is ambiguous.
        """
        check(fault)
        handlers: dict[str, Callable[[Fault, str], str]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "disconnect": self._disconnect,
            "fail-hook": self._fail_hook,
            "kill-at-write": self._kill_at_write,
            "watchers": self._watchers,
            "expire-leader": self._expire_leader,
            "clock": self._set_clock,
            "clear": self._clear,
        }
        return handlers[fault.kind](fault, model)

    def describe(self, model: str = "") -> dict[str, Any]:
        """The units and machines that faults can happen to."""
        with self._store.transaction() as tx:
            found = {
                table: tx.all(f"SELECT model, {column} AS name FROM {table}")
                for table, column in (("units", "name"), ("machines", "id"))
            }
            known = {row["uuid"]: row["name"] for row in tx.all("SELECT uuid, name FROM models")}
        return {
            table: sorted(
                row["name"] for row in rows if model in ("", row["model"], known[row["model"]])
            )
            for table, rows in found.items()
        }

    def _kill(self, fault: Fault, model: str) -> str:
        found, machines = self._targets(fault, model), self._machines(fault, model)
        for machine in machines:
            self._leave(machine, "killed")
            self._later(fault.seconds, lambda key=machine: self._come_back(key, "killed"))
        for agent in found:
            self._leave(_key(agent), "killed")
            self._begin(self._restart(agent, fault.seconds, rebooted=bool(machines)))
        return f"killed {_named(found)}, back after {fault.seconds:g} s"

    async def _restart(self, agent: UnitAgent, seconds: float, *, rebooted: bool) -> None:
        key = (agent.model, agent.unit)
        await agent.crash()
        with self._store.transaction() as tx:
            runs.abandon(tx, agent.model, agent.unit)
        self._runtime.warm_start.drop(self._runtime.unit_folder(*key) / "charm")
        if rebooted:
            await end_processes(self._runtime, agent.model, agent.unit)

        def back() -> None:
            if self._agents.get(key) is agent:
                revived = self._revive(*key)
                revived.memory.rebooted = rebooted
                revived.memory.connected = agent.memory.connected
                revived.hold()
                self._come_back(_key(agent), "killed")

        self._later(seconds, back)

    def _freeze(self, fault: Fault, model: str) -> str:
        found = self._targets(fault, model)
        frozen = [*self._machines(fault, model), *map(_key, found)]
        for key in frozen:
            # Its connection stays open, without pings.
            self._leave(key, "frozen", notice=presence.SILENCE)
            self._signal(key, signal.SIGSTOP)
            if fault.seconds:
                self._later(fault.seconds, lambda key=key: self._thaw(key))
        return f"froze {_named(found)}{_span(fault.seconds)}"

    def _thaw(self, key: _Away) -> None:
        self._signal(key, signal.SIGCONT)
        self._come_back(key, "frozen")

    def _disconnect(self, fault: Fault, model: str) -> str:
        found = self._targets(fault, model)
        for agent in found:
            key = _key(agent)
            agent.memory.connected = False
            self._leave(key, "cut off")
            if fault.seconds:
                self._later(fault.seconds, lambda key=key: self._connect(key))
        return f"cut off {_named(found)}{_span(fault.seconds)}"

    def _connect(self, key: _Away) -> None:
        if (agent := self._agent(key)) is not None:
            agent.memory.connected = True
        self._come_back(key, "cut off")

    def _leave(self, key: _Away, cause: _Cause, *, notice: float = 0.0) -> None:
        """Hold an agent; the controller notices after `notice` seconds of its own clock."""
        self._away.setdefault(key, set()).add(cause)
        if (agent := self._agent(key)) is not None:
            agent.hold()
        with self._store.transaction() as tx:
            presence.leave(tx, *key, clock.now().timestamp() + notice)

    def _come_back(self, key: _Away, cause: _Cause) -> None:
        """Let an agent go on unless another fault still holds it."""
        causes = self._away.get(key, set())
        causes.discard(cause)
        if causes:
            return
        self._away.pop(key, None)
        with self._store.transaction() as tx:
            presence.come_back(tx, *key)
        if (agent := self._agent(key)) is not None:
            agent.release()

    def _all(self, cause: _Cause) -> list[_Away]:
        return [key for key, causes in self._away.items() if cause in causes]

    def _agent(self, key: _Away) -> UnitAgent | None:
        """The agent that runs in this process: a machine has none of its own."""
        model, (kind, name) = key
        return self._agents.get((model, name)) if kind == "unit" else None

    def _fail_hook(self, fault: Fault, model: str) -> str:
        (agent,) = self._targets(fault, model)
        self._runtime.failures.arm(agent.model, agent.unit, fault.hook, fault.times)
        return f"{agent.unit}: the next {fault.hook or 'hook'} fails, {fault.times} x"

    def _kill_at_write(self, fault: Fault, model: str) -> str:
        (agent,) = self._targets(fault, model)
        points = self._runtime.crash_points
        points.arm(agent.model, agent.unit, fault.key, fault.parsed_moments, fault.times)
        return (
            f"{agent.unit}: at writes of {fault.key or 'any key'}:"
            f" {fault.moments}, {fault.times} moments"
        )

    def _kill_unit(self, model: str, unit: str) -> asyncio.Task[None]:
        return self._begin(self._restart(self._agents[model, unit], 0.0, rebooted=False))

    def _watchers(self, fault: Fault, model: str) -> str:
        chance = random.Random(fault.seed)  # noqa: S311
        loop = asyncio.get_running_loop()

        def courier(changes: frozenset[Change]) -> None:
            recorded = frozenset(change for change in changes if change.kind == "run")
            if recorded:  # what ran is no message of a watcher
                self._store.tell(recorded)
            changes -= recorded
            if not changes:
                return
            copies = 2 if chance.random() < fault.duplicate else 1
            for _ in range(copies):
                loop.call_later(chance.uniform(0, fault.delay), self._store.tell, changes)

        self._store.send_by(courier if fault.delay or fault.duplicate else None)
        return (
            f"watchers' messages: up to {fault.delay:g} s late, {fault.duplicate:.0%} twice,"
            f" seed {fault.seed}"
        )

    def _expire_leader(self, fault: Fault, model: str) -> str:
        models = {m for m, unit in self._agents if unit.rpartition("/")[0] == fault.target}
        (uuid,) = self._one_model(models, model, f'application "{fault.target}"')
        with self._store.transaction() as tx:
            now = clock.now().timestamp()
            holder = leases.holder(tx, uuid, fault.target, now)
            leases.expire(tx, uuid, fault.target, now)
        return f"{fault.target}: the lease of {holder or 'nobody'} ended"

    def _set_clock(self, fault: Fault, model: str) -> str:
        pace = clock.run_at(fault.rate)
        with self._store.transaction() as tx:
            tx.execute(
                "INSERT OR REPLACE INTO controller (key, value) VALUES (?, ?)",
                *(_CLOCK, json.dumps(dataclasses.asdict(pace))),
            )
            leases.extend_all(tx, clock.now().timestamp())
        for agent in self._agents.values():
            agent.keep_pace()
        return (
            f"the controller's clock runs {fault.rate:g} times as fast, it is {clock.stamp()}"
            f"{_lead()}"
        )

    def _clear(self, fault: Fault, model: str) -> str:
        self._runtime.failures.clear()
        self._runtime.crash_points.clear()
        self._store.send_by(None)
        for key in self._all("frozen"):
            self._thaw(key)
        for key in self._all("cut off"):
            self._connect(key)
        if clock.pace().rate != 1:
            self._set_clock(Fault("clock"), model)
        return f"nothing goes wrong on purpose any more{_lead()}"

    def _targets(self, fault: Fault, model: str) -> list[UnitAgent]:
        """The agents of a unit, or of all units of a machine and of its containers."""
        machines = self._machines(fault, model)
        with self._store.transaction() as tx:
            if not machines:
                rows = tx.all("SELECT model, name FROM units WHERE name = ?", fault.target)
                models = self._one_model({row["model"] for row in rows}, model, fault.target)
                found = [(uuid, fault.target) for uuid in models]
            else:
                found = [
                    (uuid, row["name"])
                    for uuid, (_, machine) in machines
                    for row in tx.all(
                        "SELECT name FROM units WHERE model = ? AND machine = ?", uuid, machine
                    )
                ]
        return [self._agents[key] for key in found if key in self._agents]

    def _machines(self, fault: Fault, model: str) -> list[_Away]:
        """The machine that is meant and its containers; none where a unit is meant."""
        kind, _, number = fault.target.rpartition(":")
        if not kind:
            return []
        with self._store.transaction() as tx:
            rows = tx.all(
                "SELECT model, id FROM machines WHERE id = ? OR id LIKE ? || '/%'", number, number
            )
        named = {row["model"] for row in rows if row["id"] == number}
        (uuid,) = self._one_model(named, model, fault.target)
        return [(uuid, ("machine", row["id"])) for row in rows if row["model"] == uuid]

    def _one_model(self, candidates: set[str], model: str, what: str) -> set[str]:
        with self._store.transaction() as tx:
            names = {row["uuid"]: row["name"] for row in tx.all("SELECT uuid, name FROM models")}
        found = {m for m in candidates if model in ("", m, names.get(m))}
        if len(found) == 1:
            return found
        problem = "is in several models: name one" if found else "not found"
        raise NoSuchFault(f"{what} {problem}")

    def _signal(self, key: _Away, number: signal.Signals) -> None:
        """Send a signal to everything that runs for a unit."""
        model, (kind, unit) = key
        if kind != "unit":
            return
        agent = self._agent(key)
        if agent is not None and agent.memory.process is not None:
            agent.memory.process.signal(number)
        mark = {"JUJU_MODEL_UUID": model, "JUJU_UNIT_NAME": unit}
        for pid in processes.matching(SANDBOX_HOME=str(self._runtime.home.path), **mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        def due() -> None:
            self._timers.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(timer)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = json.loads(await reader.readline())
            writer.write(json.dumps(self._answer(request)).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            return
        finally:
            writer.close()

    def _answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        model = str(request.get("model") or "")
        if "fault" not in request:
            return self.describe(model)
        try:
            return {"done": self.apply(Fault(**request["fault"]), model)}
        except (NoSuchFault, TypeError) as refusal:
            return {"refused": str(refusal)}


def _key(agent: UnitAgent) -> _Away:
    return agent.model, ("unit", agent.unit)


def _named(agents: list[UnitAgent]) -> str:
    return ", ".join(agent.unit for agent in agents) or "nothing: no unit is there"


def _lead() -> str:
    """That the clock has gained time, which it keeps: it cannot run backwards."""
    ahead = clock.ahead()
    return f"; the controller's clock stays {ahead} ahead of the machine's" if ahead else ""


def _span(seconds: float) -> str:
    return f" for {seconds:g} s" if seconds else " until it is cleared"
