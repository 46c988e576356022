"""What the engine is told of a step: the effect decides, then Juju's record of actions."""

from __future__ import annotations

import dataclasses
from typing import Any

import cloud
import computes
import full_status
import observing
import pytest
import snapshot
import steps
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Operation, Step
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000.0
HOST = "node-1"
PAUSED = full_status.status("maintenance", "Paused. Use 'resume' action to resume normal service.")
Document = dict[str, Any]


def see(
    operation: Operation,
    record: rolling.Record | None = None,
    status: Document | None = None,
    **changed: Any,
) -> rolling.Observation | None:
    options = full_status.options(full_status.bundle(full_status.HA))
    model = cloud.from_full_status(status or full_status.of_bundle(full_status.HA), options)
    seen = dataclasses.replace(snapshot.Snapshot(NOW, model), **changed)
    return observing.observe_step(Step("s", "lane", operation), record, seen)


def state(*arguments: Any, **changed: Any) -> str | None:
    observed = see(*arguments, **changed)
    return observed.state if observed else None


def requested(attempt: int = 1, *, ago: float = 100.0) -> rolling.Record:
    return rolling.Record("requested", NOW - ago, attempt)


def task(action: str, status: str, *, ago: float = 50.0, **changed: Any) -> snapshot.Task:
    ended = 0.0 if status in ("pending", "running") else NOW - ago + 20
    made = snapshot.Task("1", "keystone/0", action, {}, status, NOW - ago, "", ended)
    return dataclasses.replace(made, **changed)


def of(unit: str, status: Document) -> Document:
    application = unit.partition("/")[0]
    return status["applications"][application]["units"][unit]


def edited(unit: str = "keystone/0", agent: str = "idle", **keys: Any) -> Document:
    status = full_status.of_bundle(full_status.HA)
    of(unit, status).update({key.replace("_", "-"): value for key, value in keys.items()})
    of(unit, status)["agent-status"] = full_status.status(agent)
    return status


# -- units ----------------------------------------------------------------------------------


def test_a_unit_is_paused_when_it_says_so_and_its_agent_rests() -> None:
    pause = steps.pause_unit("keystone/0")
    assert state(pause) == "absent"
    assert state(pause, None, edited(workload_status=PAUSED)) == "done"
    assert state(pause, requested(), edited(agent="executing", workload_status=PAUSED)) != "done"


def test_an_action_that_runs_is_waited_for_whoever_asked_for_it() -> None:
    running = (task("pause", "running", ago=9000),)
    assert state(steps.pause_unit("keystone/0"), None, tasks=running) == "working"


def test_an_action_that_runs_on_a_unit_in_error_is_waited_for_too() -> None:
    failed = edited(workload_status=full_status.status("error", "hook failed"))
    pause = steps.pause_unit("keystone/0")
    assert state(pause, requested(), failed) == "failed"
    running = (task("pause", "running"),)
    assert state(pause, requested(), failed, tasks=running) == "working"


def test_an_action_that_failed_is_told_with_its_unit_and_message() -> None:
    failed = (task("pause", "failed", message="no quorum"),)
    seen = see(steps.pause_unit("keystone/0"), requested(), tasks=failed)
    assert seen == rolling.Observation("failed", 1, "pause on keystone/0 failed: no quorum")


def test_an_action_that_failed_before_the_attempt_was_begun_is_not_its_own() -> None:
    failed = (task("pause", "failed", ago=500),)
    assert state(steps.pause_unit("keystone/0"), requested(2), tasks=failed) == "absent"


def test_an_action_asked_for_before_a_crash_is_taken_up_and_not_asked_for_again() -> None:
    """Its request is older than the record that took it up while it ran."""
    action = steps.run_action("keystone/0", "archive-data")
    intended = rolling.Record("intended", NOW - 100)
    running = task("archive-data", "running", ago=60)
    assert state(action, intended, tasks=(running,)) == "working"
    taken_up = requested(ago=40)
    ended = dataclasses.replace(running, status="completed", completed=NOW - 10)
    assert state(action, taken_up, tasks=(ended,)) == "done"


def test_an_action_within_the_second_of_its_request_is_found() -> None:
    """Juju keeps whole seconds only."""
    now = NOW + 0.7
    record = rolling.Record("requested", now)
    ended = task("archive-data", "completed", enqueued=NOW, completed=NOW)
    assert state(steps.run_action("keystone/0", "archive-data"), record, tasks=(ended,)) == "done"


def test_an_action_of_the_leader_counts_on_whichever_unit_led() -> None:
    ended = (task("archive-data", "completed", unit="keystone/2"),)
    operation = steps.run_action(steps.leader("keystone"), "archive-data")
    assert state(operation, requested(), tasks=ended) == "done"
    other = steps.run_action("keystone/1", "archive-data")
    assert state(other, requested(), tasks=ended) == "absent"


def test_an_action_with_other_parameters_is_another_one() -> None:
    ended = (task("archive-data", "completed", parameters={"batch-size": 1}),)
    wanted = steps.run_action("keystone/0", "archive-data", {"batch-size": 2})
    assert state(wanted, requested(), tasks=ended) == "absent"
    same = steps.run_action("keystone/0", "archive-data", {"batch-size": 1})
    assert state(same, requested(), tasks=ended) == "done"


def test_an_action_done_before_the_step_was_begun_does_not_count() -> None:
    ended = (task("archive-data", "completed"),)
    assert state(steps.run_action("keystone/0", "archive-data"), None, tasks=ended) == "absent"


def test_a_unit_that_has_its_version_before_is_upgraded_also_while_it_is_paused() -> None:
    upgrade = steps.upgrade_unit("keystone/0", "29.2")
    assert state(upgrade, None, edited(workload_status=PAUSED)) == "done"
    assert state(upgrade, None, edited(workload_version="28.0.0")) == "absent"
    ended = (task("openstack-upgrade", "completed"),)
    older = edited(workload_version="28.0.0")
    assert state(upgrade, requested(), older, tasks=ended) == "done", "hooks tell the version"


def test_an_upgrade_that_failed_is_not_excused_by_the_packages_that_it_left() -> None:
    upgrade = steps.upgrade_unit("keystone/0", "29.2")
    failed = (task("openstack-upgrade", "failed"),)
    assert state(upgrade, requested(), edited(workload_status=PAUSED), tasks=failed) == "failed"
    nothing = (
        dataclasses.replace(
            task("openstack-upgrade", "completed"), outcome="no upgrade available"
        ),
    )
    seen = see(upgrade, requested(), edited(workload_version="28.0.0"), tasks=nothing)
    assert seen is not None
    assert (seen.state, seen.reason.rpartition(": ")[2]) == ("failed", "no upgrade available")


def test_a_unit_tells_its_version_when_its_charm_has_looked() -> None:
    tell = steps.tell_version("keystone/0", "29.2")
    older = edited(workload_version="28.0.0")
    assert state(tell, requested(), older) == "absent"
    looked = (task("juju-exec", "completed", parameters={"command": steps.TELL}),)
    assert state(tell, requested(), older, tasks=looked) == "working"
    assert state(tell, requested(), edited(workload_status=PAUSED)) == "done"
    assert state(tell, requested(), edited(agent="executing")) == "working"


def test_restarts_that_are_queued_are_waited_for_where_they_were_asked_for() -> None:
    queued = "Unit is ready. Services queued for restart: ovn-ovsdb-server-nb"
    cloud_ = edited(workload_status=full_status.status("active", queued))
    assert state(steps.await_units(["keystone/0"]), None, cloud_) == "done"
    assert state(steps.await_units(["keystone/0"], restarted=True), None, cloud_) == "working"


def test_a_unit_that_lacks_its_agent_is_waited_for_until_it_rests() -> None:
    lacking = edited(workload_status=full_status.status("blocked", "Services not running"))
    assert state(steps.await_units(["keystone/0"]), None, lacking) == "working"
    assert state(steps.await_units(["keystone/0"], serving=False), None, lacking) == "done"


@pytest.mark.parametrize("agent", ["executing", "lost"])
def test_what_has_its_effect_is_not_asked_for_again_though_the_agent_is_away(agent: str) -> None:
    """The agent was lost after the upgrade until the step was over its time, and was resumed."""
    upgrade, pause = steps.upgrade_unit("keystone/0", "29.2"), steps.pause_unit("keystone/0")
    earlier = (task("openstack-upgrade", "completed", ago=9000.0),)
    assert state(upgrade, None, edited(agent=agent), tasks=earlier) == "working"
    assert state(pause, None, edited(agent=agent, workload_status=PAUSED)) == "working"


def test_a_unit_that_has_gone_fails_its_step_and_ends_its_removal() -> None:
    gone = steps.pause_unit("keystone/9")
    assert see(gone) == rolling.Observation("failed", 0, "keystone/9 is gone")
    assert state(steps.remove_unit("keystone/9")) == "done"
    assert state(steps.remove_unit("keystone/0")) == "absent"
    assert state(steps.remove_unit("keystone/0"), requested()) == "working"


def test_units_are_waited_for_until_each_is_well() -> None:
    wait = steps.await_units(["keystone/0", "keystone/1"], "29.2")
    assert state(wait) == "done"
    assert state(wait, None, edited(agent="executing")) == "working"
    assert state(wait, None, edited(workload_version="28.0.0")) == "working"
    failing = edited(agent="error", workload_status=full_status.status("error", "hook failed"))
    assert state(wait, requested(), failing) == "failed"


def test_a_sealed_vault_is_waited_for() -> None:
    wait = steps.await_unsealed(["vault/0"])
    sealed = full_status.status("blocked", "Unit is sealed")
    assert state(wait, None, edited("vault/0", workload_status=sealed)) == "working"
    assert state(wait) == "done"


# -- charms and options ---------------------------------------------------------------------


def test_a_refresh_is_done_when_juju_has_it_and_units_are_awaited_until_they_heard() -> None:
    refresh = steps.refresh_charm("keystone", "2024.1/stable")
    assert state(refresh) == "done"
    assert state(steps.refresh_charm("keystone", "2025.1/stable")) == "absent"
    assert state(steps.refresh_charm("keystone", "2024.1/stable", 1)) == "absent"
    behind = edited(charm="ch:amd64/keystone-1")
    assert state(refresh, requested(), behind) == "done", "its agents may be held"
    assert state(steps.await_units(["keystone/0"]), requested(), behind) == "working"
    assert state(steps.await_unsealed(["keystone/0"]), requested(), behind) == "working"


def test_an_agent_is_held_while_our_command_runs_and_released_when_none_is_left() -> None:
    hold, release = steps.hold_agent("keystone/0", 60.0), steps.release_agent("keystone/0")
    command = {"command": steps.HELD.format(seconds=60.0), "parallel": True}
    assert (state(hold), state(release)) == ("absent", "done")
    for status, held, let_go in (
        ("pending", "working", "absent"),
        ("running", "done", "absent"),
        ("aborting", "done", "absent"),
    ):
        tasks = (task("juju-exec", status, parameters=command),)
        assert (state(hold, None, tasks=tasks), state(release, None, tasks=tasks)) == (
            held,
            let_go,
        )
        assert state(release, requested(), tasks=tasks) == "working"
    others = (task("juju-exec", "running", parameters={"command": "sleep 60"}),)
    assert (state(hold, None, tasks=others), state(release, None, tasks=others)) == (
        "absent",
        "done",
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"vip": "10.0.0.5"}, "absent"),
        ({"no-such-option": None}, "done"),
    ],
)
def test_options_are_done_when_they_are_in_force(options: Document, expected: str) -> None:
    assert state(steps.set_options("keystone", options)) == expected


def test_a_truth_is_the_same_as_its_text() -> None:
    model = cloud.from_full_status(
        full_status.of_bundle(), {"keystone": {"action-managed-upgrade": True}}
    )
    wanted = steps.set_options("keystone", {"action-managed-upgrade": "true"})
    seen = observing.observe_step(Step("s", "l", wanted), None, snapshot.Snapshot(NOW, model))
    assert seen is not None
    assert seen.state == "done"


# -- hosts ----------------------------------------------------------------------------------


def service(host: str = HOST, **changed: Any) -> computes.Service:
    made = computes.Service("nova-compute", host, "az1", enabled=True, up=True, reported=None)
    return dataclasses.replace(made, **changed)


def guest(**changed: Any) -> snapshot.Guest:
    made = snapshot.Guest("g1", "web", HOST, "ACTIVE", "", 1, 512, 5, "live")
    return dataclasses.replace(made, **changed)


def nova(*guests: snapshot.Guest, **changed: Any) -> snapshot.Nova:
    made = snapshot.Nova((service(),), (), guests, (), ())
    return dataclasses.replace(made, **changed)


HOST_STEPS = [
    steps.disable_host(HOST, "x"),
    steps.enable_host(HOST),
    steps.drain_host(HOST, parallel=2, cannot="hold"),
    steps.boot_canary(HOST),
    steps.remove_canary(HOST),
    steps.map_hosts([HOST]),
    steps.set_zone(HOST, "az1"),
    steps.remove_compute_service(HOST),
    steps.remove_network_agent(HOST),
    steps.set_noout("ceph-mon"),
]


@pytest.mark.parametrize("operation", HOST_STEPS, ids=lambda o: o.kind)
def test_the_silence_of_an_api_tells_nothing(operation: Operation) -> None:
    assert see(operation, requested()) is None


def test_only_a_host_that_a_plan_disabled_is_enabled_again() -> None:
    enable = steps.enable_host(HOST)
    ours = service(enabled=False, disabled_reason=f"{steps.MARK}upgrade")
    foreign = service(enabled=False, disabled_reason="broken DIMM, ask Jo")
    assert state(enable, nova=nova(services=(ours,))) == "absent"
    assert state(enable, nova=nova(services=(foreign,))) == "done"
    assert state(enable, nova=nova(services=(service(up=False),))) == "working"
    assert state(enable, nova=nova()) == "done"


def test_a_drain_is_done_with_no_guest_and_no_migration_and_a_canary_is_no_guest() -> None:
    drain = steps.drain_host(HOST, parallel=2, cannot="hold")
    canary = guest(id="c", name=f"{steps.CANARY}{HOST}")
    assert state(drain, requested(), nova=nova(canary)) == "done"
    assert state(drain, None, nova=nova(guest())) == "absent"
    assert state(drain, requested(), nova=nova(guest())) == "working"
    arriving = snapshot.Migration("g2", "other", HOST, "running")
    assert state(drain, requested(), nova=nova(migrations=(arriving,))) == "working"


def test_a_drain_that_is_stuck_names_each_guest_with_its_reason() -> None:
    drain = steps.drain_host(HOST, parallel=2, cannot="hold")
    fixed = guest(movable="cold", why="it has a port of the kind direct")
    seen = see(drain, requested(), nova=nova(fixed))
    assert seen is not None
    assert seen.state == "failed"
    assert "web (g1): it cannot be migrated live: it has a port of the kind direct" in seen.reason


def test_a_canary_proves_its_host_only_there_and_with_its_port_bound() -> None:
    boot, name = steps.boot_canary(HOST), f"{steps.CANARY}{HOST}"
    assert state(boot, nova=nova()) == "absent"
    well = guest(name=name)
    assert state(boot, requested(), nova=nova(well)) == "done"
    unbound = dataclasses.replace(well, task="its port is not bound")
    assert state(boot, requested(), nova=nova(unbound)) == "working"
    elsewhere = dataclasses.replace(well, host="node-2")
    assert state(boot, requested(), nova=nova(elsewhere)) == "working"
    broken = dataclasses.replace(well, status="ERROR")
    assert state(boot, requested(), nova=nova(broken)) == "failed"
    assert state(boot, rolling.Record("intended", NOW, 2), nova=nova(broken)) == "absent"


# -- time -----------------------------------------------------------------------------------


def test_a_soak_lasts_from_when_it_was_begun() -> None:
    soak = steps.soak(90)
    assert state(soak) == "working"
    assert state(soak, requested(ago=80)) == "working"
    assert state(soak, requested(ago=100)) == "done"


def test_an_aborted_plan_does_not_wait_for_a_soak_or_for_the_rest_of_a_drain() -> None:
    waits = [
        Step("soak", "l", steps.soak(9000)),
        Step("drain", "m", steps.drain_host(HOST, parallel=1, cannot="hold")),
    ]
    model = cloud.from_full_status(full_status.of_bundle())
    seen = snapshot.Snapshot(NOW, model, nova=nova(guest()))
    journal = rolling.Journal("x", records={step.id: requested() for step in waits})
    going = observing.observe(waits, journal, seen)
    assert {o.state for o in going.values()} == {"working"}
    aborted = observing.observe(waits, rolling.abort(journal), seen)
    assert {o.state for o in aborted.values()} == {"failed"}


# -- all of them ----------------------------------------------------------------------------

ALL = [
    *HOST_STEPS,
    steps.refresh_charm("keystone", "2024.1/stable"),
    steps.set_options("keystone", {"vip": "10.0.0.5"}),
    steps.pause_unit("keystone/0"),
    steps.resume_unit("keystone/0"),
    steps.upgrade_unit("keystone/0", "29"),
    steps.tell_version("keystone/0", "29"),
    steps.await_units(["keystone/0"]),
    steps.await_unsealed(["vault/0"]),
    steps.run_action("keystone/0", "x"),
    steps.run_command("keystone/0", "true"),
    steps.hold_agent("keystone/0", 600),
    steps.release_agent("keystone/0"),
    steps.hold_agent("keystone/0", 60.0),
    steps.release_agent("keystone/0"),
    steps.resolve_unit("keystone/0"),
    steps.add_units("keystone", ["abc"]),
    steps.remove_unit("keystone/0"),
    steps.remove_machine("0"),
    steps.unset_noout("ceph-mon"),
    steps.require_osd_release("ceph-mon", "reef"),
    steps.soak(5),
    steps.nothing(),
]
RECORDS = st.none() | st.builds(
    rolling.Record,
    st.sampled_from(["intended", "requested"]),
    st.floats(NOW - 500, NOW),
    st.integers(1, 3),
)
TASKS = st.lists(
    st.builds(
        snapshot.Task,
        st.just("1"),
        st.sampled_from(["keystone/0", "ceph-mon/0"]),
        st.sampled_from(["pause", "resume", "openstack-upgrade", "x", "juju-exec", "set-noout"]),
        st.just({}),
        st.sampled_from(["pending", "running", "completed", "failed", "aborted"]),
        st.floats(NOW - 1000, NOW),
    ),
    max_size=4,
).map(tuple)
NOVAS = st.sampled_from([None, nova(), nova(guest()), nova(guest(), services=())])
CEPHS = st.sampled_from([None, (), (snapshot.Ceph("ceph-mon", "HEALTH_OK", flags=("noout",)),)])
MODEL = cloud.from_full_status(full_status.of_bundle(full_status.HA))


def test_every_word_of_a_plan_can_be_observed() -> None:
    words = {
        name
        for name, value in vars(steps).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") == "Operation"
    }
    assert {word.replace("_", "-") for word in words} == {operation.kind for operation in ALL}


@given(st.sampled_from(ALL), RECORDS, TASKS, NOVAS, CEPHS)
def test_a_failure_belongs_to_the_attempt_at_hand_and_has_a_reason(
    operation: Operation,
    record: rolling.Record | None,
    tasks: tuple[snapshot.Task, ...],
    nova: snapshot.Nova | None,
    ceph: tuple[snapshot.Ceph, ...] | None,
) -> None:
    seen = snapshot.Snapshot(NOW, MODEL, nova=nova, ceph=ceph, tasks=tasks)
    observed = observing.observe_step(Step("s", "lane", operation), record, seen)
    if observed is not None and observed.state == "failed":
        assert observed.reason
        assert observed.attempt == (record.attempt if record else 0)
