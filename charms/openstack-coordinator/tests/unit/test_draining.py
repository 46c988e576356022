"""A host is emptied guest by guest, as many at a time as was said, and nobody is forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import computes
import draining
import snapshot
import steps
from hypothesis import given
from hypothesis import strategies as st

HOST = "a"


def service(host: str, zone: str = "az1") -> computes.Service:
    return computes.Service("nova-compute", host, zone, enabled=True, up=True, reported=None)


SERVICES = (service("a"), service("b"), service("c"), service("d", "az2"))
ROOM = tuple(snapshot.Room(host, 8, memory, 100) for host, memory in (("b", 8192), ("c", 4096)))


def guest(id_: str, **changed: Any) -> snapshot.Guest:
    made = snapshot.Guest(id_, f"web-{id_}", HOST, "ACTIVE", "", 1, 512, 5, "live")
    return dataclasses.replace(made, **changed)


def migration(id_: str, status: str = "running", **changed: Any) -> snapshot.Migration:
    made = snapshot.Migration(id_, HOST, "b", status, at=100.0)
    return dataclasses.replace(made, **changed)


def look(
    nova: snapshot.Nova,
    cannot: steps.Word = "hold",
    words: Mapping[str, steps.Word] | None = None,
) -> draining.Drain:
    operation = steps.drain_host(HOST, parallel=2, cannot=cannot, words=words)
    return draining.look(operation.arguments, nova, since=50.0)


def nova(*guests: snapshot.Guest, **changed: Any) -> snapshot.Nova:
    made = snapshot.Nova(SERVICES, (), guests, (), ROOM)
    return dataclasses.replace(made, **changed)


def test_so_many_move_at_a_time() -> None:
    three = (guest("1"), guest("2"), guest("3"))
    assert [m.guest for m in look(nova(*three)).moves] == ["1", "2"]
    moving = nova(*three, migrations=(migration("1"),))
    assert [m.guest for m in look(moving).moves] == ["2"]


def test_a_failed_live_migration_is_tried_elsewhere_in_the_zone() -> None:
    once = nova(guest("1"), failed=(migration("1", "error"),))
    assert look(once).moves == (draining.Move("1", "live", "c"),)
    twice = nova(guest("1"), failed=(migration("1", "error"), migration("1", "error", target="c")))
    assert look(twice).moves == (draining.Move("1", "live", ""),), "the scheduler's turn again"


def test_after_three_hosts_the_operators_word_decides() -> None:
    failed = tuple(migration("1", "error") for _ in range(draining.TRIES))
    stuck = look(nova(guest("1"), failed=failed))
    assert stuck.failed
    assert "web-1 (1): its live migration failed 3 times" in stuck.stuck[0]
    assert look(nova(guest("1"), failed=failed), "cold").moves == (draining.Move("1", "cold"),)


def test_what_failed_before_the_attempt_does_not_count() -> None:
    old = tuple(migration("1", "error", at=10.0) for _ in range(5))
    assert look(nova(guest("1"), failed=old)).moves == (draining.Move("1", "live"),)


def test_a_word_for_one_guest_is_for_that_guest_alone() -> None:
    both = nova(*(guest(id_, movable="cold", why="it is shut off") for id_ in ("1", "2")))
    given = look(both, words={"1": "cold"})
    assert given.moves == (draining.Move("1", "cold"),)
    assert [reason.partition(":")[0] for reason in given.stuck] == ["web-2 (2)"]
    assert not given.failed, "the first one still moves"


def test_a_cold_migration_is_confirmed_and_a_resize_is_its_owners() -> None:
    done = nova(migrations=(migration("1", "finished", kind="migration"),))
    assert look(done).moves == (draining.Move("1", "confirm"),)
    owners = look(nova(migrations=(migration("1", "finished", kind="resize"),)))
    assert owners.moves == ()
    assert owners.failed
    assert "confirm or revert its resize" in owners.stuck[0]


def test_a_guest_in_the_midst_of_something_is_waited_for() -> None:
    busy = look(nova(guest("1", task="rebooting"), guest("2", status="BUILD")))
    assert (busy.moves, busy.failed, busy.left) == ((), False, 2)


GUESTS = st.lists(
    st.builds(
        snapshot.Guest,
        st.uuids().map(str),
        st.just("web"),
        st.just(HOST),
        st.sampled_from(["ACTIVE", "SHUTOFF", "ERROR", "BUILD"]),
        st.sampled_from(["", "rebooting"]),
        st.just(1),
        st.just(512),
        st.just(5),
        st.sampled_from(["live", "cold", "no"]),
    ),
    max_size=8,
    unique_by=lambda g: g.id,
).map(tuple)


@given(GUESTS, st.integers(1, 4), st.sampled_from(["hold", "cold"]), st.data())
def test_every_guest_moves_waits_or_is_named(
    guests: tuple[snapshot.Guest, ...], parallel: int, cannot: steps.Word, data: st.DataObject
) -> None:
    flying = data.draw(
        st.lists(st.sampled_from(guests), max_size=3, unique_by=lambda g: g.id)
        if guests
        else st.just([])
    )
    seen = nova(*guests, migrations=tuple(migration(g.id) for g in flying))
    operation = steps.drain_host(HOST, parallel=parallel, cannot=cannot)
    drain = draining.look(operation.arguments, seen, since=0.0)
    assert drain.done == (not guests)
    starts = [m.guest for m in drain.moves if m.how != "confirm"]
    assert len(starts) + len(flying) <= max(parallel, len(flying))
    assert len(starts) == len(set(starts))
    assert not set(starts) & {g.id for g in flying}, "none is asked to move twice"
    if not drain.done and not drain.moves and not drain.moving:
        assert drain.failed, "it never waits for nothing"
