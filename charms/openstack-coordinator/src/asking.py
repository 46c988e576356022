"""What an operator asks for, from the parameters of an action and the charm's options: checked."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Mapping
from typing import Any

from planning import request

Parameters = Mapping[str, Any]

_TAKES: Mapping[str, frozenset[str]] = {
    "release": frozenset({"release", "skip", "errands", "packages", "unattended-off"}),
    "refresh": frozenset({"applications", "channel", "revision"}),
    "restart": frozenset({"applications"}),
    "drain": frozenset({"hosts"}),
    "undrain": frozenset({"hosts"}),
    "scale-out": frozenset({"role", "count", "application", "units"}),
    "scale-in": frozenset({"units"}),
}
"""Request -> the parameters that it takes beside those of any request."""

_OF_ANY = frozenset({"request", "cold"})


class WrongRequest(Exception):
    """A parameter or an option is not right; the message names it, and what would be."""


def request_of(parameters: Parameters) -> request.Request:
    """The request of the action `plan`.

    Raises:
        WrongRequest: a parameter is missing, or belongs to another request.
    """
    kind = parameters["request"]
    given = {name for name, value in parameters.items() if value not in ("", 0, None)}
    foreign = sorted(given - _TAKES[kind] - _OF_ANY)
    if foreign:
        takes = ", ".join(sorted(_TAKES[kind]))
        raise WrongRequest(f"{foreign[0]}: a request for {kind} takes {takes}")
    if kind == "release":
        return _release(parameters)
    if kind == "refresh":
        revision = int(parameters.get("revision") or 0)
        applications = _several(parameters, "applications")
        if revision and len(applications) != 1:
            raise WrongRequest("revision: name the one application that it is of")
        return request.Refresh(applications, parameters.get("channel", ""), revision)
    if kind == "restart":
        return request.Restart(_needed(parameters, "applications"))
    if kind == "drain":
        return request.Drain(_needed(parameters, "hosts"))
    if kind == "undrain":
        return request.Undrain(_needed(parameters, "hosts"))
    if kind == "scale-in":
        return request.ScaleIn(_needed(parameters, "units"))
    role, count = parameters.get("role") or "compute", int(parameters.get("count") or 0)
    units = _several(parameters, "units")
    if units and count:
        raise WrongRequest("units: are there already; leave count out to take them in")
    return request.ScaleOut(role, count, parameters.get("application", ""), units)


def terms_of(parameters: Parameters, options: Mapping[str, Any]) -> request.Terms:
    """The terms, from the charm's options and the operator's words for single guests.

    Raises:
        WrongRequest: an option is not right.
    """
    cold = _several(parameters, "cold")
    return request.Terms(
        window=window_of(options),
        failures=_number(options, "error-budget", 0),
        max_unavailable=_number(options, "max-unavailable", 1),
        migrations=_number(options, "parallel-migrations", 1),
        soak=float(_number(options, "soak", 0)),
        cannot="cold" if cold == ("all",) else "hold",
        words={guest: "cold" for guest in cold if guest != "all"},
    )


def window_of(options: Mapping[str, Any]) -> request.Window | None:
    """The maintenance window; None where none is set.

    Raises:
        WrongRequest: it is no cron expression, or the time zone is not known.
    """
    import cronsim

    cron = str(options.get("maintenance-window") or "").strip()
    if not cron:
        return None
    hours, zone = _number(options, "maintenance-hours", 1), str(options["maintenance-timezone"])
    try:
        where = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise WrongRequest(
            f"maintenance-timezone: {zone!r} is no time zone, for example Europe/Rome is"
        ) from error
    try:
        next(cronsim.CronSim(cron, datetime.datetime(2026, 1, 1, tzinfo=where)))
    except (cronsim.CronSimError, StopIteration) as error:
        raise WrongRequest(
            f"maintenance-window: {cron!r} is no cron expression, for example 0 22 * * 6 is"
        ) from error
    return request.Window(cron, float(hours), zone)


def _release(parameters: Parameters) -> request.Release:
    plain = request.Release()
    errands = _several(parameters, "errands") or plain.errands
    return request.Release(
        to=str(parameters.get("release") or ""),
        errands=() if errands == ("none",) else errands,
        packages=bool(parameters.get("packages")),
        unattended=bool(parameters.get("unattended-off")),
        skip=_several(parameters, "skip"),
    )


def _several(parameters: Parameters, name: str) -> tuple[str, ...]:
    return tuple(str(parameters.get(name) or "").replace(",", " ").split())


def _needed(parameters: Parameters, name: str) -> tuple[str, ...]:
    found = _several(parameters, name)
    if not found:
        raise WrongRequest(f"{name}: missing; name one or more, separated by commas")
    return found


def _number(options: Mapping[str, Any], name: str, least: int) -> int:
    value = int(options[name])
    if value < least:
        raise WrongRequest(f"{name}: {value} is less than {least}")
    return value
