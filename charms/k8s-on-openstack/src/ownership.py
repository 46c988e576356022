"""What in an OpenStack project belongs to a cluster, and what must be left alone. Pure.

A thing is the cluster's only when it says so itself: by the cluster's tag, by the UUID of the
cluster's Juju model, which Juju writes on what it makes, or by being of use to nothing but a
thing that is. A name alone proves nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from cluster import TAG

JUJU_MODEL = "juju-model-uuid"
"""Metadata that Juju writes on servers and volumes."""

SWEEP_ORDER = (
    # What uses another thing comes before it.
    "load balancer",
    "server",
    "volume",
    "floating IP",
    "router",
    "port",
    "network",
    "security group",
    "server group",
)

_SERVING = ("port", "floating IP", "load balancer")
"""Without what they serve, these are of no use to anybody."""


@dataclasses.dataclass(frozen=True)
class Resource:
    """One thing in the project."""

    kind: str
    """One of SWEEP_ORDER."""
    id: str
    name: str = ""
    tags: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    of: tuple[str, ...] = ()
    """Ids of the things that it serves: the server of a port, the servers of a volume."""
    going: bool = False
    """Its deletion is under way."""

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.kind}{name} ({self.id})"


@dataclasses.dataclass(frozen=True)
class Claim:
    """By what a cluster's things are known."""

    owner: str
    model: str = ""
    """UUID of its Juju model; empty before there was one."""

    def proves(self, resource: Resource) -> bool:
        """Whether the thing itself says that it is this cluster's."""
        if f"{TAG}={self.owner}" in resource.tags or resource.metadata.get(TAG) == self.owner:
            return True
        if not self.model:
            return False
        if resource.metadata.get(JUJU_MODEL) == self.model:
            return True
        # Juju names these after its controller and model: juju-<controller>-<model>[-<machine>].
        juju_makes = resource.kind in ("security group", "server group")
        return juju_makes and resource.name.startswith("juju-") and self.model in resource.name


def owned(resources: Iterable[Resource], claim: Claim) -> tuple[Resource, ...]:
    """Those that are the cluster's, in the order in which they can be deleted."""
    every = tuple(resources)
    mine = {resource.id for resource in every if claim.proves(resource)}
    # A volume that the cluster uses must say so itself: it may be borrowed.
    serving = (one for one in every if one.kind in _SERVING and one.of)
    mine |= {one.id for one in serving if mine.issuperset(one.of)}
    found = (resource for resource in every if resource.id in mine)
    return tuple(sorted(found, key=lambda one: (SWEEP_ORDER.index(one.kind), one.id)))


def foreign(resources: Iterable[Resource], claim: Claim) -> tuple[Resource, ...]:
    """Those that are not the cluster's."""
    every = tuple(resources)
    mine = {resource.id for resource in owned(every, claim)}
    rest = (resource for resource in every if resource.id not in mine)
    return tuple(sorted(rest, key=lambda one: (SWEEP_ORDER.index(one.kind), one.id)))


CSI_CLUSTER = "cinder.csi.openstack.org/cluster"
"""Metadata that Cinder's CSI driver writes on the volumes that it makes."""


def unmarked(resources: Iterable[Resource], claim: Claim) -> tuple[str, ...]:
    """Volumes that the CSI driver made for this cluster, and that do not bear its tag yet.

    The driver's own mark names a cluster that only the driver knows. While such a volume serves
    a server of the cluster, the mark is the cluster's: all volumes with it are.
    """
    every = tuple(resources)
    servers = {one.id for one in every if one.kind == "server" and claim.proves(one)}
    volumes = [one for one in every if one.kind == "volume" and CSI_CLUSTER in one.metadata]
    marks = {one.metadata[CSI_CLUSTER] for one in volumes if servers.intersection(one.of)}
    return tuple(
        one.id
        for one in volumes
        if one.metadata[CSI_CLUSTER] in marks and not claim.proves(one) and not one.going
    )
