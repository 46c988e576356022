"""An upgrade from 2023.2 to 2024.1 that no client and no guest notices; and one that they do."""

from __future__ import annotations

from tests.zero_downtime import by_hand, guests, run


def _versions(ground: run.Ground, applications: list[str]) -> dict[str, set[str]]:
    status = ground.juju.json("status")["applications"]
    return {name: {status[name]["version"]} for name in applications}


def test_a_rolling_upgrade_fails_no_request_and_touches_no_guest(
    ground: run.Ground, outcomes: list[run.Outcome]
):
    operator = by_hand.Operator(ground.juju, ground.cloud)

    outcome = run.watched("rolling", ground, by_hand.Rolling(operator).run)

    outcomes.append(outcome)
    versions = _versions(ground, list(by_hand.VERSIONS))
    for name, wanted in by_hand.VERSIONS.items():
        assert all(version.startswith(wanted) for version in versions[name]), name
    assert {api: counted.failures for api, counted in outcome.counted.items()} == dict.fromkeys(
        outcome.counted, 0
    )
    assert all(counted.requests > 100 for counted in outcome.counted.values())
    assert outcome.touched == ()
    assert sum(guests.hosts(ground.cloud).values()) == outcome.guests


def test_all_units_at_once_fail_requests_of_every_api(
    ground: run.Ground, outcomes: list[run.Outcome]
):
    operator = by_hand.Operator(ground.juju, ground.cloud)

    outcome = run.watched("all-in-one", ground, by_hand.AllInOne(operator).run)

    outcomes.append(outcome)
    assert all(counted.failures for counted in outcome.counted.values()), outcome.counted
