"""Leadership: one unit of an application holds its lease, for as long as it renews it."""

from __future__ import annotations

from sandbox.juju import clock
from sandbox.juju.state.store import Transaction

DURATION = 60.0
"""Seconds that a claim or renewal lasts (internal/worker/leadership: 60 s, renewed at half)."""

_LEAST = 2.0
"""Of the machine's seconds: a clock that runs fast takes no lease from whoever is only busy."""


def duration() -> float:
    """Seconds that a claim or renewal lasts at the pace of the clock."""
    return max(DURATION, _LEAST * clock.pace().rate)


def holder(tx: Transaction, model: str, application: str, now: float) -> str | None:
    """The unit that leads, or None while nobody holds an unexpired lease."""
    return tx.value(
        "SELECT holder FROM leases WHERE model = ? AND application = ? AND expires > ?",
        *(model, application, now),
    )


def holders(tx: Transaction, model: str) -> dict[str, str]:
    """The holder of every application's lease, expired or not: what a status shows."""
    rows = tx.all("SELECT application, holder FROM leases WHERE model = ?", model)
    return {row["application"]: row["holder"] for row in rows}


def leads(tx: Transaction, model: str, unit: str, now: float) -> bool:
    """Whether this unit is the leader of its application at this moment."""
    return holder(tx, model, unit.rpartition("/")[0], now) == unit


def claim(tx: Transaction, model: str, unit: str, now: float) -> bool:
    """Take the lease for a unit, or renew it; False while another unit holds it.

    `now` is in seconds since the epoch.
    """
    application = unit.rpartition("/")[0]
    row = tx.one(
        "SELECT holder, expires FROM leases WHERE model = ? AND application = ?",
        *(model, application),
    )
    if row is not None and row["holder"] != unit and row["expires"] > now:
        return False
    tx.execute(
        "INSERT OR REPLACE INTO leases (model, application, holder, expires) VALUES (?, ?, ?, ?)",
        *(model, application, unit, now + duration()),
    )
    if row is None or row["holder"] != unit:
        tx.touch("application", model, application)
    return True


def revoke(tx: Transaction, model: str, unit: str) -> None:
    """Give up the lease that a dead unit holds, so that another may lead at once."""
    application = unit.rpartition("/")[0]
    gone = tx.execute(
        "DELETE FROM leases WHERE model = ? AND application = ? AND holder = ?",
        *(model, application, unit),
    )
    if gone:
        tx.touch("application", model, application)


def expire(tx: Transaction, model: str, application: str, now: float) -> None:
    """Let an application's lease run out now, as if its holder had stopped renewing it."""
    tx.execute(
        "UPDATE leases SET expires = ? WHERE model = ? AND application = ?",
        *(now, model, application),
    )
    tx.touch("application", model, application)


def extend_all(tx: Transaction, now: float) -> None:
    """Give every holder a full lease: no agent could renew while the controller was down."""
    tx.execute("UPDATE leases SET expires = ?", now + duration())
