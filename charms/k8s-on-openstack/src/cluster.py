"""The cluster that is wanted, as one frozen value. Pure."""

from __future__ import annotations

import dataclasses

from cluster_options import ClusterOptions

TAG = "k8s-cluster"
"""The tag, or key of metadata, by which everything of a cluster is known as its own."""

_APART = 8
"""Digits of the model's UUID that tell clusters of the same name apart: tags of Neutron are
short."""


@dataclasses.dataclass(frozen=True)
class Cluster:
    """What one application stands for."""

    name: str
    """The application's."""
    owner: str
    """The value of the tag: unique among clusters of the same name in other models."""
    channel: str
    """Of Charmed Kubernetes and its charms: 1.32/stable."""
    cni: str
    control_planes: int
    workers: int
    control_plane_flavour: str
    worker_flavour: str
    services_flavour: str
    """Of the machines for certificates, load balancing and integration."""
    zones: tuple[str, ...] = ()
    external_network: str = ""
    image: str = ""
    base: str = "ubuntu@22.04"

    @property
    def place(self) -> str:
        """The name of its Juju model, cloud and credential, and of its network."""
        return f"k8s-{self.name}"

    @property
    def tag(self) -> str:
        """Its tag where tags are plain words."""
        return f"{TAG}={self.owner}"


def desired(options: ClusterOptions, application: str, model_uuid: str) -> Cluster:
    """The cluster that an application of a model asks for by its options."""
    return Cluster(
        name=application,
        owner=f"{application}.{model_uuid[:_APART]}",
        channel=options.kubernetes_channel,
        cni=options.cni,
        control_planes=options.control_plane_count,
        workers=options.worker_count,
        control_plane_flavour=options.control_plane_flavour,
        worker_flavour=options.worker_flavour,
        services_flavour=options.services_flavour or options.control_plane_flavour,
        zones=options.availability_zones,
        external_network=options.external_network,
        image=options.image,
        base=options.base,
    )
