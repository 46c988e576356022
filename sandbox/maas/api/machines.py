"""`machines/`: reading, enlisting, allocating and releasing many."""

from __future__ import annotations

import json
import re
from typing import Any

from multidict import MultiDict

from sandbox.maas import constraints, enlist, lifecycle, representation
from sandbox.maas.call import Call, Resource
from sandbox.maas.refusals import BadRequest, Conflict, FieldErrors, Forbidden
from sandbox.maas.statuses import RELEASABLE, Status
from sandbox.maas.store import Transaction, machine, take

_POWER_TYPES = ("redfish", "ipmi", "manual")
_MAC = re.compile(r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")


def names(tx: Transaction) -> constraints.Names:
    """What constraints may name."""
    return constraints.Names(
        tags=frozenset(row["name"] for row in tx.all("SELECT name FROM tag")),
        zones=frozenset(row["name"] for row in tx.all("SELECT name FROM zone")),
        pools=frozenset(row["name"] for row in tx.all("SELECT name FROM pool")),
    )


def shown(tx: Transaction, where: str = "1", *parameters: Any) -> list[dict[str, Any]]:
    """Machines as the API shows them, and with the agent name that filters look at."""
    rows = tx.all(f"SELECT * FROM machine WHERE {where} ORDER BY id", *parameters)
    machines = representation.machines(tx, rows)
    return [
        {**data, "agent_name": row["agent_name"]} for data, row in zip(machines, rows, strict=True)
    ]


def without_agent_name(data: dict[str, Any]) -> dict[str, Any]:
    """The machine as it goes out: MAAS filters by agent name but does not show it."""
    return {name: value for name, value in data.items() if name != "agent_name"}


async def read(call: Call) -> Any:
    """GET: the machines that match the filters."""
    with call.region.store.transaction() as tx:
        wanted = constraints.parse(call.query, constraints.READ_FIELDS, names(tx))
        ids = wanted.values.get("id")
        where, parameters = "1", ()
        if ids is not None:
            where = f"system_id IN ({','.join('?' for _ in ids)})"
            parameters = ids
        machines = shown(tx, where, *parameters)
    return [without_agent_name(data) for data in machines if wanted.matches(data)]


async def create(call: Call) -> Any:
    """POST: enlist a machine and, unless told otherwise, commission it."""
    macs = [mac.lower() for mac in call.form.getall("mac_addresses", [])]
    architecture = call.form.get("architecture", "")
    if architecture and "/" not in architecture:
        architecture += f"/{call.form.get('subarchitecture', 'generic')}"
    power_type = call.form.get("power_type", "")
    parameters = power_parameters(call.form)
    _check_new(macs, architecture, power_type, parameters)
    with call.region.store.transaction() as tx:
        for mac in macs:
            if tx.one("SELECT 1 FROM interface WHERE mac = ?", mac):
                text = f"MAC address {mac} already in use"
                raise FieldErrors({"mac_addresses": [text]})
        hostname = call.form.get("hostname") or f"node-{macs[0].replace(':', '')[-6:]}"
        if tx.one("SELECT 1 FROM machine WHERE hostname = ?", hostname):
            raise FieldErrors({"hostname": ["Node with this Hostname already exists."]})
        system_id = enlist.add_machine(
            tx,
            hostname=hostname,
            macs=macs,
            architecture=architecture,
            power_type=power_type,
            power_parameters=parameters,
        )
    if call.flag("commission", default=True) and power_type not in ("", "manual"):
        await call.region.perform(
            system_id, call.user, lambda known: lifecycle.commission(known, call.user)
        )
    with call.region.store.transaction() as tx:
        return representation.machine(tx, system_id)


def _check_new(
    macs: list[str], architecture: str, power_type: str, parameters: dict[str, Any]
) -> None:
    errors: dict[str, list[str]] = {}
    if not macs:
        errors["mac_addresses"] = ["This field is required."]
    elif not all(_MAC.match(mac) for mac in macs):
        errors["mac_addresses"] = [f"One or more MAC addresses is invalid. ({', '.join(macs)})"]
    if architecture != enlist.ARCHITECTURE:
        errors["architecture"] = [
            f"'{architecture}' is not a valid architecture.  It should be one of: "
            f"'{enlist.ARCHITECTURE}'."
        ]
    errors.update(power_errors(power_type, parameters))
    if errors:
        raise FieldErrors(errors)


def power_errors(power_type: str, parameters: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with power parameters, by field."""
    if power_type in ("", "manual"):
        return {}
    if power_type not in _POWER_TYPES:
        text = f"Select a valid choice. {power_type} is not one of the available choices."
        return {"power_type": [text]}
    required = {"redfish": ("power_address", "power_user", "power_pass")}.get(
        power_type, ("power_address",)
    )
    labels = {
        "power_address": "Redfish address" if power_type == "redfish" else "IP address",
        "power_user": "Redfish user",
        "power_pass": "Redfish password",
    }
    missing = [
        f"{labels[name]}: This field is required." for name in required if not parameters.get(name)
    ]
    return {"power_parameters": missing} if missing else {}


def power_parameters(form: MultiDict[str]) -> dict[str, Any]:
    """Power parameters from `power_parameters_<name>` fields or one JSON field."""
    given: dict[str, Any] = {}
    if text := form.get("power_parameters"):
        try:
            given.update(json.loads(text))
        except ValueError:
            raise FieldErrors({"power_parameters": ["Invalid JSON."]}) from None
    prefix = "power_parameters_"
    for name, value in form.items():
        if name.startswith(prefix) and name != f"{prefix}skip_check":
            given[name.removeprefix(prefix)] = value
    return given


async def allocate(call: Call) -> Any:
    """op=allocate: claim the smallest Ready machine that satisfies the constraints.

    One transaction from looking to claiming: of many that want one machine, one gets it.
    """
    user, agent_name = call.user, call.form.get("agent_name", "")
    given = MultiDict((name, value) for name, value in call.form.items() if name != "op")
    with call.region.store.transaction() as tx:
        wanted = constraints.parse(given, constraints.ACQUIRE_FIELDS, names(tx))
        candidates = shown(tx, "status = ? AND NOT locked", int(Status.READY))
        fitting = [data for data in candidates if wanted.matches(data)]
        if not fitting:
            raise Conflict(_no_match(given, wanted))
        chosen = min(fitting, key=lambda data: data["cpu_count"] + data["memory"] / 1024)
        if not call.flag("dry_run"):
            row = tx.one("SELECT * FROM machine WHERE system_id = ?", chosen["system_id"])
            if row is not None:
                step = lifecycle.acquire(machine(tx, row), user, agent_name, call.comment)
                take(tx, row, step, user)
        claimed = representation.machine(tx, chosen["system_id"])
    claimed["constraints_by_type"] = _matches(wanted, chosen)
    return claimed


def _no_match(given: MultiDict[str], wanted: constraints.Filter) -> str:
    described = wanted.describe()
    if not described:
        return "No machine available."
    if "system_id" in given:
        return f"No machine with system ID {given['system_id']} available."
    asked = [(name, given.getall(name)) for name in dict.fromkeys(given)]
    return f'No available machine matches constraints: {asked} (resolved to "{described}")'


def _matches(wanted: constraints.Filter, chosen: dict[str, Any]) -> dict[str, Any]:
    matched: dict[str, Any] = {}
    if "storage" in wanted.values:
        labels = constraints.match_storage(wanted.values["storage"][0], chosen)
        if labels:
            matched["storage"] = labels
    if "interfaces" in wanted.values:
        matched["interfaces"] = constraints.match_interfaces(
            wanted.values["interfaces"][0], chosen
        )
    return matched


async def release(call: Call) -> Any:
    """op=release: give several machines back; their system ids when they began to be released."""
    wanted = list(dict.fromkeys(call.form.getall("machines", [])))
    with call.region.store.transaction() as tx:
        rows = {
            row["system_id"]: row
            for row in tx.all("SELECT * FROM machine ORDER BY id")
            if row["system_id"] in wanted
        }
    _require_known(wanted, rows)
    locked = [system_id for system_id, row in rows.items() if row["locked"]]
    if locked:
        raise Forbidden(
            "You don't have the required permission to release the following machine(s): "
            f"{', '.join(locked)}."
        )
    failed = [
        f"{system_id} ('{Status(row['status']).label}')"
        for system_id, row in rows.items()
        if row["status"] != Status.READY and row["status"] not in RELEASABLE
    ]
    if failed:
        raise Conflict(
            f"Machine(s) cannot be released in their current state: {', '.join(failed)}."
        )
    released = [name for name, row in rows.items() if row["status"] != Status.READY]
    for system_id in released:
        call.region.perform_later(
            system_id, call.user, lambda known: lifecycle.release(known, call.user, call.comment)
        )
    return released


def _require_known(wanted: list[str], known: Any) -> None:
    unknown = [system_id for system_id in wanted if system_id not in known]
    if unknown:
        raise BadRequest(f"Unknown machine(s): {', '.join(unknown)}.")


async def accept(call: Call) -> Any:
    """op=accept: commission the New ones among these machines."""
    wanted = call.form.getall("machines", [])
    with call.region.store.transaction() as tx:
        known = {row["system_id"]: row for row in tx.all("SELECT * FROM machine")}
    _require_known(wanted, known)
    return await _accept(call, [name for name in wanted if known[name]["status"] == Status.NEW])


async def accept_all(call: Call) -> Any:
    """op=accept_all: commission every New machine."""
    with call.region.store.transaction() as tx:
        rows = tx.all("SELECT system_id FROM machine WHERE status = 0 ORDER BY id")
    return await _accept(call, [row["system_id"] for row in rows])


async def _accept(call: Call, system_ids: list[str]) -> Any:
    for system_id in system_ids:
        call.region.perform_later(
            system_id, call.user, lambda known: lifecycle.commission(known, call.user)
        )
    with call.region.store.transaction() as tx:
        return [representation.machine(tx, system_id) for system_id in system_ids]


async def list_allocated(call: Call) -> Any:
    """op=list_allocated: what this user has allocated and not yet deployed."""
    ids = call.listed("id")
    with call.region.store.transaction() as tx:
        machines = shown(tx, "status = ? AND owner = ?", int(Status.ALLOCATED), call.user)
    return [without_agent_name(m) for m in machines if not ids or m["system_id"] in ids]


async def all_power_parameters(call: Call) -> Any:
    """op=power_parameters: how every machine's BMC is reached, passwords included."""
    ids = call.listed("id")
    with call.region.store.transaction() as tx:
        rows = tx.all("SELECT system_id, power_parameters FROM machine ORDER BY id")
    return {
        row["system_id"]: json.loads(row["power_parameters"])
        for row in rows
        if ids is None or row["system_id"] in ids
    }


async def is_registered(call: Call) -> Any:
    """op=is_registered: whether a MAC address belongs to a machine."""
    mac = call.query.get("mac_address")
    if mac is None:
        raise BadRequest("No provided mac_address!")
    with call.region.store.transaction() as tx:
        return tx.one("SELECT 1 FROM interface WHERE mac = ?", mac.lower()) is not None


MACHINES = Resource(
    "api/2.0/machines/",
    {
        ("GET", None): read,
        ("POST", None): create,
        ("POST", "allocate"): allocate,
        ("POST", "release"): release,
        ("POST", "accept"): accept,
        ("POST", "accept_all"): accept_all,
        ("GET", "list_allocated"): list_allocated,
        ("GET", "power_parameters"): all_power_parameters,
        ("GET", "is_registered"): is_registered,
    },
    anonymous={("GET", "is_registered"): is_registered},
)
