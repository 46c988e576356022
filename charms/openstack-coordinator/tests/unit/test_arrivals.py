"""Which hypervisors have come since the cloud was ready first."""

from __future__ import annotations

import arrivals
from hypothesis import given
from hypothesis import strategies as st

UNITS = st.sets(st.sampled_from([f"nova-compute/{number}" for number in range(6)]))


def hosts(*units: str) -> dict[str, str]:
    """Each on a host of its number."""
    return {unit: f"node{unit.rpartition('/')[2]}" for unit in units}


def test_what_is_there_when_the_cloud_is_ready_first_is_no_arrival() -> None:
    shared: dict[str, str] = {}
    arrivals.note(shared, hosts("nova-compute/0", "nova-compute/1"))
    assert arrivals.new(shared) == ()


def test_a_unit_that_comes_later_is_one_until_it_is_settled() -> None:
    shared: dict[str, str] = {}
    arrivals.note(shared, hosts("nova-compute/0"))
    arrivals.note(shared, hosts("nova-compute/0", "nova-compute/3"))
    assert arrivals.new(shared) == ("nova-compute/3",)
    arrivals.settle(shared, arrivals.new(shared))
    assert arrivals.new(shared) == ()


def test_what_a_plan_took_in_is_no_arrival_whenever_it_is_seen() -> None:
    """The plan may end before its units are seen at work in a cloud that has settled."""
    shared: dict[str, str] = {}
    arrivals.note(shared, hosts("nova-compute/0"))
    arrivals.prove(shared, ["node3"])
    arrivals.note(shared, hosts("nova-compute/0", "nova-compute/3", "nova-compute/4"))
    assert arrivals.new(shared) == ("nova-compute/4",)
    later = hosts("nova-compute/0") | {"nova-compute/9": "node3"}
    arrivals.note(shared, later)
    assert arrivals.new(shared) == ("nova-compute/9",), "its machine came back with another unit"


@given(UNITS, st.lists(UNITS))
def test_a_unit_that_was_away_for_a_while_is_no_arrival(
    first: set[str], later: list[set[str]]
) -> None:
    shared: dict[str, str] = {}
    arrivals.note(shared, hosts(*first))
    begun: list[str] = []
    for active in later:
        arrivals.note(shared, hosts(*active))
        begun += arrivals.new(shared)
        arrivals.settle(shared, arrivals.new(shared))
    assert len(begun) == len(set(begun)), "for each unit once"
    beginning = next((seen for seen in (first, *later) if seen), set())
    assert set(begun) == set().union(first, *later) - beginning
