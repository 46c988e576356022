"""Finding and ending the processes that belong to one sandbox.

They are told by the environment that they started with. That finds daemonised children too,
which have left their session and their parent.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import time
from collections.abc import Iterator

_KILLED_WITHIN = 5.0
"""Seconds for a killed process to be gone."""


def environment_of(pid: int) -> dict[str, str]:
    """The environment that a process started with; empty when it is gone or not ours to read."""
    try:
        raw = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if b"=" in entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def of_sandbox(home: pathlib.Path) -> list[int]:
    """The daemons of a sandbox, its hooks, and what charms have left running.

    A daemon says which it is; a hook and its children have the hook tools first on their PATH.
    """
    tools = f"{home}/juju/"
    return [
        pid
        for pid, environment in _environments()
        if environment.get("PATH", "").startswith(tools)
        or (environment.get("SANDBOX_HOME") == str(home) and "SANDBOX_DAEMON" in environment)
    ]


def matching(**wanted: str) -> list[int]:
    """The processes, but for this one, whose environment has all of these values."""
    return [pid for pid, environment in _environments() if wanted.items() <= environment.items()]


def _environments() -> Iterator[tuple[int, dict[str, str]]]:
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield int(entry.name), environment_of(int(entry.name))


def end(pids: list[int], *, patience: float = 5.0) -> None:
    """End these processes: SIGTERM first, SIGKILL for those that are left after `patience` s.

    Once it returns they are gone: on a busy machine that is a while after the signal.
    """
    _signal(pids, signal.SIGTERM)
    left = _wait(pids, patience)
    _signal(left, signal.SIGKILL)
    _wait(left, _KILLED_WITHIN)


def _wait(pids: list[int], seconds: float) -> list[int]:
    """Those that still run after a while."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def kill(pids: list[int]) -> None:
    """End these processes at once, as a crash would."""
    _signal(pids, signal.SIGKILL)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _runs(pid: int) -> bool:
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
