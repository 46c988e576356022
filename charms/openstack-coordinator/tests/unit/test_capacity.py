"""Guests that leave a host need room in their zone: what does not fit is named."""

from __future__ import annotations

import capacity
import computes
import snapshot
from hypothesis import given
from hypothesis import strategies as st


def nova(
    rooms: dict[str, tuple[str, int]], guests: dict[str, tuple[str, int]], out: frozenset[str]
) -> snapshot.Nova:
    services = tuple(
        computes.Service("nova-compute", host, zone, host not in out, up=True, reported=None)
        for host, (zone, _) in rooms.items()
    )
    servers = tuple(
        snapshot.Guest(id_, f"name-{id_}", host, "ACTIVE", "", 1, memory, 0, "live")
        for id_, (host, memory) in guests.items()
    )
    room = tuple(snapshot.Room(host, 64, memory, 10) for host, (_, memory) in rooms.items())
    return snapshot.Nova(services, (), servers, (), room)


ROOMS = {"a1": ("az1", 4000), "a2": ("az1", 3000), "a3": ("az1", 1000), "b1": ("az2", 9000)}


def test_guests_fit_into_the_largest_rooms_of_their_zone() -> None:
    guests = {"1": ("a1", 2000), "2": ("a1", 1000), "3": ("a1", 1000)}
    seen = nova(ROOMS, guests, frozenset())
    assert capacity.unplaced(seen, ["a1"]) == ()
    assert capacity.unplaced(seen, ["b1"]) == (), "a host without guests needs no room"
    assert capacity.unplaced(seen, ["nobody"]) == ()


def test_what_does_not_fit_is_named_with_its_size_and_zone() -> None:
    seen = nova(ROOMS, {"1": ("a1", 3500)}, frozenset())
    assert capacity.unplaced(seen, ["a1"]) == (
        "name-1 (1) on a1: 1 VCPU, 3500 MiB, 0 GB fit on no host of az1",
    )


def test_hosts_that_are_disabled_or_leave_as_well_have_no_room() -> None:
    guests = {"1": ("a1", 2000)}
    assert capacity.unplaced(nova(ROOMS, guests, frozenset({"a2"})), ["a1"])
    assert capacity.unplaced(nova(ROOMS, guests, frozenset()), ["a1", "a2"])


@given(
    st.lists(st.integers(1, 8), max_size=6),
    st.lists(st.integers(0, 12), min_size=1, max_size=4),
)
def test_what_is_called_placeable_can_be_placed(sizes: list[int], rooms: list[int]) -> None:
    seen = nova(
        {"leaving": ("az1", 0), **{f"h{n}": ("az1", size) for n, size in enumerate(rooms)}},
        {str(n): ("leaving", size) for n, size in enumerate(sizes)},
        frozenset(),
    )
    left = capacity.unplaced(seen, ["leaving"])
    placed = sorted(sizes, reverse=True)
    if not left:
        assert sum(placed) <= sum(rooms)
        assert not placed or placed[0] <= max(rooms)
    assert len(left) >= sum(size > max(rooms) for size in sizes)
