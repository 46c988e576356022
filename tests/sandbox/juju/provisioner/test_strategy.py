"""Which zone is tried, how often, and what the operator is told: Juju's strategy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.juju import zone_spread
from sandbox.juju.providers.maas import allocation
from sandbox.juju.providers.provider import Disk, NoMatch, Refused, StartRequest
from sandbox.juju.start_strategy import Attempt

ZONES = ["az1", "az2", "az3"]
REQUEST = StartRequest("3", "ubuntu@24.04/stable", {})


@given(st.integers(1, 40))
def test_an_application_s_machines_are_spread_evenly_over_the_zones(count):
    placed: dict[str, str] = {"other": "az1", "another": "az1"}
    kin: set[str] = set()
    for number in range(count):
        zone = zone_spread.choose(ZONES, placed, kin=kin)
        assert zone is not None
        placed[str(number)] = zone
        kin.add(str(number))
    sizes = [sum(placed[machine] == zone for machine in kin) for zone in ZONES]
    assert max(sizes) - min(sizes) <= 1


@given(
    st.dictionaries(st.text("abc", min_size=1), st.sampled_from(ZONES)),
    st.sets(st.sampled_from(ZONES)),
    st.sets(st.sampled_from(ZONES)),
)
def test_only_an_allowed_zone_that_has_not_failed_is_chosen(placed, allowed, failed):
    chosen = zone_spread.choose(ZONES, placed, allowed=allowed, failed=failed)
    suitable = {zone for zone in ZONES if not allowed or zone in allowed} - failed
    assert (chosen in suitable) if suitable else chosen is None


def test_every_zone_is_tried_before_one_of_the_ten_retries_is_used_up():
    attempt: Attempt | None = Attempt()
    told, zone = [], ""
    error = NoMatch("No available machine matches constraints: x")
    while attempt is not None:
        zone = zone_spread.choose(ZONES, {}, failed=attempt.failed) or ""
        attempt, message = attempt.after(error, REQUEST, zone=zone, zones=ZONES, delay=10)
        told.append(message)
    assert len(told) == 10 * 3 + 1
    assert told[0] == (
        'failed to start machine 3 in zone "az1", retrying in 10s with new availability zone:'
        " failed to acquire node: No available machine matches constraints: x"
    )
    assert told[2] == (
        "failed to start machine 3 (failed to acquire node: No available machine matches"
        " constraints: x), retrying in 10s (10 more attempts)"
    )
    assert told[29].endswith("(1 more attempts)")
    assert told[30] == "No available machine matches constraints: x"


def test_a_refusal_that_is_not_about_the_zone_uses_up_a_retry_each_time():
    attempt: Attempt | None = Attempt()
    told = []
    while attempt is not None:
        attempt, message = attempt.after(
            Refused("ServerError: 400 Bad Request (x)"), REQUEST, zone="az1", zones=ZONES, delay=10
        )
        told.append(message)
    assert len(told) == 11
    assert told[0] == (
        "failed to start machine 3 (ServerError: 400 Bad Request (x)), retrying in 10s"
        " (10 more attempts)"
    )


def test_zones_constraints_leave_no_other_zone_to_try():
    request = StartRequest("3", "ubuntu@24.04/stable", {"zones": ["az2"]})
    attempt, told = Attempt().after(NoMatch("none"), request, zone="az2", zones=ZONES, delay=10)
    assert attempt == Attempt(left=9)
    assert told.endswith("(10 more attempts)")


def asked(**request) -> dict[str, object]:
    """What is asked of MAAS, without what is empty."""
    parameters = allocation(StartRequest("3", "ubuntu@24.04/stable", **request), "model")
    return {name: value for name, value in parameters.items() if value not in (None, "", [])}


def test_constraints_are_asked_of_maas_in_its_own_terms():
    wanted = {
        "arch": "amd64",
        "cores": 8,
        "mem": 16384,
        "root-disk": 51200,
        "tags": ["fast", "^virtual"],
        "spaces": ["storage", "^public"],
    }
    assert asked(constraints=wanted, zone="az1", spaces={"metal", "alpha"}) == {
        "agent_name": "model",
        "arch": "amd64",
        "cpu_count": 8,
        "mem": 16384,
        "tags": "fast",
        "not_tags": "virtual",
        "zone": "az1",
        "interfaces": "metal:space=metal;storage:space=storage",
        "not_subnets": ["space:public"],
        "storage": "root:50",
    }


def test_a_named_machine_is_asked_for_wherever_it_is():
    by_id = asked(constraints={}, placement="system-id=4y3h7n", zone="az1")
    assert by_id == {"agent_name": "model", "system_id": "4y3h7n"}
    assert asked(constraints={}, placement="node07") == {"agent_name": "model", "name": "node07"}
    assert asked(constraints={}, placement="zone=az2", zone="az2")["zone"] == "az2"
    with pytest.raises(Refused, match="unknown placement directive: rack=3"):
        asked(constraints={}, placement="rack=3")


def test_a_disk_is_asked_for_each_storage_in_whole_gigabytes():
    disks = [Disk("osd-devices/0", 1024), Disk("osd-devices/1", 1500, ("ssd", "ceph"))]
    assert asked(constraints={}, disks=disks)["storage"] == "root:0,0:1,1:2(ssd,ceph)"


def test_a_space_cannot_be_wanted_and_refused_at_once():
    with pytest.raises(Refused, match='negative space "metal" from constraints clashes'):
        asked(constraints={"spaces": ["^metal"]}, spaces={"metal"})
