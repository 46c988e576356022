"""Actions and juju-exec."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from sandbox.juju.state import models, tasks
from sandbox.juju.state.tasks import Request

GREET = {
    "greet": {
        "description": "Say hello.",
        "params": {"name": {"type": "string", "default": "world"}, "loud": {"type": "boolean"}},
    },
    "missing": {},
}

SCRIPT = """
case "$JUJU_DISPATCH_PATH" in
actions/greet)
  action-log "greeting"
  action-set greeting="hello $(action-get name)" nested.deep=1
  echo printed; echo complained >&2
  if [ "$(action-get loud)" = True ]; then action-fail "too loud"; fi ;;
actions/slow) sleep 0.3 ;;
hooks/start) if [ -e ../broken ]; then exit 1; fi ;;
esac
"""


async def test_an_action_reports_results_output_and_log(world):
    world.deploy("app", SCRIPT, actions=GREET)
    await world.settled()
    task = await world.run("app/0", "greet")
    assert task.status == "completed"
    assert task.results == {
        "greeting": "hello world",
        "nested": {"deep": "1"},
        "return-code": 0,
        "stdout": "printed\n",
        "stderr": "complained\n",
    }
    assert [entry["message"] for entry in task.log] == ["greeting"]
    assert world.events("app/0")[-1] == f"action greet {task.id}"


async def test_an_action_that_fails_keeps_its_results_and_its_unit_idle(world):
    world.deploy("app", SCRIPT, actions=GREET)
    await world.settled()
    task = await world.run("app/0", "greet", loud=True)
    assert (task.status, task.message) == ("failed", "too loud")
    assert task.results["greeting"] == "hello world"
    await world.settled()
    assert world.agent("app/0") == "idle"


async def test_an_action_whose_program_fails_is_failed(world):
    world.deploy("app", 'case "$JUJU_DISPATCH_PATH" in actions/*) exit 7 ;; esac', actions=GREET)
    await world.settled()
    task = await world.run("app/0", "greet")
    assert (task.status, task.message, task.results["return-code"]) == (
        "failed",
        "exit status 7",
        7,
    )


async def test_unknown_actions_and_bad_parameters_are_refused(world):
    world.deploy("app", SCRIPT, actions=GREET)
    await world.settled()
    asked = [
        Request("app/0", "dance"),
        Request("app/0", "greet", {"name": 5}),
        Request("app/9", "greet"),
    ]
    operation = world.do(tasks.enqueue, asked)
    assert [str(operation.refusals[n]) for n in range(3)] == [
        'action "dance" not defined on unit "app/0"',
        "validation failed: (root).name : must be of type string, given 5",
        'unit "app/9" not found',
    ]


async def test_the_leader_can_be_named(world):
    world.deploy("app", SCRIPT, num_units=2, actions=GREET)
    await world.settled()
    task = await world.run("app/leader", "greet")
    assert "leader-elected" in world.events(task.receiver)


async def test_actions_run_while_a_hook_has_failed(world):
    world.deploy("app", 'case "$JUJU_DISPATCH_PATH" in hooks/start) exit 1 ;; esac', actions=GREET)
    await world.until(lambda: world.status("app/0") == 'error: hook failed: "start"')
    task = await world.run("app/0", "greet")
    assert task.status == "completed"
    await world.until(lambda: world.status("app/0") == 'error: hook failed: "start"')


async def test_a_pending_action_can_be_cancelled_and_a_running_one_aborted(world):
    world.deploy(
        "app", 'case "$JUJU_DISPATCH_PATH" in actions/*) exec sleep 20 ;; esac', actions=GREET
    )
    await world.settled()
    first, second = (
        world.do(tasks.enqueue, [Request("app/0", "greet")]).tasks[0].id for _ in range(2)
    )
    await world.until(lambda: world.do(tasks.get, first).status == "running")
    assert world.do(tasks.cancel, second).status == "cancelled"
    await asyncio.sleep(0.1)
    world.do(tasks.cancel, first)
    await world.until(lambda: world.do(tasks.get, first).status == "aborted")


async def test_an_action_that_is_cancelled_while_its_process_is_started_is_aborted(world):
    world.deploy(
        "app", 'case "$JUJU_DISPATCH_PATH" in actions/*) exec sleep 20 ;; esac', actions=GREET
    )
    await world.settled()

    def cancel(changes):
        for number in [int(change.key) for change in changes if change.kind == "task"]:
            if world.do(tasks.get, number).status == "running":
                asyncio.get_running_loop().call_soon(world.do, tasks.cancel, number)

    world.store.subscribe(cancel)
    assert (await world.run("app/0", "greet")).status == "aborted"


async def test_a_running_command_of_juju_exec_goes_on_though_it_is_cancelled(world):
    """As with Juju 3.6 and 4.0: nobody kills it."""
    world.deploy("app")
    await world.settled()
    asked = _exec("while [ ! -e ../go ]; do sleep 0.05; done")
    task = world.do(tasks.enqueue, [asked]).tasks[0].id
    await world.until(lambda: world.do(tasks.get, task).status == "running")
    assert world.do(tasks.cancel, task).status == "aborting"
    await asyncio.sleep(0.3)
    assert world.do(tasks.get, task).status == "aborting"
    (world.charm_folder("app/0") / "../go").touch()
    await world.until(lambda: world.do(tasks.get, task).status == "completed")


@pytest.mark.parametrize("timeout", [0.2, 0.0001])
async def test_a_command_of_juju_exec_ends_with_its_timeout(world, timeout):
    """Also with one that is over before its process has started."""
    world.deploy("app")
    await world.settled()
    task = world.do(tasks.enqueue, [_exec("sleep 20", timeout=timeout)]).tasks[0].id
    await world.until(lambda: world.do(tasks.get, task).status == "failed")
    assert world.do(tasks.get, task).message == "command cancelled"


def _exec(command: str, timeout: float = 60.0) -> Request:
    return Request("app/0", "juju-exec", {"command": command, "timeout": timeout * 1e9})


async def test_an_action_that_a_crash_cut_off_is_failed_and_never_repeated(world):
    world.deploy(
        "app",
        'case "$JUJU_DISPATCH_PATH" in actions/*) echo x >> ../ran; exec sleep 20 ;; esac',
        actions=GREET,
    )
    await world.settled()
    task = world.do(tasks.enqueue, [Request("app/0", "greet")]).tasks[0].id
    await world.until(lambda: world.written("app/0", "../ran"))
    await world.restart()
    await world.until(lambda: world.do(tasks.get, task).status in tasks.FINAL)
    assert world.do(tasks.get, task).status == "failed"
    await world.settled()
    assert world.written("app/0", "../ran") == "x\n"


async def test_a_command_runs_in_the_units_context(world):
    world.deploy("app", peers={"cluster": {"interface": "cluster"}})
    await world.settled()
    task = await world.run(
        "app/0",
        "juju-exec",
        command="echo $JUJU_UNIT_NAME; relation-ids cluster; exit 4",
        timeout=0,
    )
    assert task.status == "completed"
    assert task.results == {"return-code": 4, "stdout": "app/0\ncluster:0\n"}


async def test_juju_exec_on_the_machine_runs_a_custom_event(world):
    """A charm's ticker calls juju-exec, and the dispatch script handles the event."""
    world.deploy(
        "app",
        'if [ "$JUJU_DISPATCH_PATH" = hooks/tick ]; then status-set active ticked; echo done; fi',
    )
    await world.settled()
    tools = world.engine.runtime.tools
    process = await asyncio.create_subprocess_exec(
        str(tools / "juju-exec"),
        "app/0",
        "JUJU_DISPATCH_PATH=hooks/tick ./dispatch; exit 3",
        env={"PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert (process.returncode, output) == (3, b"done\n")
    assert world.status("app/0") == "active: ticked"
    assert world.events("app/0")[-1] == "run commands"
    await world.settled()


async def test_juju_exec_knows_its_machine_where_two_models_name_units_alike(world):
    """As a charm's ticker does: without a hook's variables, from another folder."""
    left_behind = (
        'if [ "$JUJU_HOOK_NAME" = start ]; then cd /;'
        " env -u JUJU_MODEL_UUID -u JUJU_CONTEXT_ID setsid"
        " juju-exec app/0 'echo $JUJU_MODEL_UUID > ticked' </dev/null >/dev/null 2>&1 & fi"
    )
    with world.store.transaction() as tx:
        second = models.add_model(tx, "second", "admin", "localhost").uuid
    both = [world, dataclasses.replace(world, model=second)]
    for one in both:
        one.deploy("app", left_behind)
    for one in both:
        await world.until(lambda one=one: one.written("app/0", "ticked"))
        assert one.written("app/0", "ticked").strip() == one.model


async def test_juju_exec_waits_for_the_hook_that_runs(world):
    world.deploy(
        "app",
        '[ "$JUJU_HOOK_NAME" = config-changed ] || exit 0; touch ../busy; sleep 0.4; rm ../busy',
    )
    await world.until(lambda: (world.charm_folder("app/0") / "../busy").exists())
    process = await asyncio.create_subprocess_exec(
        str(world.engine.runtime.tools / "juju-exec"),
        "app/0",
        "test ! -e ../busy",
        env={},
    )
    assert await process.wait() == 0


async def test_juju_exec_can_name_a_relation(world):
    world.deploy("mysql", provides={"db": {"interface": "sql"}})
    world.deploy("wiki", requires={"db": {"interface": "sql"}})
    number = world.relate("wiki", "mysql").id
    await world.settled()
    exec_ = str(world.engine.runtime.tools / "juju-exec")
    for arguments, code, said in (
        (["-r", f"db:{number}"], 0, "db mysql/0\n"),
        (["-r", "99"], 1, "ERROR unknown relation id: 99\n"),
        (["-r", str(number), "--remote-unit", "x/1"], 1, "ERROR unknown remote unit x/1\n"),
        (["--remote-unit", "x/1"], 2, "ERROR remote unit: x/1, provided without a relation\n"),
    ):
        process = await asyncio.create_subprocess_exec(
            *(exec_, *arguments, "wiki/0", "echo $JUJU_RELATION $JUJU_REMOTE_UNIT"),
            env={},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert (process.returncode, output.decode()) == (code, said)


async def test_processes_that_take_long_do_not_keep_others_waiting(world):
    """Four actions that wait for a fifth unit: places are given away after a while."""
    object.__setattr__(world.engine.runtime.settings, "long_run", 0.2)
    try:
        script = (
            'if [ "$JUJU_ACTION_NAME" = greet ]; then'
            ' while [ ! -e "$CHARM_DIR/../../go" ]; do sleep 0.05; done; fi\n'
            'if [ "$JUJU_ACTION_NAME" = missing ]; then touch "$CHARM_DIR/../../go"; fi'
        )
        world.deploy("app", script, num_units=5, actions=GREET)
        await world.settled()
        world.do(tasks.enqueue, [Request(f"app/{n}", "greet") for n in range(4)])
        task = await world.run("app/4", "missing")
        assert task.status == "completed"
        await world.settled()
    finally:
        object.__setattr__(world.engine.runtime.settings, "long_run", 10.0)


async def test_juju_exec_is_refused_inside_a_hook_and_for_unknown_units(world):
    world.deploy("app", 'juju-exec app/0 true 2> "$CHARM_DIR/said" || true')
    await world.settled()
    assert "cannot be called from within a hook" in world.written("app/0", "said")
    process = await asyncio.create_subprocess_exec(
        str(world.engine.runtime.tools / "juju-exec"),
        "other/0",
        "true",
        env={},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert (process.returncode, said) == (1, b'ERROR unit "other/0" not found on this machine\n')
