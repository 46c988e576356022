"""Whatever belongs to a sandbox can be found and ended."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import time

import pytest

from sandbox import processes


@pytest.fixture
def mark(tmp_path: pathlib.Path) -> str:
    return str(tmp_path)


def _start(mark: str, code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={"SANDBOX_TEST": mark},
        start_new_session=True,
        stdout=subprocess.PIPE,
    )


def test_a_process_is_found_by_its_environment_after_it_left_its_parent(mark: str):
    code = "import os, sys, time\nif os.fork(): sys.exit()\nos.setsid()\ntime.sleep(60)"
    _start(mark, code).wait()

    (pid,) = processes.matching(SANDBOX_TEST=mark)

    processes.end([pid])
    assert processes.matching(SANDBOX_TEST=mark) == []


def test_a_process_of_another_sandbox_is_left_alone(mark: str):
    mine, other = _start(mark, "input()"), _start(mark + "-other", "import time; time.sleep(60)")

    assert mine.pid not in processes.matching(SANDBOX_TEST=mark + "-other")

    processes.end([mine.pid, other.pid])


def test_a_process_that_ignores_sigterm_is_killed(mark: str):
    code = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(flush=True)\ntime.sleep(60)"
    )
    stubborn = _start(mark, code)
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    began = time.monotonic()

    processes.end([stubborn.pid], patience=0.2)

    assert stubborn.wait() == -9
    assert time.monotonic() - began < 5


def test_the_environment_of_a_process_that_is_gone_is_empty():
    gone = subprocess.Popen(["true"])
    gone.wait()

    assert processes.environment_of(gone.pid) == {}
    assert processes.environment_of(os.getpid())


def test_a_hook_s_children_belong_to_the_sandbox_by_their_path(tmp_path: pathlib.Path):
    hook = {"PATH": f"{tmp_path}/juju/tools:/usr/bin"}
    child = subprocess.Popen(["/usr/bin/sleep", "60"], env=hook)

    assert processes.of_sandbox(tmp_path) == [child.pid]

    processes.end([child.pid])


def test_a_shell_that_only_names_the_sandbox_does_not_belong_to_it(tmp_path: pathlib.Path):
    shell = subprocess.Popen(["/usr/bin/sleep", "60"], env={"SANDBOX_HOME": str(tmp_path)})

    assert processes.of_sandbox(tmp_path) == []

    processes.end([shell.pid])
