"""Ready `ops.testing` relations of the `openstack_cloud` interface, for the tests of charms."""

from __future__ import annotations

from charms.openstack_coordinator.v0.openstack_cloud import (
    DEFAULT_ENDPOINT,
    OpenStackCloud,
    to_databag,
)
from ops import testing

LIBID = "b384574ca6a446e8b2c19d90833ea1e3"
LIBAPI = 0
LIBPATCH = 1


def ready_cloud(credentials: str, *, ca_certificate: str = "") -> OpenStackCloud:
    """A cloud that can be used, with the id of a secret that holds its credentials."""
    return OpenStackCloud(
        ready=True,
        release="2024.1",
        region="RegionOne",
        auth_url="https://10.0.0.10:5000/v3",
        ca_certificate=ca_certificate,
        credentials=credentials,
    )


def provider_relation(
    cloud: OpenStackCloud | None = None, *, endpoint: str = DEFAULT_ENDPOINT
) -> testing.Relation:
    """As a tenant sees it: the coordinator published `cloud`, or nothing yet."""
    return testing.Relation(
        endpoint,
        interface="openstack_cloud",
        remote_app_name="openstack-coordinator",
        remote_app_data=to_databag(cloud) if cloud else {},
    )


def requirer_relation(
    app: str = "k8s-on-openstack", *, endpoint: str = DEFAULT_ENDPOINT
) -> testing.Relation:
    """As the coordinator sees it: `app` wants a cloud."""
    return testing.Relation(endpoint, interface="openstack_cloud", remote_app_name=app)
