"""What became of actions, as Juju remembers it: pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

_UNDER_WAY = frozenset({"pending", "running", "aborting"})


@dataclasses.dataclass(frozen=True)
class Task:
    """One run of an action on one unit."""

    id: int
    """Rises with time within a model."""
    unit: str
    action: str
    status: str
    """pending, running, completed, failed, cancelled, aborting, aborted or error."""
    message: str
    """Why it failed."""
    enqueued: float
    """Seconds since the epoch by the controller's clock, to the second."""
    results: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def under_way(self) -> bool:
        """It may still have an effect."""
        return self.status in _UNDER_WAY

    @property
    def completed(self) -> bool:
        """It ended well."""
        return self.status == "completed"
