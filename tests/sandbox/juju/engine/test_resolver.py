"""What the resolver holds to, whatever happens around a unit: thousands of histories."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.juju.engine import local as memory
from sandbox.juju.engine.hooks import Hook
from sandbox.juju.engine.local import LocalState
from sandbox.juju.engine.operations import (
    AcceptLeadership,
    Deploy,
    EnterScope,
    FailAction,
    LeaveScope,
    Operation,
    ResignLeadership,
    RunAction,
    RunCommand,
    RunHook,
    SkipHook,
    Terminate,
)
from sandbox.juju.engine.remote import RelationView, RemoteState, StorageView
from sandbox.juju.engine.resolver import next_operation

DB = RelationView("db", "requirer", "global", "mysql")
PEER = RelationView("cluster", "peer", "global", "app")
INFO = RelationView("juju-info", "provider", "container", "ntp", implicit=True)
NEW = RemoteState("app/0", charm_url="local:app-0", config_hash="a")


def perform(local: LocalState, remote: RemoteState, operation: Operation) -> LocalState:
    """The agent's state after an operation that went well."""
    if isinstance(operation, Deploy):
        deployed = memory.begin_deploy(local, operation.charm_url)
        return memory.end_deploy(deployed, operation.charm_version)
    if isinstance(operation, (RunHook, SkipHook)):
        began = memory.begin_hook(local, operation.hook)
        return memory.commit_hook(
            began,
            operation.hook,
            config_hash=remote.config_hash,
            leader_settings=remote.leader_settings_version,
            retry_expired="~",
        )
    if isinstance(operation, EnterScope):
        return memory.enter(local, operation.relation)
    if isinstance(operation, LeaveScope):
        return memory.leave(local, operation.relation)
    if isinstance(operation, AcceptLeadership):
        return memory.accept_leadership(local)
    if isinstance(operation, ResignLeadership):
        return memory.resign_leadership(local)
    if isinstance(operation, FailAction):
        return memory.end_action(local)
    return local


def names(
    local: LocalState, remote: RemoteState, limit: int = 200
) -> tuple[list[str], LocalState]:
    """The hooks until there is nothing to do, by name and remote unit."""
    ran: list[str] = []
    for _ in range(limit):
        operation = next_operation(local, remote)
        if operation is None or isinstance(operation, Terminate):
            return ran, local
        if isinstance(operation, RunHook):
            hook = operation.hook
            view = remote.relations.get(hook.relation) if hook.relation is not None else None
            ran.append(f"{hook.name(view.endpoint if view else '')} {hook.subject}".strip())
        local = perform(local, remote, operation)
        assert LocalState.from_text(local.to_text()) == local
    raise AssertionError(f"no end after {ran}")


def test_storage_comes_before_install():
    remote = dataclasses.replace(NEW, storage={"data/0": StorageView()})
    assert names(LocalState(), remote)[0][:2] == ["data-storage-attached data/0", "install"]


def test_install_waits_for_storage_that_is_not_there_yet():
    remote = dataclasses.replace(NEW, storage={"data/0": StorageView(attached=False)})
    assert names(LocalState(), remote)[0] == []


def test_peers_come_after_other_relations():
    remote = dataclasses.replace(
        NEW,
        relations={
            0: dataclasses.replace(PEER, members={"app/1": 1}),
            1: dataclasses.replace(DB, members={"mysql/0": 1}),
        },
    )
    ran, _ = names(LocalState(), remote)
    assert ran.index("db-relation-changed mysql/0") < ran.index("cluster-relation-joined app/1")


def test_an_implicit_end_is_entered_without_hooks():
    remote = dataclasses.replace(NEW, relations={0: INFO})
    ran, local = names(LocalState(), remote)
    assert not [name for name in ran if "relation" in name]
    assert 0 in local.relations


def test_a_refresh_runs_upgrade_charm_then_config_changed():
    _, local = names(LocalState(), NEW)
    refreshed = dataclasses.replace(NEW, charm_url="local:app-1", charm_version=1)
    assert names(local, refreshed)[0] == ["upgrade-charm", "config-changed"]


def test_a_failed_hook_holds_back_the_refresh_until_it_is_resolved():
    _, local = names(LocalState(), NEW)
    failed = memory.begin_hook(local, Hook("update-status"))
    refreshed = dataclasses.replace(NEW, charm_url="local:app-1", charm_version=1)
    assert next_operation(failed, refreshed) is None
    forced = dataclasses.replace(refreshed, force_charm=True)
    assert isinstance(next_operation(failed, forced), Deploy)
    skipped = dataclasses.replace(refreshed, resolved="no-hooks")
    assert next_operation(failed, skipped) == SkipHook(Hook("update-status"))


def test_actions_run_before_and_in_place_of_a_failed_hook():
    _, local = names(LocalState(), NEW)
    asked = dataclasses.replace(NEW, actions=(7,), retry_due=True)
    assert next_operation(local, asked) == RunAction(7)
    failed = memory.begin_hook(local, Hook("update-status"))
    assert next_operation(failed, asked) == RunAction(7)
    assert memory.end_action(memory.begin_action(failed, 7)) == failed


def test_a_task_that_an_earlier_agent_left_running_is_failed():
    _, local = names(LocalState(), NEW)
    assert next_operation(memory.begin_action(local, 7), NEW) == FailAction(7)


def test_commands_of_juju_exec_come_before_hooks():
    remote = dataclasses.replace(NEW, commands=(1,), config_hash="b")
    _, local = names(LocalState(), NEW)
    assert next_operation(local, remote) == RunCommand(1)


def test_update_status_comes_only_when_nothing_else_does():
    _, local = names(LocalState(), NEW)
    due = dataclasses.replace(NEW, update_status_due=True, config_hash="b")
    assert next_operation(local, due) == RunHook(Hook("config-changed"))
    due = dataclasses.replace(NEW, update_status_due=True)
    assert next_operation(local, due) == RunHook(Hook("update-status"))


def test_a_unit_that_dies_before_install_runs_nothing():
    dying = dataclasses.replace(NEW, life="dying")
    assert isinstance(next_operation(LocalState(), dying), Terminate)


def test_a_dying_unit_waits_for_its_subordinates():
    _, local = names(LocalState(), NEW)
    dying = dataclasses.replace(NEW, life="dying", has_subordinates=True)
    ran, local = names(local, dying)
    assert ran == ["stop", "remove"]
    assert next_operation(local, dying) is None


@pytest.mark.parametrize("suspended", [False, True])
def test_a_broken_relation_departs_every_member_first(suspended):
    view = dataclasses.replace(DB, members={"mysql/0": 1, "mysql/1": 1})
    _, local = names(LocalState(), dataclasses.replace(NEW, relations={1: view}))
    life = "alive" if suspended else "dying"
    gone = dataclasses.replace(view, life=life, suspended=suspended)
    ran, local = names(local, dataclasses.replace(NEW, relations={1: gone}))
    assert ran == [
        "db-relation-departed mysql/0",
        "db-relation-departed mysql/1",
        "db-relation-broken mysql",
    ]
    assert 1 not in local.relations


members = st.dictionaries(
    st.sampled_from(["mysql/0", "mysql/1", "mysql/2"]), st.integers(1, 3), max_size=3
)
views = st.builds(
    dataclasses.replace,
    st.just(DB),
    members=members,
    life=st.sampled_from(["alive", "alive", "alive", "dying"]),
    application_members=st.builds(lambda v: {"mysql": v}, st.integers(0, 2)),
)
remotes = st.builds(
    dataclasses.replace,
    st.just(NEW),
    relations=st.dictionaries(st.sampled_from([1, 2]), views, max_size=2),
    leader=st.booleans(),
    config_hash=st.sampled_from("ab"),
    charm_version=st.integers(0, 1),
    storage=st.dictionaries(
        st.sampled_from(["data/0", "data/1"]), st.builds(StorageView), max_size=2
    ),
    consumed=st.dictionaries(st.just("s"), st.tuples(st.integers(2, 3), st.just("")), max_size=1),
)


class Watcher:
    """Checks, hook by hook, what Juju promises of the order."""

    def __init__(self) -> None:
        self.ran: list[Hook] = []
        self.joined: dict[int, set[str]] = {}
        self.due: dict[int, str] = {}

    def see(self, hook: Hook) -> None:
        if hook.about_relation and hook.relation is not None:
            self._see_relation(hook, hook.relation)
        if hook.kind not in ("storage-attached", "install"):
            assert any(h.kind == "install" for h in self.ran), "install comes first"
        if self.ran and self.ran[-1].kind == "upgrade-charm":
            assert hook.kind == "config-changed"
        if hook.kind == "start":
            assert self.ran[-1].kind == "config-changed"
        self.ran.append(hook)

    def forget(self, relation: int) -> None:
        """A relation was removed by force: no hook tells of it."""
        self.joined.pop(relation, None)
        self.due.pop(relation, None)

    def _see_relation(self, hook: Hook, number: int) -> None:
        known = self.joined.setdefault(number, set())
        if number in self.due and hook.kind != "relation-created":
            pending = self.due.pop(number)
            assert (hook.kind, hook.remote_unit) == ("relation-changed", pending)
        if hook.kind == "relation-joined":
            assert hook.remote_unit not in known
            known.add(hook.remote_unit)
            self.due[number] = hook.remote_unit
        elif hook.kind == "relation-changed" and hook.remote_unit:
            assert hook.remote_unit in known
        elif hook.kind == "relation-departed":
            known.remove(hook.remote_unit)
        elif hook.kind == "relation-broken":
            assert not known, "every unit departs before the relation breaks"
            del self.joined[number]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(remotes, st.integers(1, 6)), min_size=1, max_size=6))
def test_no_history_breaks_the_order_and_every_one_ends(history):
    """The world changes after every few operations; at last it stays, and all is done."""
    local, watcher = LocalState(), Watcher()
    for remote, steps in [*history, (history[-1][0], 200)]:
        for _ in range(steps):
            operation = next_operation(local, remote)
            if operation is None:
                break
            if isinstance(operation, RunHook):
                watcher.see(operation.hook)
            if isinstance(operation, LeaveScope):
                watcher.forget(operation.relation)
            local = perform(local, remote, operation)
        else:
            assert steps < 200, "the agent never comes to rest"
    final = history[-1][0]
    assert local.started
    assert local.kind == "continue"
    assert local.leader == final.leader
    for number, state in local.relations.items():
        assert state.members == final.relations[number].members
        assert not state.changed_pending


@settings(max_examples=60, deadline=None)
@given(remotes, st.integers(0, 30))
def test_a_unit_that_dies_at_any_moment_leaves_stops_and_goes(remote, steps):
    local = LocalState()
    for _ in range(steps):
        operation = next_operation(local, remote)
        if operation is None:
            break
        local = perform(local, remote, operation)
    installed, started = local.installed, local.started
    dying = dataclasses.replace(remote, life="dying")
    ran, local = names(local, dying)
    kinds = [name.split()[0] for name in ran]
    assert isinstance(next_operation(local, dying), Terminate)
    assert ("remove" in kinds) == (installed or "install" in kinds)
    assert ("stop" in kinds) == (started or "start" in kinds)
    if "stop" in kinds:
        after = kinds[kinds.index("stop") + 1 :]
        assert after == ["remove"], "nothing but remove follows stop"


@settings(max_examples=60, deadline=None)
@given(remotes, st.integers(0, 30))
def test_a_failed_hook_stops_everything_until_it_is_retried(remote, steps):
    local = LocalState()
    for _ in range(steps):
        operation = next_operation(local, remote)
        if operation is None:
            return
        if isinstance(operation, RunHook):
            failed = memory.begin_hook(local, operation.hook)
            waiting = next_operation(failed, remote)
            assert waiting is None or isinstance(waiting, ResignLeadership)
            due = dataclasses.replace(remote, retry_due=True)
            if waiting is None:
                assert next_operation(failed, due) == RunHook(operation.hook)
        local = perform(local, remote, operation)
