"""A release upgrade by a coordinator that dies again and again, and what is left of it."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import pathlib
import re
import time
from collections.abc import Iterator
from typing import Any

from sandbox.faults.client import FaultClient
from sandbox.faults.fault import Fault
from tests.integration.coordinator.model import CHARM, Model

MOMENTS = {"quiet": "pass", "lost": "set,commit", "kept": "committed"}
"""Cloud -> where its coordinator dies at each write: nowhere, before it, after it."""

_UNIT = f"{CHARM}/0"
_ENDS_WITHIN = 1500.0
_LOOKS_EVERY = 5.0
_BUSY = "another plan runs"
_TERMINATED = "action terminated"
_READS = ("status",)
"""Actions that change nothing: a gate may look as often as it likes."""
_OWN = ("vip",)
"""Options that each of the clouds has a value of its own for."""
_AGENT = re.compile(r"(keystone-hacluster)/[0-9]+")


class _Died(Exception):
    """The unit died in the midst of an action."""


@dataclasses.dataclass(frozen=True)
class Write:
    """One moment of a write into the peers' databag that was reached."""

    moment: str
    key: str
    steps: frozenset[tuple[str, str]]
    """Of a journal: the steps that change, each with its new state."""


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """What became of a cloud."""

    writes: tuple[Write, ...]
    end: Any
    """What an operator sees of the model at the end, and of the plan's history."""
    effects: collections.Counter[str]
    """Action and unit -> how often it completed."""
    seconds: float

    def steps(self, *moments: str) -> set[tuple[str, str]]:
        """The steps and states at whose writes one of these moments was reached."""
        return {step for write in self.writes if write.moment in moments for step in write.steps}


def upgraded(cloud: Model) -> Upgrade:
    """Upgrade a cloud to the next release, with its coordinator killed at each write."""
    faults, moments = FaultClient(cloud.home, cloud.name), MOMENTS[cloud.name]
    times = moments.count(",") + 1
    # A plan that is made again is another write: it says when it was made.
    faults.apply(Fault("kill-at-write", _UNIT, key="plan-candidate", moments=moments, times=times))
    plan = insist(cloud, "plan", "request=release")
    faults.apply(Fault("kill-at-write", _UNIT, key="plan-journal", moments=moments, times=10_000))
    began = time.monotonic()
    insist(cloud, "run", f"hash={plan['hash']}")
    while '"done"' not in insist(cloud, "history")["history"]:
        assert time.monotonic() - began < _ENDS_WITHIN, cloud.message()
        time.sleep(_LOOKS_EVERY)
    seconds = time.monotonic() - began
    faults.apply(Fault("kill-at-write", _UNIT, key="none of the charm's"))
    known = json.loads(cloud.juju("show-model", cloud.name, "--format", "json"))
    record = cloud.home.folder("log") / "crash-points.jsonl"
    written = tuple(writes(record, known[cloud.name]["model-uuid"]))
    return Upgrade(written, _end(cloud), _effects(cloud), seconds)


def insist(cloud: Model, action: str, *parameters: str) -> dict[str, Any]:
    """An action as an operator gives it again when the unit died under it."""
    while True:
        with contextlib.suppress(_Died):
            return _act(cloud, action, *parameters)


def _act(cloud: Model, action: str, *parameters: str) -> dict[str, Any]:
    try:
        return cloud.act(action, *parameters)
    except AssertionError as error:
        if _TERMINATED in str(error):
            raise _Died from None
        if action == "run" and _BUSY in str(error):
            return {}  # it had begun the plan before it died
        raise


def writes(record: pathlib.Path, model: str) -> Iterator[Write]:
    """What the record has of a model, by its UUID."""
    for line in record.read_text(encoding="utf-8").splitlines():
        reached = json.loads(line)
        if reached["model"] == model:
            for key, (before, after) in reached["changes"].items():
                steps = _states(after) - _states(before) if key == "plan-journal" else set()
                yield Write(reached["moment"], key, frozenset(steps))


def _states(journal: str) -> set[tuple[str, str]]:
    records = json.loads(journal)["records"] if journal else {}
    # A subordinate's number is not its principal's, and not the same in each cloud.
    return {(_AGENT.sub(r"\1", step), record[0]) for step, record in records.items()}


def _end(cloud: Model) -> Any:
    applications = cloud.status()["applications"]
    (past,) = json.loads(cloud.act("history")["history"])
    return {
        "plan": {key: past[key] for key in ("title", "phase", "finished", "steps", "skipped")},
        "applications": {
            name: {
                "channel": found["charm-channel"],
                "revision": found["charm-rev"],
                "version": found.get("version", ""),
                "options": _options(cloud, name),
            }
            for name, found in applications.items()
            if name != CHARM
        },
        "units": {
            name: (unit["workload-status"]["current"], unit["workload-status"].get("message", ""))
            for name, unit in cloud.units().items()
            if not name.startswith(CHARM)
        },
    }


def _options(cloud: Model, application: str) -> dict[str, Any]:
    settings = json.loads(cloud.juju("config", application, "--format", "json"))["settings"]
    return {name: option.get("value") for name, option in settings.items() if name not in _OWN}


def _effects(cloud: Model) -> collections.Counter[str]:
    """What was done, and how often. To let an agent go that is not held any more is nothing."""
    operations = json.loads(cloud.juju("operations", "--limit", "1000", "--format", "json"))
    return collections.Counter(
        f"{operation['action']['name']} {task['host']}"
        for operation in operations.values()
        for task in operation["tasks"].values()
        if task["status"] == "completed"
        and operation["action"]["name"] not in _READS
        and not task["host"][0].isdigit()  # a machine, by whose agent that is done
        and not task["host"].startswith(CHARM)
    )
