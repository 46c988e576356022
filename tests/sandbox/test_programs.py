"""Programs that are kept running, and what becomes of them when nobody keeps them."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from sandbox import processes

KEEPER = """
import asyncio, pathlib, sys
from sandbox.programs import Program, keep_running
program = Program(
    "sleeper",
    ("/bin/sleep", "60"),
    pathlib.Path(sys.argv[1]) / "log",
    {"SANDBOX_TEST": sys.argv[1]},
    with_keeper=sys.argv[2] == "True",
)
asyncio.run(keep_running(program, asyncio.Event()))
"""


@pytest.mark.parametrize("with_keeper", [True, False])
def test_a_program_dies_with_a_keeper_that_is_killed_where_it_shall(
    tmp_path: pathlib.Path, with_keeper: bool
):
    """As MariaDB shall with its daemon, which nobody else would end; a daemon goes on."""
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER, str(tmp_path), str(with_keeper)])
    _until(lambda: len(_sleepers(tmp_path)) == 1)

    os.kill(keeper.pid, signal.SIGKILL)
    keeper.wait()

    if with_keeper:
        _until(lambda: not _sleepers(tmp_path))
    else:
        time.sleep(0.3)
        assert _sleepers(tmp_path)
    processes.end(processes.matching(SANDBOX_TEST=str(tmp_path)))


def _sleepers(mark: pathlib.Path) -> list[int]:
    return [pid for pid in processes.matching(SANDBOX_TEST=str(mark)) if _program(pid) == "sleep"]


def _program(pid: int) -> str:
    """What a process executes; nothing any more when it has just ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
