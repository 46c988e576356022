"""A snapshot as one step of a plan is looked at: what the observers share. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import steps
from charms.openstack_coordinator.v0.rolling import Observation, Record
from cloud import Application
from computes import Service
from snapshot import Ceph, Guest, Snapshot, Task

Arguments = Mapping[str, Any]

ABSENT = Observation("absent")
WORKING = Observation("working")
DONE = Observation("done")


class Sight:
    """A snapshot, and the record of the step that it is looked at for."""

    def __init__(self, snapshot: Snapshot, record: Record | None) -> None:
        self.snapshot = snapshot
        self.record = record

    @property
    def requested(self) -> bool:
        """It was asked for, and Juju or OpenStack took the request."""
        return self.record is not None and self.record.state == "requested"

    @property
    def since(self) -> float:
        """When the record became what it is; never, for a step without one."""
        return self.record.since if self.record else math.inf

    def failed(self, reason: str) -> Observation:
        """This attempt failed."""
        return Observation("failed", self.record.attempt if self.record else 0, reason)

    def application(self, name: str) -> Application | None:
        """The application of this name; None when it is gone."""
        return self.snapshot.cloud.applications.get(name)

    def compute(self, host: str) -> Service | None:
        """Nova's compute service of a host; None when Nova knows none."""
        return self.snapshot.nova.computes.get(host) if self.snapshot.nova else None

    def ceph(self, application: str) -> Ceph | None:
        """The Ceph cluster of these monitors; None when it could not be read."""
        known = self.snapshot.ceph or ()
        return next((c for c in known if c.application == application), None)

    def canaries(self, host: str) -> tuple[Guest, ...]:
        """The guests that are to prove a host."""
        guests = self.snapshot.nova.guests if self.snapshot.nova else ()
        name = f"{steps.CANARY}{host}"
        return tuple(g for g in guests if g.name == name and g.task != "deleting")

    def task(self, unit: str, action: str, parameters: Mapping[str, Any] | None) -> Task | None:
        """The newest run of an action that belongs to this attempt, or that is still going on.

        Juju keeps the times of tasks to the second. A task that was asked for by an attempt whose
        record a crash undid ends after the record that took it up.
        """
        mine = [
            task
            for task in self.snapshot.tasks
            if _same_unit(task.unit, unit)
            and task.action == action
            and (parameters is None or _holds(task.parameters, parameters))
            and (not task.ended or (self.record is not None and self._belongs(task)))
        ]
        return mine[-1] if mine else None

    def _belongs(self, task: Task) -> bool:
        # One that was taken up while it ran is older than its record, and ends later. Of what was
        # not asked for yet none is: its end may only seem later, where a clock was put back.
        taken_up = self.requested and task.completed > self.since
        return task.enqueued >= math.floor(self.since) or taken_up

    def by_task(self, unit: str, action: str, parameters: Mapping[str, Any] | None) -> Observation:
        """What Juju's record says of the action, whose effect is not there (yet)."""
        task = self.task(unit, action, parameters)
        if task is None:
            return ABSENT
        if task.ended and task.status != "completed":
            return self.failed(f"{action} on {task.unit} {task.status}: {task.message or '-'}")
        # Completed: the effect will show, or the step runs out of time.
        return WORKING


def _same_unit(unit: str, wanted: str) -> bool:
    application, _, number = wanted.partition("/")
    if number == steps.LEADER:
        return unit.partition("/")[0] == application
    return unit == wanted


def _holds(parameters: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Juju adds the defaults of parameters, and its own to those of a command."""
    return all(parameters.get(key) == value for key, value in wanted.items())
