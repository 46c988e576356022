"""The units of the model: agents that do one thing at a time, and what their charms do."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import cloud
import steps
from charms.openstack_coordinator.v0.juju_tasks import EXEC
from performing import COMMAND_TIMEOUT
from snapshot import Task

HELD_MARK = steps.HELD.partition("#")[2]
READY = "Unit is ready"
PAUSED = "Paused. Use 'resume' action to resume normal service."


@dataclasses.dataclass
class Job:
    """Something that an agent does: a hook, or a task of Juju's."""

    name: str
    seconds: float
    begin: Callable[[], None] = lambda: None
    end: Callable[[], None] = lambda: None
    task: SimTask | None = None

    @property
    def is_command(self) -> bool:
        """Of `juju exec`: it ends by itself or by its timeout."""
        return self.task is not None and self.task.action == EXEC


@dataclasses.dataclass
class SimTask:
    """An action or command."""

    id: int
    unit: str
    action: str
    parameters: Mapping[str, Any]
    status: str
    enqueued: float
    completed: float = 0.0
    message: str = ""
    outcome: str = ""
    _seen: Task | None = None

    @property
    def ended(self) -> bool:
        return self.status not in ("pending", "running")

    def seen(self) -> Task:
        if self._seen is None or self._seen.status != self.status:
            self._seen = self._look()
        return self._seen

    def _look(self) -> Task:
        return Task(
            str(self.id),
            self.unit,
            self.action,
            self.parameters,
            self.status,
            self.enqueued,
            self.message,
            self.completed,
            self.outcome,
        )


@dataclasses.dataclass
class SimUnit:
    """One unit, principal or subordinate."""

    name: str
    application: str
    machine: str
    principal: str
    version: str
    """What its charm told last: hooks do, actions do not."""
    leader: bool
    charm: tuple[str, int]
    """Channel and revision that it runs."""
    paused: bool = False
    restarting: bool = False
    """Its service is down for a restart or an upgrade."""
    ours: bool = False
    """It is down because the plan asked for it."""
    installed: str = ""
    """What it runs; empty for what it told."""
    unmigrated: bool = False
    """Its packages are new, and its database is not: its upgrade failed halfway."""
    lapsed: bool = False
    """It was held for longer than it can be: what waited for it ran by itself."""
    owes_restart: bool = False
    """Its packages are new, and its restart was put off."""
    sealed: bool = False
    error: str = ""
    lost: bool = False
    installing: bool = False
    queue: deque[Job] = dataclasses.field(default_factory=deque)
    running: Job | None = None

    @property
    def runs(self) -> str:
        """The version of its workload."""
        return self.installed or self.version

    def tell(self) -> None:
        """At the end of each hook."""
        self.version = self.runs

    @property
    def serves(self) -> bool:
        return not (
            self.paused
            or self.restarting
            or self.sealed
            or self.error
            or self.lost
            or self.installing
        )

    @property
    def answers(self) -> bool:
        """Its service runs: neither a lost agent nor a hook that failed stops it."""
        return not (self.paused or self.restarting or self.sealed or self.installing)

    def seen(self, charm: tuple[str, int]) -> cloud.Unit:
        """As Juju shows it."""
        workload, message = "active", READY
        if self.error:
            workload, message = "error", self.error
        elif self.installing:
            workload, message = "waiting", "installing agent"
        elif self.restarting:
            workload, message = "maintenance", "Upgrading to new OpenStack release"
        elif self.paused:
            workload, message = "maintenance", PAUSED
        elif self.sealed:
            workload, message = "blocked", "Unit is sealed"
        return cloud.Unit(
            name=self.name,
            machine=self.machine,
            principal=self.principal,
            workload=workload,
            message=message,
            agent="lost" if self.lost else "executing" if self.running else "idle",
            version=self.version,
            leader=self.leader,
            refreshing=self.charm != charm,
        )


@dataclasses.dataclass
class SimApplication:
    """One application."""

    name: str
    charm: str
    channel: str
    revision: int
    newest: int
    options: dict[str, Any]
    relations: dict[str, tuple[str, ...]]
    actions: frozenset[str]
    subordinate: bool
    units: dict[str, SimUnit] = dataclasses.field(default_factory=dict)

    def seen(self) -> cloud.Application:
        """As Juju shows it."""
        charm = (self.channel, self.revision)
        units = tuple(unit.seen(charm) for unit in self.units.values())
        return cloud.Application(
            name=self.name,
            charm=self.charm,
            revision=self.revision,
            newest=self.newest,
            channel=self.channel,
            base="ubuntu@22.04",
            life="",
            version="",
            subordinate=self.subordinate,
            attached=self.subordinate,
            units=units,
            relations=self.relations,
            options=dict(self.options),
        )


class Timeline:
    """What happens later, in its order."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.shift = 0.0
        """How wrong the controller's clock is."""
        self._number = itertools.count()
        self._coming: list[tuple[float, int, Callable[[], None]]] = []

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Have something happen."""
        heapq.heappush(self._coming, (self.now + seconds, next(self._number), what))

    @property
    def clock(self) -> float:
        """What the controller takes for the time."""
        return self.now + self.shift

    @property
    def next(self) -> float:
        """When the next thing happens."""
        return self._coming[0][0] if self._coming else float("inf")

    def go_to(self, moment: float) -> None:
        """Let all happen that comes until then."""
        while self._coming and self._coming[0][0] <= moment:
            self.now, _, what = heapq.heappop(self._coming)
            what()
        self.now = max(self.now, moment)


class Agents:
    """Every agent of the model: takes jobs in order, unless it is lost or its hook failed."""

    def __init__(self, timeline: Timeline, luck: random.Random) -> None:
        self.timeline = timeline
        self.luck = luck
        self.tasks: list[SimTask] = []
        self.changed: set[str] = set()
        """Applications that look different since it was asked last."""

    def enqueue(self, unit: SimUnit, job: Job) -> None:
        """Give an agent something to do."""
        unit.queue.append(job)
        self.look_after(unit)

    def look_after(self, unit: SimUnit) -> None:
        """Begin what can be begun."""
        self.changed.add(unit.application)
        if unit.running is not None or unit.lost or not unit.queue:
            return
        chosen = next((j for j in unit.queue if j.task is not None or not unit.error), None)
        if chosen is None:
            return
        unit.queue.remove(chosen)
        unit.running = chosen
        if chosen.task is not None:
            chosen.task.status = "running"
        chosen.begin()
        if chosen.seconds < float("inf"):
            self.timeline.after(chosen.seconds, lambda: self.finish(unit, chosen))
        elif chosen.is_command:
            self.timeline.after(COMMAND_TIMEOUT, lambda: self.finish(unit, chosen, "failed"))

    def finish(self, unit: SimUnit, job: Job, status: str = "completed") -> None:
        """End a job, unless it was ended before."""
        if unit.running is not job:
            return
        unit.running = None
        if job.task is not None:
            job.task.completed = self.timeline.clock
            job.task.status = status
        if status == "completed":
            job.end()
        self.look_after(unit)

    def let_go(self, unit: SimUnit, task: SimTask) -> None:
        """The command that holds the agent ends, or never begins."""
        running = unit.running
        if running is not None and running.task is task:
            running.end = lambda: None  # it did not lapse
            self.finish(unit, running)
        else:
            self.cancel(unit, task)

    def restart(self, unit: SimUnit) -> None:
        """The agent begins anew: a command that holds it is over, and what waited goes on."""
        running = unit.running
        if running is not None and running.task is not None and running.name == "hold":
            unit.lapsed = True
            running.task.message = "action terminated"
            self.finish(unit, running, "failed")

    def cancel(self, unit: SimUnit, task: SimTask) -> None:
        """What Juju does with a task that is cancelled: a command that runs goes on."""
        running = unit.running
        if running is not None and running.task is task:
            if not running.is_command:
                self.finish(unit, running, "aborted")
            return
        for job in list(unit.queue):
            if job.task is task:
                unit.queue.remove(job)
                task.status, task.completed = "cancelled", self.timeline.clock
        self.changed.add(unit.application)
