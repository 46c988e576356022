"""The cluster for those who use it: the kubeconfig as a secret, and what they are told."""

from __future__ import annotations

import logging

import kubeconfig
import life
import ops
from charms.k8s_on_openstack.v0.kubernetes_cluster import (
    KubernetesCluster,
    KubernetesClusterProvider,
)
from cluster import Cluster
from record import Record, Served
from world import World

ENDPOINT = "kubernetes-cluster"

_KUBECONFIG = "kubeconfig"

logger = logging.getLogger(__name__)


def take(charm: ops.CharmBase, record: Record, world: World) -> Served | None:
    """Keep a kubeconfig that has come, as a secret of the application; None where none has."""
    fetched = world.fetched
    if record.serves or not record.model or fetched is None or not fetched.kubeconfig:
        return None
    try:
        endpoint, authority = kubeconfig.endpoint(fetched.kubeconfig)
    except kubeconfig.UnusableKubeconfig as error:
        logger.warning("get-kubeconfig: %s", error)
        return None
    content = {_KUBECONFIG: fetched.kubeconfig}
    try:
        secret = charm.model.get_secret(label=_KUBECONFIG)
        secret.set_content(content)
    except ops.SecretNotFoundError:
        secret = charm.app.add_secret(content, label=_KUBECONFIG)
    return Served(record.model, secret.id or secret.get_info().id, endpoint, authority)


def publish(charm: ops.CharmBase, record: Record, seen: tuple[Cluster, World] | None) -> None:
    """Tell whoever wants the cluster where it is, or why there is none.

    Args:
        charm: whose relations they are.
        record: what is known of the cluster.
        seen: the cluster and the world of this look; None when there was nothing to see.
    """
    users = charm.model.relations[ENDPOINT]
    served = record.serves if record.intent == "present" else None
    provider = KubernetesClusterProvider(charm)
    if served is None:
        provider.publish(KubernetesCluster(ready=False, reason=record.told[1]))
        return
    if seen is None:
        # The cluster lives on while this charm cannot see it.
        return
    cluster, world = seen
    secret = charm.model.get_secret(label=_KUBECONFIG)
    for relation in users:
        secret.grant(relation)
    provider.publish(
        KubernetesCluster(
            ready=True,
            api_endpoint=served.endpoint,
            ca_certificate=served.ca_certificate,
            kubeconfig=served.secret,
            kubernetes_version=life.version(world) or cluster.channel,
            cni=cluster.cni,
        )
    )
