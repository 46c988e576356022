"""`zones/` and `resourcepools/`: where machines stand and to whom they are lent."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

from sandbox.maas import representation
from sandbox.maas.call import DELETED, Call, Resource
from sandbox.maas.refusals import BadRequest, FieldErrors, NotFound

_NAME = re.compile(r"^[a-zA-Z0-9][a-zA-Z0-9._ -]*$")
Render = Callable[[sqlite3.Row], dict[str, Any]]


class Places:
    """One kind of place: the table that holds it, and how it is found and shown."""

    def __init__(self, table: str, kind: str, key: str, render: Render) -> None:
        self._table = table
        self._kind = kind
        self._key = key
        self._render = render

    async def read_all(self, call: Call) -> Any:
        """GET the collection, by name."""
        with call.region.store.transaction() as tx:
            rows = tx.all(f"SELECT * FROM {self._table} ORDER BY name")
        return [self._render(row) for row in rows]

    async def create(self, call: Call) -> Any:
        """POST the collection: a new one."""
        name = call.form.get("name", "")
        with call.region.store.transaction() as tx:
            self._require_name(name)
            if tx.one(f"SELECT 1 FROM {self._table} WHERE name = ?", name):
                text = f"{self._kind} with this Name already exists."
                raise FieldErrors({"name": [text]})
            description = call.form.get("description", "")
            tx.insert(self._table, name=name, description=description)
            row = tx.one(f"SELECT * FROM {self._table} WHERE name = ?", name)
        return self._render(row) if row is not None else None

    async def read(self, call: Call) -> Any:
        """GET one."""
        return self._render(self._find(call))

    async def update(self, call: Call) -> Any:
        """PUT one: its name or description."""
        row = self._find(call)
        name = call.form.get("name", row["name"])
        self._require_name(name)
        with call.region.store.transaction() as tx:
            description = call.form.get("description", row["description"])
            tx.update(self._table, row["id"], name=name, description=description)
            changed = tx.one(f"SELECT * FROM {self._table} WHERE id = ?", row["id"])
        return self._render(changed) if changed is not None else None

    async def delete(self, call: Call) -> Any:
        """DELETE one; its machines go to `default`. MAAS says nothing when there is none."""
        try:
            row = self._find(call)
        except NotFound:
            if self._key == "name":
                return DELETED
            raise
        if row["name"] == "default":
            article = "zone" if self._table == "zone" else "resource pool"
            raise BadRequest(f"This {article} is the default {article}, it cannot be deleted.")
        with call.region.store.transaction() as tx:
            if self._table == "pool" and tx.one(
                "SELECT 1 FROM machine WHERE pool_id = ?", row["id"]
            ):
                raise BadRequest(
                    f"Can't delete the resource pool as it contains machines: {row['name']}"
                )
            column = f"{self._table}_id"
            default = tx.value(f"SELECT id FROM {self._table} WHERE name = 'default'")
            tx.execute(f"UPDATE machine SET {column} = ? WHERE {column} = ?", default, row["id"])
            tx.execute(f"DELETE FROM {self._table} WHERE id = ?", row["id"])
        return DELETED

    def _require_name(self, name: str) -> None:
        if not name:
            raise FieldErrors({"name": ["This field is required."]})
        if not _NAME.match(name):
            raise FieldErrors({"name": ["Invalid name."]})

    def _find(self, call: Call) -> sqlite3.Row:
        with call.region.store.transaction() as tx:
            row = tx.one(
                f"SELECT * FROM {self._table} WHERE {self._key} = ?", call.path[self._key]
            )
        if row is None:
            raise NotFound(self._kind)
        return row


_ZONES = Places("zone", "Zone", "name", representation.zone)
_POOLS = Places("pool", "ResourcePool", "id", representation.pool)


def _resources(collection: str, one: str, places: Places) -> tuple[Resource, Resource]:
    return (
        Resource(collection, {("GET", None): places.read_all, ("POST", None): places.create}),
        Resource(
            one,
            {
                ("GET", None): places.read,
                ("PUT", None): places.update,
                ("DELETE", None): places.delete,
            },
        ),
    )


PLACES = (
    *_resources("api/2.0/zones/", "api/2.0/zones/{name}/", _ZONES),
    *_resources("api/2.0/resourcepools/", "api/2.0/resourcepool/{id}/", _POOLS),
)
