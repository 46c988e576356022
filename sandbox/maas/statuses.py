"""MAAS's node statuses, their labels, and the transitions between them.

Source: MAAS 3.7, maascommon/enums/node.py and maasserver/node_status.py. Statuses that nothing
here reaches (rescue mode, disk erasing, missing, retired, reserved) are known by number and name
only, so that filters take them as MAAS does.
"""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """The number is what the API shows as `status`."""

    NEW = 0
    COMMISSIONING = 1
    FAILED_COMMISSIONING = 2
    MISSING = 3
    READY = 4
    RESERVED = 5
    DEPLOYED = 6
    RETIRED = 7
    BROKEN = 8
    DEPLOYING = 9
    ALLOCATED = 10
    FAILED_DEPLOYMENT = 11
    RELEASING = 12
    FAILED_RELEASING = 13
    DISK_ERASING = 14
    FAILED_DISK_ERASING = 15
    RESCUE_MODE = 16
    ENTERING_RESCUE_MODE = 17
    FAILED_ENTERING_RESCUE_MODE = 18
    EXITING_RESCUE_MODE = 19
    FAILED_EXITING_RESCUE_MODE = 20
    TESTING = 21
    FAILED_TESTING = 22

    @property
    def label(self) -> str:
        """What the API shows as `status_name`."""
        return _IRREGULAR_LABELS.get(self, self.name.replace("_", " ").capitalize())


_IRREGULAR_LABELS = {
    Status.FAILED_RELEASING: "Releasing failed",
    Status.FAILED_ENTERING_RESCUE_MODE: "Failed to enter rescue mode",
    Status.FAILED_EXITING_RESCUE_MODE: "Failed to exit rescue mode",
}

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.COMMISSIONING, Status.TESTING, Status.READY, Status.BROKEN}),
    Status.COMMISSIONING: frozenset(
        {Status.FAILED_COMMISSIONING, Status.READY, Status.NEW, Status.BROKEN, Status.TESTING}
    ),
    Status.FAILED_COMMISSIONING: frozenset({Status.COMMISSIONING, Status.BROKEN, Status.TESTING}),
    Status.READY: frozenset(
        {Status.COMMISSIONING, Status.ALLOCATED, Status.BROKEN, Status.TESTING}
    ),
    Status.ALLOCATED: frozenset(
        {Status.READY, Status.BROKEN, Status.DEPLOYING, Status.RELEASING, Status.TESTING}
    ),
    Status.DEPLOYING: frozenset(
        {
            Status.ALLOCATED,
            Status.BROKEN,
            Status.FAILED_DEPLOYMENT,
            Status.DEPLOYED,
            Status.READY,
            Status.RELEASING,
        }
    ),
    Status.FAILED_DEPLOYMENT: frozenset(
        {Status.ALLOCATED, Status.BROKEN, Status.READY, Status.RELEASING, Status.TESTING}
    ),
    Status.DEPLOYED: frozenset(
        {Status.ALLOCATED, Status.BROKEN, Status.READY, Status.RELEASING, Status.TESTING}
    ),
    Status.RELEASING: frozenset(
        {
            Status.NEW,
            Status.ALLOCATED,
            Status.DEPLOYED,
            Status.READY,
            Status.BROKEN,
            Status.FAILED_DEPLOYMENT,
            Status.FAILED_RELEASING,
        }
    ),
    Status.FAILED_RELEASING: frozenset(
        {Status.RELEASING, Status.READY, Status.BROKEN, Status.TESTING}
    ),
    Status.BROKEN: frozenset(
        {
            Status.COMMISSIONING,
            Status.READY,
            Status.RELEASING,
            Status.TESTING,
            Status.DEPLOYED,
        }
    ),
    Status.TESTING: frozenset(
        {
            Status.BROKEN,
            Status.NEW,
            Status.READY,
            Status.ALLOCATED,
            Status.DEPLOYED,
            Status.COMMISSIONING,
            Status.FAILED_DEPLOYMENT,
            Status.FAILED_RELEASING,
            Status.FAILED_TESTING,
        }
    ),
    Status.FAILED_TESTING: frozenset(
        {
            Status.COMMISSIONING,
            Status.BROKEN,
            Status.TESTING,
            Status.READY,
            Status.DEPLOYED,
        }
    ),
}

COMMISSIONABLE = frozenset({Status.NEW, Status.FAILED_COMMISSIONING, Status.READY, Status.BROKEN})
"""Where `commission` is offered (maasserver/node_action.py)."""

RELEASABLE = frozenset(
    {
        Status.ALLOCATED,
        Status.RESERVED,
        Status.BROKEN,
        Status.DEPLOYING,
        Status.DEPLOYED,
        Status.FAILED_DEPLOYMENT,
        Status.FAILED_DISK_ERASING,
        Status.FAILED_RELEASING,
    }
)

FAILURES = {
    Status.COMMISSIONING: Status.FAILED_COMMISSIONING,
    Status.DEPLOYING: Status.FAILED_DEPLOYMENT,
    Status.RELEASING: Status.FAILED_RELEASING,
    Status.TESTING: Status.FAILED_TESTING,
}
"""What becomes of a machine whose work in progress fails."""
