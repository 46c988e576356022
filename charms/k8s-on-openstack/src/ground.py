"""What a cluster stands on: how Juju and its OpenStack project are reached.

Cheap to import: most hooks of a charm that waits need no SDK.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from charms.openstack_coordinator.v0 import juju_login
from cluster import TAG


@dataclasses.dataclass(frozen=True)
class Place:
    """Where in Juju the cluster goes, and how Juju reaches its project."""

    name: str
    """Of the cloud, the credential and the model."""
    owner: str
    """The value of the cluster's tag. Juju writes it on everything that it makes for a model."""
    region: str
    auth_url: str
    ca_certificate: str
    credential: Mapping[str, str] = dataclasses.field(repr=False)
    """Attributes of an openstack credential of the type userpass."""

    @property
    def definition(self) -> dict[str, Any]:
        """The cloud, as Juju describes one."""
        certificates = [self.ca_certificate] if self.ca_certificate else []
        return {
            "type": "openstack",
            "auth-types": ["userpass"],
            "endpoint": self.auth_url,
            "regions": [{"name": self.region, "endpoint": self.auth_url}],
            "ca-certificates": certificates,
            "config": {"resource-tags": f"{TAG}={self.owner}"},
        }


@dataclasses.dataclass(frozen=True)
class Access:
    """How to reach a project."""

    auth_url: str
    region: str
    ca_certificate: str
    credential_id: str
    credential_secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Ground:
    """What a cluster stands on: how Juju and its OpenStack project are reached."""

    login: juju_login.Login
    place: Place
    access: Access
