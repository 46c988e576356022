"""How everything outside is reached: Juju, OpenStack's administrator, the pool.

Cheap to import: most hooks need no SDK.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from charms.openstack_coordinator.v0.juju_login import Login
from keystone_admin import AdminAccount


@dataclasses.dataclass(frozen=True)
class Ground:
    """What the charm was given to work with."""

    login: Login
    model: str
    """The UUID of the model that holds OpenStack."""
    account: AdminAccount | None
    """None while Keystone's administrator is not known."""
    ca_certificate: str
    """PEM, of OpenStack's endpoints; empty to trust the CAs of the system."""
    ready: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Role -> machines of the pool that could be taken now."""
