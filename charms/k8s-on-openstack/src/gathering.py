"""What a cluster stands on, gathered from the charm's options, relations and secrets."""

from __future__ import annotations

import os

import ops
from charms.openstack_coordinator.v0 import juju_login
from charms.openstack_coordinator.v0.openstack_cloud import (
    CredentialsUnreadable,
    OpenStackCloud,
    OpenStackCloudRequirer,
    TenantCredentials,
)
from cluster import Cluster
from ground import Access, Ground, Place


class Missing(Exception):
    """Something is not there, or cannot be used; the message says what to do."""

    def __init__(self, severity: str, message: str) -> None:
        super().__init__(message)
        self.severity = severity


def gather(charm: ops.CharmBase, cluster: Cluster) -> tuple[Ground, int]:
    """How Juju and the project are reached, and the generation of the project's credentials.

    Raises:
        Missing: something is not there yet.
    """
    requirer = OpenStackCloudRequirer(charm)
    cloud = requirer.cloud()
    if cloud is None:
        raise Missing(
            "blocked",
            "openstack-cloud is not related: "
            f"juju integrate {charm.app.name}:openstack-cloud openstack-coordinator",
        )
    if not cloud.ready:
        raise Missing("waiting", f"for OpenStack: {cloud.reason}")
    try:
        tenant = requirer.credentials(cloud)
    except CredentialsUnreadable as error:
        raise Missing("waiting", f"for OpenStack: {error}") from error
    ground = Ground(_login(charm), _place(cluster, cloud, tenant), _access(cloud, tenant))
    return ground, tenant.generation


def _place(cluster: Cluster, cloud: OpenStackCloud, tenant: TenantCredentials) -> Place:
    return Place(
        name=cluster.place,
        owner=cluster.owner,
        region=cloud.region,
        auth_url=cloud.auth_url,
        ca_certificate=cloud.ca_certificate,
        # Juju takes no application credentials.
        credential={
            "username": tenant.username,
            "password": tenant.password.get_secret_value(),
            "tenant-name": tenant.project_name,
            "tenant-id": tenant.project_id,
            "user-domain-name": tenant.user_domain_name,
            "project-domain-name": tenant.project_domain_name,
            "version": "3",
        },
    )


def _access(cloud: OpenStackCloud, tenant: TenantCredentials) -> Access:
    return Access(
        auth_url=cloud.auth_url,
        region=cloud.region,
        ca_certificate=cloud.ca_certificate,
        credential_id=tenant.application_credential_id,
        credential_secret=tenant.application_credential_secret.get_secret_value(),
    )


def _login(charm: ops.CharmBase) -> juju_login.Login:
    secret_id = charm.config.get("juju-credentials")
    if not secret_id:
        raise Missing(
            "blocked",
            "juju-credentials: not set: juju add-secret <name> username=... password=..., grant "
            f"it to {charm.app.name}, and set the option to its URI",
        )
    try:
        content = charm.model.get_secret(id=str(secret_id)).get_content(refresh=True)
    except (ops.SecretNotFoundError, ops.ModelError) as error:
        raise Missing(
            "blocked",
            "juju-credentials: the secret is gone or not granted: "
            f"juju grant-secret <name> {charm.app.name}",
        ) from error
    endpoints = os.environ.get("JUJU_API_ADDRESSES", "").split()
    try:
        return juju_login.from_secret(content, endpoints)
    except juju_login.InvalidLogin as error:
        raise Missing("blocked", f"juju-credentials: {error}") from error
