"""Where virtual addresses are, as the cluster agents beside an application's units tell: pure.

Juju shows the addresses of a machine minutes late, and those that Pacemaker adds often never. The
agents' action `status` has Pacemaker's own view (crm_mon), as JSON in `result`:

    {"nodes": {"juju-1-lxd-2": {"online": "true", "standby": "false", ...}, ...},
     "resources": {"groups": {"grp_ks_vips": [{"id": "res_ks_0dd3a53_vip",
        "resource_agent": "ocf::heartbeat:IPaddr2", "role": "Started",
        "nodes": [{"name": "juju-1-lxd-2", ...}]}, ...]}, ...}}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from snapshot import Task, Virtual

LOOK = "status"
"""The action that is asked."""

FRESH = 45.0
"""Seconds for which an answer counts. Asking takes a task, so it cannot be had at once."""

_PATIENCE = 15.0
"""Seconds until another agent is asked in place of one that does not answer."""

_ADDRESSES = ("IPaddr2", "IPv6addr")
"""Pacemaker's resource agents of addresses, behind `ocf::heartbeat:` or `ocf:heartbeat:`."""

Answers = tuple[tuple[Task, Mapping[str, Any]], ...]
"""Runs of the action with what they answered, oldest first."""


def read(application: str, runs: Answers, now: float) -> Virtual | None:
    """The cluster by the newest answer; None where none is fresh.

    Args:
        application: the agents'.
        runs: of `LOOK` on its units.
        now: seconds since the epoch, by the controller's clock.
    """
    for task, answer in reversed(runs):
        if task.status == "completed" and now - task.completed <= FRESH:
            return _parse(application, str(answer.get("result", "")))
    return None


def due(runs: Answers, now: float) -> bool:
    """Whether to ask again, so that a gate learns soon that an address has moved."""
    return not any(not task.ended and now - task.enqueued < _PATIENCE for task, _ in runs)


def _parse(application: str, text: str) -> Virtual | None:
    try:
        told = json.loads(text)
        nodes: Mapping[str, Mapping[str, str]] = told["nodes"]
        away = {name for name, node in nodes.items() if _is_away(node)}
        groups = told["resources"]["groups"].values()
        return Virtual(application, frozenset(away), dict(_addresses(groups)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_away(node: Mapping[str, str]) -> bool:
    return node.get("standby") == "true" or node.get("online") == "false"


def _addresses(groups: Any) -> Iterator[tuple[str, str]]:
    """Resource -> the node that it is on, also while it leaves it; empty where it is on none."""
    for group in groups:
        for resource in group:
            if resource["resource_agent"].rpartition(":")[2] in _ADDRESSES:
                yield resource["id"], next((node["name"] for node in resource["nodes"]), "")
