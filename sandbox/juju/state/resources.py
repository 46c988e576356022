"""Files that charms declare as resources, as clients uploaded them."""

from __future__ import annotations

import dataclasses
import pathlib
import sqlite3

from sandbox.juju import errors
from sandbox.juju.state import applications
from sandbox.juju.state.store import Transaction


@dataclasses.dataclass(frozen=True)
class Resource:
    """One file of one application."""

    application: str
    name: str
    kind: str
    """file or oci-image."""
    origin: str
    """upload or store."""
    revision: int
    path: str
    """Where the controller keeps it."""
    sha384: str
    size: int
    """Bytes."""

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Resource:
        """The resource of a row of `resources`."""
        return cls(**{field.name: row[field.name] for field in dataclasses.fields(cls)})


def put(
    tx: Transaction,
    model: str,
    application: str,
    name: str,
    path: pathlib.Path,
    *,
    sha384: str,
    size: int,
    pending: bool,
) -> Resource:
    """Keep an uploaded file, in the place of an older one.

    A pending one is for an application that is about to be deployed or refreshed; otherwise
    the application's units hear of it as of another revision of their charm.

    Raises:
        NotFound: no such application, or its charm declares no such resource.
    """
    kind = "file" if pending else _declared_kind(tx, model, application, name)
    key = {"model": model, "application": application, "name": name}
    tx.execute(
        "DELETE FROM resources WHERE model = ? AND application = ? AND name = ?", *key.values()
    )
    tx.insert(
        "resources",
        **key,
        kind=kind,
        origin="upload",
        revision=0,
        path=str(path),
        sha384=sha384,
        size=size,
    )
    if not pending:
        tx.execute(
            "UPDATE applications SET charm_version = charm_version + 1"
            " WHERE model = ? AND name = ?",
            *(model, application),
        )
        applications.touch_with_units(tx, model, application)
    return get(tx, model, application, name)


def get(tx: Transaction, model: str, application: str, name: str) -> Resource:
    """One resource; NotFound if it was not uploaded."""
    row = tx.one(
        "SELECT * FROM resources WHERE model = ? AND application = ? AND name = ?",
        *(model, application, name),
    )
    if row is None:
        raise errors.NotFound(f'resource "{application}/{name}" not found')
    return Resource.from_row(row)


def of_application(tx: Transaction, model: str, application: str) -> dict[str, Resource]:
    """What was uploaded for an application, by name."""
    rows = tx.all(
        "SELECT * FROM resources WHERE model = ? AND application = ?", model, application
    )
    return {row["name"]: Resource.from_row(row) for row in rows}


def _declared_kind(tx: Transaction, model: str, application: str, name: str) -> str:
    charm = applications.charm_of(tx, applications.get(tx, model, application))
    declared = charm.metadata.get("resources") or {}
    if name not in declared:
        raise errors.NotFound(f'resource "{application}/{name}" not found')
    return (declared[name] or {}).get("type", "file")
