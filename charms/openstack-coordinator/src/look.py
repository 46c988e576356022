"""One look at the model: its outcome, and how the units of the application share it.

Only the leader looks, and not in every hook. What it saw is kept in the peer relation, so that
the next hook, the next leader and the other units know it too.
"""

from __future__ import annotations

import dataclasses
import datetime
import json

from coherence import Finding, Severity
from readiness import ApplicationReport, Assessment

AGAIN_READY = 60.0
"""Seconds between two looks at an OpenStack that is ready."""

AGAIN_SETTLING = 15.0
"""Seconds between two looks at one that is not."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """Why a look failed."""

    severity: Severity
    message: str


@dataclasses.dataclass(frozen=True)
class Look:
    """What the last look led to: an assessment, or the problem that prevented one."""

    since: datetime.datetime
    """When this outcome was seen first: an equal one later changes nothing, so that the other
    units get no event for it."""
    outcome: Assessment | Problem

    @property
    def ready(self) -> bool:
        """OpenStack was ready."""
        return isinstance(self.outcome, Assessment) and self.outcome.ready

    @property
    def again(self) -> float:
        """Seconds until the next look."""
        return AGAIN_READY if self.ready else AGAIN_SETTLING

    def to_json(self) -> str:
        """The form of the databag."""
        kind = "assessment" if isinstance(self.outcome, Assessment) else "problem"
        content = dataclasses.asdict(self.outcome)
        return json.dumps({"since": self.since.isoformat(), kind: content}, separators=(",", ":"))


def from_json(text: str) -> Look | None:
    """The look in a databag; None when there is none, or another revision wrote it differently.

    What cannot be read is looked at anew, so it is no error.
    """
    try:
        raw = json.loads(text)
        since = datetime.datetime.fromisoformat(raw["since"])
        if "problem" in raw:
            return Look(since, Problem(**raw["problem"]))
        assessment = raw["assessment"]
        applications = tuple(ApplicationReport(**item) for item in assessment["applications"])
        found = tuple(Finding(**item) for item in assessment["findings"])
        outcome = Assessment(assessment["release"], applications, assessment["hypervisors"], found)
    except (ValueError, KeyError, TypeError):
        return None
    return Look(since, outcome)
