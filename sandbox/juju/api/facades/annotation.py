"""Annotations 2: notes on applications and machines."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import framing, tags
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError, NotSupported
from sandbox.juju.state import annotations as notes
from sandbox.juju.state.store import Transaction


def get(session: Session, parameters: Fields) -> dict[str, Any]:
    """Get."""
    results = []
    for tag in entity_tags(parameters):
        document: dict[str, Any] = {"entity": tag, "annotations": {}, "error": {}}
        try:
            with session.store.transaction() as tx:
                document["annotations"] = notes.get(tx, session.model, *_entity(tag))
        except JujuError as error:
            document["error"] = {"error": framing.error_document(error)}
        results.append(document)
    return {"results": results}


def put(session: Session, parameters: Fields) -> dict[str, Any]:
    """Set: an empty text takes an annotation away. Only failures answer, as in Juju."""

    def annotate(tx: Transaction, arguments: Fields) -> None:
        entity = _entity(arguments.text("entity"))
        notes.merge(tx, session.model, *entity, arguments.text_map("annotations"))

    answers = each(session, parameters.each("annotations"), annotate)["results"]
    return {"results": [answer for answer in answers if answer]}


def _entity(tag: str) -> tuple[notes.Kind, str]:
    kind = tags.kind(tag)
    if kind == "application":
        return "application", tags.application(tag)
    if kind == "machine":
        return "machine", tags.machine(tag)
    raise NotSupported(f"annotations of {kind}s not supported")


FACADES = (
    Facade("Annotations", 2, {"Get": Method(get, Access.READ), "Set": Method(put, Access.WRITE)}),
)
