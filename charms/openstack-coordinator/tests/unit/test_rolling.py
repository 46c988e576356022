"""The rolling engine: whatever crashes, and whenever, the plan ends the same and nothing twice."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from typing import Literal

import pytest
import yaml
from charms.openstack_coordinator.v0 import rolling, rolling_plan
from hypothesis import example, given, settings
from hypothesis import strategies as st

State = Literal["absent", "working", "done", "failed"]
ABSENT: State = "absent"
WORKING: State = "working"
DONE: State = "done"
FAILED: State = "failed"


def step(id_: str, lane: str = "", **changed: object) -> rolling_plan.Step:
    undo = rolling_plan.Operation("undo", {"of": id_})
    whole = rolling_plan.Step(id_, lane or id_, rolling_plan.Operation("do", {"what": id_}), undo)
    return dataclasses.replace(whole, **changed)


def plan(*waves: rolling_plan.Wave) -> rolling_plan.Plan:
    return rolling_plan.Plan("test", waves)


def wave(*steps: rolling_plan.Step, **changed: object) -> rolling_plan.Wave:
    return dataclasses.replace(rolling_plan.Wave("wave", steps), **changed)


def all_seen(plan: rolling_plan.Plan, state: State) -> rolling.Seen:
    observation = rolling.Observation(state, attempt=9, reason="it broke")
    return rolling.Seen({s.id: observation for w in plan.waves for s in w.steps})


def tick(
    plan: rolling_plan.Plan, journal: rolling.Journal, seen: rolling.Seen, now: float = 0.0
) -> tuple[rolling.Journal, list[str]]:
    new, requests = rolling.advance(plan, journal, seen, now=now, holder="coordinator/0")
    return new, [request.step.id for request in requests]


def led(plan: rolling_plan.Plan) -> rolling.Journal:
    return tick(plan, rolling.begin(plan), rolling.Seen())[0]


def test_a_step_is_requested_only_after_its_intention_was_persisted() -> None:
    one = plan(wave(step("a")))
    journal, requested = tick(one, led(one), all_seen(one, ABSENT))
    assert (journal.records["a"].state, requested) == ("intended", [])
    journal, requested = tick(one, journal, all_seen(one, ABSENT))
    assert (journal.records["a"].state, requested) == ("requested", ["a"])
    journal, requested = tick(one, journal, all_seen(one, DONE))
    assert (rolling.phase(one, journal), requested) == ("done", [])


def test_what_follows_in_a_lane_is_watched_and_intended_in_the_tick_that_ends_a_step() -> None:
    one = plan(wave(step("a", "u"), step("b", "u"), step("c", "u"), step("d", "v")))
    journal = tick(one, tick(one, led(one), all_seen(one, ABSENT))[0], all_seen(one, ABSENT))[0]
    assert [s.id for s in rolling.watch(one, journal)] == ["a", "b"]
    seen = rolling.Seen({"a": rolling.Observation(DONE), "b": rolling.Observation(ABSENT)})
    journal, requested = tick(one, journal, seen)
    states = {id_: record.state for id_, record in journal.records.items()}
    assert (states, requested) == ({"a": "done", "b": "intended"}, [])


def test_what_is_done_already_is_never_requested() -> None:
    one = plan(wave(step("a"), step("b", "a")))
    journal = led(one)
    for _ in range(4):
        journal, requested = tick(one, journal, all_seen(one, DONE))
        assert requested == []
    assert rolling.phase(one, journal) == "done"


def test_without_an_observation_nothing_is_begun() -> None:
    one = plan(wave(step("a")))
    journal, requested = tick(one, led(one), rolling.Seen())
    assert (journal.records, requested) == ({}, [])


def test_a_new_leader_waits_until_the_former_ones_hooks_are_over() -> None:
    one = plan(wave(step("a")))
    journal = tick(one, led(one), all_seen(one, ABSENT))[0]
    seen = all_seen(one, ABSENT)

    def other(journal: rolling.Journal, now: float) -> tuple[rolling.Journal, int]:
        new, requests = rolling.advance(one, journal, seen, now=now, holder="coordinator/1")
        return new, len(requests)

    journal, requested = other(journal, 100.0)
    assert (journal.holder, journal.term, requested) == ("coordinator/1", 2, 0)
    journal, requested = other(journal, 159.0)
    assert requested == 0
    _, requested = other(journal, 160.0)
    assert requested == 1


def test_a_closed_gate_waits_with_its_reason_and_since_when_and_then_holds() -> None:
    gate = rolling_plan.Gate("quorum", {"of": "rabbit"}, patience=60.0)
    one = plan(wave(step("a"), gates=(gate,)))
    steps = all_seen(one, ABSENT).steps
    closed = rolling.Seen(steps, {gate.key: "2 of 3 are up"})
    journal = tick(one, led(one), closed, now=10.0)[0]
    journal = tick(one, journal, closed, now=40.0)[0]
    assert journal.closed[gate.key] == rolling.Closed(10.0, "2 of 3 are up")
    assert rolling.phase(one, journal) == "waiting"
    journal = tick(one, journal, closed, now=71.0)[0]
    assert rolling.phase(one, journal) == "held"
    assert journal.hold == "quorum is closed for too long: 2 of 3 are up"
    opened = rolling.Seen(steps, {gate.key: ""})
    assert tick(one, journal, opened, now=80.0)[0].records == {}, "it holds for the operator"
    journal = tick(one, rolling.resume(journal), opened, now=90.0)[0]
    assert journal.records["a"].state == "intended"


def test_a_gate_that_closes_between_intention_and_request_stops_the_request() -> None:
    gate = rolling_plan.Gate("health")
    one = plan(wave(step("a", gates=(gate,))))
    steps = all_seen(one, ABSENT).steps
    journal = tick(one, led(one), rolling.Seen(steps, {gate.key: ""}))[0]
    assert tick(one, journal, rolling.Seen(steps, {gate.key: "ill"}))[1] == []
    assert tick(one, journal, rolling.Seen(steps))[1] == [], "a gate not observed is closed"


def test_a_failed_step_is_retried_by_its_rules_and_then_holds_everything() -> None:
    one = plan(wave(step("a", attempts=2, retry_after=30.0), step("b"), parallel=2))
    journal = tick(one, led(one), all_seen(one, ABSENT))[0]
    journal, requested = tick(one, journal, all_seen(one, ABSENT))
    assert requested == ["a", "b"]
    broken = rolling.Seen({"a": rolling.Observation(FAILED, 1, "no disk")})
    journal = tick(one, journal, broken, now=5.0)[0]
    assert journal.records["a"] == rolling.Record("intended", 5.0, 2)
    assert tick(one, journal, broken, now=20.0)[1] == []
    journal, requested = tick(one, journal, broken, now=36.0)
    assert requested == ["a"]
    assert tick(one, journal, broken, now=40.0)[0] == journal, "the first failure counts once"
    again = rolling.Seen({"a": rolling.Observation(FAILED, 2, "no disk")})
    journal = tick(one, journal, again, now=50.0)[0]
    assert (rolling.phase(one, journal), journal.hold) == ("held", "a: no disk")
    resumed = rolling.resume(journal)
    assert resumed.records["a"] == rolling.Record("intended", 50.0)
    gone = rolling.Seen({"a": rolling.Observation(ABSENT)})
    assert tick(one, resumed, gone, now=60.0)[1] == ["a"]


def test_what_a_failed_step_did_all_the_same_is_taken_back() -> None:
    """Its hook failed after it was paused: the operator resumed, and then rolled back."""
    one = plan(wave(step("a", attempts=1)))
    journal = tick(one, tick(one, led(one), all_seen(one, ABSENT))[0], all_seen(one, ABSENT))[0]
    broken = rolling.Seen({"a": rolling.Observation(FAILED, 1, "its hook failed")})
    journal = tick(one, journal, broken)[0]
    journal = tick(one, rolling.resume(journal), all_seen(one, DONE), now=60.0)[0]
    assert journal.records["a"] == rolling.Record("done", 60.0, 1)
    assert [s.id for w in rolling.rollback(one, journal).waves for s in w.steps] == ["undo a"]


def test_a_repetition_too_is_requested_only_after_its_intention_was_persisted() -> None:
    one = plan(wave(step("a", attempts=2, retry_after=0.0)))
    journal = tick(one, tick(one, led(one), all_seen(one, ABSENT))[0], all_seen(one, ABSENT))[0]
    broken = rolling.Seen({"a": rolling.Observation(FAILED, 1, "no disk")})
    journal, requested = tick(one, journal, broken, now=5.0)
    assert (journal.records["a"].attempt, requested) == (2, [])
    assert tick(one, journal, broken, now=6.0)[1] == ["a"]


def test_a_step_without_a_result_in_its_time_holds() -> None:
    one = plan(wave(step("a", timeout=100.0)))
    journal = tick(one, tick(one, led(one), all_seen(one, ABSENT))[0], all_seen(one, ABSENT))[0]
    journal = tick(one, journal, all_seen(one, WORKING), now=101.0)[0]
    assert journal.hold == "a: no result within 100 s"
    journal = tick(one, journal, all_seen(one, DONE), now=200.0)[0]
    assert rolling.phase(one, journal) == "done", "what was done after all is done"


def test_pause_finishes_what_is_in_flight_and_begins_nothing() -> None:
    one = plan(wave(step("a"), step("b")))
    journal = tick(one, tick(one, led(one), all_seen(one, ABSENT))[0], all_seen(one, ABSENT))[0]
    seen = rolling.Seen({"a": rolling.Observation(DONE), "b": rolling.Observation(ABSENT)})
    journal = tick(one, rolling.pause(journal), seen)[0]
    assert (journal.records["a"].state, "b" in journal.records) == ("done", False)
    assert rolling.phase(one, journal) == "paused"
    assert tick(one, rolling.resume(journal), seen)[0].records["b"].state == "intended"


def test_abort_forgets_what_had_no_effect_and_awaits_what_had() -> None:
    one = plan(wave(step("a"), step("b"), parallel=2))
    journal = tick(one, led(one), all_seen(one, ABSENT))[0]
    seen = rolling.Seen({"a": rolling.Observation(WORKING), "b": rolling.Observation(ABSENT)})
    journal = tick(one, rolling.abort(journal), seen)[0]
    assert journal.records.keys() == {"a"}
    assert rolling.phase(one, journal) == "aborting"
    journal = tick(one, journal, rolling.Seen({"a": rolling.Observation(DONE)}))[0]
    assert rolling.phase(one, journal) == "aborted"


def test_a_skipped_step_is_kept_with_its_reason_and_the_plan_goes_on() -> None:
    one = plan(wave(step("a")), wave(step("b")))
    journal = rolling.skip(led(one), "a", "done by hand", now=3.0)
    assert journal.records["a"].reason == "done by hand"
    assert tick(one, journal, all_seen(one, ABSENT))[0].records["b"].state == "intended"


def test_rolling_back_undoes_what_was_begun_the_last_first_and_nothing_else() -> None:
    one = plan(wave(step("done before"), step("a")), wave(step("b"), step("c")))
    journal = dataclasses.replace(
        rolling.begin(one),
        records={
            "done before": rolling.Record("done", 0.0, attempt=0),
            "a": rolling.Record("done", 0.0),
            "b": rolling.Record("requested", 0.0),
        },
    )
    back = rolling.rollback(one, journal)
    assert [s.id for w in back.waves for s in w.steps] == ["undo b", "undo a"]
    assert back.waves[0].steps[0].do == rolling_plan.Operation("undo", {"of": "b"})


def test_past_the_point_of_no_return_it_says_which_step_cannot_be_undone() -> None:
    one = plan(wave(step("a"), step("migrate", undo=None)))
    begun = {"a": rolling.Record("done", 0.0)}
    journal = dataclasses.replace(rolling.begin(one), records=begun)
    assert rolling.rollback(one, journal).waves
    past = {**begun, "migrate": rolling.Record("intended", 0.0)}
    with pytest.raises(rolling.PointOfNoReturn, match="migrate was begun and cannot be undone"):
        rolling.rollback(one, dataclasses.replace(journal, records=past))


def test_a_journal_of_another_plan_is_refused() -> None:
    one, other = plan(wave(step("a"))), plan(wave(step("b")))
    with pytest.raises(rolling_plan.WrongPlan):
        tick(one, led(other), rolling.Seen())
    for text in ("", "[]", "{}", '{"title": 1}'):
        with pytest.raises(rolling_plan.WrongPlan):
            rolling_plan.Plan.from_json(text)
        with pytest.raises(rolling_plan.WrongPlan):
            rolling.Journal.from_json(text)


def test_a_plan_that_cannot_end_is_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        plan(wave(step("a")), wave(step("a")))
    with pytest.raises(ValueError, match="never ends"):
        plan(wave(step("a"), parallel=0))


# -- any history ----------------------------------------------------------------------------

LANES = ("u/0", "u/1", "u/2", "u/3")


@st.composite
def plans(draw: st.DrawFn) -> rolling_plan.Plan:
    numbers = itertools.count()
    waves = draw(st.lists(st.lists(st.sampled_from(LANES), max_size=6), min_size=1, max_size=3))
    return plan(
        *(
            wave(
                *(step(f"s{next(numbers)}", lane, attempts=3, retry_after=3.0) for lane in lanes),
                parallel=draw(st.integers(1, 3)),
            )
            for lanes in waves
        )
    )


class Crash(Exception):
    """The unit was killed."""


class World:
    """Where requests take effect: at once visible, done some ticks later, failing at times."""

    def __init__(self, luck: random.Random) -> None:
        self.luck = luck
        self.effects: Counter[str] = Counter()
        self.left: dict[str, int] = {}
        self.failed: dict[str, int] = {}

    def perform(self, request: rolling.Request) -> None:
        id_ = request.step.id
        assert self.left.get(id_, -1) < 0, "nothing may be requested while it is at work or done"
        if request.attempt < 3 and self.luck.random() < 0.2:
            self.failed[id_] = request.attempt
            return
        self.effects[id_] += 1
        self.left[id_] = self.luck.randrange(4)

    def pass_time(self) -> None:
        self.left = {id_: max(0, left - 1) for id_, left in self.left.items()}

    def observe(self, id_: str) -> rolling.Observation:
        if id_ in self.left:
            return rolling.Observation("working" if self.left[id_] else "done")
        if id_ in self.failed:
            return rolling.Observation("failed", self.failed[id_], "bad luck")
        return rolling.Observation("absent")

    def in_flight(self, plan: rolling_plan.Plan) -> list[set[str]]:
        """Per wave: the lanes that are begun and not finished."""
        lanes = []
        for each in plan.waves:
            begun = {s.lane for s in each.steps if s.id in self.left}
            left = {s.lane for s in each.steps if self.left.get(s.id, 1)}
            lanes.append(begun & left)
        return lanes


def live(plan: rolling_plan.Plan, world: World, journal: str, now: float, crash: float) -> str:
    """One tick that may be killed at any point; returns what is persisted after it."""
    luck = world.luck
    before = rolling.Journal.from_json(journal)
    watched = rolling.watch(plan, before)
    seen = rolling.Seen({s.id: world.observe(s.id) for s in watched if luck.random() < 0.9})
    holder = before.holder if before.holder and luck.random() < 0.95 else f"u/{luck.randrange(3)}"
    try:
        new, requests = rolling.advance(plan, before, seen, now=now, holder=holder)
        for request in requests:
            if luck.random() < crash:
                raise Crash
            world.perform(request)
        if luck.random() < crash:
            raise Crash
    except Crash:
        return journal
    return new.to_json()


@settings(max_examples=150, deadline=None)
@given(plans(), st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.4]))
def test_any_history_of_crashes_and_new_leaders_ends_with_every_effect_once(
    plan: rolling_plan.Plan, seed: int, crash: float
) -> None:
    world = World(random.Random(seed))  # noqa: S311
    journal = rolling.begin(plan).to_json()
    for now in range(0, 100_000, 20):
        journal = live(plan, world, journal, float(now), crash)
        flying = world.in_flight(plan)
        for each, lanes in zip(plan.waves, flying, strict=True):
            assert len(lanes) <= each.parallel
        assert sum(bool(lanes) for lanes in flying) <= 1, "one wave at a time"
        world.pass_time()
        if rolling.phase(plan, rolling.Journal.from_json(journal)) == "done":
            break
    else:
        pytest.fail("the plan did not end")
    assert world.effects == {s.id: 1 for w in plan.waves for s in w.steps}


@given(plans())
def test_the_same_plan_has_the_same_bytes_and_is_read_back(plan: rolling_plan.Plan) -> None:
    assert rolling_plan.Plan.from_json(plan.to_json()) == plan
    assert rolling_plan.Plan.from_json(plan.to_json()).hash == plan.hash


def test_the_journal_of_a_thousand_hypervisors_fits_the_databag() -> None:
    large = plan(
        wave(*(step(f"nova-compute/{n} {k}", f"{n}") for n in range(1000) for k in range(8)))
    )
    records = {s.id: rolling.Record("done", 1795343999.123) for s in large.waves[0].steps}
    journal = dataclasses.replace(rolling.begin(large), records=records)
    assert len(journal.to_json()) < 2**20
    assert rolling.Journal.from_json(journal.to_json()) == journal


@given(st.text("0123456789abcdef", min_size=64, max_size=64))
@example("741555857899" + "d" * 52)
@example("12e345678901" + "f" * 52)
def test_the_first_digits_of_a_hash_are_text_for_juju(digest: str) -> None:
    """`juju run` reads parameters as YAML, and a number is no string for an action."""
    found = rolling_plan.short(digest)
    assert digest.startswith(found)
    assert len(found) >= 12
    assert len(found) == 64 or isinstance(yaml.safe_load(found), str)
