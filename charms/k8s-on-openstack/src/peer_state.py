"""What the leader remembers of its cluster, in the peer relation.

A hook's writes are kept together when it ends well, and none of them when it is killed.
"""

from __future__ import annotations

import dataclasses

import ops
import record as records
from charms.openstack_coordinator.v0 import rolling
from record import State

PEERS = "cluster"

_RECORD, _JOURNAL = "record", "journal"


class PeerState:
    """The peer relation's application databag: for the leader, who alone may read it."""

    def __init__(self, charm: ops.CharmBase) -> None:
        self._charm = charm

    def read(self) -> State:
        """The state as it is now; before there is a relation, that of no cluster."""
        bag = self._bag() or {}
        journal = bag.get(_JOURNAL)
        return State(
            records.from_json(bag.get(_RECORD, "")),
            rolling.Journal.from_json(journal) if journal else None,
        )

    def keep(self, state: State) -> None:
        """Replace it."""
        bag = self._bag()
        if bag is not None:
            bag[_RECORD] = state.record.to_json()
            bag[_JOURNAL] = state.journal.to_json() if state.journal else ""

    def change(self, **changes: object) -> None:
        """Replace some fields of the record."""
        state = self.read()
        record = dataclasses.replace(state.record, **changes)
        self.keep(dataclasses.replace(state, record=record))

    def tell(self, severity: str, message: str) -> None:
        """Remember what the operator is to be told."""
        self.change(told=(severity, message))

    def _bag(self) -> ops.RelationDataContent | None:
        peers = self._charm.model.get_relation(PEERS)
        return peers.data[self._charm.app] if peers else None
