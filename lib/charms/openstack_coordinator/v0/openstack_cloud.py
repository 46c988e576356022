"""The `openstack_cloud` interface: an OpenStack cloud for an application that lives on it.

`openstack-coordinator` provides it. The provider's leader publishes one document for each related
application: either where the cloud is and a secret with credentials of a project for this
application alone, or that there is no cloud yet, and why. See README.md beside this file.

A requirer reads it in any event:

    requirer = OpenStackCloudRequirer(self)
    cloud = requirer.cloud()
    if cloud.ready:
        credentials = requirer.credentials(cloud)
        ...
        requirer.acknowledge(credentials.generation)
    else:
        self.unit.status = ops.WaitingStatus(cloud.reason)
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

import ops
import pydantic

LIBID = "c444c93603ff47f5b14a8a320b7eb3d8"
LIBAPI = 0
LIBPATCH = 2

VERSION = 1
DEFAULT_ENDPOINT = "openstack-cloud"

_KEY = "cloud"
_ACKNOWLEDGED = "acknowledged"

SecretId = Annotated[str, pydantic.Field(pattern=r"^secret:")]


class CredentialsUnreadable(Exception):
    """The secret is not there, or lacks a key; the message names it, never a value."""


class OpenStackCloud(pydantic.BaseModel):
    """What the provider says about its cloud."""

    model_config = pydantic.ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = VERSION
    ready: bool
    """Credentials were made, and `credentials` holds them."""
    reason: str = ""
    """Why it is not ready, in words for an operator."""
    release: str = ""
    """For example 2024.1."""
    region: str = ""
    auth_url: str = ""
    """Keystone's endpoint, with its version: https://10.0.0.1:5000/v3."""
    ca_certificate: str = ""
    """PEM of the CA that signed the endpoints; empty where a public one did."""
    endpoints: Mapping[str, str] = {}
    """Service type -> public URL in this region."""
    credentials: SecretId | None = None
    """A secret, granted to this relation, with `TenantCredentials`."""
    generation: int = 0
    """Which credentials the secret's latest revision holds; rises with every rotation."""

    @pydantic.model_validator(mode="after")
    def _is_complete(self) -> OpenStackCloud:
        if self.ready:
            for field in ("region", "auth_url", "credentials", "generation"):
                if not getattr(self, field):
                    raise ValueError(f"{field} is missing from a cloud that is ready")
        elif not self.reason:
            raise ValueError("reason is missing from a cloud that is not ready")
        return self


class TenantCredentials(pydantic.BaseModel):
    """The content of the secret: a user of the project, and an application credential of his."""

    model_config = pydantic.ConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        alias_generator=lambda field: field.replace("_", "-"),
        validate_by_name=True,
    )

    generation: int = pydantic.Field(gt=0)
    project_id: str
    project_name: str
    project_domain_name: str
    username: str
    password: pydantic.SecretStr
    user_domain_name: str
    application_credential_id: str
    application_credential_secret: pydantic.SecretStr
    expires_at: datetime.datetime
    """When the application credential ends."""

    def to_content(self) -> dict[str, str]:
        """The content of the secret."""
        return {
            "generation": str(self.generation),
            "project-id": self.project_id,
            "project-name": self.project_name,
            "project-domain-name": self.project_domain_name,
            "username": self.username,
            "password": self.password.get_secret_value(),
            "user-domain-name": self.user_domain_name,
            "application-credential-id": self.application_credential_id,
            "application-credential-secret": self.application_credential_secret.get_secret_value(),
            "expires-at": self.expires_at.isoformat(),
        }


def to_databag(cloud: OpenStackCloud) -> dict[str, str]:
    """The provider's application databag."""
    return {_KEY: cloud.model_dump_json(exclude_defaults=True)}


class OpenStackCloudProvider:
    """The side of the coordinator: publishes the cloud. It observes nothing itself."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        self._charm = charm
        self._endpoint = endpoint

    def relations(self) -> Iterable[ops.Relation]:
        """The relations to tenants that are not on their way out."""
        found = self._charm.model.relations[self._endpoint]
        return [relation for relation in found if relation.active]

    def publish(self, relation: ops.Relation, cloud: OpenStackCloud) -> None:
        """Tell one tenant where its cloud is. For the leader only."""
        relation.data[self._charm.app].update(to_databag(cloud))

    def published(self, relation: ops.Relation) -> OpenStackCloud:
        """What this application told the tenant last. For the leader only."""
        own = self._charm.app
        return _read(own.name, relation.data[own].get(_KEY))

    def acknowledged(self, relation: ops.Relation) -> int:
        """The generation of credentials that the tenant has taken; 0 for none."""
        said = relation.data[relation.app].get(_ACKNOWLEDGED, "")
        return int(said) if said.isascii() and said.isdecimal() else 0


class OpenStackCloudRequirer:
    """The side of a tenant: reads the cloud. It observes nothing itself."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        self._charm = charm
        self._endpoint = endpoint

    def cloud(self) -> OpenStackCloud | None:
        """What the provider published; None without a relation.

        Before it published anything, or when that does not fit the schema, the cloud is not
        ready and the reason says so.
        """
        relation = self._relation()
        if relation is None:
            return None
        return _read(relation.app.name, relation.data[relation.app].get(_KEY))

    def credentials(self, cloud: OpenStackCloud) -> TenantCredentials:
        """The latest credentials for a cloud that is ready.

        Raises:
            CredentialsUnreadable: the secret is not there or not granted, or lacks a key.
        """
        try:
            secret = self._charm.model.get_secret(id=cloud.credentials)
            content = secret.get_content(refresh=True)
        except (ops.SecretNotFoundError, ops.ModelError) as error:
            raise CredentialsUnreadable(
                f"the secret {cloud.credentials} is gone or not granted"
            ) from error
        try:
            return TenantCredentials.model_validate(content)
        except pydantic.ValidationError as error:
            raise CredentialsUnreadable(
                f"the secret {cloud.credentials} is not understood: {_first(error)}"
            ) from None

    def acknowledge(self, generation: int) -> None:
        """Say that nothing uses older credentials any more, so that they may be revoked.

        For the leader only.
        """
        relation = self._relation()
        if relation is not None:
            relation.data[self._charm.app][_ACKNOWLEDGED] = str(generation)

    def _relation(self) -> ops.Relation | None:
        for relation in self._charm.model.relations[self._endpoint]:
            if relation.active and relation.app is not None:
                return relation
        return None


def _read(provider: str, document: str | None) -> OpenStackCloud:
    if not document:
        return OpenStackCloud(ready=False, reason=f"{provider} has not published a cloud yet")
    try:
        return OpenStackCloud.model_validate_json(document)
    except pydantic.ValidationError as error:
        reason = f"{provider} published something unreadable: {_first(error)}"
        return OpenStackCloud(ready=False, reason=reason)


def _first(error: pydantic.ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the document"
    return f"{field}: {first['msg']}"
