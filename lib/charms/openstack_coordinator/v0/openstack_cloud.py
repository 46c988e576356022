"""The `openstack_cloud` interface: an OpenStack cloud for an application that lives on it.

`openstack-coordinator` provides it. The provider's leader publishes one document for each related
application: either where the cloud is and a secret with credentials of a project for this
application alone, or that there is no cloud yet, and why. See openstack_cloud.md beside this file.

A requirer reads it in any event:

    cloud = OpenStackCloudRequirer(self).cloud()
    if not cloud.ready:
        self.unit.status = ops.WaitingStatus(cloud.reason)
"""

from __future__ import annotations

from typing import Annotated, Literal

import ops
import pydantic

LIBID = "c444c93603ff47f5b14a8a320b7eb3d8"
LIBAPI = 0
LIBPATCH = 1

VERSION = 1
DEFAULT_ENDPOINT = "openstack-cloud"

_KEY = "cloud"

SecretId = Annotated[str, pydantic.Field(pattern=r"^secret:")]


class OpenStackCloud(pydantic.BaseModel):
    """What the provider says about its cloud."""

    model_config = pydantic.ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = VERSION
    ready: bool
    """The cloud is there, and `credentials` can be used."""
    reason: str = ""
    """Why it is not ready, in words for an operator."""
    release: str = ""
    """For example 2024.1."""
    region: str = ""
    auth_url: str = ""
    """Keystone's public endpoint, with its version: https://10.0.0.1:5000/v3."""
    ca_certificate: str = ""
    """PEM of the CA that signed the endpoints; empty where a public one did."""
    credentials: SecretId | None = None
    """A secret, granted to this relation, with `application-credential-id`,
    `application-credential-secret` and `project-id`. It is rotated: follow its revisions."""

    @pydantic.model_validator(mode="after")
    def _is_complete(self) -> OpenStackCloud:
        if self.ready:
            for field in ("region", "auth_url", "credentials"):
                if not getattr(self, field):
                    raise ValueError(f"{field} is missing from a cloud that is ready")
        elif not self.reason:
            raise ValueError("reason is missing from a cloud that is not ready")
        return self


def to_databag(cloud: OpenStackCloud) -> dict[str, str]:
    """The provider's application databag."""
    return {_KEY: cloud.model_dump_json(exclude_defaults=True)}


class OpenStackCloudProvider:
    """The side of the coordinator: publishes the cloud. It observes nothing itself."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        self._charm = charm
        self._endpoint = endpoint

    def publish(self, cloud: OpenStackCloud) -> None:
        """Tell every related application the same. For the leader only."""
        for relation in self._charm.model.relations[self._endpoint]:
            if relation.active:
                relation.data[self._charm.app].update(to_databag(cloud))


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
        for relation in self._charm.model.relations[self._endpoint]:
            if relation.active and relation.app is not None:
                return _read(relation.app.name, relation.data[relation.app].get(_KEY))
        return None


def _read(provider: str, document: str | None) -> OpenStackCloud:
    if not document:
        return OpenStackCloud(ready=False, reason=f"{provider} has not published a cloud yet")
    try:
        return OpenStackCloud.model_validate_json(document)
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the document"
        reason = f"{provider} published something unreadable: {field}: {first['msg']}"
        return OpenStackCloud(ready=False, reason=reason)
