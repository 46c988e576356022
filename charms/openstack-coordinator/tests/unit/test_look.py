"""What one unit saw, every other unit reads back; what cannot be read is looked at anew."""

from __future__ import annotations

import datetime

import coherence
import look
import readiness
from hypothesis import given
from hypothesis import strategies as st

TIMES = st.datetimes(timezones=st.just(datetime.timezone.utc))
FINDINGS = st.builds(
    coherence.Finding, st.sampled_from(["blocked", "waiting"]), st.text(), st.text(), st.text()
)
ASSESSMENTS = st.builds(
    readiness.Assessment,
    release=st.text(),
    applications=st.lists(st.from_type(readiness.ApplicationReport), max_size=3).map(tuple),
    hypervisors=st.integers(0, 1000),
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
)
PROBLEMS = st.builds(look.Problem, st.sampled_from(["blocked", "waiting"]), st.text())


@given(TIMES, st.one_of(ASSESSMENTS, PROBLEMS))
def test_a_look_is_read_back_from_the_databag(
    since: datetime.datetime, outcome: readiness.Assessment | look.Problem
) -> None:
    seen = look.Look(since, outcome)
    assert look.from_json(seen.to_json()) == seen


@given(st.one_of(st.text(), st.sampled_from(["{}", "[]", "null", '{"since": "2026-11-22"}'])))
def test_what_another_revision_wrote_is_no_error(text: str) -> None:
    assert look.from_json(text) is None


def test_an_openstack_that_is_not_ready_is_looked_at_more_often() -> None:
    since = datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc)
    ready = readiness.Assessment("2024.1", (), 3, ())
    assert look.Look(since, ready).again > look.Look(since, look.Problem("waiting", "x")).again
