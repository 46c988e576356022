"""Times and durations as Juju writes and reads them (cmd/juju/common/format.go)."""

from __future__ import annotations

import datetime
import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds_of(text: str) -> float:
    """Seconds of a Go duration such as 1m30s.

    Raises:
        ValueError: it is not one, in Go's words.
    """
    if text == "0":
        return 0.0
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.lstrip("+-")
    if not text or _DURATION.sub("", text):
        wrong = re.fullmatch(r"[\d.]+", text) is not None
        problem = "missing unit in duration" if wrong else "invalid duration"
        raise ValueError(f'time: {problem} "{text}"')
    return sign * sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def duration_text(seconds: float) -> str:
    """A Go duration: 1m0s, 30s, 1h0m0s."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, whole = divmod(rest, 60)
    fraction = f"{seconds % 1:.9f}".rstrip("0")[1:] if seconds % 1 else ""
    if hours:
        return f"{hours}h{minutes}m{whole}{fraction}s"
    if minutes:
        return f"{minutes}m{whole}{fraction}s"
    return f"{whole}{fraction.rstrip('.')}s"


def moment(text: str) -> datetime.datetime:
    """A time of the API (RFC 3339, any number of decimals) as an aware datetime."""
    body = text.strip().replace("Z", "+00:00")
    match = re.fullmatch(r"(.*?)(?:\.(\d+))?([+-]\d\d:\d\d)", body)
    if match is None:
        raise ValueError(f'parsing time "{text}"')
    fraction = (match[2] or "0")[:6].ljust(6, "0")
    return datetime.datetime.fromisoformat(f"{match[1]}.{fraction}{match[3]}")


def day_and_time(text: str, *, utc: bool = False) -> str:
    """`02 Jan 2006 15:04:05Z07:00` in local time, or `2006-01-02 15:04:05Z`."""
    when = moment(text)
    if utc:
        return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
    local = when.astimezone()
    return local.strftime("%d %b %Y %H:%M:%S") + offset(local)


def time_only(text: str, *, utc: bool = False) -> str:
    """`15:04:05Z07:00` in local time, or `15:04:05` in UTC."""
    when = moment(text)
    if utc:
        return when.astimezone(datetime.timezone.utc).strftime("%H:%M:%S")
    local = when.astimezone()
    return local.strftime("%H:%M:%S") + offset(local)


def offset(when: datetime.datetime) -> str:
    """A time's zone as Go's Z07:00 writes it."""
    ahead = when.utcoffset() or datetime.timedelta()
    if not ahead:
        return "Z"
    minutes = int(ahead.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def time_ago(text: str | None, now: datetime.datetime) -> str:
    """How long ago, for people: `just now`, `5 minutes ago`, `2024-09-16`."""
    if not text:
        return "never connected"
    when = moment(text)
    seconds = (now - when).total_seconds()
    if seconds >= 86400:
        return when.strftime("%Y-%m-%d")
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return f"{int(seconds)} seconds ago" if seconds >= 2 else "just now"


def go_time(text: str | None, *, utc: bool = False) -> str:
    """A time as Go's Time.String prints it, or nothing for the zero time."""
    if is_zero_time(text):
        return ""
    when = moment(text or "")
    shown = when.astimezone(datetime.timezone.utc) if utc else when.astimezone()
    fraction = f".{shown.microsecond:06d}".rstrip("0") if shown.microsecond else ""
    zone = shown.tzname() or shown.strftime("%z")
    return shown.strftime(f"%Y-%m-%d %H:%M:%S{fraction} %z {zone}")


def is_zero_time(text: str | None) -> bool:
    """Whether a time of the API is Go's zero time or missing."""
    return not text or text.startswith("0001-01-01")


def iso_seconds(text: str | None, *, utc: bool = False) -> str:
    """`2006-01-02T15:04:05` in local time or UTC, or nothing for the zero time."""
    if is_zero_time(text):
        return ""
    when = moment(text or "")
    shown = when.astimezone(datetime.timezone.utc) if utc else when.astimezone()
    return shown.strftime("%Y-%m-%dT%H:%M:%S")
