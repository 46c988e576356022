"""One process for one job, told by a lock."""

from __future__ import annotations

import fcntl
import os
import pathlib
import threading

import pytest

from sandbox import single


def test_who_does_the_job_is_known_and_another_is_refused(tmp_path: pathlib.Path):
    lock = tmp_path / "pid"
    assert single.holder(lock) is None
    with single.instance(lock):
        assert single.holder(lock) == os.getpid()
        with pytest.raises(single.AlreadyRunning, match=f"process {os.getpid()} holds"):
            single.instance(lock).__enter__()
    assert single.holder(lock) is None


def test_whoever_just_asks_for_the_holder_keeps_nobody_from_starting(tmp_path: pathlib.Path):
    lock = tmp_path / "pid"
    asking = lock.open("a+", encoding="ascii")
    fcntl.flock(asking, fcntl.LOCK_SH)
    threading.Timer(0.2, asking.close).start()
    with single.instance(lock):
        assert single.holder(lock) == os.getpid()
