"""Ceph as its monitors tell of it, by one command on the machine of their leader: pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from snapshot import Ceph, Osd, Task

LOOK = "ceph health -f json && ceph osd dump -f json && ceph osd tree -f json"
"""What is run by `juju exec`: no action of the monitors' charm tells the codes of what is not
well, the flags, and the OSDs."""

TIMEOUT = 30.0
"""Seconds after which the command is ended: monitors without quorum do not answer."""

FRESH = 45.0
"""Seconds for which an answer counts. Asking takes a task, so it cannot be had at once."""

_DOMAINS = ("zone", "datacenter", "room", "row", "pod", "pdu", "rack", "chassis")

Answers = tuple[tuple[Task, Mapping[str, Any]], ...]
"""Runs of a command with what they answered, oldest first."""


def read(application: str, runs: Answers, now: float) -> Ceph | None:
    """The cluster by the newest answer; None where none is fresh.

    Args:
        application: the monitors'.
        runs: of `LOOK`.
        now: seconds since the epoch, by the controller's clock.
    """
    for task, answer in reversed(runs):
        fresh = now - task.completed <= FRESH
        if task.status == "completed" and fresh and _is_look(task):
            return _parse(application, str(answer.get("stdout", "")))
    return None


def due(runs: Answers, now: float) -> bool:
    """Whether to ask again: what is known will be stale at the next look, and nothing is asked.

    A question that waits for an agent which is at work for long is given up.
    """
    mine = [task for task, _ in runs if _is_look(task)]
    if any(not task.ended and now - task.enqueued < FRESH for task in mine):
        return False
    return not mine or now - max(task.enqueued for task in mine) > FRESH / 3


def _is_look(task: Task) -> bool:
    return task.parameters.get("command") == LOOK


def _parse(application: str, text: str) -> Ceph | None:
    decoder, documents, rest = json.JSONDecoder(), [], text.strip()
    try:
        while rest:
            document, end = decoder.raw_decode(rest)
            documents.append(document)
            rest = rest[end:].strip()
        health, dump, tree = documents
        flags = dump.get("flags_set") or str(dump.get("flags") or "").split(",")
        return Ceph(
            application=application,
            health=health["status"],
            checks=tuple(sorted(health.get("checks") or ())),
            flags=tuple(sorted(flag for flag in flags if flag)),
            osds=tuple(_osds(dump.get("osds") or (), tree.get("nodes") or ())),
            required_release=str(dump.get("require_osd_release") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _osds(listed: Any, nodes: Any) -> Iterator[Osd]:
    above = {child: node for node in nodes for child in node.get("children") or ()}
    for osd in listed:
        chain = list(_chain(int(osd["osd"]), above))
        host = next((node["name"] for node in chain if node.get("type") == "host"), "")
        domain = next((node["name"] for node in chain if node.get("type") in _DOMAINS), "")
        yield Osd(int(osd["osd"]), host, domain, up=bool(osd["up"]), inside=bool(osd["in"]))


def _chain(id_: int, above: Mapping[int, Any]) -> Iterator[Any]:
    """What is above an OSD in the tree, the nearest first."""
    while id_ in above:
        yield above[id_]
        id_ = above[id_]["id"]
