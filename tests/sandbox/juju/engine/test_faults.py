"""Faults on purpose, each with what Juju does about it."""

from __future__ import annotations

import json
import pathlib
import re
import time

import hypothesis
import pytest
from hypothesis import strategies

from sandbox import processes
from sandbox.faults.fault import Fault, NoSuchFault
from sandbox.juju import clock, errors
from sandbox.juju.engine.commands import ExecCommand
from sandbox.juju.engine.runtime import Settings
from sandbox.juju.state import (
    applications,
    leases,
    machines,
    models,
    presence,
    relations,
    scopes,
    tasks,
    units,
)
from sandbox.juju.state.tasks import Request

PEERS = {"peers": {"cluster": {"interface": "cluster"}}}
SLOW = 'echo run >> ../runs; [ "$JUJU_HOOK_NAME" = config-changed ] || exit 0; '
COLOUR = {"config": {"colour": {"type": "string", "default": "red"}}}


@pytest.fixture(autouse=True)
def _usual_clock():
    yield
    clock.take_up(clock.Pace())


def leader(world, application="app"):
    with world.store.transaction() as tx:
        return leases.holder(tx, world.model, application, clock.now().timestamp())


def running(world, unit):
    return world.engine._agents[world.model, unit].memory.process


async def in_a_hook(world):
    """app/0 in the middle of a config-changed that takes a second."""
    world.deploy("app", f"{SLOW} state-set done=yes; sleep 1", **COLOUR)
    await world.settled()
    before = world.events("app/0")
    world.do(applications.set_config, "app", {"colour": "blue"})
    await world.until(lambda: running(world, "app/0"))
    return before


async def test_an_agent_killed_in_a_hook_fails_it_and_runs_it_again(world):
    before = await in_a_hook(world)
    pid = running(world, "app/0").pid
    world.engine.faults.apply(Fault("kill", "app/0", seconds=0.3))
    await world.until(lambda: len(world.events("app/0")) == len(before) + 1)
    assert pid not in processes.matching(JUJU_UNIT_NAME="app/0")
    await world.until(lambda: len(world.events("app/0")) == len(before) + 2)
    assert world.events("app/0")[len(before) :] == ["config-changed", "config-changed"]
    await world.settled()
    assert world.agent("app/0") == "idle"


COUNTS = """
[ "$JUJU_DISPATCH_PATH" = hooks/count ] || exit 0
id=$(relation-ids cluster)
echo ran >> ../counted
n=$(relation-get -r $id --app n $JUJU_UNIT_NAME); relation-set -r $id --app other=1 n=$((n + 1))
echo heard >> ../counted
"""
"""What a unit does that counts its ticks in the peers' databag."""


async def count(world):
    """One tick; returns what juju-exec says of it."""
    agent = world.engine._agents[world.model, "app/0"]
    script = "JUJU_DISPATCH_PATH=hooks/count ./dispatch"
    try:
        return (await agent.run_command(ExecCommand("app/0", script))).code
    except errors.JujuError as error:
        return str(error)


def counted(world):
    (relation,) = world.do(relations.of_application, "app")
    with world.store.transaction() as tx:
        return scopes.application_settings(tx, relation, "app").values.get("n", "")


async def test_a_unit_dies_before_it_has_heard_and_before_and_after_the_commit(world):
    world.deploy("app", COUNTS, **PEERS)
    await world.settled()
    world.engine.faults.apply(Fault("kill-at-write", "app/0", key="n", times=3))
    gone = "command execution aborted"
    told, kept = [], []
    for _ in range(4):
        told.append(await count(world))
        await world.settled()
        kept.append(counted(world))
    assert (told, kept) == ([gone, gone, gone, 0], ["", "", "1", "2"])
    assert world.written("app/0", "../counted").split() == ["ran", *["ran", "heard"] * 3]
    record = (world.home.folder("log") / "crash-points.jsonl").read_text().splitlines()
    reached = [(line["moment"], line["changes"]) for line in map(json.loads, record)]
    assert reached == [(m, {"n": ["", "1"]}) for m in ("set", "commit", "committed")]


async def test_writes_of_other_keys_and_of_the_same_value_kill_nobody(world):
    world.deploy("app", COUNTS.replace("$((n + 1))", "1"), **PEERS)
    await world.settled()
    assert await count(world) == 0
    world.engine.faults.apply(Fault("kill-at-write", "app/0", key="n"))
    assert await count(world) == 0
    world.engine.faults.apply(Fault("kill-at-write", "app/0", key="m"))
    assert await count(world) == 0


async def test_a_frozen_unit_stops_where_it_is_and_goes_on(world):
    before = await in_a_hook(world)
    pid = running(world, "app/0").pid
    world.engine.faults.apply(Fault("freeze", "app/0"))
    await world.until(lambda: _stands_still(pid))
    await _pause(world, 1.2)
    assert world.events("app/0") == before
    world.engine.faults.apply(Fault("clear"))
    await world.settled()
    assert world.events("app/0") == [*before, "config-changed"]
    assert "ERROR" not in "".join(world.log())


def _stands_still(pid):
    """Stopped, or waiting for a child that was stopped before it could execute (vfork(2))."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] in ("T", "D")


async def _pause(world, seconds):
    end = time.monotonic() + seconds
    await world.until(lambda: time.monotonic() > end)


async def test_an_agent_that_is_cut_off_fails_its_hook_and_makes_no_change(world):
    before = await in_a_hook(world)
    world.engine.faults.apply(Fault("disconnect", "app/0"))
    await world.until(lambda: "connection is shut down" in "".join(world.log()))
    world.engine.faults.apply(Fault("clear"))
    await world.settled()
    assert world.events("app/0")[len(before) :] == ["config-changed", "config-changed"]
    assert world.do(units.get, "app/0").state == {"done": "yes"}


async def test_hook_tools_of_an_agent_that_is_cut_off_are_refused(world):
    world.deploy(
        "app",
        '[ "$JUJU_HOOK_NAME" = config-changed ] && [ "$(config-get colour)" = blue ] || exit 0\n'
        "touch ../begun; while [ ! -e ../cut-off ]; do sleep 0.05; done\n"
        "config-get colour 2>> ../said || true",
        **COLOUR,
    )
    await world.settled()
    world.do(applications.set_config, "app", {"colour": "blue"})
    await world.until(lambda: (world.charm_folder("app/0") / "../begun").exists())
    world.engine.faults.apply(Fault("disconnect", "app/0"))
    (world.charm_folder("app/0") / "../cut-off").touch()
    await world.until(lambda: world.written("app/0", "../said"))
    assert world.written("app/0", "../said") == "ERROR connection is shut down\n"
    world.engine.faults.apply(Fault("clear"))
    await world.settled()


async def test_the_next_hook_fails_and_drops_what_it_did(world):
    world.deploy("app", f"{SLOW} state-set n=$(wc -l < ../runs)", **COLOUR)
    await world.settled()
    before = world.do(units.get, "app/0").state
    world.engine.faults.apply(Fault("fail-hook", "app/0", hook="config-changed", times=2))
    world.do(applications.set_config, "app", {"colour": "blue"})
    await world.until(lambda: world.agent("app/0") == 'error: hook failed: "config-changed"')
    assert world.do(units.get, "app/0").state == before
    await world.until(lambda: world.agent("app/0") == "idle")
    assert world.events("app/0")[-3:] == ["config-changed"] * 3
    assert world.do(units.get, "app/0").state != before
    assert "(on purpose)" in "".join(world.log())


async def test_another_unit_leads_once_the_lease_of_a_frozen_leader_ends(world):
    """Not before its time: 60 s after the last renewal, of the controller's clock."""
    world.deploy("app", num_units=2, **PEERS)
    await world.settled()
    first = leader(world)
    assert first
    other = "app/1" if first == "app/0" else "app/0"
    world.engine.faults.apply(Fault("clock", rate=20))
    world.engine.faults.apply(Fault("freeze", first))
    frozen = clock.now().timestamp()
    await world.until(lambda: "leader-elected" in world.events(other), 15)
    assert leader(world) == other
    taken = clock.now().timestamp() - frozen
    assert leases.DURATION - 20 <= taken <= 2 * leases.DURATION, taken
    world.engine.faults.apply(Fault("clear"))
    await world.settled()
    assert world.events(first).count("leader-elected") == 1, "it resigned without a hook"


async def test_an_expired_lease_goes_to_whoever_claims_it_first(world):
    world.deploy("app", num_units=3, **PEERS)
    await world.settled()
    first = leader(world)
    assert first
    world.engine.faults.apply(Fault("freeze", first))
    world.engine.faults.apply(Fault("expire-leader", "app"))
    await world.until(lambda: leader(world) not in (None, first))
    second = leader(world)
    await world.until(lambda: "leader-elected" in world.events(second))
    world.engine.faults.apply(Fault("clear"))
    await world.settled()
    assert sum(world.events(f"app/{n}").count("leader-elected") for n in range(3)) == 2


async def test_a_machine_that_dies_takes_its_units_along_and_they_start_again(world):
    world.deploy(
        "ntp",
        subordinate=True,
        requires={"host": {"interface": "juju-info", "scope": "container"}},
    )
    world.deploy(
        "wiki",
        'if [ "$JUJU_HOOK_NAME" = install ]; then'
        " setsid sleep 300 </dev/null >/dev/null 2>&1 & fi",
        provides={"web": {"interface": "http"}},
    )
    world.relate("ntp:host", "wiki")
    await world.until(lambda: world.do(units.names, "ntp"))
    await world.settled()
    mark = {"SANDBOX_HOME": str(world.home.path), "JUJU_UNIT_NAME": "wiki/0"}
    assert processes.matching(**mark)
    number = world.do(units.get, "wiki/0").machine
    assert world.do(machines.get, number)
    world.engine.faults.apply(Fault("kill", f"machine:{number}", seconds=0.2))
    for unit in ("wiki/0", "ntp/0"):
        await world.until(lambda unit=unit: world.events(unit).count("start") == 2)
    await world.settled()
    assert not processes.matching(**mark), "nothing survives the machine"


def missing(world):
    return world.do(presence.missing, clock.now().timestamp())


async def test_an_agent_that_was_killed_or_cut_off_is_missed_at_once_until_it_is_back(world):
    world.deploy("app")
    await world.settled()
    for fault in ("kill", "disconnect"):
        world.engine.faults.apply(Fault(fault, "app/0", seconds=0.3))
        assert missing(world) == {("unit", "app/0")}
        await world.until(lambda: not missing(world))


async def test_a_frozen_agent_is_missed_after_three_minutes_without_a_ping(world):
    world.deploy("app")
    await world.settled()
    world.engine.faults.apply(Fault("clock", rate=200))
    frozen = clock.now().timestamp()
    world.engine.faults.apply(Fault("freeze", "app/0"))
    assert not missing(world)
    await world.until(lambda: missing(world) == {("unit", "app/0")})
    assert clock.now().timestamp() - frozen >= 180
    world.engine.faults.apply(Fault("clear"))
    assert not missing(world)


async def test_a_dead_machine_is_missed_with_its_containers_and_all_units(world):
    world.deploy("app", num_units=2)
    await world.settled()
    host = world.do(units.get, "app/0").machine
    container = world.do(machines.add_container, host, base="ubuntu@24.04/stable").id
    world.start_machines()
    world.engine.faults.apply(Fault("kill", f"machine:{host}", seconds=0.3))
    gone = {("unit", "app/0"), ("machine", host), ("machine", container)}
    assert missing(world) == gone
    await world.until(lambda: not missing(world))


async def test_what_two_faults_took_away_is_back_when_both_are_over(world):
    world.deploy("app")
    await world.settled()
    world.engine.faults.apply(Fault("disconnect", "app/0"))
    world.engine.faults.apply(Fault("kill", "app/0"))
    before = world.events("app/0")
    world.do(models.set_config, {"update-status-hook-interval": "1s"})
    await _pause(world, 1.5)
    assert missing(world) == {("unit", "app/0")}
    assert world.events("app/0") == before
    world.engine.faults.apply(Fault("clear"))
    assert not missing(world)


async def test_agents_connect_again_when_the_controller_starts(world):
    world.deploy("app")
    await world.settled()
    world.engine.faults.apply(Fault("disconnect", "app/0"))
    await world.restart()
    assert not missing(world)


async def test_late_and_repeated_messages_change_nothing_in_the_end(world):
    world.engine.faults.apply(Fault("watchers", delay=0.3, duplicate=0.5, seed=11))
    world.deploy("mysql", num_units=2, provides={"db": {"interface": "sql"}}, **PEERS)
    world.deploy("wiki", requires={"db": {"interface": "sql"}})
    world.relate("wiki", "mysql")
    await world.until(
        lambda: (
            {f"db-relation-{kind} mysql/{n}" for kind in ("joined", "changed") for n in (0, 1)}
            <= set(world.events("wiki/0"))
        ),
        20,
    )
    world.engine.faults.apply(Fault("clear"))
    await world.settled()
    for unit in ("mysql/0", "mysql/1", "wiki/0"):
        told = world.events(unit)
        assert len(told) == len(set(told)), "nothing is told twice"
        assert told[0] == "install"


async def test_an_hour_passes_in_seconds(world):
    """Twelve update-status, give or take a fifth, and no change of leader."""
    world.deploy("app", num_units=2, **PEERS)
    await world.settled()
    first = leader(world)
    assert first
    world.do(models.set_config, {"update-status-hook-interval": "5m"})
    began = clock.now().timestamp()
    world.engine.faults.apply(Fault("clock", rate=720))
    await world.until(lambda: clock.now().timestamp() - began > 3600, 30)
    world.engine.faults.apply(Fault("clock", rate=1))
    passed = clock.now().timestamp() - began
    await world.settled()
    for unit in ("app/0", "app/1"):
        told = world.events(unit).count("update-status")
        assert passed / 360 - 1 <= told <= passed / 240, (passed, unit)
    assert leader(world) == first
    assert world.events(first).count("leader-elected") == 1


async def test_the_clock_never_runs_backwards(world):
    world.engine.faults.apply(Fault("clock", rate=3600))
    await _pause(world, 0.1)
    ahead = clock.now()
    world.engine.faults.apply(Fault("clock", rate=1))
    assert clock.now() >= ahead
    await world.restart()
    assert clock.now() >= ahead, "nor when the controller starts again"


async def test_it_is_told_how_far_the_clock_stays_ahead(world):
    assert world.engine.faults.apply(Fault("clear")) == "nothing goes wrong on purpose any more"
    began = clock.now()
    world.engine.faults.apply(Fault("clock", rate=3600))
    await world.until(lambda: (clock.now() - began).total_seconds() > 600)
    told = world.engine.faults.apply(Fault("clear"))
    ahead = re.search(r"; the controller's clock stays (\d+:\d\d:\d\d) ahead of the", told)
    assert ahead, told
    assert ahead[1] >= "0:09:50"


def test_the_time_stands_still_while_the_machines_clock_is_set_back(monkeypatch):
    moments = iter([1000.0, 400.0, 1001.0])
    monkeypatch.setattr(clock.time, "time", lambda: next(moments))
    assert [clock.now().timestamp() for _ in range(3)] == [1000.0, 1000.0, 1001.0]


async def test_an_action_cut_off_by_its_agents_death_is_failed_and_not_repeated(world):
    world.deploy(
        "app",
        'case "$JUJU_DISPATCH_PATH" in actions/*) echo x >> ../acted; sleep 20 ;; esac',
        actions={"act": {"description": "Take long."}},
    )
    await world.settled()
    operation = world.do(tasks.enqueue, [Request("app/0", "act", {})])
    await world.until(lambda: world.written("app/0", "../acted"))
    world.engine.faults.apply(Fault("kill", "app/0"))
    number = operation.tasks[0].id
    await world.until(lambda: world.do(tasks.get, number).status == tasks.FAILED)
    assert world.do(tasks.get, number).message == "action terminated"
    assert world.written("app/0", "../acted") == "x\n"


async def test_what_is_not_there_is_refused(world):
    world.deploy("app")
    await world.settled()
    for missing in (
        Fault("kill", "app/9"),
        Fault("freeze", "machine:77"),
        Fault("expire-leader", "nobody"),
        Fault("disconnect", "machine:0"),
    ):
        with pytest.raises(NoSuchFault):
            world.engine.faults.apply(missing)


def test_a_failed_hook_waits_twice_as_long_each_time_up_to_five_minutes():
    settings = Settings()
    waits = [settings.retry_first]
    for _ in range(8):
        waits.append(settings.longer(waits[-1], draw=0))
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


@hypothesis.given(
    strategies.lists(strategies.floats(-1, 1), max_size=20), strategies.floats(-1, 1)
)
def test_retries_of_many_units_spread_by_three_in_a_hundred_and_never_wait_longer(draws, last):
    settings = Settings()
    wait = settings.retry_first
    for draw in draws:
        wait = settings.longer(wait, draw)
    after = settings.longer(wait, last)
    assert after == 300 or wait * 1.94 <= after <= wait * 2.06
    assert after <= 300


def test_a_seed_repeats_what_chance_decides_for_a_unit():
    def drawn(seed, unit):
        return Settings(seed=seed).chance(unit).random()

    assert drawn("7", "app/0") == drawn("7", "app/0")
    assert len({drawn("7", "app/0"), drawn("7", "app/1"), drawn("8", "app/0")}) == 3
    assert drawn(None, "app/0") != drawn(None, "app/0")
