"""What the peers keep of plans: read back whole, small, and bounded."""

from __future__ import annotations

import ledger
import pacing
import pytest
import snapshot
import steps
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan, Step, Wave, WrongPlan
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.text(min_size=1, max_size=12)


def plan(title: str, ids: list[str]) -> Plan:
    made = tuple(Step(id_, id_, steps.pause_unit(id_), steps.resume_unit(id_)) for id_ in ids)
    return Plan(title, (Wave("one", made),) if made else ())


APPROVALS = st.builds(
    ledger.Approval,
    st.builds(plan, WORDS, st.lists(WORDS, unique=True, max_size=4)),
    st.dictionaries(WORDS, WORDS | st.integers(), max_size=3),
    st.floats(0, 1e6),
    st.dictionaries(WORDS, st.floats(0, 1e4), max_size=3),
    WORDS,
    st.lists(WORDS, max_size=3).map(tuple),
    st.floats(0, 4e9),
)
PROBED = st.lists(
    st.builds(
        snapshot.Probed,
        WORDS,
        st.integers(0, 9),
        st.integers(0, 9),
        st.floats(0, 4e9),
        st.booleans(),
        WORDS,
    ),
    max_size=3,
).map(tuple)


@given(APPROVALS, PROBED, st.dictionaries(WORDS, WORDS, max_size=3), st.floats(0, 4e9))
def test_a_plan_that_was_begun_is_read_back_whole(
    approval: ledger.Approval,
    probed: tuple[snapshot.Probed, ...],
    endpoints: dict[str, str],
    begun: float,
) -> None:
    refused = {"x": ledger.Refusal(2, "no such action")}
    pace = {"pause-unit": pacing.Measured(3, 41.5)}
    running = ledger.Running(
        approval, rolling.begin(approval.plan), begun, endpoints, refused, probed, 0.0, pace
    )
    kept = ledger.Ledger({})
    kept.propose(approval)
    assert kept.candidate == approval
    kept.begin(running)
    assert kept.candidate is None
    assert kept.running == running
    assert kept.at_work


def test_the_history_is_bounded_and_the_last_plans_are_kept() -> None:
    kept = ledger.Ledger({})
    for number in range(ledger.KEPT + 5):
        made = plan(f"plan {number}", ["a"])
        approval = ledger.Approval(made, {}, 1.0, {}, "")
        journal = rolling.skip(rolling.begin(made), "a", "by hand", 5.0)
        running = ledger.Running(approval, journal, 0.0)
        kept.begin(running)
        kept.close(running, 9.0)
    assert not kept.at_work
    assert len(kept.history) == ledger.KEPT
    assert kept.history[-1].title == f"plan {ledger.KEPT + 4}"
    assert kept.history[-1].skipped == {"a": "by hand"}
    assert kept.history[-1].phase == "done"


def test_a_large_plan_is_small_in_the_databag() -> None:
    many = [f"nova-compute/{number}" for number in range(3000)]
    bag: dict[str, str] = {}
    ledger.Ledger(bag).propose(ledger.Approval(plan("large", many), {}, 1.0, {}, ""))
    assert len(plan("large", many).to_json()) > 600_000
    assert sum(map(len, bag.values())) < 100_000


def test_what_another_revision_wrote_is_no_plan() -> None:
    with pytest.raises(WrongPlan, match="cannot be read"):
        _ = ledger.Ledger({"plan-candidate": "{}"}).candidate


def test_a_step_is_named_whole_or_by_what_is_before_its_colon() -> None:
    ids = ["a/0 hold: refresh", "a/0 hold: upgrade", "a/0 pause", "a/0 settle: upgrade"]
    approval = ledger.Approval(plan("upgrade", ids), {}, 1.0, {}, "", (), 0.0)
    running = ledger.Running(approval, rolling.begin(approval.plan), begun=0.0)
    assert running.named("a/0 pause") == ["a/0 pause"]
    assert running.named("a/0 settle") == ["a/0 settle: upgrade"]
    assert running.named("a/0 hold") == ids[:2]
    assert running.named("a/0 ho") == []
    journal = rolling.skip(running.journal, ids[0], "by hand", 1.0)
    later = ledger.Running(approval, journal, begun=0.0)
    assert later.named("a/0 hold") == [ids[1]]
