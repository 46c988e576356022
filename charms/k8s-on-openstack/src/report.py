"""What the action show-cluster answers. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml
from record import State


def describe(name: str, state: State) -> dict[str, Any]:
    """The cluster, how far its plan is, and what a deletion left alone; nothing secret."""
    record, journal = state.record, state.journal
    severity, message = record.told
    described: dict[str, Any] = {
        "name": name,
        "intent": record.intent,
        "status": severity,
        "message": message,
        "model": record.model,
    }
    if record.served is not None:
        described["api-endpoint"] = record.served.endpoint
        described["kubeconfig"] = record.served.secret
    if journal is not None:
        described["steps"] = {
            step: f"{one.state}: {one.reason}" if one.reason else one.state
            for step, one in journal.records.items()
        }
        if journal.hold:
            described["holds"] = journal.hold
    if record.intent == "deleted":
        described["left-alone"] = list(record.foreign)
    return described


def render(described: Mapping[str, Any], form: str) -> str:
    """The description as `yaml` or `json`."""
    if form == "json":
        return json.dumps(described)
    return yaml.safe_dump(dict(described), sort_keys=False)
