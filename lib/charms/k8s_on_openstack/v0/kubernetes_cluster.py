"""The `kubernetes_cluster` interface: a Kubernetes cluster for an application that uses it.

`k8s-on-openstack` provides it. The provider's leader publishes one document: either where the
cluster is and a secret with a kubeconfig, or that there is no cluster yet, and why. See
kubernetes_cluster.md beside this file.

    cluster = KubernetesClusterRequirer(self).cluster()
    if cluster is not None and cluster.ready:
        kubeconfig = self.model.get_secret(id=cluster.kubeconfig).get_content(refresh=True)
"""

from __future__ import annotations

from typing import Annotated, Literal

import ops
import pydantic

LIBID = "6621d1d1f6b54160ad36f69cdeafc09f"
LIBAPI = 0
LIBPATCH = 1

VERSION = 1
DEFAULT_ENDPOINT = "kubernetes-cluster"

_KEY = "cluster"

SecretId = Annotated[str, pydantic.Field(pattern=r"^secret:")]
Url = Annotated[str, pydantic.Field(pattern=r"^https://[^/]+")]


class KubernetesCluster(pydantic.BaseModel):
    """What the provider says about its cluster."""

    model_config = pydantic.ConfigDict(extra="ignore", frozen=True)

    version: Literal[1] = VERSION
    ready: bool
    """The API answers, and `kubeconfig` can be used."""
    reason: str = ""
    """Why it is not ready, in words for an operator."""
    api_endpoint: Url | None = None
    """For example https://10.5.0.10:443."""
    ca_certificate: str = ""
    """PEM of the CA that signed the endpoint."""
    kubeconfig: SecretId | None = None
    """A secret, granted to this relation, with the key `kubeconfig`: never its text."""
    kubernetes_version: str = ""
    """For example 1.32.3."""
    cni: str = ""
    """The network of the pods: calico or cilium."""

    @pydantic.model_validator(mode="after")
    def _is_complete(self) -> KubernetesCluster:
        if self.ready:
            for field in ("api_endpoint", "ca_certificate", "kubeconfig", "kubernetes_version"):
                if not getattr(self, field):
                    raise ValueError(f"{field} is missing from a cluster that is ready")
        elif not self.reason:
            raise ValueError("reason is missing from a cluster that is not ready")
        return self


def to_databag(cluster: KubernetesCluster) -> dict[str, str]:
    """The provider's application databag."""
    return {_KEY: cluster.model_dump_json(exclude_defaults=True)}


class KubernetesClusterProvider:
    """The side of the cluster's charm: publishes it. It observes nothing itself."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        self._charm = charm
        self._endpoint = endpoint

    def publish(self, cluster: KubernetesCluster) -> None:
        """Tell every related application the same. For the leader only."""
        for relation in self._charm.model.relations[self._endpoint]:
            if relation.active:
                relation.data[self._charm.app].update(to_databag(cluster))


class KubernetesClusterRequirer:
    """The side of whoever uses the cluster: reads it. It observes nothing itself."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        self._charm = charm
        self._endpoint = endpoint

    def cluster(self) -> KubernetesCluster | None:
        """What the provider published; None without a relation.

        Before it published anything, or when that does not fit the schema, the cluster is not
        ready and the reason says so.
        """
        for relation in self._charm.model.relations[self._endpoint]:
            if relation.active and relation.app is not None:
                return _read(relation.app.name, relation.data[relation.app].get(_KEY))
        return None


def _read(provider: str, document: str | None) -> KubernetesCluster:
    if not document:
        return KubernetesCluster(ready=False, reason=f"{provider} has not published a cluster yet")
    try:
        return KubernetesCluster.model_validate_json(document)
    except pydantic.ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "the document"
        reason = f"{provider} published something unreadable: {field}: {first['msg']}"
        return KubernetesCluster(ready=False, reason=reason)
