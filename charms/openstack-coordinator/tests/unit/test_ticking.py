"""How soon a plan is looked at again: at once where it can go on, seldom where it cannot."""

from __future__ import annotations

import dataclasses

import ledger
import pytest
import steps
import ticking
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling import Closed, Journal, Record
from charms.openstack_coordinator.v0.rolling_plan import Plan, Step, Wave

NOW = 1_000_000.0
LONG_AGO = NOW - 3600
PLAN = Plan(
    "restart",
    (
        Wave(
            "keystone",
            tuple(
                Step(id_, "keystone", steps.pause_unit(id_), steps.resume_unit(id_))
                for id_ in ("keystone/0", "keystone/1")
            ),
        ),
    ),
)


def running(journal: Journal, begun: float = LONG_AGO) -> ledger.Running:
    return ledger.Running(ledger.Approval(PLAN, {}, 0, {}, ""), journal, begun)


def journal(**records: Record) -> Journal:
    named = {name.replace("_", "/"): record for name, record in records.items()}
    return dataclasses.replace(rolling.begin(PLAN), records=named)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(journal(keystone_0=Record("intended", NOW)), ticking.AT_ONCE, id="intended"),
        pytest.param(
            journal(keystone_0=Record("done", NOW)), ticking.AT_ONCE, id="the next can begin"
        ),
        pytest.param(
            journal(keystone_0=Record("done", LONG_AGO)), 5.0, id="the next cannot be seen"
        ),
        pytest.param(
            journal(keystone_0=Record("requested", NOW - 3)), ticking.SOON, id="just asked for"
        ),
        pytest.param(
            journal(keystone_0=Record("requested", LONG_AGO)), 5.0, id="asked for long ago"
        ),
        pytest.param(
            journal(keystone_0=Record("intended", NOW, attempt=2)), 5.0, id="tried again later"
        ),
        pytest.param(
            dataclasses.replace(journal(keystone_0=Record("intended", NOW)), not_before=NOW + 9),
            5.0,
            id="a new leader waits",
        ),
        pytest.param(
            dataclasses.replace(journal(), closed={"quorum": Closed(NOW, "two are down")}),
            ticking.SOON,
            id="a gate just closed",
        ),
        pytest.param(
            dataclasses.replace(journal(), closed={"quorum": Closed(LONG_AGO, "two are down")}),
            15.0,
            id="a gate is closed for long",
        ),
        pytest.param(dataclasses.replace(journal(), hold="it failed"), None, id="held"),
        pytest.param(dataclasses.replace(journal(), mode="paused"), None, id="paused"),
    ],
)
def test_the_next_look_comes_when_it_may_tell_something(at: Journal, expected: float | None):
    assert ticking.interval(running(at), NOW) == expected


def test_a_plan_that_was_just_begun_goes_on_at_once():
    assert ticking.interval(running(journal(), begun=NOW), NOW) == ticking.AT_ONCE


def test_a_plan_that_is_over_needs_no_tick():
    done = {id_: Record("done", NOW) for id_ in ("keystone_0", "keystone_1")}
    assert ticking.interval(running(journal(**done)), NOW) is None
