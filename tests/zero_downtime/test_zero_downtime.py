"""An upgrade from 2023.2 to 2024.1 that no client and no guest notices; and one that they do.

Each test has a cloud of its own. A table of what clients and guests saw is printed at the end.
"""

from __future__ import annotations

from tests.zero_downtime import by_coordinator, by_hand, guests, run


def _assert_nobody_noticed(ground: run.Ground, outcome: run.Outcome) -> None:
    """All is of the new release, no request failed, no guest was touched or lost."""
    status = ground.juju.json("status")["applications"]
    for name, wanted in by_hand.VERSIONS.items():
        assert status[name]["version"].startswith(wanted), name
    assert {api: counted.failures for api, counted in outcome.counted.items()} == dict.fromkeys(
        outcome.counted, 0
    )
    assert all(counted.requests > 100 for counted in outcome.counted.values())
    assert outcome.touched == ()
    assert sum(guests.hosts(ground.cloud).values()) == outcome.guests


def test_the_coordinators_upgrade_fails_no_request_and_touches_no_guest(
    ground: run.Ground, outcomes: list[run.Outcome]
):
    coordinator = by_coordinator.Coordinator(ground.juju)

    outcome = run.watched("coordinator", ground, coordinator.upgrade)

    outcomes.append(outcome)
    _assert_nobody_noticed(ground, outcome)


def test_the_charm_guides_best_practice_by_hand_does_neither(
    ground: run.Ground, outcomes: list[run.Outcome]
):
    """The ground itself allows it, and needs the right order and nothing more."""
    operator = by_hand.Operator(ground.juju, ground.cloud)

    outcome = run.watched("by-hand", ground, by_hand.Rolling(operator).run)

    outcomes.append(outcome)
    _assert_nobody_noticed(ground, outcome)


def test_all_units_at_once_fail_requests_of_every_api(
    ground: run.Ground, outcomes: list[run.Outcome]
):
    operator = by_hand.Operator(ground.juju, ground.cloud)

    outcome = run.watched("all-in-one", ground, by_hand.AllInOne(operator).run)

    outcomes.append(outcome)
    assert all(counted.failures for counted in outcome.counted.values()), outcome.counted
