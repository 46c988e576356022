"""Port ranges of a unit's workload, and which of them are in each other's way. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class PortRange:
    """Ports that the unit's workload listens on."""

    protocol: str
    """tcp, udp or icmp."""
    first: int
    """-1 for icmp, as `last`."""
    last: int
    endpoint: str = ""
    """Empty: every endpoint."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PortRange:
        """A range as the store keeps it."""
        return cls(
            document["protocol"],
            document["from-port"],
            document["to-port"],
            document.get("endpoint", ""),
        )

    def to_document(self) -> dict[str, Any]:
        """As the store keeps it."""
        return {
            "endpoint": self.endpoint,
            "protocol": self.protocol,
            "from-port": self.first,
            "to-port": self.last,
        }

    @property
    def ports(self) -> tuple[str, int, int]:
        """What is open, whatever the endpoint; in this order Juju sorts ranges."""
        return self.protocol, self.first, self.last

    @property
    def text(self) -> str:
        """80/tcp, 8000-8010/udp or icmp."""
        if self.protocol == "icmp":
            return "icmp"
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{ports}/{self.protocol}"

    def overlaps(self, other: PortRange) -> bool:
        """Whether both have a port of one protocol."""
        if self.protocol != other.protocol:
            return False
        return self.last >= other.first and other.last >= self.first


def after(
    known: Iterable[PortRange], opened: Iterable[PortRange], closed: Iterable[PortRange]
) -> set[PortRange]:
    """What is open once a hook's changes are made.

    A range closed for every endpoint closes it where it is open for a single one too.
    """
    closing = set(closed)
    everywhere = {ports.ports for ports in closing if not ports.endpoint}
    kept = {p for p in known if p not in closing and p.ports not in everywhere}
    return kept | set(opened)


def conflict(
    wanted: PortRange, own: Iterable[PortRange], others: Mapping[str, Iterable[PortRange]]
) -> tuple[PortRange, str] | None:
    """What a range may not be opened for, with the other unit that has it; '' for the unit itself.

    The rule of Juju's portRangeChangeRecorder: on one machine no two ranges overlap, but that a
    unit may open the same one for several endpoints. `others` has the ranges of the machine's
    other units.
    """
    for unit, ranges in others.items():
        for found in ranges:
            if wanted.overlaps(found):
                return found, unit
    for found in own:
        if wanted.overlaps(found) and wanted.ports != found.ports:
            return found, ""
    return None
