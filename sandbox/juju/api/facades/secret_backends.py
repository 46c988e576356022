"""SecretBackends 1: the controller itself keeps every secret."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access, Session


def list_secret_backends(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListSecretBackends: the internal one."""
    with session.store.transaction() as tx:
        count = tx.value("SELECT count(*) FROM secrets")
        uuid = tx.value("SELECT value FROM controller WHERE key = 'uuid'")
    names = parameters.texts("names")
    backend = {
        "result": {"name": "internal", "backend-type": "controller", "config": {}},
        "id": uuid or "",
        "num-secrets": count,
        "status": "active",
    }
    return {"results": [backend] if not names or "internal" in names else []}


FACADES = (
    Facade(
        "SecretBackends",
        1,
        {"ListSecretBackends": Method(list_secret_backends, Access.SUPERUSER)},
    ),
)
