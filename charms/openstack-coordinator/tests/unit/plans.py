"""Plans of example clouds, and their steps."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import knowledge
import planner
from charms.openstack_coordinator.v0.rolling_plan import Plan, Step
from example_cloud import Example
from planning import request
from planning.outcome import Planned, Refused

KNOWN = knowledge.load()
TERMS = request.Terms()


def outcome(
    example: Example, asked: request.Request | None = None, terms: request.Terms = TERMS
) -> Planned | Refused:
    return planner.plan(example.look(), asked or request.Release(), terms, KNOWN)


def planned(example: Example, asked: request.Request | None = None, **terms: Any) -> Plan:
    found = outcome(example, asked, dataclasses.replace(TERMS, **terms))
    assert isinstance(found, Planned), found
    return found.plan


def refused(example: Example, asked: request.Request | None = None) -> list[str]:
    found = outcome(example, asked)
    assert isinstance(found, Refused)
    assert all(reason.remedy for reason in found.reasons)
    return [str(reason) for reason in found.reasons]


def every(plan: Plan, *kinds: str) -> Iterator[Step]:
    for wave in plan.waves:
        yield from (step for step in wave.steps if not kinds or step.do.kind in kinds)
