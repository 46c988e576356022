"""Ready `ops.testing` relations of the `kubernetes_cluster` interface, for the tests of charms."""

from __future__ import annotations

from charms.k8s_on_openstack.v0.kubernetes_cluster import (
    DEFAULT_ENDPOINT,
    KubernetesCluster,
    to_databag,
)
from ops import testing

LIBID = "5cf66c15595346bea6bf9a82ff86c0a7"
LIBAPI = 0
LIBPATCH = 1


def ready_cluster(kubeconfig: str) -> KubernetesCluster:
    """A cluster that can be used, with the id of a secret that holds its kubeconfig."""
    return KubernetesCluster(
        ready=True,
        api_endpoint="https://10.5.0.10:443",
        ca_certificate="-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        kubeconfig=kubeconfig,
        kubernetes_version="1.32.3",
        cni="calico",
    )


def provider_relation(
    cluster: KubernetesCluster | None = None, *, endpoint: str = DEFAULT_ENDPOINT
) -> testing.Relation:
    """As a user of the cluster sees it: the provider published `cluster`, or nothing yet."""
    return testing.Relation(
        endpoint,
        interface="kubernetes_cluster",
        remote_app_name="k8s-on-openstack",
        remote_app_data=to_databag(cluster) if cluster else {},
    )


def requirer_relation(
    app: str = "workload", *, endpoint: str = DEFAULT_ENDPOINT
) -> testing.Relation:
    """As the provider sees it: `app` wants a cluster."""
    return testing.Relation(endpoint, interface="kubernetes_cluster", remote_app_name=app)
