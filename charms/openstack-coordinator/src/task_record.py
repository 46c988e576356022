"""A task as Juju's API tells of it (rpc/params, ActionResult): pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from charms.openstack_coordinator.v0.juju_tasks import Raw, number, unit
from snapshot import Task

RECENT = 8
"""How many tasks of a unit, the newest, are asked for their results."""


def newest(listed: Mapping[int, Raw]) -> list[int]:
    """The newest tasks of each unit that have ended, by their numbers."""
    ended: dict[str, list[int]] = {}
    for id_ in sorted(listed, reverse=True):
        if task(listed[id_]).ended:
            ended.setdefault(unit(listed[id_]), []).append(id_)
    return [id_ for ids in ended.values() for id_ in ids[:RECENT]]


def task(raw: Raw) -> Task:
    """The task. A command that exited other than with 0 failed, where its results are known."""
    action = raw["action"]
    status, output = raw.get("status") or "", raw.get("output") or {}
    message = raw.get("message") or ""
    if status == "completed" and output.get("return-code", 0) != 0:
        # A command that ran and exited with another code than 0 is completed to Juju.
        status = "failed"
        message = message or f"exit code {output['return-code']}: {output.get('stderr', '')}"
    return Task(
        id=str(number(raw)),
        unit=unit(raw),
        action=action["name"],
        parameters=action.get("parameters") or {},
        status=status,
        enqueued=_seconds(raw.get("enqueued") or ""),
        message=message.strip(),
        completed=_seconds(raw.get("completed") or ""),
        outcome=str(output.get("outcome") or ""),
    )


def _seconds(text: str) -> float:
    """Seconds since the epoch of a time of Juju's; 0 when there is none."""
    try:
        moment = datetime.datetime.fromisoformat(text[:19])
    except ValueError:
        return 0.0
    # Go's zero time, of what has not happened, is long before the epoch.
    return max(0.0, moment.replace(tzinfo=datetime.timezone.utc).timestamp())
