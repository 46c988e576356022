"""The controller's clock: the one place where it reads the time, and how fast that runs.

Tests and demonstrations let an hour pass in seconds: the controller's time then runs faster
than the machine's, from the moment at which that was asked for, and never backwards: what it
has gained by then it stays ahead.
"""

from __future__ import annotations

import dataclasses
import datetime
import time


@dataclasses.dataclass(frozen=True)
class Pace:
    """Since when the controller's time runs how fast. Times are in seconds since the epoch."""

    real: float = 0.0
    """By the machine's clock, when this began."""
    shown: float = 0.0
    """By the controller's clock, then."""
    rate: float = 1.0
    """Seconds of the controller's for each of the machine's."""

    def at(self, real: float) -> float:
        """The controller's time at a moment of the machine's."""
        return self.shown + (real - self.real) * self.rate


_PACES = [Pace()]
"""The last is in force. A process has one controller, so it has one clock."""
_LATEST = [0.0]
"""The latest moment that was told; it stands still while the machine's clock is set back."""


def pace() -> Pace:
    """How fast the time runs."""
    return _PACES[-1]


def run_at(rate: float) -> Pace:
    """Let the time run faster or slower from now on; 1 is as the machine's.

    Raises:
        ValueError: not a positive number.
    """
    if not 0 < rate < 1e6:
        raise ValueError(f"the clock cannot run at {rate} times its pace")
    real = time.time()
    return take_up(Pace(real, pace().at(real), rate))


def take_up(known: Pace) -> Pace:
    """Go on at a pace that an earlier process had."""
    _PACES[:] = [known]
    _LATEST[:] = [known.shown]
    return known


def real_seconds(seconds: float) -> float:
    """How long a span of the controller's time takes: what to hand to a timer."""
    return seconds / pace().rate


def now() -> datetime.datetime:
    """The present moment, in UTC."""
    _LATEST[0] = max(_LATEST[0], pace().at(time.time()))
    return datetime.datetime.fromtimestamp(_LATEST[0], datetime.timezone.utc)


def ahead() -> datetime.timedelta:
    """How far the controller's time is ahead of the machine's, in whole seconds."""
    return datetime.timedelta(seconds=max(0, round(now().timestamp() - time.time())))


def stamp(moment: datetime.datetime | None = None) -> str:
    """A moment (default: now) as RFC 3339 UTC with microseconds, as the store keeps times."""
    moment = moment or now()
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime.datetime:
    """The moment that a stamp names."""
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return moment.replace(tzinfo=datetime.timezone.utc)
