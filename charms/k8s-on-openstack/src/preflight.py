"""Whether an OpenStack project has what a cluster needs, before anything is made. Pure.

Every shortage is told at once, each with its remedy: an operator who must ask for a quota asks
only once.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from bundle import Bundle
from cluster import Cluster

UNLIMITED = -1


@dataclasses.dataclass(frozen=True)
class Quota:
    """A limit of the project, and what is used of it."""

    limit: int
    """UNLIMITED for none."""
    used: int

    @property
    def free(self) -> float:
        """What may still be made."""
        return float("inf") if self.limit == UNLIMITED else max(0, self.limit - self.used)


@dataclasses.dataclass(frozen=True)
class Flavour:
    """A size of machines."""

    cores: int
    memory: int
    """MiB."""


@dataclasses.dataclass(frozen=True)
class Network:
    """A network that gives floating addresses."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the project has."""

    unreachable: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Service -> why it does not answer. Nothing is concluded on what such a service knows."""
    quotas: Mapping[str, Quota] = dataclasses.field(default_factory=dict)
    """By the names of `quota set`: instances, cores, ram (MiB), networks, ports..."""
    flavours: Mapping[str, Flavour] = dataclasses.field(default_factory=dict)
    images: frozenset[str] = frozenset()
    """Ids of those that can be booted."""
    zones: frozenset[str] = frozenset()
    """Nova's zones with hosts that are enabled; which of them are up, a tenant cannot see."""
    external_networks: tuple[Network, ...] = ()
    present: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Flavour -> servers that the cluster has already."""
    has_network: bool = False
    """The cluster's own network is there already."""


@dataclasses.dataclass(frozen=True)
class Shortage:
    """Something that is missing, and what to do about it."""

    subject: str
    problem: str
    remedy: str
    passing: bool = False
    """It is mended without the operator of the cluster, or passes by itself."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}: {self.remedy}"


def check(cluster: Cluster, bundle: Bundle, facts: Facts) -> tuple[Shortage, ...]:
    """Everything that keeps the cluster from being made or grown; none when nothing does."""
    return (
        *_services(facts),
        *_flavours(cluster, facts),
        *_image(cluster, facts),
        *_zones(cluster, facts),
        *_external_network(cluster, facts),
        *_quotas(cluster, bundle, facts),
    )


def machines(bundle: Bundle) -> Counter[str]:
    """Flavour -> machines that a bundle asks for."""
    wanted: Counter[str] = Counter()
    for application in bundle.applications:
        if application.units:
            wanted[application.constraints["instance-type"]] += application.units
    return wanted


def to_come(bundle: Bundle, facts: Facts) -> Counter[str]:
    """Flavour -> machines that a bundle asks for and that are not there yet."""
    return machines(bundle) - Counter(facts.present)


def _services(facts: Facts) -> Iterator[Shortage]:
    for service, reason in sorted(facts.unreachable.items()):
        problem = f"does not answer: {reason}"
        yield Shortage(service, problem, "it is tried again", passing=True)


def _flavours(cluster: Cluster, facts: Facts) -> Iterator[Shortage]:
    if "compute" in facts.unreachable:
        return
    for option, flavour in (
        ("control-plane-flavour", cluster.control_plane_flavour),
        ("worker-flavour", cluster.worker_flavour),
        ("services-flavour", cluster.services_flavour),
    ):
        repeated = option == "services-flavour" and flavour == cluster.control_plane_flavour
        if flavour not in facts.flavours and not repeated:
            remedy = f"set it to one of {_listed(facts.flavours)}"
            yield Shortage(option, f"there is no flavour {flavour}", remedy)


def _image(cluster: Cluster, facts: Facts) -> Iterator[Shortage]:
    if cluster.image and "image" not in facts.unreachable and cluster.image not in facts.images:
        remedy = f"set it to the id of an active image of {cluster.base} that the project may use"
        yield Shortage("image", f"there is no image {cluster.image}", remedy)


def _zones(cluster: Cluster, facts: Facts) -> Iterator[Shortage]:
    if "compute" in facts.unreachable:
        return
    for zone in cluster.zones:
        if zone not in facts.zones:
            remedy = f"take it out, or name one of {_listed(facts.zones)}"
            yield Shortage("availability-zones", f"{zone} has no host that takes servers", remedy)
    if not facts.zones:
        problem = "no zone has a host that takes servers"
        yield Shortage("hypervisors", problem, "add or enable nova-compute units")


def _external_network(cluster: Cluster, facts: Facts) -> Iterator[Shortage]:
    if "network" in facts.unreachable:
        return
    found, name = facts.external_networks, cluster.external_network
    remedy = f"set it to one of {_listed(one.name for one in found)}"
    if not found:
        remedy = "have the cloud's administrator make one"
        yield Shortage("external-network", "the cloud has none", remedy)
    elif not name and len(found) > 1:
        yield Shortage("external-network", "there are several", remedy)
    elif name and not any(name in (one.name, one.id) for one in found):
        yield Shortage("external-network", f"there is no external network {name}", remedy)


def _quotas(cluster: Cluster, bundle: Bundle, facts: Facts) -> Iterator[Shortage]:
    for resource, wanted in sorted(_wanted(bundle, facts).items()):
        quota = facts.quotas.get(resource)
        if quota is None or wanted <= quota.free:
            continue
        remedy = f"have the quota of the project raised to {quota.used + wanted}"
        problem = f"{cluster.name} needs {wanted}, {quota.free:g} of {quota.limit} are free"
        yield Shortage(f"quota of {resource}", problem, remedy)


def _wanted(bundle: Bundle, facts: Facts) -> Counter[str]:
    """What the machines to come take, by the names of the quotas."""
    new = to_come(bundle, facts)
    count = sum(new.values())
    wanted: Counter[str] = Counter(instances=count, ports=count)
    for flavour, number in new.items():
        size = facts.flavours.get(flavour)
        if size is not None:
            wanted["cores"] += number * size.cores
            wanted["ram"] += number * size.memory
    # Juju makes a group for the model and one for each machine.
    wanted["security_groups"] = count
    if not facts.has_network:
        # The router's port in the network.
        wanted.update(networks=1, subnets=1, routers=1, ports=1, security_groups=1)
    return wanted


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none: the cloud has none"
