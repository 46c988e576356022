"""A model as the bundle that would make it again: pure, from the rows of its status."""

from __future__ import annotations

from typing import Any

import yaml

from sandbox.juju import constraints
from sandbox.juju.api.status import full
from sandbox.juju.api.status.rows import ModelRows
from sandbox.juju.errors import JujuError
from sandbox.juju.state import machines, values
from sandbox.juju.state.offers import EVERYONE

Document = dict[str, Any]

_EVERYWHERE = {"expose-to-cidrs": ["0.0.0.0/0", "::/0"], "expose-to-spaces": []}


def export(rows: ModelRows, default_base: str, *, with_defaults: bool) -> str:
    """The bundle as YAML; what only overlays may hold comes as a second document.

    Args:
        rows: the model.
        default_base: of the model's config, or Juju's own.
        with_defaults: also the options that were left at the charm's default.

    Raises:
        JujuError: the model has no application.
    """
    if not rows.applications:
        raise JujuError("nothing to export as there are no applications")
    bases = {application.base for application in rows.applications.values()}
    used = _used_machines(rows)
    bases |= {rows.machines[machine].base for machine in used}
    shown_base = bases.pop() if len(bases) == 1 else default_base
    bundle: Document = {
        "default-base": shown_base,
        "saas": {
            remote.name: {"url": remote.url}
            for remote in rows.remote.values()
            if not remote.consumer
        },
        "applications": {
            application.name: _application(rows, application, shown_base, with_defaults)
            for application in rows.applications.values()
        },
        "machines": {machine: _machine(rows.machines[machine], shown_base) for machine in used},
        "relations": [
            [side.key for side in relation.endpoints]
            for relation in rows.relations.values()
            if not relation.peer and not _consumed(rows, relation)
        ],
    }
    text = _yaml({name: value for name, value in bundle.items() if value})
    overlay = _overlay(rows)
    return f"{text}--- # overlay.yaml\n{_yaml(overlay)}" if overlay else text


def _consumed(rows: ModelRows, relation: values.Relation) -> bool:
    """Whether it is the relation of an offer: the consuming model makes it again, not this one."""
    return any(
        name in rows.remote and rows.remote[name].consumer for name in relation.applications
    )


def _application(
    rows: ModelRows, application: values.Application, default_base: str, with_defaults: bool
) -> Document:
    charm = rows.charms[application.charm_url]
    hub = charm.source == "charm-hub"
    units = rows.units_of.get(application.name, [])
    options = {**(charm.defaults() if with_defaults else {}), **application.config}
    document: Document = {
        "charm": charm.name if hub else charm.url,
        "channel": application.channel,
        "revision": charm.revision if hub else None,
        "base": application.base if application.base != default_base else "",
        "num_units": 0 if application.subordinate else len(units),
        "to": [] if application.subordinate else [_place(rows, unit) for unit in units],
        "expose": application.exposed == {"": _EVERYWHERE},
        "options": dict(sorted(options.items())),
        "annotations": application.annotations,
        "constraints": constraints.render(application.constraints),
        "storage": {name: _storage(d) for name, d in application.storage.items()},
        "bindings": _bindings(rows, application, charm),
        "trust": application.trust,
    }
    return {name: value for name, value in document.items() if value or (value == 0 and hub)}


def _bindings(
    rows: ModelRows, application: values.Application, charm: values.Charm
) -> dict[str, str]:
    """Spaces are told once any application of the model is bound to another than alpha."""
    told = any(
        space not in ("", full.DEFAULT_SPACE)
        for each in rows.applications.values()
        for space in each.bindings.values()
    )
    return full.bindings(application, charm) if told else {}


def _storage(directive: Document) -> str:
    parts = [directive.get("pool"), directive.get("count")]
    size = directive.get("size")
    shown = [str(part) for part in parts if part]
    return ",".join([*shown, f"{size}M"] if size else shown)


def _place(rows: ModelRows, unit: values.Unit) -> str:
    machine = rows.machines.get(unit.machine or "")
    if machine is None:
        return "new"
    return f"{machine.id.split('/')[-2]}:{machine.parent}" if machine.parent else machine.id


def _used_machines(rows: ModelRows) -> list[str]:
    """The top-level machines that principal units are on, or in containers of."""
    used = set()
    for unit in rows.units.values():
        machine = rows.machines.get(unit.machine or "")
        if machine is not None and not unit.principal:
            used.add(machine.parent or machine.id)
    return sorted(used, key=machines.order)


def _machine(machine: values.Machine, default_base: str) -> Document:
    document = {
        "base": machine.base if machine.base != default_base else "",
        "constraints": constraints.render(machine.constraints),
        "annotations": machine.annotations,
    }
    return {name: value for name, value in document.items() if value}


def _overlay(rows: ModelRows) -> Document:
    applications: Document = {}
    for application in rows.applications.values():
        exposed = application.exposed
        if exposed and exposed != {"": _EVERYWHERE}:
            applications[application.name] = {
                "exposed-endpoints": {
                    endpoint: {kind: to for kind, to in allowed.items() if to}
                    for endpoint, allowed in exposed.items()
                }
            }
    for offered in rows.offers:
        offer = offered.offer
        described = {
            "endpoints": sorted(offer.endpoints.values()),
            "acl": {user: level for user, level in offer.access.items() if user != EVERYONE},
        }
        part = applications.setdefault(offer.application, {})
        part.setdefault("offers", {})[offer.name] = described
    return {"applications": applications} if applications else {}


def _yaml(document: Document) -> str:
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=False)
