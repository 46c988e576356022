"""What comes of a request: a plan, or every reason why not, each with its remedy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from charms.openstack_coordinator.v0.rolling_plan import Plan
from coherence import Finding


@dataclasses.dataclass(frozen=True)
class Planned:
    """A plan, and what an operator should know before he approves it."""

    plan: Plan
    seconds: float
    """An estimate of the time that it takes, without waiting at gates."""
    no_return: str
    """The first step that cannot be undone; empty when all can."""
    notes: tuple[str, ...] = ()
    """What it cannot do without being noticed, and what it leaves alone."""
    guests: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Host -> guests that are moved away from it."""


NOTHING = "nothing to do"
"""The remedy where all is as it was asked for."""


@dataclasses.dataclass(frozen=True)
class Refused:
    """Nothing is planned."""

    reasons: tuple[Finding, ...]

    @property
    def nothing_to_do(self) -> bool:
        """All is as it was asked for."""
        return all(found.remedy == NOTHING for found in self.reasons)


def refused(reasons: Iterable[Finding]) -> Refused:
    """All reasons, each once, what an operator must act on first."""
    unique = dict.fromkeys(reasons)
    return Refused(tuple(sorted(unique, key=lambda found: found.severity != "blocked")))


def reason(subject: str, problem: str, remedy: str) -> Finding:
    """A reason that an operator must act on."""
    return Finding("blocked", subject, problem, remedy)
