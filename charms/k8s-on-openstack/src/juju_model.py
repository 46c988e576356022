"""From Juju's status document to the cluster's model as this charm thinks of it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from world import Application, Model, Unit

CONSTRAINTS = ("instance-type", "zones", "image-id")
"""Those that a cluster sets; Juju, or the operator, may have set others beside them."""

_FAILED = frozenset({"provisioning error", "error"})
_GOING = frozenset({"dying", "dead"})


def from_full_status(
    uuid: str,
    status: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    constraints: Mapping[str, Mapping[str, Any]],
    *,
    dying: bool = False,
) -> Model:
    """The model of an answer to Client.FullStatus, which does not tell the model's own life.

    Args:
        uuid: the model's.
        status: the answer.
        dying: somebody destroys the model.
        options: application -> option -> value in force.
        constraints: application -> constraint -> value, of machines to come.
    """
    described = status.get("applications") or {}
    subordinates: dict[str, dict[str, Unit]] = {}
    for application in described.values():
        for _, unit in _units(application):
            for other, beside in (unit.get("subordinates") or {}).items():
                units = subordinates.setdefault(other.partition("/")[0], {})
                units[other] = _unit(beside)
    return Model(
        uuid,
        name=(status.get("model") or {}).get("name") or "",
        dying=dying,
        applications={
            name: dataclasses.replace(
                _application(application, subordinates.get(name, {})),
                options=options.get(name, {}),
                constraints=_as_text(constraints.get(name, {})),
            )
            for name, application in described.items()
        },
        relations=frozenset(
            frozenset(f"{end['application']}:{end['name']}" for end in relation["endpoints"])
            for relation in status.get("relations") or ()
            if (relation.get("status") or {}).get("status") != "removing"
        ),
        failed_machines=dict(_failed(status.get("machines") or {})),
        instances=dict(_instances(status.get("machines") or {})),
    )


def differing_constraints(wanted: Mapping[str, Any], application: Application) -> list[str]:
    """How the constraints of machines to come differ from those of an application's step."""
    if not wanted["units"]:
        return []
    return [
        f"its machines to come have {name} {application.constraints.get(name, '')}".rstrip()
        for name in CONSTRAINTS
        if application.constraints.get(name, "") != wanted["constraints"].get(name, "")
    ]


def _application(described: Mapping[str, Any], subordinates: Mapping[str, Unit]) -> Application:
    return Application(
        units={**{name: _unit(unit) for name, unit in _units(described)}, **subordinates},
        exposed=bool(described.get("exposed")),
        dying=described.get("life") in _GOING,
        version=described.get("workload-version") or "",
    )


def _as_text(constraints: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in constraints.items()
    }


def _units(application: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from (application.get("units") or {}).items()


def _unit(described: Mapping[str, Any]) -> Unit:
    workload = described.get("workload-status") or {}
    agent = described.get("agent-status") or {}
    failed = agent.get("status") in ("error", "lost", "failed")
    shown = agent if failed else workload
    return Unit(
        status=str(shown.get("status") or "unknown"),
        message=str(shown.get("info") or ""),
        dying=_GOING.intersection((workload.get("life"), agent.get("life"))) != frozenset(),
        leader=bool(described.get("leader")),
        machine=str(described.get("machine") or ""),
    )


def _failed(machines: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, machine in machines.items():
        instance = machine.get("instance-status") or {}
        if instance.get("status") in _FAILED:
            yield name, str(instance.get("info") or instance["status"])


def _instances(machines: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, machine in machines.items():
        instance = machine.get("instance-id")
        # Juju's word for a machine whose instance is not known yet.
        if instance and instance != "pending":
            yield name, str(instance)
