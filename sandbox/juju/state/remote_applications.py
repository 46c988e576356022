"""Applications of other models: those that a model consumes, and those that consume its own.

Juju calls the first a SAAS. The second stand in, under a name that tells nothing, for the
applications at the other end of the relations that an offer has (state/remoteapplication.go).
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterable

from sandbox.juju import clock, errors, names
from sandbox.juju.state import models
from sandbox.juju.state.statuses import Status, application
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Endpoint, Life


@dataclasses.dataclass(frozen=True)
class RemoteApplication:
    """An application of another model, as this one knows it."""

    model: str
    name: str
    offer: str
    """The offer's uuid."""
    url: str
    """owner/model.offer; empty for the stand-in of a consumer."""
    other_model: str
    """The UUID of the model in which the application is."""
    endpoints: tuple[Endpoint, ...]
    life: Life
    created: str

    @property
    def consumer(self) -> bool:
        """Whether it stands for an application that consumes an offer of this model."""
        return not self.url

    def declared(self) -> dict[str, Endpoint]:
        """Its endpoints by name."""
        return {endpoint.name: endpoint for endpoint in self.endpoints}


def find(tx: Transaction, model: str, name: str) -> RemoteApplication | None:
    """The remote application of this name, or None."""
    row = tx.one("SELECT * FROM remote_applications WHERE model = ? AND name = ?", model, name)
    return None if row is None else _remote(row)


def get(tx: Transaction, model: str, name: str) -> RemoteApplication:
    """A remote application by name; NotFound if there is none."""
    found = find(tx, model, name)
    if found is None:
        raise errors.NotFound(f'saas application "{name}" not found')
    return found


def all_remote(tx: Transaction, model: str) -> list[RemoteApplication]:
    """Every remote application of a model, by name."""
    rows = tx.all("SELECT * FROM remote_applications WHERE model = ? ORDER BY name", model)
    return [_remote(row) for row in rows]


def add(
    tx: Transaction,
    model: str,
    name: str,
    *,
    offer: str,
    url: str,
    other_model: str,
    endpoints: Iterable[Endpoint],
) -> RemoteApplication:
    """Make an application of another model known in this one.

    Raises:
        NotValid: the name is no application name.
        AlreadyExists: an application, local or remote, has that name.
        JujuError: the model is not alive.
    """
    try:
        _check(tx, model, name)
    except errors.JujuError as refusal:
        raise errors.annotated(refusal, f'cannot add saas application "{name}"') from None
    tx.insert(
        "remote_applications",
        model=model,
        name=name,
        offer=offer,
        url=url,
        other_model=other_model,
        endpoints_json=_documents(endpoints),
        created=clock.stamp(),
    )
    tx.touch("application", model, name)
    return get(tx, model, name)


def set_endpoints(
    tx: Transaction, found: RemoteApplication, endpoints: Iterable[Endpoint]
) -> RemoteApplication:
    """Note the endpoints that the offer has now."""
    where = {"model": found.model, "name": found.name}
    tx.update("remote_applications", where, endpoints_json=_documents(endpoints))
    tx.touch("application", found.model, found.name)
    return get(tx, found.model, found.name)


def status(tx: Transaction, found: RemoteApplication) -> Status:
    """How the application is in its own model; terminated once it is no longer offered."""
    offer = tx.one("SELECT model, application FROM application_offers WHERE uuid = ?", found.offer)
    if offer is None:
        return Status("terminated", "offer has been removed", since=found.created)
    return application(tx, offer["model"], offer["application"])


def finish(tx: Transaction, model: str, name: str) -> bool:
    """Remove one that nobody needs any more; whether it did.

    That is a dying SAAS without relations, and the stand-in of a consumer without any.
    """
    found = find(tx, model, name)
    if found is None or (found.life == "alive" and not found.consumer):
        return False
    if tx.one("SELECT 1 FROM relation_endpoints WHERE model = ? AND application = ?", model, name):
        return False
    tx.execute("DELETE FROM remote_applications WHERE model = ? AND name = ?", model, name)
    tx.touch("application", model, name)
    return True


def _check(tx: Transaction, model: str, name: str) -> None:
    if not names.is_application(name):
        raise errors.NotValid(f'name "{name}" not valid')
    models.alive(tx, model)
    if tx.one("SELECT 1 FROM applications WHERE model = ? AND name = ?", model, name):
        raise errors.AlreadyExists("local application with same name already exists")
    if find(tx, model, name):
        raise errors.AlreadyExists("saas application already exists")


def _documents(endpoints: Iterable[Endpoint]) -> list[dict[str, str]]:
    return [{"name": e.name, "role": e.role, "interface": e.interface} for e in endpoints]


def _remote(row: sqlite3.Row) -> RemoteApplication:
    return RemoteApplication(
        row["model"],
        row["name"],
        row["offer"],
        row["url"],
        row["other_model"],
        tuple(
            Endpoint(e["name"], e["role"], e["interface"])
            for e in json.loads(row["endpoints_json"])
        ),
        row["life"],
        row["created"],
    )
