"""The model as the bundle planner sees it, read over the API (cmd/juju/application/bundle)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju.bundles.bundle import Exposure
from sandbox.juju.bundles.model_state import (
    ModelState,
    PresentApplication,
    PresentMachine,
    Relation,
)
from sandbox.juju.cli.charm_urls import parse_charm_url
from sandbox.juju.cli.config import BRANCH
from sandbox.juju.cli.tags import machine_tag
from sandbox.juju.client.connection import Connection
from sandbox.juju.client.errors import raise_for

Json = Mapping[str, Any]


def read_model(connection: Connection) -> ModelState:
    """One FullStatus, and the annotations, options and constraints that it lacks."""
    status = connection.call("Client", "FullStatus", {"patterns": [], "include-storage": False})
    applications = status.get("applications") or {}
    machines = dict(_all_machines(status.get("machines") or {}))
    annotations = _annotations(connection, applications, machines)
    options = _options(connection, sorted(applications))
    limits = _constraints(connection, sorted(applications))
    sequences = connection.call("ModelConfig", "Sequences").get("sequences") or {}
    offers: dict[str, set[str]] = {}
    for offer in (status.get("offers") or {}).values():
        offers.setdefault(offer["application-name"], set()).add(offer["offer-name"])
    return ModelState(
        applications={
            name: _application(
                app,
                options.get(name, {}),
                annotations.get(f"application-{name}", {}),
                limits.get(name, {}),
                frozenset(offers.get(name, ())),
            )
            for name, app in applications.items()
        },
        machines={
            number: PresentMachine(
                _base(machine.get("base")), annotations.get(machine_tag(number), {})
            )
            for number, machine in machines.items()
        },
        relations=frozenset(_relations(status)),
        sequences=sequences,
    )


def _application(
    app: Json,
    options: Json,
    annotations: Mapping[str, str],
    limits: Json,
    offers: frozenset[str],
) -> PresentApplication:
    url = parse_charm_url(app["charm"])
    hub = url is not None and url.schema == "ch"
    return PresentApplication(
        charm=url.name if url is not None and hub else app["charm"],
        revision=url.revision if url is not None else -1,
        channel=app.get("charm-channel") or "",
        base=_base(app.get("base")),
        units={name: unit.get("machine") or "" for name, unit in (app.get("units") or {}).items()},
        options=options,
        annotations=annotations,
        constraints=limits,
        exposed=bool(app.get("exposed")),
        exposed_endpoints={
            name: Exposure(
                tuple(exposure.get("expose-to-spaces") or ()),
                tuple(exposure.get("expose-to-cidrs") or ()),
            )
            for name, exposure in (app.get("exposed-endpoints") or {}).items()
            # Exposed to everyone by every endpoint is what a bundle's `expose: true` makes.
            if name or exposure.get("expose-to-spaces") or not _everywhere(exposure)
        },
        offers=offers,
    )


def _everywhere(exposure: Json) -> bool:
    return set(exposure.get("expose-to-cidrs") or ()) <= {"0.0.0.0/0", "::/0"}


def _base(base: Json | None) -> str:
    return f"{base['name']}@{base['channel']}" if base and base.get("channel") else ""


def _all_machines(machines: Json) -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    for number, machine in machines.items():
        found.append((number, machine))
        found += _all_machines(machine.get("containers") or {})
    return found


def _relations(status: Json) -> list[Relation]:
    return [
        frozenset((end["application"], end["name"]) for end in relation["endpoints"])
        for relation in status.get("relations") or []
        if len(relation["endpoints"]) == 2
    ]


def _annotations(
    connection: Connection, applications: Json, machines: Json
) -> dict[str, dict[str, str]]:
    tags = [f"application-{name}" for name in sorted(applications)]
    tags += [machine_tag(number) for number in sorted(machines)]
    if not tags:
        return {}
    answer = connection.call("Annotations", "Get", {"entities": [{"tag": tag} for tag in tags]})
    return {
        result["entity"]: result.get("annotations") or {}
        for result in answer.get("results") or []
        if result.get("entity")
    }


def _options(connection: Connection, names: list[str]) -> dict[str, dict[str, Any]]:
    """What is set of each application's options, without the charm's defaults."""
    if not names:
        return {}
    arguments = [{"application": name, "branch": BRANCH} for name in names]
    answer = connection.call("Application", "CharmConfig", {"args": arguments})
    results = answer.get("Results") or answer.get("results") or []
    options: dict[str, dict[str, Any]] = {}
    for name, result in zip(names, results, strict=True):
        raise_for(result)
        options[name] = {
            key: item.get("value")
            for key, item in (result.get("config") or {}).items()
            if item.get("source") != "unset" and item.get("value") is not None
        }
    return options


def _constraints(connection: Connection, names: list[str]) -> dict[str, dict[str, Any]]:
    if not names:
        return {}
    answer = connection.call(
        "Application",
        "GetConstraints",
        {"entities": [{"tag": f"application-{name}"} for name in names]},
    )
    return {
        name: {k: v for k, v in (result.get("constraints") or {}).items() if v is not None}
        for name, result in zip(names, answer.get("results") or [], strict=True)
    }
