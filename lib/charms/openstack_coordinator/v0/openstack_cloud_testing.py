"""Ready `ops.testing` relations of the `openstack_cloud` interface, for the tests of charms."""

from __future__ import annotations

import datetime

import pydantic
from charms.openstack_coordinator.v0.openstack_cloud import (
    DEFAULT_ENDPOINT,
    OpenStackCloud,
    TenantCredentials,
    to_databag,
)
from ops import testing

LIBID = "b384574ca6a446e8b2c19d90833ea1e3"
LIBAPI = 0
LIBPATCH = 2


def tenant_credentials(generation: int = 1) -> TenantCredentials:
    """Credentials of a project; `to_content()` is the content of the secret."""
    return TenantCredentials(
        generation=generation,
        project_id="0f3c9a1e8b7d4c6f9a2b5d8e1c4f7a0b",
        project_name="k8s-on-openstack",
        project_domain_name="tenants",
        username=f"k8s-on-openstack-{generation}",
        password=pydantic.SecretStr("open sesame"),
        user_domain_name="tenants",
        application_credential_id="1a2b3c4d5e6f40718293a4b5c6d7e8f9",
        application_credential_secret=pydantic.SecretStr("sesame open"),
        expires_at=datetime.datetime(2027, 1, 22, tzinfo=datetime.timezone.utc),
    )


def ready_cloud(
    credentials: str, *, ca_certificate: str = "", generation: int = 1
) -> OpenStackCloud:
    """A cloud that can be used, with the id of a secret that holds its credentials."""
    return OpenStackCloud(
        ready=True,
        release="2024.1",
        region="RegionOne",
        auth_url="https://10.0.0.10:5000/v3",
        ca_certificate=ca_certificate,
        credentials=credentials,
        generation=generation,
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
    app: str = "k8s-on-openstack", *, endpoint: str = DEFAULT_ENDPOINT, acknowledged: int = 0
) -> testing.Relation:
    """As the coordinator sees it: `app` wants a cloud, or has taken some credentials already."""
    return testing.Relation(
        endpoint,
        interface="openstack_cloud",
        remote_app_name=app,
        remote_app_data={"acknowledged": str(acknowledged)} if acknowledged else {},
    )
