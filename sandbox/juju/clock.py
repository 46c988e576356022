"""The controller's clock: the one place where it reads the time."""

from __future__ import annotations

import datetime


def now() -> datetime.datetime:
    """The present moment, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def stamp(moment: datetime.datetime | None = None) -> str:
    """A moment (default: now) as RFC 3339 UTC with microseconds, as the store keeps times."""
    moment = moment or now()
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> datetime.datetime:
    """The moment that a stamp names."""
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return moment.replace(tzinfo=datetime.timezone.utc)
