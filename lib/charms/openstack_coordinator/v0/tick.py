"""A custom event every few seconds, for what takes longer than one hook.

A small process beside the unit (see tick_loop.py) fires the charm's `tick` event through
`juju-exec`, one at a time: the next is asked for only after the one before has ended, so ticks
cannot pile up behind a busy machine. It ends by itself when the unit is gone.

    class SomeCharm(ops.CharmBase):
        def __init__(self, framework: ops.Framework) -> None:
            super().__init__(framework)
            self._ticker = tick.Ticker(self)
            framework.observe(self._ticker.on.tick, self._reconcile)

        def _reconcile(self, _: ops.EventBase) -> None:
            self._ticker.ensure(interval=5 if self._busy() else tick.IDLE_INTERVAL)

In tests: `context.run(context.on.custom(tick.Ticker.on.tick), state)`.
"""

from __future__ import annotations

import fcntl
import logging
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import ops
from charms.openstack_coordinator.v0 import tick_loop

LIBID = "4a928fbc6fce46ce8b9c5d76df5b2e73"
LIBAPI = 0
LIBPATCH = 2

IDLE_INTERVAL = 60.0
"""Seconds between ticks when there is nothing to do."""

_OF_THE_HOOK = ("JUJU_", "OPERATOR_DISPATCH", "PYTHONPATH", "LD_LIBRARY_PATH")
"""Variables of the hook that starts the process; they would mislead the hooks that it fires.

juju-exec refuses to run where JUJU_CONTEXT_ID is set.
"""

logger = logging.getLogger(__name__)


class TickEvent(ops.LifecycleEvent):
    """Some time has passed. It cannot be deferred: there is always a next one."""


class TickerEvents(ops.ObjectEvents):
    """The events of a ticker."""

    tick = ops.EventSource(TickEvent)


class Ticker(ops.Object):
    """Keeps the process alive that fires the tick, and hands it to the charm."""

    on = TickerEvents()  # pyright: ignore[reportAssignmentType]

    def __init__(self, charm: ops.CharmBase) -> None:
        super().__init__(charm, "ticker")
        self._charm_dir = pathlib.Path(charm.charm_dir)
        # ops looks up an event on the charm by the last part of JUJU_DISPATCH_PATH, hooks/tick.
        charm.on.define_event("tick", TickEvent)
        self.framework.observe(getattr(charm.on, "tick"), self._pass_on)  # noqa: B009

    def ensure(self, interval: float = IDLE_INTERVAL) -> None:
        """Have a tick `interval` seconds after the last one, from now on.

        Starts the process when it is not alive, or replaces it when it is of another version
        of this library. Where there is no `juju-exec`, nothing ticks: a warning says so, and
        update-status still comes every five minutes.
        """
        tick_loop.write_interval(self._charm_dir, interval)
        running = self._running()
        if running is not None:
            pid, version = running
            if version == str(LIBPATCH):
                return
            _end(pid)
        juju_exec = shutil.which("juju-exec")
        if juju_exec is None:
            logger.warning("no juju-exec on PATH: nothing ticks until update-status")
            return
        self._start(juju_exec)

    def stop(self) -> None:
        """End the process; for the hooks that end the unit."""
        running = self._running()
        if running is not None:
            _end(running[0])

    def _pass_on(self, _: ops.EventBase) -> None:
        self.on.tick.emit()

    def _running(self) -> tuple[int, str] | None:
        """Process id and library version of the process that holds the lock."""
        path = self._charm_dir / tick_loop.LOCK
        try:
            with path.open() as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    pid, _, version = lock.read().partition(" ")
                    return (int(pid), version.strip()) if pid.isdecimal() else None
        except FileNotFoundError:
            return None
        return None

    def _start(self, juju_exec: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OF_THE_HOOK)}
        arguments = [self._charm_dir, self.model.unit.name, juju_exec, str(LIBPATCH)]
        subprocess.Popen(
            [sys.executable, "-I", tick_loop.__file__, *arguments],
            cwd="/",
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _end(pid: int) -> None:
    """Ask the process to end. A tick that it has asked for goes on to its end."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        logger.debug("the ticker had ended already")
