"""What the agents of all units share."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import random
import weakref
from collections.abc import AsyncIterator, Callable

from sandbox import processes
from sandbox.home import Home
from sandbox.juju.engine.context import HookContext
from sandbox.juju.engine.crash_points import CrashPoints
from sandbox.juju.engine.failures import Failures
from sandbox.juju.engine.journal import Journal
from sandbox.juju.engine.warm_start.pool import WarmStart
from sandbox.juju.state.runs import Run
from sandbox.juju.state.store import Store

_JITTER = 0.03
"""The share by which a wait is longer or shorter than twice the one before."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the engine paces itself. Times are in seconds."""

    parallel: int = 4
    """Processes of charms that run at once."""
    long_run: float = 10.0
    """After this a process no longer counts among those."""
    retry_first: float = 5.0
    """Before a failed hook is run again for the first time; the wait doubles each time."""
    retry_longest: float = 300.0
    tick: float = 1.0
    """Between two looks at what only the clock brings: rotations, expiries, cleanups."""
    renewal: float = 15.0
    """Between two renewals of leases."""
    warm_start: bool = True
    """Fork hooks of Python charms from an interpreter with their imports done."""
    patience: float = 5.0
    """For running hooks when the controller stops, and for what a removed unit left running."""
    seed: str | None = None
    """What each unit's chance is drawn from, beside its name; None: another one each time."""

    def longer(self, wait: float, draw: float) -> float:
        """How long a hook that failed again waits after such a wait.

        `draw` is from -1 to 1: retries of many units spread (retrystrategy.go, utils/timer.go).
        """
        return min(wait * 2 * (1 + _JITTER * draw), self.retry_longest)

    def chance(self, unit: str) -> random.Random:
        """Where a unit's agent draws its chances from."""
        return random.Random(self.seed and f"{self.seed} {unit}")  # noqa: S311


class Runtime:
    """The store, the folders, and the limits of concurrency."""

    def __init__(self, home: Home, store: Store, settings: Settings) -> None:
        self.home = home
        self.store = store
        self.settings = settings
        self.journal = Journal(store)
        self.folder = home.folder("juju")
        self.socket = pathlib.Path()
        self.tools = pathlib.Path()
        self.contexts: dict[str, HookContext] = {}
        self.failures = Failures()
        self.crash_points = CrashPoints(home.folder("log") / "crash-points.jsonl")
        self.warm_start = WarmStart(self.folder / "warm", enabled=settings.warm_start)
        self._slots = asyncio.Semaphore(settings.parallel)
        self.reboot: Callable[[str, str], None] = lambda model, machine: None
        """Restarts a machine that a charm asked to restart."""
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    @property
    def api_address(self) -> str:
        """Where units reach the controller."""
        return f"{self.home.controller_address}:17070"

    @property
    def charm_cache(self) -> pathlib.Path:
        """Where unpacked charms are kept, one folder per digest."""
        return self.folder / "unpacked"

    def unit_folder(self, model: str, unit: str) -> pathlib.Path:
        """The folder of a unit's agent; its charm is in `charm`."""
        return self.folder / "agents" / model / f"unit-{unit.replace('/', '-')}"

    def left_running(self, run: Run) -> list[int]:
        """The processes of a run that an earlier daemon began."""
        return processes.matching(
            SANDBOX_HOME=str(self.home.path), JUJU_CONTEXT_ID=str(run.changes.get("context"))
        )

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """One of the places for processes of charms.

        A process that takes long gives its place away: it may be waiting for others.
        """
        await self._slots.acquire()
        held = contextlib.ExitStack()
        held.callback(self._slots.release)
        timer = asyncio.get_running_loop().call_later(self.settings.long_run, held.close)
        try:
            yield
        finally:
            timer.cancel()
            held.close()

    def machine_lock(self, model: str, machine: str, group: str = "") -> asyncio.Lock:
        """The lock that lets one hook at a time run on a machine.

        Actions with an execution group have a lock of that group instead.
        """
        return self._lock(f"machine {model} {machine} {group}")

    def unpacking_lock(self, sha256: str) -> asyncio.Lock:
        """The lock that lets one charm be unpacked once."""
        return self._lock(f"charm {sha256}")

    def _lock(self, name: str) -> asyncio.Lock:
        """The one lock of a name, for as long as anyone holds it or waits for it."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock
