"""What the leader has read so far, in the peers' application databag.

A new leader goes on from there instead of reading every machine again.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

import pydantic
from charms.maas_bmc.v0.baremetal_nodes import ObservedMachine, Sync
from charms.maas_bmc.v0.sharded_records import Databag, RecordsError, ShardedRecords

VERSION = "1"
_MACHINES = ShardedRecords(pydantic.TypeAdapter(list[ObservedMachine]), "observed-")


@dataclasses.dataclass(frozen=True)
class Ledger:
    """The machines as they were read, and where to go on."""

    region: str = ""
    """The region's address; of another one nothing is known yet."""
    cursor: int | None = None
    """Id of the last event that was looked at; None before the first look."""
    unread: tuple[str, ...] = ()
    """System ids still to be read, sorted."""
    zones: tuple[str, ...] = ()
    machines: Mapping[str, ObservedMachine] = dataclasses.field(default_factory=dict)

    @property
    def sync(self) -> Sync:
        """How far the reading has come, for the other side of the relation."""
        return Sync(
            complete=self.cursor is not None and set(self.unread) <= set(self.machines),
            unread=len(self.unread),
            zones=self.zones,
        )


def load(databag: Mapping[str, str], region: str) -> Ledger:
    """The ledger of this region; an empty one when there is none, or none that can be read.

    It is a copy of what MAAS knows: losing it costs time, nothing else.
    """
    if databag.get("version") != VERSION or databag.get("region") != region:
        return Ledger(region)
    try:
        head = json.loads(databag.get("head", ""))
        return Ledger(
            region,
            head["cursor"],
            tuple(head["unread"]),
            tuple(head["zones"]),
            _MACHINES.decode(databag),
        )
    except (RecordsError, ValueError, LookupError, TypeError):
        return Ledger(region)


def save(databag: Databag, ledger: Ledger) -> None:
    """Write what differs."""
    _MACHINES.write(databag, ledger.machines.values())
    head = {"cursor": ledger.cursor, "unread": ledger.unread, "zones": ledger.zones}
    for key, text in (
        ("head", json.dumps(head, separators=(",", ":"))),
        ("region", ledger.region),
        ("version", VERSION),
    ):
        if databag.get(key, "") != text:
            databag[key] = text
