"""Hooks that fail, are killed, or are cut off: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import os
import signal

import pytest

from sandbox import processes
from sandbox.juju import clock
from sandbox.juju.state import applications, removal, runs, scopes, statuses, units

DATABASE = {"provides": {"db": {"interface": "sql"}}}
CLIENT = {"requires": {"db": {"interface": "sql"}}}

FAIL_ONCE = """
if [ "$JUJU_DISPATCH_PATH" = hooks/{hook} ] && [ ! -e "$CHARM_DIR/../failed" ]; then
  touch "$CHARM_DIR/../failed"
  exit 3
fi
"""


def running(world, unit):
    """The process of the hook that runs for a unit."""
    found = [r.pid for r in world.do(runs.of_unit, unit) if r.seconds is None and r.pid]
    return found[0] if found else None


async def test_a_failed_hook_shows_in_the_status_and_is_retried(world):
    world.deploy("app", FAIL_ONCE.format(hook="install"))
    await world.until(lambda: world.status("app/0") == 'error: hook failed: "install"')
    assert world.do(statuses.agent, "app/0").status == "idle"
    await world.settled()
    assert world.events("app/0")[:2] == ["install", "install"]
    memory = world.engine._agents[world.model, "app/0"].memory
    assert memory.next_wait == world.engine.runtime.settings.retry_first
    assert world.status("app/0") == "unknown"


async def test_a_failed_hook_drops_every_change_and_the_retry_makes_them_once(world):
    """Databag, stored state, ports and secrets of the failed run leave no trace."""
    script = (
        'case "$JUJU_DISPATCH_PATH" in hooks/db-relation-created)\n'
        ' relation-set -r "$JUJU_RELATION_ID" attempt="$(cat $CHARM_DIR/../n 2>/dev/null)-x"\n'
        " state-set kept=yes; open-port 80; secret-add --label s password=hunter2\n"
        ' [ -e "$CHARM_DIR/../n" ] || { echo 1 > "$CHARM_DIR/../n"; exit 1; } ;; esac'
    )
    world.deploy("mysql", script, **DATABASE)
    world.deploy("wiki", **CLIENT)
    await world.settled()
    relation = world.relate("wiki", "mysql")
    await world.until(lambda: "hook failed" in world.status("mysql/0"))
    unit = world.do(units.get, "mysql/0")
    with world.store.transaction() as tx:
        assert "attempt" not in scopes.unit_settings(tx, relation, "mysql/0").values
        assert tx.value("SELECT count(*) FROM secrets") == 0
    assert unit.state == {}
    assert unit.ports == []
    await world.settled()
    unit = world.do(units.get, "mysql/0")
    assert unit.state == {"kept": "yes"}
    assert [(p["protocol"], p["from-port"]) for p in unit.ports] == [("tcp", 80)]
    with world.store.transaction() as tx:
        assert scopes.unit_settings(tx, relation, "mysql/0").values["attempt"] == "1-x"
        assert tx.value("SELECT count(*) FROM secrets") == 1


@pytest.mark.parametrize(("mode", "times"), [("retry-hooks", 2), ("no-hooks", 1)])
async def test_an_operator_resolves_a_failed_hook(world, mode, times):
    """`juju resolved` runs it again at once; with --no-retry it counts as run."""
    settings = world.engine.runtime.settings
    object.__setattr__(settings, "retry_first", 60.0)
    try:
        world.deploy("app", FAIL_ONCE.format(hook="start"))
        await world.until(lambda: world.status("app/0") == 'error: hook failed: "start"')
        world.do(units.set_resolved, "app/0", mode)
        await world.settled()
    finally:
        object.__setattr__(settings, "retry_first", 0.1)
    assert world.events("app/0").count("start") == times
    assert world.do(units.get, "app/0").resolved == ""


async def test_a_skipped_config_changed_is_not_run_again(world):
    world.deploy(
        "app",
        'if [ "$(config-get go)$JUJU_HOOK_NAME" = Trueconfig-changed ]; then exit 1; fi',
        config={"go": {"type": "boolean", "default": False}},
    )
    await world.settled()
    world.do(applications.set_config, "app", {"go": "true"})
    await world.until(lambda: world.status("app/0") == 'error: hook failed: "config-changed"')
    world.do(units.set_resolved, "app/0", "no-hooks")
    await world.until(lambda: world.agent("app/0") == "idle")
    ran = world.events("app/0")
    await world.settled()
    assert world.events("app/0") == ran


async def test_a_killed_hook_runs_again(world):
    """SIGKILL of the hook's process: Juju queues it again without an error."""
    world.deploy(
        "app",
        'if [ "$JUJU_DISPATCH_PATH" = hooks/start ] && [ ! -e ../once ]; then'
        " touch ../once; status-set active never; state-set lost=yes; exec sleep 30; fi",
    )
    pid = await world.until(
        lambda: (
            world.written("app/0", "../once") is not None
            and "start" not in world.events("app/0")
            and (world.charm_folder("app/0") / "../once").exists()
            and running(world, "app/0")
        )
    )
    os.kill(pid, signal.SIGKILL)
    await world.settled()
    assert world.events("app/0").count("start") == 2
    assert world.do(units.get, "app/0").state == {}


async def test_a_controller_killed_in_a_hook_fails_it_and_retries(world):
    """What the cut-off hook had set is dropped; its process is ended before the retry."""
    world.deploy(
        "app",
        '[ "$JUJU_DISPATCH_PATH" = hooks/start ] || exit 0; state-set n="$(cat ../once || true)"\n'
        "if [ ! -e ../once ]; then echo again > ../once; exec sleep 30; fi",
    )
    pid = await world.until(
        lambda: (world.charm_folder("app/0") / "../once").exists() and running(world, "app/0")
    )
    # A new engine on the same store, while the old one is simply gone: no chance to clean up.
    abandoned = world.engine
    abandoned._unsubscribe()
    for agent in abandoned._agents.values():
        agent._stopping = True
        agent._task.cancel()
    abandoned._clock.cancel()
    abandoned._server._server.close()
    world.engine = type(abandoned)(world.home, world.store, abandoned.runtime.settings)
    await world.engine.start()
    assert pid not in processes.matching(JUJU_UNIT_NAME="app/0")
    await world.settled()
    assert world.events("app/0").count("start") == 2
    assert world.do(units.get, "app/0").state == {"n": "again"}


async def test_a_restart_repeats_nothing(world):
    world.deploy("app", num_units=2, peers={"cluster": {"interface": "cluster"}})
    await world.settled()
    before = [world.events(f"app/{n}") for n in range(2)]
    await world.restart()
    await world.settled()
    assert [world.events(f"app/{n}") for n in range(2)] == before


async def test_what_a_charm_left_running_ends_with_its_unit(world):
    world.deploy(
        "app",
        'if [ "$JUJU_DISPATCH_PATH" = hooks/start ]; then'
        " setsid sleep 300 </dev/null >/dev/null 2>&1 & fi",
        num_units=2,
    )
    await world.settled()
    mark = {"SANDBOX_HOME": str(world.home.path), "JUJU_MODEL_UUID": world.model}
    assert processes.matching(**mark, JUJU_UNIT_NAME="app/0")
    world.remove_unit("app/0")
    await world.until(lambda: not processes.matching(**mark, JUJU_UNIT_NAME="app/0"))
    kept = processes.matching(**mark, JUJU_UNIT_NAME="app/1")
    assert kept, "the other unit's are left alone"
    processes.end(kept, patience=0)


async def test_a_unit_removed_by_force_takes_its_running_hook_with_it(world):
    world.deploy("app", 'if [ "$JUJU_HOOK_NAME" = start ]; then exec sleep 60; fi')
    pid = await world.until(
        lambda: "config-changed" in world.events("app/0") and running(world, "app/0")
    )
    world.do(removal.destroy_unit, "app/0", force=True, maximum_wait=0)
    with world.store.transaction() as tx:
        removal.run_cleanups(tx, clock.now().timestamp() + 1)
    mark = {"SANDBOX_HOME": str(world.home.path), "JUJU_UNIT_NAME": "app/0"}
    await world.until(lambda: pid not in processes.matching(**mark), 5)
    await world.until(lambda: not world.charm_folder("app/0").exists())


async def test_a_background_child_does_not_hold_up_its_hook(world):
    """A ticker that keeps the hook's output open: the hook ends when its process does."""
    world.deploy("app", 'if [ "$JUJU_DISPATCH_PATH" = hooks/start ]; then sleep 20 & fi')
    await world.settled(5)
    processes.end(processes.matching(SANDBOX_HOME=str(world.home.path)), patience=0)


async def test_the_debug_log_has_output_and_outcome(world):
    world.deploy(
        "app", 'echo "out of $JUJU_HOOK_NAME"; echo oops >&2; juju-log -l WARNING "hear me"'
    )
    await world.settled()
    log = world.log()
    assert "DEBUG unit.app/0.install: out of install" in log
    assert "WARNING unit.app/0.install: oops" in log
    assert "WARNING unit.app/0.juju-log: hear me" in log
    outcome = 'ran "install" hook (via hook dispatching script: dispatch)'
    assert f"INFO juju.worker.uniter.operation: {outcome}" in log


async def test_nothing_of_the_daemons_environment_leaks(world, monkeypatch):
    monkeypatch.setenv("DAEMON_SECRET", "hunter2")
    world.deploy("app", 'env > "$CHARM_DIR/environment"')
    await world.settled()
    names = {line.partition("=")[0] for line in world.written("app/0", "environment").splitlines()}
    assert "DAEMON_SECRET" not in names
    assert {"JUJU_UNIT_NAME", "JUJU_VERSION", "JUJU_AGENT_SOCKET_ADDRESS", "PATH"} <= names
