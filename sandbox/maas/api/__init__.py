"""The handlers of MAAS's API 2.0 and of its metadata service, by resource."""

from __future__ import annotations

from sandbox.maas.api.accounts import ACCOUNTS
from sandbox.maas.api.events import EVENTS
from sandbox.maas.api.images import IMAGES
from sandbox.maas.api.machine import MACHINE_RESOURCES
from sandbox.maas.api.machines import MACHINES
from sandbox.maas.api.metadata import METADATA
from sandbox.maas.api.networks import NETWORKS
from sandbox.maas.api.places import PLACES
from sandbox.maas.api.tags import TAGS

RESOURCES = (
    *ACCOUNTS,
    MACHINES,
    *MACHINE_RESOURCES,
    *TAGS,
    *PLACES,
    *NETWORKS,
    *EVENTS,
    *IMAGES,
    *METADATA,
)
