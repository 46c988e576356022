"""Ceph as its monitors' actions tell of it: pure.

The charm of the monitors has `get-health`, whose answer is the text of `ceph health`, and
`show-disk-free`, whose answer in JSON is that of `ceph osd df tree`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from snapshot import Ceph, Osd, Task

HEALTH = "get-health"
DISKS = "show-disk-free"
DISKS_PARAMETERS: Mapping[str, Any] = {"format": "json"}

FRESH = 45.0
"""Seconds for which an answer counts. Asking is an action, so it cannot be had at once."""

_FLAGS = re.compile(r"([a-z,]+) flag\(s\) set")
_ABOVE_HOST = ("rack", "row", "zone", "room", "datacenter", "chassis", "pod", "pdu", "region")
_CODES = (
    (re.compile(r"flag\(s\) set"), "OSDMAP_FLAGS"),
    (re.compile(r"osds? down"), "OSD_DOWN"),
    (re.compile(r"hosts? .*down"), "OSD_HOST_DOWN"),
    (re.compile(r"mons? down|out of quorum"), "MON_DOWN"),
    (re.compile(r"degraded|undersized"), "PG_DEGRADED"),
    (re.compile(r"Reduced data availability"), "PG_AVAILABILITY"),
    (re.compile(r"require_osd_release|upgrade is complete"), "OSD_UPGRADE_FINISHED"),
    (re.compile(r"near ?full"), "OSD_NEARFULL"),
    (re.compile(r"clock skew"), "MON_CLOCK_SKEW"),
)
"""How `ceph health` says what its checks are called. What is not known here keeps its words."""


def read(
    application: str, runs: tuple[tuple[Task, Mapping[str, str]], ...], now: float
) -> Ceph | None:
    """The cluster by the newest answers; None where none is fresh.

    Args:
        application: the monitors'.
        runs: of the two actions.
        now: seconds since the epoch, by the controller's clock.
    """
    fresh = [
        (task, answer)
        for task, answer in runs
        if task.status == "completed" and now - task.completed <= FRESH
    ]
    healths = [answer.get("message", "") for task, answer in fresh if task.action == HEALTH]
    if not healths:
        return None
    disks = [answer.get("message", "") for task, answer in fresh if task.action == DISKS]
    text = healths[-1].strip()
    health, _, detail = text.partition(" ")
    flags = tuple(sorted(f for found in _FLAGS.findall(detail) for f in found.split(",")))
    checks = tuple(sorted({_code(part.strip()) for part in detail.split(";") if part.strip()}))
    return Ceph(application, health, checks, flags, tuple(_osds(disks[-1] if disks else "")))


def due(runs: tuple[Task, ...], action: str, now: float) -> bool:
    """Whether to ask again: nothing runs, and what is known will be stale at the next look."""
    mine = [task for task in runs if task.action == action]
    if any(not task.ended for task in mine):
        return False
    return not mine or now - max(task.enqueued for task in mine) > FRESH / 3


def _code(words: str) -> str:
    return next((code for pattern, code in _CODES if pattern.search(words)), words)


def _osds(text: str) -> Iterator[Osd]:
    try:
        nodes = json.loads(text)["nodes"] if text else []
    except (ValueError, KeyError, TypeError):
        nodes = []
    above = {child: node for node in nodes for child in node.get("children") or ()}
    for node in nodes:
        if node.get("type") != "osd":
            continue
        host = above.get(node["id"], {})
        domain = above.get(host.get("id"), {})
        yield Osd(
            id=int(node["id"]),
            host=host.get("name", ""),
            domain=domain.get("name", "") if domain.get("type") in _ABOVE_HOST else "",
            up=node.get("status", "up") == "up",
            inside=float(node.get("reweight", 1)) > 0,
        )
