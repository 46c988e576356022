"""From the controller's FullStatus to the document that `juju status` shows.

Pure functions. The shape is that of cmd/juju/status (formatted.go, formatter.go) in Juju 3.6,
which jubilant and many scripts parse: names, order and what is left out when empty.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.juju.cli.charm_urls import parse_charm_url
from sandbox.juju.cli.output import filled, naturally
from sandbox.juju.cli.storage_document import combined_storage
from sandbox.juju.cli.times import day_and_time, time_only

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class View:
    """What the user asked to see."""

    controller: str
    utc: bool = False
    relations: bool = True
    storage: bool = True


def status_document(status: Mapping[str, Any], view: View) -> Json:
    """The document for json and yaml, and the ground for the tables."""
    relations = (status.get("relations") or []) if view.relations else []
    document: Json = {
        "model": _model(status["model"], view),
        "machines": _machines(status.get("machines"), view),
        "applications": {
            name: _application(name, app, relations, view)
            for name, app in _sorted(status.get("applications"))
        },
    }
    remote = {n: _remote(app, view) for n, app in _sorted(status.get("remote-applications"))}
    offers = {name: _offer(offer) for name, offer in _sorted(status.get("offers"))}
    document |= filled(application_endpoints=remote, offers=offers)
    if view.storage:
        document["storage"] = combined_storage(
            status.get("storage"), status.get("filesystems"), status.get("volumes"), utc=view.utc
        )
    if stamp := status.get("controller-timestamp"):
        document["controller"] = {"timestamp": time_only(stamp, utc=view.utc)}
    return document


def machines_document(
    status: Mapping[str, Any], wanted: Iterable[str], *, utc: bool = False
) -> Json:
    """The document of `juju machines` and `juju show-machine`: all machines, or those wanted."""
    chosen = set(wanted)
    view = View("", utc=utc)
    return {
        "model": status["model"]["name"],
        "machines": {
            name: _machine(machine, view)
            for name, machine in _sorted(status.get("machines"))
            if not chosen or machine.get("id", name) in chosen
        },
    }


def relation_rows(status: Mapping[str, Any]) -> list[Json]:
    """The relations for the table: provider, requirer, interface, type, status, message."""
    rows = [_relation(relation) for relation in status.get("relations") or []]
    return sorted(rows, key=lambda row: (row["provider"], row["requirer"]))


def status_info(
    detail: Mapping[str, Any] | None, view: View, *, reason: bool = False, life: bool = False
) -> Json:
    """current, message, reason, since, version and life of one status, as far as they are set."""
    detail = detail or {}
    if error := detail.get("err"):
        return {"status-error": error.get("message", "")}
    since = detail.get("since")
    return filled(
        current=detail.get("status"),
        message=detail.get("info"),
        reason=(detail.get("data") or {}).get("reason") if reason else None,
        since=day_and_time(since, utc=view.utc) if since else None,
        version=detail.get("version"),
        life=detail.get("life") if life else None,
    )


def display_channel(channel: str) -> str:
    """A base's channel without the risk when it is stable: 24.04."""
    return channel.removesuffix("/stable")


def _model(model: Mapping[str, Any], view: View) -> Json:
    return {
        "name": model["name"],
        "type": model.get("type", ""),
        "controller": view.controller,
        "cloud": model.get("cloud-tag", "").removeprefix("cloud-"),
        **filled(region=model.get("region")),
        "version": model.get("version", ""),
        **filled(upgrade_available=model.get("available-version")),
        "model-status": status_info(model.get("model-status"), view, reason=True, life=True),
        **filled(sla=model.get("sla")),
    }


def _machines(machines: Mapping[str, Any] | None, view: View) -> Json:
    return {name: _machine(machine, view) for name, machine in _sorted(machines)}


def _machine(machine: Mapping[str, Any], view: View) -> Json:
    networks = {
        name: {
            "ip-addresses": device.get("ip-addresses"),
            "mac-address": device.get("mac-address", ""),
            **filled(
                gateway=device.get("gateway"),
                dns_nameservers=device.get("dns-nameservers"),
                space=device.get("space"),
            ),
            "is-up": device.get("is-up", False),
        }
        for name, device in _sorted(machine.get("network-interfaces"))
    }
    return {
        "juju-status": status_info(machine.get("agent-status"), view, reason=True, life=True),
        **filled(
            hostname=machine.get("hostname"),
            dns_name=machine.get("dns-name"),
            ip_addresses=machine.get("ip-addresses"),
            instance_id=machine.get("instance-id"),
            display_name=machine.get("display-name"),
        ),
        "machine-status": status_info(machine.get("instance-status"), view, reason=True),
        "modification-status": status_info(machine.get("modification-status"), view, reason=True),
        **filled(
            base=_base(machine.get("base")),
            network_interfaces=networks,
            containers=_machines(machine.get("containers"), view),
            constraints=machine.get("constraints"),
            hardware=machine.get("hardware"),
            controller_member_status=_member_status(machine),
            ha_primary=machine.get("primary-controller-machine"),
            lxd_profiles=machine.get("lxd-profiles"),
        ),
    }


def _member_status(machine: Mapping[str, Any]) -> str:
    """A controller machine's part in the quorum; empty for any other machine."""
    if "api-server" not in (machine.get("jobs") or []):
        return ""
    has, wants = machine.get("has-vote"), machine.get("wants-vote")
    if has:
        return "has-vote" if wants else "removing-vote"
    return "adding-vote" if wants else "no-vote"


def _base(base: Mapping[str, Any] | None) -> Json | None:
    if not base or not base.get("channel"):
        return None
    return {"name": base.get("name", ""), "channel": display_channel(base["channel"])}


def _application(
    name: str, app: Mapping[str, Any], relations: Iterable[Mapping[str, Any]], view: View
) -> Json:
    if error := app.get("err"):
        return {"status-error": error.get("message", "")}
    url = parse_charm_url(app.get("charm", ""))
    hub = url is not None and url.schema == "ch"
    origin = "charmhub" if hub else "local" if url is not None else "unknown"
    units = {
        unit_name: _unit(unit, name, relations, view)
        for unit_name, unit in _sorted(app.get("units"))
    }
    return {
        "charm": url.name if url is not None and hub else app.get("charm", ""),
        **filled(base=_base(app.get("base"))),
        "charm-origin": origin,
        "charm-name": url.name if url else "",
        "charm-rev": url.revision if url else 0,
        **filled(
            charm_channel=app.get("charm-channel"),
            charm_version=app.get("charm-version"),
            charm_profile=app.get("charm-profile"),
            can_upgrade_to=app.get("can-upgrade-to"),
            scale=app.get("int"),
            provider_id=app.get("provider-id"),
            address=app.get("public-address"),
        ),
        "exposed": bool(app.get("exposed")),
        **filled(life=_visible_life(app.get("life"))),
        "application-status": status_info(app.get("status"), view),
        **filled(
            relations=_application_relations(name, app.get("relations"), relations),
            subordinate_to=app.get("subordinate-to"),
            units=units,
            version=app.get("workload-version"),
            endpoint_bindings=dict(_sorted(app.get("endpoint-bindings"))),
        ),
    }


def _visible_life(life: str | None) -> str:
    """The API sends no life for what is alive; some servers spell it out."""
    return "" if life in (None, "alive") else life


def _application_relations(
    name: str,
    endpoints: Mapping[str, Any] | None,
    relations: Iterable[Mapping[str, Any]],
) -> Json:
    found: Json = {}
    for endpoint, others in _sorted(endpoints):
        found[endpoint] = []
        for other in others or []:
            relation = _relation_between(name, endpoint, other, relations)
            if relation is not None:
                found[endpoint].append(
                    filled(
                        related_application=other,
                        interface=relation.get("interface"),
                        scope=relation.get("scope"),
                    )
                )
    return found


def _relation_between(
    name: str, endpoint: str, other: str, relations: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    for relation in relations:
        ends = [(end["application"], end["name"]) for end in relation["endpoints"]]
        if name == other:
            if ends == [(name, endpoint)]:
                return relation
        elif len(ends) == 2 and (name, endpoint) in ends:
            far = ends[1 - ends.index((name, endpoint))]
            if far[0] == other:
                return relation
    return None


def _unit(
    unit: Mapping[str, Any], application: str, relations: Iterable[Mapping[str, Any]], view: View
) -> Json:
    subordinates = {
        name: _unit(subordinate, application, relations, view)
        for name, subordinate in _sorted(unit.get("subordinates"))
    }
    return {
        "workload-status": _workload(unit, application, relations, view),
        "juju-status": status_info(unit.get("agent-status"), view),
        **filled(
            leader=unit.get("leader"),
            upgrading_from=unit.get("charm"),
            machine=unit.get("machine"),
            open_ports=unit.get("opened-ports"),
            public_address=unit.get("public-address"),
            address=unit.get("address"),
            provider_id=unit.get("provider-id"),
            subordinates=subordinates,
        ),
    }


def _workload(
    unit: Mapping[str, Any], application: str, relations: Iterable[Mapping[str, Any]], view: View
) -> Json:
    """The workload status; an error in a relation hook names the other endpoint."""
    detail = unit.get("workload-status") or {}
    info = status_info(detail, view)
    identity = (detail.get("data") or {}).get("relation-id")
    if detail.get("status") != "error" or identity is None:
        return info
    for relation in relations:
        if relation["id"] != int(identity):
            continue
        for end in relation["endpoints"]:
            if end["application"] != application:
                ending = f" for {end['application']}:{end['name']}"
                return {**info, "message": info.get("message", "") + ending}
    return info


def _remote(app: Mapping[str, Any], view: View) -> Json:
    if error := app.get("err"):
        return {"status-error": error.get("message", "")}
    endpoints = {
        end["name"]: {"interface": end.get("interface", ""), "role": end.get("role", "")}
        for end in app.get("endpoints") or []
    }
    return {
        "url": app.get("offer-url", ""),
        **filled(endpoints=endpoints, life=_visible_life(app.get("life"))),
        "application-status": status_info(app.get("status"), view),
        **filled(relations=dict(_sorted(app.get("relations")))),
    }


def _offer(offer: Mapping[str, Any]) -> Json:
    if error := offer.get("err"):
        return {"status-error": error.get("message", "")}
    return {
        "application": offer.get("application-name", ""),
        **filled(
            charm=offer.get("charm"),
            total_connected_count=offer.get("total-connected-count"),
            active_connected_count=offer.get("active-connected-count"),
        ),
        "endpoints": {
            alias: {"interface": end.get("interface", ""), "role": end.get("role", "")}
            for alias, end in _sorted(offer.get("endpoints"))
        },
    }


def _relation(relation: Mapping[str, Any]) -> Json:
    ends = relation["endpoints"]
    provider = next((end for end in ends if end["role"] in ("provider", "peer")), ends[0])
    requirer = next((end for end in ends if end["role"] in ("requirer", "peer")), ends[-1])
    kind = "regular"
    if relation.get("scope") == "container":
        kind = "subordinate"
    elif provider["application"] == requirer["application"]:
        kind = "peer"
    status = relation.get("status") or {}
    return {
        "provider": f"{provider['application']}:{provider['name']}",
        "requirer": f"{requirer['application']}:{requirer['name']}",
        "interface": relation.get("interface", ""),
        "type": kind,
        "status": status.get("status", ""),
        "message": status.get("info", ""),
    }


def _sorted(mapping: Mapping[str, Any] | None) -> list[tuple[str, Any]]:
    mapping = mapping or {}
    return [(name, mapping[name]) for name in naturally(mapping)]
