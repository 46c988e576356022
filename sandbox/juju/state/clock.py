"""The controller's clock, in the form that its state and API use."""

from __future__ import annotations

import datetime
import time

_FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def timestamp(at: float | None = None) -> str:
    """A moment, now by default, as RFC 3339 UTC with microseconds; such texts sort by time."""
    moment = datetime.datetime.fromtimestamp(now() if at is None else at, datetime.timezone.utc)
    return moment.strftime(_FORM)


def seconds(text: str) -> float:
    """The moment that `timestamp` wrote, as seconds since the epoch.

    Raises:
        ValueError: the text is not such a timestamp.
    """
    moment = datetime.datetime.strptime(text, _FORM)
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()
