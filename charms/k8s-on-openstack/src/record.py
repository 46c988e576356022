"""What the leader must remember of a cluster beside the plan: it survives any crash. Pure."""

from __future__ import annotations

import dataclasses
import json
from typing import Literal

from charms.openstack_coordinator.v0 import rolling
from cluster import Cluster


@dataclasses.dataclass(frozen=True)
class Served:
    """How the cluster is used, once it can be."""

    model: str
    """UUID of the model that it came from."""
    secret: str
    """Id of the secret with the kubeconfig."""
    endpoint: str
    ca_certificate: str


@dataclasses.dataclass(frozen=True)
class Record:
    """The state of one cluster; nothing of it is secret."""

    intent: Literal["present", "deleted"] = "present"
    model: str = ""
    """UUID of the cluster's Juju model; empty before it was seen."""
    made_with: tuple[str, str, str, str] | None = None
    """Channel, CNI, external network and base of the cluster that there is."""
    workers: tuple[int, int] | None = None
    """How many workers the action scale-workers asked for, and what the option said then: when
    the option changes, it counts again."""
    served: Served | None = None
    foreign: tuple[str, ...] = ()
    """After a deletion: what was left alone in the project."""
    told: tuple[str, str] = ("waiting", "for the first look at the cluster")
    """The severity and the words of the last look."""

    @property
    def serves(self) -> Served | None:
        """How the cluster is used; None where the kubeconfig is of a model that is gone."""
        if self.served is None or self.served.model != self.model:
            return None
        return self.served

    def to_json(self) -> str:
        """The form of the databag."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))


@dataclasses.dataclass(frozen=True)
class State:
    """All that is persisted between two looks."""

    record: Record
    journal: rolling.Journal | None = None


def from_json(text: str) -> Record:
    """The record of a databag; of an empty one, that of a cluster that was never made.

    Raises:
        ValueError: another revision of the charm wrote it differently.
    """
    if not text:
        return Record()
    try:
        raw = json.loads(text)
        served = Served(**raw.pop("served")) if raw.get("served") else raw.pop("served", None)
        lists = {
            key: tuple(raw.pop(key))
            for key in ("made_with", "workers", "foreign", "told")
            if raw.get(key) is not None
        }
        return Record(**{**raw, **lists, "served": served})
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"this is not a cluster's record: {error}") from error


def with_workers(cluster: Cluster, record: Record) -> Cluster:
    """The cluster with as many workers as the operator asked for last."""
    if record.workers is None or record.workers[1] != cluster.workers:
        return cluster
    return dataclasses.replace(cluster, workers=record.workers[0])


def frozen(cluster: Cluster) -> tuple[str, str, str, str]:
    """What of a cluster cannot be changed while it lives."""
    return cluster.channel, cluster.cni, cluster.external_network, cluster.base


def unchangeable(cluster: Cluster, record: Record) -> str:
    """Which options ask for another cluster than the one that there is; empty for none."""
    if record.made_with is None:
        return ""
    options = ("kubernetes-channel", "cni", "external-network", "base")
    return "; ".join(
        f"{option} is {now!r}, but cluster {cluster.name} was made with {made!r}: set it back, "
        "or run delete-cluster first"
        for option, now, made in zip(options, frozen(cluster), record.made_with, strict=True)
        if now != made
    )
