"""What an AllWatcher tells: a model's entities and their changes (rpc/params/multiwatcher.go)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.session import controller_uuid, server_version
from sandbox.juju.api.status.full import DEFAULT_SPACE
from sandbox.juju.errors import NotFound
from sandbox.juju.state import (
    annotations as notes,
)
from sandbox.juju.state import (
    applications,
    charms,
    machines,
    models,
    offers,
    relations,
    remote_applications,
    statuses,
    tasks,
    units,
    values,
)
from sandbox.juju.state.statuses import Status
from sandbox.juju.state.store import Change, Store, Transaction

Document = dict[str, Any]
Entity = tuple[str, str]
"""Kind, as clients name it, and key."""

_ZERO_TIME = "0001-01-01T00:00:00Z"
_ORDER = (
    "model",
    "charm",
    "application",
    "machine",
    "unit",
    "remoteApplication",
    "applicationOffer",
    "relation",
    "annotation",
    "action",
)
_LISTINGS = {
    "charm": "SELECT url FROM charms WHERE model = ?",
    "application": "SELECT name FROM applications WHERE model = ?",
    "machine": "SELECT id FROM machines WHERE model = ?",
    "unit": "SELECT name FROM units WHERE model = ?",
    "remoteApplication": "SELECT name FROM remote_applications WHERE model = ?",
    "applicationOffer": "SELECT name FROM application_offers WHERE model = ?",
    "relation": "SELECT id FROM relations WHERE model = ?",
    "action": "SELECT id FROM tasks WHERE model = ?",
}


class ModelDeltas:
    """What one client knows of a model; the first deltas are all of it."""

    def __init__(self, store: Store, model: str) -> None:
        self._store = store
        self._model = model
        self._known: dict[Entity, Document] = {}

    def concerns(self, change: Change) -> bool:
        """Whether a change in the store is one that clients of this model are told of.

        What is consumed of other models changes with the units there.
        """
        if change.model != self._model:
            return change.kind == "unit" and any(self._consumed())
        return change.kind not in ("log", "secret", "run")

    def everything(self) -> list[list[Any]]:
        """The deltas of the whole model."""
        with self._store.transaction() as tx:
            return self._tell(tx, _everything(tx, self._model))

    def delta(self, changes: frozenset[Change]) -> list[list[Any]] | None:
        """The deltas of what changed; None where it comes to nothing."""
        with self._store.transaction() as tx:
            own = [change for change in changes if change.model == self._model]
            touched = [*_touched(own), *self._consumed()]
            if any(change.kind in ("application", "relation") for change in own):
                touched += self._offered(tx)
            return self._tell(tx, touched) or None

    def _consumed(self) -> Iterator[Entity]:
        return (entity for entity in self._known if entity[0] == "remoteApplication")

    def _offered(self, tx: Transaction) -> Iterator[Entity]:
        """The offers that there are, and those that the client still knows."""
        yield from (entity for entity in self._known if entity[0] == "applicationOffer")
        for offer in offers.all_offers(tx, self._model):
            yield "applicationOffer", offer.name

    def _tell(self, tx: Transaction, entities: Iterable[Entity]) -> list[list[Any]]:
        ordered = sorted(set(entities), key=lambda entity: _ORDER.index(entity[0]))
        return [delta for entity in ordered if (delta := self._told(tx, entity))]

    def _told(self, tx: Transaction, entity: Entity) -> list[Any] | None:
        kind, key = entity
        try:
            document = _DOCUMENTS[kind](tx, self._model, key)
        except NotFound:
            document = None
        before = self._known.get(entity)
        if document == before:
            return None
        if document is None:
            return [kind, "remove", self._known.pop(entity)]
        self._known[entity] = document
        return [kind, "change", document]


def _everything(tx: Transaction, model: str) -> Iterator[Entity]:
    yield "model", ""
    for kind, listing in _LISTINGS.items():
        for row in tx.all(listing, model):
            yield kind, str(row[0])
            if kind in ("application", "machine"):
                yield "annotation", f"{kind}/{row[0]}"


def _touched(changes: Iterable[Change]) -> Iterator[Entity]:
    for change in changes:
        if change.kind == "task":
            yield "action", change.key
        elif change.kind in _DOCUMENTS:
            yield change.kind, change.key
        if change.kind == "unit":
            yield "application", change.key.partition("/")[0]
        if change.kind in ("application", "machine"):
            yield "annotation", f"{change.kind}/{change.key}"
        if change.kind == "application":
            yield "remoteApplication", change.key


def _model(tx: Transaction, model: str, _key: str) -> Document:
    found = models.get(tx, model)
    return {
        "model-uuid": model,
        "name": found.name,
        "life": found.life,
        "owner": found.owner,
        "controller-uuid": controller_uuid(tx),
        "is-controller": False,
        "config": models.get_config(tx, model),
        "status": _status(statuses.get_status(tx, model, "model", "")),
        "constraints": found.constraints,
        "sla": {"level": "unsupported", "owner": ""},
        "type": "iaas",
        "cloud": found.cloud,
        "cloud-region": found.region,
        "version": server_version(tx),
    }


def _charm(tx: Transaction, model: str, url: str) -> Document:
    found = charms.get(tx, model, url)
    return {
        "model-uuid": model,
        "charm-url": found.url,
        "charm-version": found.charm_version,
        "life": "alive",
        "profile": None,
        "config": found.defaults(),
    }


def _application(tx: Transaction, model: str, name: str) -> Document:
    found = applications.get(tx, model, name)
    versions = [unit.workload_version for unit in units.of_application(tx, model, name)]
    return {
        "model-uuid": model,
        "name": name,
        "exposed": found.exposed is not None,
        "charm-url": found.charm_url,
        "owner-tag": "",
        "life": found.life,
        "min-units": 0,
        "constraints": found.constraints,
        "config": applications.get_config(tx, model, name),
        "subordinate": found.subordinate,
        "status": _status(statuses.get_status(tx, model, "application", name)),
        "workload-version": next(filter(None, reversed(versions)), ""),
    }


def _machine(tx: Transaction, model: str, machine: str) -> Document:
    found = machines.get(tx, model, machine)
    document: Document = {
        "model-uuid": model,
        "id": machine,
        "instance-id": found.instance_id,
        "agent-status": _status(statuses.get_status(tx, model, "machine", machine)),
        "instance-status": _status(statuses.get_status(tx, model, "instance", machine)),
        "life": found.life,
        "base": found.base,
        "container-type": machine.split("/")[-2] if found.container else "",
        "supported-containers": ["lxd"],
        "supported-containers-known": True,
        "jobs": ["JobHostUnits"],
        "addresses": [_address(address) for address in found.addresses],
        "has-vote": False,
        "wants-vote": False,
        "hostname": found.hostname,
    }
    if found.hardware:
        document["hardware-characteristics"] = found.hardware
    return document


def _unit(tx: Transaction, model: str, name: str) -> Document:
    found = units.get(tx, model, name)
    application = applications.get(tx, model, found.application)
    address = units.address(tx, found)
    return {
        "model-uuid": model,
        "name": name,
        "application": found.application,
        "base": application.base,
        "charm-url": found.charm_url,
        "life": found.life,
        "public-address": address,
        "private-address": address,
        "machine-id": found.machine or "",
        "ports": [
            {"protocol": opened["protocol"], "number": opened["from-port"]}
            for opened in found.ports
        ],
        "port-ranges": found.ports,
        "principal": found.principal or "",
        "subordinate": found.subordinate,
        "workload-status": _status(statuses.workload(tx, model, name)),
        "agent-status": {
            **_status(statuses.agent(tx, model, name)),
            "version": server_version(tx) if found.charm_url else "",
        },
    }


def _relation(tx: Transaction, model: str, number: str) -> Document:
    found = relations.get(tx, model, int(number))
    return {
        "model-uuid": model,
        "key": found.key,
        "id": found.id,
        "endpoints": [_endpoint(side) for side in found.endpoints],
    }


def _annotation(tx: Transaction, model: str, key: str) -> Document | None:
    kind, _, name = key.partition("/")
    if kind == "application":
        tag, kept = tags.for_application(name), notes.get(tx, model, "application", name)
    else:
        tag, kept = tags.for_machine(name), notes.get(tx, model, "machine", name)
    return {"model-uuid": model, "tag": tag, "annotations": kept} if kept else None


def _action(tx: Transaction, model: str, number: str) -> Document:
    task = tasks.get(tx, model, int(number))
    return {
        "model-uuid": model,
        "id": str(task.id),
        "receiver": task.receiver,
        "name": task.name,
        "parameters": task.parameters,
        "status": task.status,
        "message": task.message,
        "results": task.results,
        "enqueued": task.enqueued,
        "started": task.started or _ZERO_TIME,
        "completed": task.completed or _ZERO_TIME,
    }


def _status(status: Status) -> Document:
    return {
        "current": status.status,
        "message": status.message,
        "since": status.since or None,
        "version": "",
        "data": status.data,
    }


def _address(address: Document) -> Document:
    return {
        "value": address["value"],
        "type": address.get("type", "ipv4"),
        "scope": address.get("scope", "local-cloud"),
        "space-name": address.get("space") or DEFAULT_SPACE,
    }


def _endpoint(side: values.RelationEndpoint) -> Document:
    return {
        "application-name": side.application,
        "relation": {
            "name": side.name,
            "role": side.role,
            "interface": side.interface,
            "optional": False,
            "limit": 0,
            "scope": side.scope,
        },
    }


def _remote_application(tx: Transaction, model: str, name: str) -> Document | None:
    """params.RemoteApplicationUpdate of a SAAS; stand-ins of consumers are not shown."""
    found = remote_applications.get(tx, model, name)
    if found.consumer:
        return None
    return {
        "model-uuid": model,
        "name": name,
        "offer-uuid": found.offer,
        "offer-url": found.url,
        "life": found.life,
        "status": _status(remote_applications.status(tx, found)),
    }


def _application_offer(tx: Transaction, model: str, name: str) -> Document:
    found = offers.get(tx, model, name)
    connections = offers.connections(tx, found.uuid)
    joined = [
        c for c in connections if relations.get(tx, model, c.offering_relation).status == "joined"
    ]
    return {
        "model-uuid": model,
        "offer-name": name,
        "offer-uuid": found.uuid,
        "application-name": found.application,
        "charm-name": applications.get(tx, model, found.application).charm_url,
        "total-connected-count": len(connections),
        "active-connected-count": len(joined),
    }


_DOCUMENTS: dict[str, Callable[[Transaction, str, str], Document | None]] = {
    "model": _model,
    "charm": _charm,
    "application": _application,
    "machine": _machine,
    "unit": _unit,
    "remoteApplication": _remote_application,
    "applicationOffer": _application_offer,
    "relation": _relation,
    "annotation": _annotation,
    "action": _action,
}
