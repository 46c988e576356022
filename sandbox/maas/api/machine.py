"""`machines/{system_id}/`: one machine and its operations; its disks and NICs under `nodes/`."""

from __future__ import annotations

import base64
import dataclasses
import json
import sqlite3
from collections.abc import Callable
from typing import Any

from sandbox.maas import lifecycle, representation
from sandbox.maas.api.machines import power_errors, power_parameters
from sandbox.maas.call import DELETED, Answer, Call, Handler, Resource
from sandbox.maas.lifecycle import Machine, Step
from sandbox.maas.refusals import BadRequest, Conflict, FieldErrors, Forbidden, NotFound
from sandbox.maas.statuses import Status
from sandbox.maas.store import Transaction, machine_row

_SERIES = {
    "jammy": ("ubuntu", "jammy"),
    "22.04": ("ubuntu", "jammy"),
    "noble": ("ubuntu", "noble"),
    "24.04": ("ubuntu", "noble"),
}


def _system_id(call: Call) -> str:
    return call.path["system_id"]


def _show(call: Call) -> dict[str, Any]:
    with call.region.store.transaction() as tx:
        machine_row(tx, _system_id(call))
        return representation.machine(tx, _system_id(call))


async def read(call: Call) -> Any:
    """GET: the machine."""
    return _show(call)


async def update(call: Call) -> Any:
    """PUT: change name, description, zone, pool or power parameters."""
    with call.region.store.transaction() as tx:
        row = machine_row(tx, _system_id(call))
        changes = _changes(tx, call, row)
        tx.update("machine", row["id"], **changes)
    return _show(call)


def _changes(tx: Transaction, call: Call, row: sqlite3.Row) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for field in ("hostname", "description", "architecture", "min_hwe_kernel"):
        if call.form.get(field) is not None:
            changes[field] = call.form[field]
    for field in ("zone", "pool"):
        if (name := call.form.get(field)) is None:
            continue
        found = tx.value(f"SELECT id FROM {field} WHERE name = ?", name)
        if found is None:
            text = "Select a valid choice. That choice is not one of the available choices."
            errors[field] = [text]
        changes[f"{field}_id"] = found
    hostname = changes.get("hostname", row["hostname"])
    if tx.one("SELECT 1 FROM machine WHERE hostname = ? AND id <> ?", hostname, row["id"]):
        errors["hostname"] = ["Node with this Hostname already exists."]
    power_type = call.form.get("power_type", row["power_type"])
    given = power_parameters(call.form)
    if given or power_type != row["power_type"]:
        kept = json.loads(row["power_parameters"]) if power_type == row["power_type"] else {}
        errors.update(power_errors(power_type, {**kept, **given}))
        changes.update(power_type=power_type, power_parameters={**kept, **given})
    if errors:
        raise FieldErrors(errors)
    return changes


async def delete(call: Call) -> Any:
    """DELETE: forget the machine."""
    with call.region.store.transaction() as tx:
        row = machine_row(tx, _system_id(call))
        if row["locked"]:
            raise Forbidden()
        tx.execute("DELETE FROM machine WHERE id = ?", row["id"])
    return DELETED


def _operation(decide: Callable[[Machine, Call], Step], *, editing: bool = True) -> Handler:
    """A handler that lets `decide` decide, and answers with the machine after it.

    `editing` operations are forbidden on a locked machine.
    """

    async def operation(call: Call) -> Any:
        def decision(known: Machine) -> Step:
            if editing:
                lifecycle.require_unlocked(known)
            return decide(known, call)

        await call.region.perform(_system_id(call), call.user, decision)
        return _show(call)

    return operation


async def deploy(call: Call) -> Any:
    """op=deploy: install a system; a Ready machine is allocated on the way."""
    if call.flag("install_kvm") or call.flag("register_vmhost"):
        raise BadRequest("This region has no hypervisors of its own.")
    asked = (call.form.get("distro_series") or lifecycle.DEFAULT_SERIES[1]).rpartition("/")[2]
    user_data = call.form.get("user_data")
    if user_data is not None:
        _check_base64(user_data)

    def claim(known: Machine) -> Step:
        lifecycle.require_unlocked(known)
        if known.status is not Status.READY:
            return lifecycle.NOTHING
        return lifecycle.acquire(known, call.user, call.form.get("agent_name", ""), call.comment)

    def install(known: Machine) -> Step:
        series = _SERIES.get(asked, ("", ""))
        step = lifecycle.deploy(known, call.user, series, call.comment)
        if asked not in _SERIES:
            raise FieldErrors({"distro_series": [_unknown_series(asked)]})
        return dataclasses.replace(step, changes={**step.changes, "user_data": user_data})

    call.region.perform_later(_system_id(call), call.user, claim, install)
    return _show(call)


def _check_base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=False)
    except ValueError:
        raise BadRequest("user_data is not base64") from None


def _unknown_series(series: str) -> str:
    return (
        f"'{series}' is not a valid distro_series.  It should be one of: "
        "'ubuntu/jammy', 'ubuntu/noble'."
    )


async def mark_broken(call: Call) -> Any:
    """op=mark_broken: only its owner may say that a machine is broken."""
    with call.region.store.transaction() as tx:
        row = machine_row(tx, _system_id(call))
        if row["locked"] or row["owner"] != call.user:
            raise Forbidden()
    comment = call.comment or call.form.get("error_description")
    await call.region.perform(
        _system_id(call),
        call.user,
        lambda known: lifecycle.mark_broken(known, call.user, comment),
    )
    return _show(call)


async def query_power_state(call: Call) -> Any:
    """op=query_power_state: what the BMC says now."""
    return {"state": await call.region.query(_system_id(call))}


async def one_power_parameters(call: Call) -> Any:
    """op=power_parameters: how this machine's BMC is reached, password included."""
    with call.region.store.transaction() as tx:
        return json.loads(machine_row(tx, _system_id(call))["power_parameters"])


async def set_workload_annotations(call: Call) -> Any:
    """op=set_workload_annotations: the owner's notes; an empty value removes one."""
    with call.region.store.transaction() as tx:
        row = machine_row(tx, _system_id(call))
        if row["locked"]:
            raise Forbidden()
        if row["owner"] != call.user:
            raise Conflict("Cannot set workload annotation: it hasn't been acquired.")
        for key, value in call.form.items():
            if key == "op":
                continue
            tx.execute("DELETE FROM owner_data WHERE machine_id = ? AND key = ?", row["id"], key)
            if value:
                tx.insert("owner_data", machine_id=row["id"], key=key, value=value)
    return _show(call)


async def get_token(call: Call) -> Any:
    """op=get_token: the key with which the machine speaks to the metadata service."""
    with call.region.store.transaction() as tx:
        machine_row(tx, _system_id(call))
        row = tx.one("SELECT * FROM token WHERE machine = ?", _system_id(call))
    if row is None:
        return None
    return {
        "token_key": row["key"],
        "token_secret": row["secret"],
        "consumer_key": row["consumer"],
    }


async def interfaces(call: Call) -> Any:
    """GET nodes/{system_id}/interfaces/: the machine's NICs, or one of them."""
    return _part(call, _show(call)["interface_set"], "Interface")


async def block_devices(call: Call) -> Any:
    """GET nodes/{system_id}/blockdevices/: the machine's disks, or one of them."""
    return _part(call, _show(call)["blockdevice_set"], "BlockDevice")


def _part(call: Call, parts: list[dict[str, Any]], kind: str) -> Any:
    if "id" not in call.path:
        return parts
    for part in parts:
        if str(part["id"]) == call.path["id"] or part["name"] == call.path["id"]:
            return part
    raise NotFound(kind)


def _tag_disk(*, add: bool) -> Handler:
    async def change(call: Call) -> Any:
        tag = call.mandatory("tag")
        with call.region.store.transaction() as tx:
            row = machine_row(tx, _system_id(call))
            disk = tx.one(
                "SELECT * FROM block_device WHERE machine_id = ? AND id = ?",
                row["id"],
                call.path["id"],
            )
            if disk is None:
                raise NotFound("BlockDevice")
            tags = [known for known in json.loads(disk["tags"]) if known != tag]
            tx.update("block_device", disk["id"], tags=[*tags, tag] if add else tags)
        return await block_devices(call)

    return change


async def details(call: Call) -> Any:
    """op=details: the XML dumps of commissioning; this region keeps none, so an empty document."""
    _show(call)
    return Answer(b"\x05\x00\x00\x00\x00", content_type="application/bson")


_commission = _operation(lambda m, c: lifecycle.commission(m, c.user))

_OPERATIONS: dict[tuple[str, str | None], Handler] = {
    ("GET", None): read,
    ("PUT", None): update,
    ("DELETE", None): delete,
    ("POST", "commission"): _commission,
    ("POST", "deploy"): deploy,
    ("POST", "release"): _operation(lambda m, c: lifecycle.release(m, c.user, c.comment)),
    ("POST", "abort"): _operation(lambda m, c: lifecycle.abort(m, c.user, c.comment)),
    ("POST", "mark_broken"): mark_broken,
    ("POST", "mark_fixed"): _operation(
        lambda m, c: lifecycle.mark_fixed(m, c.user, c.comment), editing=False
    ),
    ("POST", "power_on"): _operation(lambda m, c: lifecycle.power_on(m, c.user, c.comment)),
    ("POST", "power_off"): _operation(lambda m, c: lifecycle.power_off(m, c.user, c.comment)),
    ("GET", "query_power_state"): query_power_state,
    ("GET", "power_parameters"): one_power_parameters,
    ("GET", "details"): details,
    ("GET", "get_token"): get_token,
    ("POST", "set_owner_data"): set_workload_annotations,
    ("POST", "set_workload_annotations"): set_workload_annotations,
    ("POST", "lock"): _operation(lambda m, c: lifecycle.lock(m, c.user, c.comment), editing=False),
    ("POST", "unlock"): _operation(
        lambda m, c: lifecycle.unlock(m, c.user, c.comment), editing=False
    ),
    ("POST", "override_failed_testing"): _operation(
        lambda m, c: lifecycle.override_failed_testing(m, c.user, c.comment), editing=False
    ),
}

MACHINE_RESOURCES = (
    Resource("api/2.0/machines/{system_id}/", _OPERATIONS),
    Resource("api/2.0/nodes/{system_id}/", _OPERATIONS),
    Resource("api/2.0/nodes/{system_id}/interfaces/", {("GET", None): interfaces}),
    Resource("api/2.0/nodes/{system_id}/interfaces/{id}/", {("GET", None): interfaces}),
    Resource("api/2.0/nodes/{system_id}/blockdevices/", {("GET", None): block_devices}),
    Resource(
        "api/2.0/nodes/{system_id}/blockdevices/{id}/",
        {
            ("GET", None): block_devices,
            ("POST", "add_tag"): _tag_disk(add=True),
            ("POST", "remove_tag"): _tag_disk(add=False),
        },
    ),
)
