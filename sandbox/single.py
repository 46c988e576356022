"""One process for one job: a lock file that tells who does it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import time
from collections.abc import Iterator
from typing import TextIO

_PATIENCE = 1.0
"""Seconds: whoever asks for the holder has the lock for a moment, too."""


class AlreadyRunning(Exception):
    """Another process does this job."""


@contextlib.contextmanager
def instance(file: pathlib.Path) -> Iterator[None]:
    """Hold the lock for as long as the body runs; it falls with the process, however it dies.

    Raises:
        AlreadyRunning: another process holds it.
    """
    with file.open("a+", encoding="ascii") as opened:
        if not _taken(opened):
            opened.seek(0)
            raise AlreadyRunning(f"process {opened.read()} holds {file}")
        opened.truncate(0)
        opened.write(str(os.getpid()))
        opened.flush()
        yield


def _taken(opened: TextIO) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


def holder(file: pathlib.Path) -> int | None:
    """The process that holds the lock, or None."""
    with file.open("a+", encoding="ascii") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            opened.seek(0)
            return int(opened.read() or 0) or None
    return None
