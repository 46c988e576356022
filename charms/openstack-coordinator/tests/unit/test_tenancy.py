"""Which credentials a tenant has: one generation after another, none lost, none kept for ever."""

from __future__ import annotations

import datetime

import tenancy
from hypothesis import given
from hypothesis import strategies as st
from tenancy import Names, Record, Tenant

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
MODEL = "8f2a5c1e-4b7d-4c6f-9a2b-5d8e1c4f7a0b"
NAMES = Names(MODEL, "openstack-coordinator")

applications = st.from_regex(r"[a-z][a-z0-9]{0,30}(-[a-z]{1,20}){0,4}", fullmatch=True)
times = st.datetimes(
    datetime.datetime(2026, 1, 1),
    datetime.datetime(2027, 12, 31),
    timezones=st.just(datetime.timezone.utc),
)
records = st.builds(
    Record,
    application=applications,
    generation=st.integers(1, 20),
    issued=times,
    expires=times,
    secret=st.just("secret:d4n5q3f6qsvs7b2k1vt0"),
    revoked=st.integers(0, 20),
    left=st.lists(st.text(max_size=10), max_size=2).map(tuple),
    looked=st.none() | times,
)


def record(**changes: object) -> Record:
    usual = {
        "application": "k8s",
        "generation": 1,
        "issued": NOW - DAY,
        "expires": NOW + 59 * DAY,
        "secret": "secret:d4n5q3f6qsvs7b2k1vt0",
    }
    return Record(**{**usual, **changes})  # pyright: ignore[reportArgumentType]


def due(
    tenants: dict[int, Tenant], records: dict[int, Record], *rotate: int, now: object = NOW
) -> tenancy.Due:
    assert isinstance(now, datetime.datetime)
    return tenancy.due(tenants, records, now=now, max_age=30 * DAY, rotate=rotate)


def test_a_new_tenant_gets_its_first_credentials() -> None:
    assert due({3: Tenant("k8s")}, {}) == tenancy.Due(issue={3: 1})


def test_with_nothing_changed_nothing_is_due() -> None:
    assert not due({3: Tenant("k8s", acknowledged=1)}, {3: record()})


def test_old_credentials_are_replaced_and_the_ones_before_are_revoked_only_when_taken() -> None:
    old = record(issued=NOW - 31 * DAY)
    assert due({3: Tenant("k8s", 1)}, {3: old}) == tenancy.Due(issue={3: 2})
    replaced = record(generation=2, issued=NOW)
    assert not due({3: Tenant("k8s", 1)}, {3: replaced}), "the tenant still uses the first"
    assert due({3: Tenant("k8s", 2)}, {3: replaced}) == tenancy.Due(revoke={3: 1})
    assert not due({3: Tenant("k8s", 2)}, {3: record(generation=2, issued=NOW, revoked=1)})


def test_credentials_that_nobody_took_are_not_replaced_before_they_expire() -> None:
    untaken = record(issued=NOW - 31 * DAY, expires=NOW + DAY)
    assert not due({3: Tenant("k8s")}, {3: untaken}, 3)
    assert due({3: Tenant("k8s")}, {3: untaken}, 3, now=NOW + 2 * DAY).issue == {3: 2}


def test_a_tenant_cannot_have_taken_what_was_not_made() -> None:
    assert not due({3: Tenant("k8s", acknowledged=99)}, {3: record()})


def test_a_relation_that_is_gone_is_ended_and_what_is_left_is_looked_at_again_later() -> None:
    assert due({}, {3: record()}) == tenancy.Due(end=(3,))
    assert not due({}, {3: record(left=("server a",), looked=NOW)})
    later = NOW + tenancy.AGAIN_LEFT
    assert due({}, {3: record(left=("server a",), looked=NOW)}, now=later).end == (3,)


@given(st.dictionaries(st.integers(0, 99), records, max_size=5))
def test_records_are_read_back(kept: dict[int, Record]) -> None:
    assert tenancy.from_json(tenancy.to_json(kept)) == kept


@given(applications, applications, st.uuids(), st.uuids())
def test_names_fit_keystone_and_never_meet_those_of_another_model_or_application(
    one: str, other: str, model: object, another: object
) -> None:
    here, there = Names(str(model), "coordinator"), Names(str(another), "coordinator")
    assert len(here.project(one)) <= 64
    assert len(here.domain) <= 64
    assert (here.project(one) == here.project(other)) == (one == other)
    assert (here.project(one) == there.project(one)) == (model == another)


@given(
    st.dictionaries(st.integers(0, 9), records, max_size=4),
    st.sets(st.integers(0, 9)),
    st.integers(1, 25),
)
def test_a_user_is_swept_exactly_when_no_live_relation_may_use_it(
    kept: dict[int, Record], live: set[int], generation: int
) -> None:
    for relation, known in kept.items():
        user = NAMES.user(known.application, relation, generation)
        allowed = relation in live and known.revoked < generation <= known.generation
        doomed = tenancy.doomed_users(NAMES, [user], kept, live)
        assert doomed == ([] if allowed else [user])


@given(st.lists(st.sampled_from(["rotate", "take", "day", "crash"]), max_size=40))
def test_whatever_happens_what_the_tenant_uses_is_never_revoked(history: list[str]) -> None:
    """The tenant lags behind; hooks die before they record; days pass."""
    now, taken, users = NOW, 0, set[str]()
    known: dict[int, Record] = {}
    for event in [*history, "take"]:
        now += DAY if event == "day" else datetime.timedelta(minutes=1)
        if event == "take" and 3 in known:
            taken = known[3].generation
        found = due({3: Tenant("k8s", taken)}, known, *([3] if event == "rotate" else []), now=now)
        new = dict(known)
        for relation, generation in found.issue.items():
            users.add(NAMES.user("k8s", relation, generation))
            old = known.get(relation)
            new[relation] = record(
                generation=generation,
                issued=now,
                expires=tenancy.expiry(now, 30 * DAY),
                revoked=old.revoked if old else 0,
            )
        for relation, revoked in found.revoke.items():
            new[relation] = record(
                generation=new[relation].generation,
                issued=new[relation].issued,
                expires=new[relation].expires,
                revoked=revoked,
            )
        users -= set(tenancy.doomed_users(NAMES, users, new, [3]))
        if event != "crash":
            known = new
        if taken:
            assert NAMES.user("k8s", 3, taken) in users
        assert len(users) <= 3
