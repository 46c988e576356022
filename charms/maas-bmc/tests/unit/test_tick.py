"""The ticker, with real processes: a stand-in juju-exec runs the charm's dispatch."""

from __future__ import annotations

import os
import pathlib
import signal
import stat
import time
from collections.abc import Callable, Iterator

import ops
import pytest
from charms.openstack_coordinator.v0 import tick, tick_loop
from ops import testing

JUJU_EXEC = """#!/bin/bash
[ -z "$JUJU_CONTEXT_ID" ] || { echo "cannot be called from within a hook" >&2; exit 1; }
echo "$1" > {log}.unit
exec bash -c "$2"
"""
DISPATCH = """#!/bin/bash
echo "begin $JUJU_DISPATCH_PATH" >> {log}
sleep {seconds}
echo end >> {log}
"""


class Charm(ops.CharmBase):
    interval = 0.1

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self.ticker = tick.Ticker(self)
        framework.observe(self.on.start, self._ensure)
        framework.observe(self.on.stop, self._stop)
        framework.observe(self.ticker.on.tick, self._tick)

    def _ensure(self, _: ops.EventBase) -> None:
        self.ticker.ensure(self.interval)

    def _stop(self, _: ops.EventBase) -> None:
        self.ticker.stop()

    def _tick(self, _: ops.EventBase) -> None:
        self.unit.status = ops.ActiveStatus("ticked")


class Place:
    """A charm's folder with a dispatch, and a juju-exec on PATH."""

    def __init__(self, root: pathlib.Path) -> None:
        self.charm = root / "charm"
        self.charm.mkdir()
        self.log = root / "log"
        self.log.touch()
        self.context = testing.Context(Charm, meta={"name": "c"}, charm_root=self.charm)
        self.dispatch(seconds=0)

    def dispatch(self, seconds: float) -> None:
        _script(self.charm / "dispatch", DISPATCH.format(log=self.log, seconds=seconds))

    def start(self) -> None:
        self.context.run(self.context.on.start(), testing.State())

    def stop(self) -> None:
        self.context.run(self.context.on.stop(), testing.State())

    def ticks(self) -> list[str]:
        return self.log.read_text().splitlines()

    def pid(self) -> int:
        """The ticker's process id; 0 while one that begins has not written it yet."""
        words = (self.charm / tick_loop.LOCK).read_text().split()
        return int(words[0]) if words else 0


def _script(path: pathlib.Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _ended(pid: int) -> bool:
    stat_file = pathlib.Path(f"/proc/{pid}/stat")
    return not stat_file.exists() or stat_file.read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.fixture
def place(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    programs = tmp_path / "bin"
    programs.mkdir()
    place = Place(tmp_path)
    _script(programs / "juju-exec", JUJU_EXEC.replace("{log}", str(place.log)))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    # The environment of a hook, from which a real juju-exec refuses to run.
    monkeypatch.setenv("JUJU_CONTEXT_ID", "c/0-start-1")
    yield place
    place.stop()


def test_the_charm_gets_a_tick_event_again_and_again(place: Place) -> None:
    place.start()
    _wait_for(lambda: place.ticks().count("begin hooks/tick") >= 3)
    assert pathlib.Path(f"{place.log}.unit").read_text().strip() == "c/0"


def test_ops_delivers_the_tick_to_the_charm() -> None:
    context = testing.Context(Charm, meta={"name": "c"})
    state = context.run(context.on.custom(tick.Ticker.on.tick), testing.State())
    assert state.unit_status == testing.ActiveStatus("ticked")


def test_starting_it_again_leaves_the_one_that_runs(place: Place) -> None:
    place.start()
    _wait_for(place.ticks)
    pid = place.pid()
    place.start()
    place.start()
    _wait_for(lambda: len(place.ticks()) > 6)
    assert place.pid() == pid


def test_ticks_never_overlap_however_slow_the_charm_is(place: Place) -> None:
    place.dispatch(seconds=0.3)
    place.start()
    _wait_for(lambda: place.ticks().count("end") >= 3)
    place.stop()
    _wait_for(lambda: place.ticks()[-1] == "end")
    assert place.ticks() == ["begin hooks/tick", "end"] * (len(place.ticks()) // 2)


def test_a_tick_that_fails_comes_again_but_not_in_a_hurry(place: Place) -> None:
    _script(place.charm / "dispatch", f"#!/bin/bash\necho failed >> {place.log}\nexit 1\n")
    place.start()
    _wait_for(place.ticks)
    time.sleep(1)
    assert place.ticks() == ["failed"], "the interval alone would have made ten of it"
    _wait_for(lambda: len(place.ticks()) > 1)


def test_a_killed_ticker_is_started_again(place: Place) -> None:
    place.start()
    _wait_for(place.ticks)
    killed = place.pid()
    os.kill(killed, signal.SIGKILL)
    _wait_for(lambda: _ended(killed))
    place.start()
    _wait_for(lambda: place.pid() not in (0, killed))
    seen = len(place.ticks())
    _wait_for(lambda: len(place.ticks()) > seen)


def test_it_slows_down_and_speeds_up_at_once(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Charm, "interval", 60.0)
    place.start()
    _wait_for((place.charm / tick_loop.LOCK).exists)
    time.sleep(0.5)
    assert place.ticks() == []
    monkeypatch.setattr(Charm, "interval", 0.1)
    place.start()
    _wait_for(place.ticks, seconds=3)


def test_it_ends_when_the_unit_is_gone(place: Place) -> None:
    place.start()
    _wait_for(place.ticks)
    pid = place.pid()
    (place.charm / "dispatch").unlink()
    _wait_for(lambda: _ended(pid))


def test_another_version_of_the_library_replaces_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.start()
    _wait_for(place.ticks)
    old = place.pid()
    monkeypatch.setattr(tick, "LIBPATCH", 99)
    place.start()
    _wait_for(lambda: _ended(old))
    _wait_for(lambda: (place.charm / tick_loop.LOCK).read_text().endswith(" 99"))


def test_without_juju_exec_nothing_ticks_and_nothing_fails(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    place.start()
    assert not (place.charm / tick_loop.LOCK).exists()
    assert any("no juju-exec" in entry.message for entry in place.context.juju_log)
