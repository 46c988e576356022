"""`tags/`: names on machines that Juju's constraints and the roles of a cloud go by."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from sandbox.maas import representation
from sandbox.maas.api.machines import shown, without_agent_name
from sandbox.maas.call import DELETED, Answer, Call, Resource
from sandbox.maas.refusals import FieldErrors, NotFound
from sandbox.maas.store import Transaction

_NAME = re.compile(r"^[a-zA-Z0-9_-]+$")


def _find(tx: Transaction, call: Call) -> sqlite3.Row:
    row = tx.one("SELECT * FROM tag WHERE name = ?", call.path["name"])
    if row is None:
        raise NotFound("Tag")
    return row


def _row(tx: Transaction, tag_id: int) -> sqlite3.Row:
    return tx.all("SELECT * FROM tag WHERE id = ?", tag_id)[0]


def _check_name(tx: Transaction, name: str, own_id: int = -1) -> None:
    if not name:
        raise FieldErrors({"name": ["This field is required."]})
    if not _NAME.match(name):
        raise FieldErrors({"name": ["Enter a valid value."]})
    if tx.one("SELECT 1 FROM tag WHERE name = ? AND id <> ?", name, own_id):
        raise FieldErrors({"name": ["Tag with this Name already exists."]})


async def read_all(call: Call) -> Any:
    """GET tags/: all of them."""
    with call.region.store.transaction() as tx:
        return [representation.tag(row) for row in tx.all("SELECT * FROM tag ORDER BY id")]


async def create(call: Call) -> Any:
    """POST tags/: a new one."""
    texts = {name: call.form.get(name, "") for name in ("definition", "comment", "kernel_opts")}
    with call.region.store.transaction() as tx:
        name = call.form.get("name", "")
        _check_name(tx, name)
        tag_id = tx.insert("tag", name=name, **texts)
        return representation.tag(_row(tx, tag_id))


async def read(call: Call) -> Any:
    """GET tags/{name}/."""
    with call.region.store.transaction() as tx:
        return representation.tag(_find(tx, call))


async def update(call: Call) -> Any:
    """PUT tags/{name}/: rename or describe it."""
    fields = ("name", "definition", "comment", "kernel_opts")
    with call.region.store.transaction() as tx:
        row = _find(tx, call)
        changes = {name: call.form[name] for name in fields if name in call.form}
        if "name" in changes:
            _check_name(tx, changes["name"], row["id"])
        tx.update("tag", row["id"], **changes)
        return representation.tag(_row(tx, row["id"]))


async def delete(call: Call) -> Any:
    """DELETE tags/{name}/: off every machine."""
    with call.region.store.transaction() as tx:
        tx.execute("DELETE FROM tag WHERE id = ?", _find(tx, call)["id"])
    return DELETED


async def machines(call: Call) -> Any:
    """op=machines and op=nodes: the machines that carry the tag."""
    with call.region.store.transaction() as tx:
        tag = _find(tx, call)
        where = "id IN (SELECT machine_id FROM machine_tag WHERE tag_id = ?)"
        return [without_agent_name(data) for data in shown(tx, where, tag["id"])]


async def nothing(call: Call) -> Any:
    """op=devices, op=rack_controllers and op=region_controllers: only machines carry tags here."""
    with call.region.store.transaction() as tx:
        _find(tx, call)
    return []


async def update_nodes(call: Call) -> Any:
    """op=update_nodes: put the tag on machines and take it off others; unknown ids are ignored."""
    with call.region.store.transaction() as tx:
        tag = _find(tx, call)
        definition = call.form.get("definition")
        if definition is not None and definition != tag["definition"]:
            text = (
                f"Definition supplied '{definition}' doesn't match current definition "
                f"'{tag['definition']}'"
            )
            return Answer(text, status=409)
        added = _machine_ids(tx, call.form.getall("add", []))
        removed = _machine_ids(tx, call.form.getall("remove", []))
        for machine_id in added:
            tx.execute("INSERT OR IGNORE INTO machine_tag VALUES (?, ?)", machine_id, tag["id"])
        for machine_id in removed:
            tx.execute(
                "DELETE FROM machine_tag WHERE machine_id = ? AND tag_id = ?",
                *(machine_id, tag["id"]),
            )
    return {"added": len(added), "removed": len(removed)}


def _machine_ids(tx: Transaction, system_ids: list[str]) -> list[int]:
    marks = ",".join("?" for _ in system_ids)
    rows = tx.all(f"SELECT id FROM machine WHERE system_id IN ({marks})", *system_ids)
    return [row["id"] for row in rows]


async def rebuild(call: Call) -> Any:
    """op=rebuild: look again which machines the definition matches."""
    with call.region.store.transaction() as tx:
        return {"rebuilding": _find(tx, call)["name"]}


TAGS = (
    Resource("api/2.0/tags/", {("GET", None): read_all, ("POST", None): create}),
    Resource(
        "api/2.0/tags/{name}/",
        {
            ("GET", None): read,
            ("PUT", None): update,
            ("DELETE", None): delete,
            ("GET", "machines"): machines,
            ("GET", "nodes"): machines,
            ("GET", "devices"): nothing,
            ("GET", "rack_controllers"): nothing,
            ("GET", "region_controllers"): nothing,
            ("POST", "update_nodes"): update_nodes,
            ("POST", "rebuild"): rebuild,
        },
    ),
)
