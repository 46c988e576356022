"""The tables of `juju status` (cmd/juju/status/output_tabular.go). Pure functions of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.juju.cli.charm_urls import parse_charm_url
from sandbox.juju.cli.output import naturally
from sandbox.juju.cli.ports import ports_text
from sandbox.juju.cli.storage_document import storage_table
from sandbox.juju.cli.table import Table

_MESSAGE_LENGTH = 120
_VERSION_LENGTH = 15
_UNIT_HOOKS = (
    "install",
    "start",
    "config-changed",
    "upgrade-charm",
    "stop",
    "remove",
    "collect-metrics",
    "meter-status-changed",
    "leader-elected",
    "leader-deposed",
    "leader-settings-changed",
    "update-status",
    "pre-series-upgrade",
    "post-series-upgrade",
    "relation-created",
    "relation-joined",
    "relation-changed",
    "relation-departed",
    "relation-broken",
)
_HOOK = re.compile(f"running ({'|'.join(_UNIT_HOOKS)}?) hook")
_ACTION = re.compile(r"running action (.*)")


def status_tables(document: Mapping[str, Any], relations: Sequence[Mapping[str, Any]] = ()) -> str:
    """The whole of `juju status`; relations only when the user asked for them."""
    sections = [_model(document)]
    if remote := document.get("application-endpoints"):
        sections.append(_remote(remote))
    if document["applications"]:
        sections.append(_applications(document))
        sections.append(_units(document["applications"]))
    if document["machines"] and document["model"]["type"] != "caas":
        sections.append(machines_table(document["machines"], heading_blank=True))
    if offers := document.get("offers"):
        sections.append(_offers(offers))
    if relations:
        sections.append(_relations(relations))
    if document.get("storage"):
        sections.append(storage_table(document["storage"], in_status=True))
    return "".join(sections)


def machines_table(machines: Mapping[str, Any], *, heading_blank: bool = False) -> str:
    """The table of machines with their containers below them."""
    table = Table()
    if heading_blank:
        table.blank()
    table.row("Machine", "State", "Address", "Inst id", "Base", "AZ", "Message")
    for name in naturally(machines):
        _machine_rows(table, name, machines[name])
    return table.text()


def truncated(message: str) -> str:
    """A message that fits the table: 120 characters with an ellipsis."""
    if len(message) > _MESSAGE_LENGTH:
        return message[: _MESSAGE_LENGTH - 3] + "..."
    return message


def application_scale(name: str, applications: Mapping[str, Any]) -> str:
    """Units that are up of all units: `3`, or `2/3`."""
    app = applications[name]
    if app.get("subordinate-to"):
        units = [
            subordinate
            for other in applications.values()
            for unit in (other.get("units") or {}).values()
            for unit_name, subordinate in (unit.get("subordinates") or {}).items()
            if unit_name.rpartition("/")[0] == name
        ]
    else:
        units = list((app.get("units") or {}).values())
    up = sum(
        unit["workload-status"].get("current") != "terminated"
        and unit["juju-status"].get("current") in ("executing", "idle", "running")
        for unit in units
    )
    return str(up) if up == len(units) else f"{up}/{len(units)}"


def _model(document: Mapping[str, Any]) -> str:
    model = document["model"]
    region = model.get("region")
    cloud = f"{model['cloud']}/{region}" if region else model["cloud"]
    headers = ["Model", "Controller", "Cloud/Region", "Version"]
    cells = [model["name"], model["controller"], cloud, model["version"]]
    if sla := model.get("sla"):
        headers.append("SLA")
        cells.append(sla)
    if stamp := document.get("controller", {}).get("timestamp"):
        headers.append("Timestamp")
        cells.append(stamp)
    note = model["model-status"].get("message", "")
    if not note and model.get("upgrade-available"):
        note = f"upgrade available: {model['upgrade-available']}"
    if note:
        headers.append("Notes")
        cells.append(truncated(note))
    table = Table()
    table.row(*headers)
    table.row(*cells)
    return table.text()


def _remote(applications: Mapping[str, Any]) -> str:
    table = _section("SAAS", "Status", "Store", "URL")
    for name in naturally(applications):
        app = applications[name]
        source, colon, path = app["url"].partition(":")
        current = app["application-status"].get("current", "")
        table.row(name, current, source if colon else "local", path if colon else app["url"])
    return table.text()


def _applications(document: Mapping[str, Any]) -> str:
    applications = document["applications"]
    table = _section(
        "App", "Version", "Status", "Scale", "Charm", "Channel", "Rev", "Exposed", "Message"
    )
    table.align_right(3, 6)
    for name in naturally(applications):
        app = applications[name]
        if "charm-name" not in app:
            table.row(name, "", "", "0", "", "", "", "no", "")
            continue
        version = app.get("version", "").split("\n")[0]
        if len(version) > _VERSION_LENGTH:
            version = version[: _VERSION_LENGTH - 3] + "..."
        status = app["application-status"]
        table.row(
            name,
            version,
            status.get("current", ""),
            application_scale(name, applications),
            app["charm-name"],
            app.get("charm-channel", ""),
            app["charm-rev"],
            "yes" if app["exposed"] else "no",
            truncated(status.get("message", "")),
        )
    return table.text()


def _units(applications: Mapping[str, Any]) -> str:
    units = {
        name: unit
        for app in applications.values()
        for name, unit in (app.get("units") or {}).items()
    }
    if not units:
        return ""
    table = _section("Unit", "Workload", "Agent", "Machine", "Public address", "Ports", "Message")
    for name in naturally(units):
        _unit_rows(table, name, units[name], 0)
    return table.text()


def _unit_rows(table: Table, name: str, unit: Mapping[str, Any], level: int) -> None:
    workload, agent = unit["workload-status"], unit["juju-status"]
    message = workload.get("message", "")
    if agent.get("current") == "allocating" and not message:
        message = agent.get("message", "")
    if doing := agent_doing(agent):
        message = f"({doing}) {message}"
    table.row(
        " " * (2 * level) + name + ("*" if unit.get("leader") else ""),
        workload.get("current", ""),
        agent.get("current", ""),
        unit.get("machine", ""),
        unit.get("public-address", ""),
        ports_text(unit.get("open-ports") or ()),
        truncated(message),
    )
    subordinates = unit.get("subordinates") or {}
    for subordinate in naturally(subordinates):
        _unit_rows(table, subordinate, subordinates[subordinate], level + 1)


def agent_doing(agent: Mapping[str, Any]) -> str:
    """The hook or action that an executing agent's message tells of."""
    if agent.get("current") != "executing":
        return ""
    message = agent.get("message", "")
    found = _HOOK.search(message) or _ACTION.search(message)
    return found[1] if found else ""


def _machine_rows(table: Table, name: str, machine: Mapping[str, Any]) -> None:
    current = machine["juju-status"].get("current", "")
    message = machine["machine-status"].get("message", "")
    if machine["modification-status"].get("current") == "error":
        current = "error"
        message = machine["modification-status"].get("message", "")
    zone = re.search(r"availability-zone=(\S+)", machine.get("hardware", ""))
    base = machine.get("base")
    table.row(
        name,
        current,
        machine.get("dns-name", ""),
        machine.get("display-name") or machine.get("instance-id", ""),
        f"{base['name']}@{base['channel']}" if base else "",
        zone[1] if zone else "",
        truncated(message),
    )
    containers = machine.get("containers") or {}
    for container in naturally(containers):
        _machine_rows(table, container, containers[container])


def _offers(offers: Mapping[str, Any]) -> str:
    table = _section(
        "Offer", "Application", "Charm", "Rev", "Connected", "Endpoint", "Interface", "Role"
    )
    for name in naturally(offers):
        offer = offers[name]
        url = parse_charm_url(offer.get("charm", ""))
        connected = (
            f"{offer.get('active-connected-count', 0)}/{offer.get('total-connected-count', 0)}"
        )
        first = [name, offer["application"], url.name if url else "", url.revision if url else ""]
        for index, endpoint in enumerate(sorted(offer["endpoints"])):
            details = offer["endpoints"][endpoint]
            lead: Iterable[Any] = [*first, connected] if index == 0 else [""] * 5
            table.row(*lead, endpoint, details["interface"], details["role"])
    return table.text()


def _relations(relations: Sequence[Mapping[str, Any]]) -> str:
    table = _section("Integration provider", "Requirer", "Interface", "Type", "Message")
    for row in relations:
        cells = [row["provider"], row["requirer"], row["interface"], row["type"]]
        if row["status"] != "joined":
            table.row(*cells, row["status"], truncated(row["message"]))
        else:
            table.row(*cells, "")
    return table.text()


def _section(*headers: str) -> Table:
    table = Table()
    table.blank()
    table.row(*headers)
    return table
