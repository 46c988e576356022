"""The process that fires ticks: a loop around `juju-exec`, with the standard library only.

It stays below 10 MB and imports nothing of the charm. It holds a lock on a file in the charm's
folder as long as it lives, which is how the charm knows that it does: a process id alone may
belong to somebody else after a reboot.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import shlex
import subprocess
import sys
import time
from typing import TextIO

LIBID = "3abeabb993234e17b820b33ebfa5ef57"
LIBAPI = 0
LIBPATCH = 2

LOCK = ".tick-lock"
INTERVAL = ".tick-interval"
_LOOK_EVERY = 1.0
"""Seconds after which a shorter interval, or the end of the unit, is noticed."""

_AFTER_FAILURE = 5.0
"""Seconds to wait at least after a tick that failed: what is wrong may need somebody to come."""

_TAKE_OVER = 5.0
"""Seconds to wait for the loop before this one to end."""


def write_interval(charm_dir: pathlib.Path, seconds: float) -> None:
    """Tell the loop of this charm how long to wait between two ticks."""
    path = charm_dir / INTERVAL
    new = path.with_suffix(".new")
    new.write_text(f"{seconds}\n", encoding="ascii")
    new.replace(path)


def read_interval(charm_dir: pathlib.Path) -> float:
    """Seconds between two ticks.

    Raises:
        OSError: the charm's folder is gone.
    """
    return float((charm_dir / INTERVAL).read_text(encoding="ascii"))


def run(charm_dir: pathlib.Path, unit: str, juju_exec: str, version: str) -> None:
    """Fire ticks until the charm's dispatch is gone; returns if another loop runs."""
    dispatch = charm_dir / "dispatch"
    with (charm_dir / LOCK).open("a+") as lock:
        if not _take(lock):
            return
        lock.truncate(0)
        lock.write(f"{os.getpid()} {version}")
        lock.flush()
        command = f"JUJU_DISPATCH_PATH=hooks/tick {shlex.quote(str(dispatch))}"
        least = 0.0
        while _wait(charm_dir, dispatch, least):
            # A failed tick is reported by the agent; the next one may fare better.
            done = subprocess.run(
                [juju_exec, unit, command],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            least = _AFTER_FAILURE if done.returncode else 0.0


def _take(lock: TextIO) -> bool:
    """Whether this process got the lock. A loop that was told to end may take a moment."""
    deadline = time.monotonic() + _TAKE_OVER
    while not _try(lock):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _try(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(charm_dir: pathlib.Path, dispatch: pathlib.Path, least: float) -> bool:
    """Sleep until the next tick is due, at least so long; False when the unit is gone."""
    started = time.monotonic()
    while dispatch.exists():
        try:
            due = max(least, read_interval(charm_dir))
            remaining = due - (time.monotonic() - started)
        except OSError:
            return False
        if remaining <= 0:
            return True
        time.sleep(min(remaining, _LOOK_EVERY))
    return False


if __name__ == "__main__":
    run(pathlib.Path(sys.argv[1]), *sys.argv[2:5])
