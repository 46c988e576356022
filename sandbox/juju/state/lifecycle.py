"""Relations and applications that nothing holds any more: they go, with all that was theirs."""

from __future__ import annotations

from sandbox.juju.state import (
    mirrored_relations,
    relations,
    remote_applications,
    secrets,
    statuses,
)
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Relation


def finish_relation(tx: Transaction, relation: Relation) -> bool:
    """Remove a relation that is not alive and has no unit in scope; whether it did.

    A dying application that it was the last to hold goes with it.
    """
    held = tx.value(
        "SELECT count(*) FROM relation_units WHERE model = ? AND relation = ? AND in_scope = 1",
        relation.model,
        relation.id,
    )
    if held or relation.life == "alive":
        return False
    remove_relation(tx, relation)
    for application in relation.applications:
        finish_application(tx, relation.model, application)
        remote_applications.finish(tx, relation.model, application)
    return True


def remove_relation(tx: Transaction, relation: Relation) -> None:
    """Drop a relation, its databags and what was granted in its scope."""
    relations.touch(tx, relation)
    mirrored_relations.forget(tx, relation)
    model, number = relation.model, relation.id
    for table, column in (
        ("relation_units", "relation"),
        ("relation_endpoints", "relation"),
        ("relation_egress", "relation"),
        ("secret_grants", "relation"),
        ("relations", "id"),
    ):
        tx.execute(f"DELETE FROM {table} WHERE model = ? AND {column} = ?", model, number)


def finish_application(tx: Transaction, model: str, application: str) -> bool:
    """Remove an application that is dying and has neither units nor relations; whether it did."""
    row = tx.one(
        "SELECT life, charm_url FROM applications WHERE model = ? AND name = ?",
        model,
        application,
    )
    if row is None or row["life"] == "alive" or _held(tx, model, application):
        return False
    secrets.remove_owned(tx, model, "application", application)
    statuses.forget(tx, model, "application", application)
    for table in ("leases", "resources", "application_offers"):
        tx.execute(f"DELETE FROM {table} WHERE model = ? AND application = ?", model, application)
    tx.execute("DELETE FROM applications WHERE model = ? AND name = ?", model, application)
    tx.touch("application", model, application)
    forget_unused_charm(tx, model, row["charm_url"])
    return True


def forget_unused_charm(tx: Transaction, model: str, url: str) -> None:
    """Drop a charm that no application or unit of the model uses any more."""
    used = tx.one(
        "SELECT 1 FROM applications WHERE model = ? AND charm_url = ?"
        " UNION SELECT 1 FROM units WHERE model = ? AND charm_url = ?",
        *(model, url, model, url),
    )
    if used is None:
        tx.execute("DELETE FROM charms WHERE model = ? AND url = ?", model, url)
        tx.touch("charm", model, url)


def _held(tx: Transaction, model: str, application: str) -> bool:
    return bool(
        tx.value(
            "SELECT EXISTS (SELECT 1 FROM units WHERE model = ? AND application = ?)"
            " OR EXISTS (SELECT 1 FROM relation_endpoints WHERE model = ? AND application = ?)",
            *(model, application, model, application),
        )
    )
