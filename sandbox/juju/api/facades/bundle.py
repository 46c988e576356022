"""Bundle 6 and 8: the changes that a bundle asks for, and a model as a bundle."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import bundle_changes, bundle_export
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access, Session
from sandbox.juju.api.status import rows
from sandbox.juju.state import models

_DEFAULT_BASE = "ubuntu@24.04/stable"


def get_changes_map_args(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetChangesMapArgs: what a client has to do to deploy a bundle into an empty model."""
    return bundle_changes.planned(parameters.text("yaml"))


def export_bundle(session: Session, parameters: Fields) -> dict[str, Any]:
    """ExportBundle: YAML that deploys the same model again."""
    with session.store.transaction() as tx:
        read = rows.read(tx, models.get(tx, session.model))
        base = str(models.get_config(tx, session.model)["default-base"]) or _DEFAULT_BASE
    with_defaults = parameters.flag("include-charm-defaults")
    return {"result": bundle_export.export(read, base, with_defaults=with_defaults)}


_METHODS = {
    "GetChangesMapArgs": Method(get_changes_map_args, Access.READ),
    "ExportBundle": Method(export_bundle, Access.READ),
}

FACADES = tuple(Facade("Bundle", version, _METHODS) for version in (6, 8))
