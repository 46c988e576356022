"""The plans of a cluster's life, as data for the rolling engine. Pure.

Every step says what is wanted whole, so that a step that was done can be compared and done again:
beginning the same plan anew is what repairs drift.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from bundle import Application, Bundle
from charms.openstack_coordinator.v0.rolling_plan import Gate, Operation, Plan, Step, Wave
from cluster import Cluster

PREFLIGHT = "preflight"

_DAY = 86400.0
_PATIENCE = 7 * _DAY
"""Seconds that the operator has to make room for the cluster before the plan holds."""

_GATE = Gate(PREFLIGHT, {}, patience=_PATIENCE)

_SOON = 60.0
"""Seconds for what Juju or Neutron does at once."""


def create(cluster: Cluster, bundle: Bundle) -> Plan:
    """From nothing, or from whatever is there, to a cluster that serves."""
    names = [application.name for application in bundle.applications]
    return Plan(
        f"cluster {cluster.name}",
        (
            _ground(cluster),
            Wave(
                "applications",
                tuple(_application(one) for one in bundle.applications),
                # Here again: a cluster that grows needs room, too.
                gates=(_GATE,),
                parallel=len(names),
            ),
            Wave("relations", tuple(_relations(bundle.relations)), parallel=len(bundle.relations)),
            Wave("settled", (_settled(names),)),
            Wave("kubeconfig", (_kubeconfig(),)),
        ),
    )


def _ground(cluster: Cluster) -> Wave:
    """Where the cluster is to stand: a network, and a Juju model on the cloud."""
    network = {"name": cluster.place, "tag": cluster.tag, "external": cluster.external_network}
    model = {"name": cluster.place, "owner": cluster.owner, "external": cluster.external_network}
    place = {"name": cluster.place}
    return Wave(
        "ground",
        (
            _step("network", "openstack", "network", network),
            _step("cloud", "juju", "cloud", place),
            _step("credential", "juju", "credential", place),
            # The model brings its machines up on the network.
            _step("model", "openstack", "model", model),
        ),
        gates=(_GATE,),
        parallel=2,
    )


def _application(wanted: Application) -> Step:
    return _step(wanted.name, wanted.name, "application", dataclasses.asdict(wanted))


def _relations(relations: Iterable[tuple[str, str]]) -> Iterable[Step]:
    for one, other in relations:
        ends = {"one": one, "other": other}
        yield _step(f"{one} {other}", f"{one} {other}", "relation", ends)


def _settled(applications: list[str]) -> Step:
    # What it does is to have Juju provision again what failed, every few minutes.
    do = Operation("settled", {"applications": applications})
    return Step("settled", "model", do, timeout=3 * 3600.0, attempts=20, retry_after=120.0)


def _kubeconfig() -> Step:
    do = Operation("kubeconfig", {"application": "kubernetes-control-plane"})
    return Step("kubeconfig", "model", do, timeout=600.0, attempts=5, retry_after=_SOON)


def delete(cluster: Cluster) -> Plan:
    """From whatever is there to nothing that is the cluster's."""
    place = {"name": cluster.place}
    return Plan(
        f"delete cluster {cluster.name}",
        (
            # As long as its servers are there, they tell which volumes are the cluster's.
            Wave("mark", (_step("volumes", "openstack", "mark", {}),)),
            Wave("model", (_long("model", "juju", "destroy-model", place),)),
            Wave(
                "registration",
                (
                    _step("credential", "juju", "remove-credential", place),
                    _step("cloud", "juju", "remove-cloud", place),
                ),
            ),
            Wave("sweep", (_long("sweep", "openstack", "sweep", {}),)),
        ),
    )


def _step(id_: str, lane: str, kind: str, arguments: Mapping[str, Any]) -> Step:
    do = Operation(kind, arguments)
    return Step(id_, lane, do, timeout=600.0, attempts=10, retry_after=_SOON)


def _long(id_: str, lane: str, kind: str, arguments: Mapping[str, Any]) -> Step:
    do = Operation(kind, arguments)
    return Step(id_, lane, do, timeout=3600.0, attempts=30, retry_after=20.0)
