"""Which agents the controller hears of (core/presence): all but those that were taken from it."""

from __future__ import annotations

from typing import Literal

from sandbox.juju.state.store import Transaction

SILENCE = 180.0
"""Seconds until the controller closes a connection without pings (maxClientPingInterval)."""

Agent = tuple[Literal["unit", "machine"], str]
"""Whose agent it is: the kind, and the unit's name or the machine's id."""


def leave(tx: Transaction, model: str, agent: Agent, noticed: float) -> None:
    """An agent is gone from now on; the controller notices at a moment, the earliest counts.

    `noticed` is in seconds since the epoch.
    """
    tx.execute(
        "INSERT INTO absences (model, kind, entity, noticed) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET noticed = min(noticed, excluded.noticed)",
        *(model, *agent, noticed),
    )


def come_back(tx: Transaction, model: str, agent: Agent) -> None:
    """The controller hears of an agent again."""
    tx.execute("DELETE FROM absences WHERE model = ? AND kind = ? AND entity = ?", model, *agent)


def forget_all(tx: Transaction) -> None:
    """Every agent has connected anew, as they do when the controller starts."""
    tx.execute("DELETE FROM absences")


def missing(tx: Transaction, model: str, now: float) -> frozenset[Agent]:
    """The agents of a model that the controller knows to be gone."""
    rows = tx.all("SELECT kind, entity FROM absences WHERE model = ? AND noticed <= ?", model, now)
    return frozenset((row["kind"], row["entity"]) for row in rows)
