"""Machines: commands on them, their restart, and units that wait for them."""

from __future__ import annotations

from sandbox.juju.state import statuses, tasks


async def test_a_unit_waits_for_its_machine(world):
    """Nothing runs before the machine has started."""
    world.start_machines = lambda: None
    world.deploy("app")
    assert world.status("app/0") == "waiting: waiting for machine"
    assert world.agent("app/0") == "allocating"
    del world.start_machines
    world.start_machines()
    await world.settled()
    history = [(s.status, s.message) for s in world.do(statuses.history, "workload", "app/0")]
    assert history[::-1] == [
        ("waiting", "waiting for machine"),
        ("waiting", "agent initialising"),
        ("maintenance", "installing charm software"),
        ("unknown", ""),
    ]
    agent = [(s.status, s.message) for s in world.do(statuses.history, "agent", "app/0")]
    assert agent[::-1] == [
        ("allocating", ""),
        ("executing", "running install hook"),
        ("executing", "running leader-elected hook"),
        ("executing", "running config-changed hook"),
        ("executing", "running start hook"),
        ("idle", ""),
    ]


async def test_a_command_runs_on_a_machine_itself(world):
    world.deploy("app")
    await world.settled()
    task = await world.run("0", "juju-exec", command="echo $JUJU_UNIT_NAME-; exit 2", timeout=0)
    assert task.status == "completed"
    assert task.results == {"return-code": 2, "stdout": "-\n"}


async def test_a_parallel_command_on_a_machine_waits_for_no_hook_and_no_other_command(world):
    world.deploy("app", 'if [ "$JUJU_HOOK_NAME" = start ]; then sleep 20; fi')
    await world.until(lambda: world.agent("app/0") == "executing: running start hook")
    arguments = {"command": "true", "timeout": 0}
    alone = world.do(tasks.enqueue, [tasks.Request("0", "juju-exec", arguments)]).tasks[0].id
    beside = tasks.Request("0", "juju-exec", arguments, parallel=True)
    number = world.do(tasks.enqueue, [beside]).tasks[0].id
    await world.until(lambda: world.do(tasks.get, number).status == "completed")
    assert world.do(tasks.get, alone).status == "pending"


async def test_a_reboot_after_the_hook_starts_the_units_again(world):
    world.deploy("app", 'if [ "$JUJU_HOOK_NAME" = config-changed ]; then juju-reboot; fi')
    await world.until(lambda: world.events("app/0").count("start") >= 1)
    await world.settled()
    assert world.events("app/0")[:4] == ["install", "leader-elected", "config-changed", "start"]


async def test_a_reboot_now_cuts_the_hook_off_and_repeats_it(world):
    world.deploy(
        "app",
        '[ "$JUJU_HOOK_NAME" = start ] || exit 0; state-set n=1; [ -e ../once ] && exit 0;'
        " touch ../once; juju-reboot --now; sleep 20",
    )
    await world.settled()
    assert world.events("app/0").count("start") >= 2
    assert not [line for line in world.log() if line.startswith("ERROR")]
