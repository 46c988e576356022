"""The types of MAAS's node events (maascommon/events.py): what is shown, and how loud."""

from __future__ import annotations

import dataclasses
import logging


@dataclasses.dataclass(frozen=True)
class EventType:
    """`description` is what the API shows as `type`."""

    description: str
    level: int


def _info(description: str) -> EventType:
    return EventType(description, logging.INFO)


def _debug(description: str) -> EventType:
    return EventType(description, logging.DEBUG)


POWERED_ON = _debug("Node powered on")
POWERED_OFF = _debug("Node powered off")
POWER_ON_FAILED = EventType("Failed to power on node", logging.ERROR)
POWER_OFF_FAILED = EventType("Failed to power off node", logging.ERROR)
POWER_CYCLE_FAILED = EventType("Failed to power cycle node", logging.ERROR)
POWER_QUERY_FAILED = EventType("Failed to query node's BMC", logging.WARNING)
CHANGED_STATUS = _debug("Node changed status")
STATUS_EVENT = _debug("Node status event")
INSTALLATION_FINISHED = _debug("Installation complete")

USER_COMMISSION = _debug("User starting node commissioning")
USER_ABORT_COMMISSIONING = _debug("User aborting node commissioning")
USER_ABORT_DEPLOYMENT = _debug("User aborting deployment")
USER_ABORT_TESTING = _debug("User aborting node testing")
USER_ACQUIRE = _debug("User acquiring node")
USER_RELEASE = _debug("User releasing node")
USER_MARK_BROKEN = _debug("User marking node broken")
USER_MARK_FIXED = _debug("User marking node fixed")
USER_LOCK = _debug("User locking node")
USER_UNLOCK = _debug("User unlocking node")
USER_DEPLOY = _debug("User starting deployment")
USER_START = _debug("User powering up node")
USER_STOP = _debug("User powering down node")
USER_TEST = _debug("User starting node testing")
USER_OVERRIDE_TESTING = _debug("User overrode 'Failed testing' status")
MARK_FAILED = EventType("Marking node failed", logging.ERROR)

PXE_BOOT = _info("Performing PXE boot")
LOADING_EPHEMERAL = _info("Loading ephemeral")
GATHERING_INFORMATION = _info("Gathering information")
RUNNING_TEST = _info("Running test")
CONFIGURING_STORAGE = _info("Configuring storage")
INSTALLING_OS = _info("Installing OS")
REBOOTING = _info("Rebooting")
NEW = _info("New")
COMMISSIONING = _info("Commissioning")
FAILED_COMMISSIONING = _info("Failed commissioning")
TESTING = _info("Testing")
FAILED_TESTING = _info("Failed testing")
READY = _info("Ready")
DEPLOYING = _info("Deploying")
DEPLOYED = _info("Deployed")
RELEASING = _info("Releasing")
RELEASED = _info("Released")
ABORTED_COMMISSIONING = _info("Aborted commissioning")
ABORTED_DEPLOYMENT = _info("Aborted deployment")
ABORTED_TESTING = _info("Aborted testing")
