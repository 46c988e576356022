"""Charms refreshed, then OpenStack from 2023.2 to 2024.1: what do clients and guests notice?

Of the coordinator's plans they must notice nothing; of all units at once they do. Each test has
a cloud of its own. A table of what clients and guests saw is printed at the end.
"""

from __future__ import annotations

from tests.zero_downtime import all_in_one, by_coordinator, guests, run


def _assert_nobody_noticed(ground: run.Ground, outcome: run.Outcome) -> None:
    """No request failed, no guest was touched or lost."""
    assert {api: counted.failures for api, counted in outcome.counted.items()} == dict.fromkeys(
        outcome.counted, 0
    )
    assert all(counted.requests > 100 for counted in outcome.counted.values())
    assert outcome.touched == ()
    assert sum(guests.hosts(ground.cloud).values()) == outcome.guests


def _assert_charms_are_new(ground: run.Ground) -> None:
    status = ground.juju.json("status")["applications"]
    older = [name for name, found in status.items() if "can-upgrade-to" in found]
    assert older == []


def _assert_all_is_of(ground: run.Ground, versions: dict[str, str]) -> None:
    status = ground.juju.json("status")["applications"]
    for name, wanted in versions.items():
        assert status[name]["version"].startswith(wanted), name


def test_the_coordinators_plans_fail_no_request_and_touch_no_guest(
    ground: run.Ground, outcomes: list[run.Outcome]
):
    coordinator = by_coordinator.Coordinator(ground.juju)

    refreshed = run.watched("charms, by plan", ground, coordinator.refresh)
    outcomes.append(refreshed)
    _assert_charms_are_new(ground)
    _assert_nobody_noticed(ground, refreshed)

    upgraded = run.watched("release, by plan", ground, coordinator.upgrade)
    outcomes.append(upgraded)
    _assert_all_is_of(ground, all_in_one.VERSIONS)
    _assert_nobody_noticed(ground, upgraded)


def test_all_units_at_once_fail_requests_of_every_api(
    ground: run.Ground, outcomes: list[run.Outcome]
):
    everything = all_in_one.AllInOne(all_in_one.Operator(ground.juju))

    refreshed = run.watched("charms, all at once", ground, everything.refresh)
    outcomes.append(refreshed)
    upgraded = run.watched("release, all at once", ground, everything.upgrade)
    outcomes.append(upgraded)

    for outcome in (refreshed, upgraded):
        assert all(counted.failures for counted in outcome.counted.values()), outcome.counted
