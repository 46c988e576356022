"""A place where Prometheus can scrape a unit's metrics without running a hook.

The charm writes its metrics as text when it knows them; a small process beside the unit (see
metrics_server.py) answers scrapes with what was written last, on the loopback address alone. It
ends by itself when the unit is gone, and the next hook starts it again when it is dead.

    endpoint = MetricsEndpoint(self.charm_dir)
    endpoint.write(exposition.text(samples))
    port = endpoint.ensure(preferred=10210)

The hook opens the socket and takes the lock, and the process inherits both. So the port is known
at once, and where the preferred one is taken, as by another unit on the same machine, a free one
is used: whoever scrapes is told which, over the relation.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from charms.openstack_coordinator.v0 import metrics_server

LIBID = "a52a7791f085455695531462346eafdb"
LIBAPI = 0
LIBPATCH = 1

PATH = metrics_server.PATH
HOST = "127.0.0.1"
"""Who may read of a cloud's plans is on the machine; a collector beside the unit is."""

_FILE = ".metrics"
_LOCK = ".metrics-lock"
_TO_END = 2.0
"""Seconds to wait for a process that was told to end."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
"""Variables that the process gets: none of the hook's."""

logger = logging.getLogger(__name__)


class MetricsEndpoint:
    """The file of a unit's metrics, and the process that serves it."""

    def __init__(self, charm_dir: pathlib.Path) -> None:
        self._charm_dir = charm_dir

    @property
    def written(self) -> bool:
        """There is something to scrape."""
        return (self._charm_dir / _FILE).exists()

    def write(self, text: str) -> None:
        """What the next scrape gets."""
        path = self._charm_dir / _FILE
        new = path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)

    def ensure(self, preferred: int) -> int:
        """Have scrapes answered, and return the port. Starts the process when it is not alive.

        One that prefers another port, or is of another version of this library, is replaced.
        """
        wanted = f"{LIBPATCH} {preferred}"
        with (self._charm_dir / _LOCK).open("a+") as lock:
            if not _taken(lock):
                pid, port, serves = _read(lock)
                if serves == wanted or not pid:
                    return port
                _end(pid)
                if not _taken_soon(lock):
                    return port
            with _listening(preferred) as listening:
                port = listening.getsockname()[1]
                # First without a process: a hook that dies here leaves one whose port is known.
                _write(lock, f"0 {port} {wanted}")
                pid = self._start(listening, lock)
            _write(lock, f"{pid} {port} {wanted}")
            return port

    def stop(self) -> None:
        """Answer no more scrapes, and forget what was written."""
        path = self._charm_dir / _LOCK
        if not path.exists():
            return
        with path.open("a+") as lock:
            if not _taken(lock):
                _end(_read(lock)[0])
        path.unlink()
        (self._charm_dir / _FILE).unlink(missing_ok=True)

    def _start(self, listening: socket.socket, lock: TextIO) -> int:
        file, dispatch = self._charm_dir / _FILE, self._charm_dir / "dispatch"
        arguments = [str(listening.fileno()), str(file), str(dispatch)]
        process = subprocess.Popen(
            [sys.executable, "-I", metrics_server.__file__, *arguments],
            pass_fds=(listening.fileno(), lock.fileno()),
            cwd="/",
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return process.pid


@contextlib.contextmanager
def _listening(preferred: int) -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, preferred))
        except OSError as error:
            logger.info("metrics: port %d is not to be had (%s): another one", preferred, error)
            listening.bind((HOST, 0))
        listening.listen(16)
        yield listening


def _taken(lock: TextIO) -> bool:
    """Whether nobody had the lock, so that it is this process's now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _taken_soon(lock: TextIO) -> bool:
    deadline = time.monotonic() + _TO_END
    while not _taken(lock):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _write(lock: TextIO, text: str) -> None:
    lock.seek(0)
    lock.truncate()
    lock.write(text)
    lock.flush()


def _read(lock: TextIO) -> tuple[int, int, str]:
    """Process id, port, and what else it was started with; zeroes where that is not written."""
    lock.seek(0)
    words = lock.read().split(maxsplit=2)
    if len(words) != 3:
        return 0, 0, ""
    return int(words[0]), int(words[1]), words[2]


def _end(pid: int) -> None:
    try:
        if pid:
            os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        logger.debug("the server of the metrics had ended already")
