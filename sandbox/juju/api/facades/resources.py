"""Resources 3: files that charms declare."""

from __future__ import annotations

import base64
import uuid
from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.facades import charm_documents
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.state import applications, resources, units
from sandbox.juju.state.store import Transaction

_ZERO_TIME = "0001-01-01T00:00:00Z"
_NOTHING = {"resources": None, "charm-store-resources": None, "unit-resources": None}
"""What a failed item holds beside its error."""


def list_resources(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListResources: what applications have, what their charms declare, what units use."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        return _listed(tx, session.model, tags.application(tag))

    shown = each(session, entity_tags(parameters), show)["results"]
    return {"results": [{**_NOTHING, **result} for result in shown]}


def add_pending_resources(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddPendingResources: an id for each, by which the upload and the deploy name it."""
    tags.application(parameters.text("tag"))
    wanted = parameters.each("resources")
    return {"pending-ids": [str(uuid.uuid4()) for _ in wanted]}


def resource_document(
    application: str, declared: dict[str, Any], stored: resources.Resource | None
) -> dict[str, Any]:
    """params.Resource: what the charm declares, and what was uploaded for it."""
    document = {
        **declared,
        "id": f"{application}/{declared['name']}",
        "pending-id": "",
        "application": application,
        "username": "",
        "timestamp": _ZERO_TIME,
    }
    if stored is None:
        return document
    return document | {
        "origin": stored.origin,
        "revision": stored.revision,
        "size": stored.size,
        "fingerprint": base64.b64encode(bytes.fromhex(stored.sha384)).decode(),
    }


def _listed(tx: Transaction, model: str, name: str) -> dict[str, Any]:
    application = applications.get(tx, model, name)
    declared = charm_documents.resources(applications.charm_of(tx, application).metadata)
    stored = resources.of_application(tx, model, name)
    own = [resource_document(name, found, stored.get(found["name"])) for found in declared]
    return {
        "resources": own,
        "charm-store-resources": declared,
        "unit-resources": [
            {"tag": tags.for_unit(unit), "resources": own, "download-progress": {}}
            for unit in units.names(tx, model, name)
        ],
    }


FACADES = (
    Facade(
        "Resources",
        3,
        {
            "ListResources": Method(list_resources, Access.READ),
            "AddPendingResources": Method(add_pending_resources, Access.WRITE),
        },
    ),
)
