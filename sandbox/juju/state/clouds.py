"""Clouds that the controller knows, and the credentials for them."""

from __future__ import annotations

import json
from typing import Any

from sandbox.juju import errors
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Cloud, Credential


def add(tx: Transaction, name: str, cloud_type: str, doc: dict[str, Any]) -> Cloud:
    """Add a cloud; AlreadyExists if there is one of that name."""
    if tx.one("SELECT 1 FROM clouds WHERE name = ?", name):
        raise errors.AlreadyExists(f'cloud "{name}" already exists')
    tx.insert("clouds", name=name, type=cloud_type, doc=doc)
    tx.touch("cloud", "", name)
    return get(tx, name)


def update(tx: Transaction, name: str, cloud_type: str, doc: dict[str, Any]) -> None:
    """Replace a cloud's definition; NotFound if it is not there."""
    get(tx, name)
    tx.update("clouds", {"name": name}, type=cloud_type, doc=doc)
    tx.touch("cloud", "", name)


def remove(tx: Transaction, name: str) -> None:
    """Remove a cloud and its credentials; refused while models use it."""
    get(tx, name)
    count = tx.value("SELECT count(*) FROM models WHERE cloud = ?", name)
    if count:
        plural = "s" if count > 1 else ""
        raise errors.JujuError(f"cloud is used by {count} model{plural}")
    tx.execute("DELETE FROM credentials WHERE cloud = ?", name)
    tx.execute("DELETE FROM clouds WHERE name = ?", name)
    tx.touch("cloud", "", name)


def get(tx: Transaction, name: str) -> Cloud:
    """A cloud by name; NotFound if there is none."""
    row = tx.one("SELECT * FROM clouds WHERE name = ?", name)
    if row is None:
        raise errors.NotFound(f'cloud "{name}" not found')
    return Cloud.from_row(row)


def all_clouds(tx: Transaction) -> list[Cloud]:
    """Every cloud, by name."""
    return [Cloud.from_row(row) for row in tx.all("SELECT * FROM clouds ORDER BY name")]


def set_credential(
    tx: Transaction,
    cloud: str,
    owner: str,
    name: str,
    auth_type: str,
    attributes: dict[str, str],
) -> Credential:
    """Add or replace a credential: it counts as valid again, and its models look anew.

    Raises:
        NotFound: there is no such cloud.
        NotValid: the cloud has no such auth-type.
    """
    supported = get(tx, cloud).doc.get("auth-types") or []
    if supported and auth_type not in supported:
        types = json.dumps(supported).replace(",", "")
        raise errors.NotValid(
            f'validating credential "{cloud}/{owner}/{name}" for cloud "{cloud}":'
            f' supported auth-types {types}, "{auth_type}" not supported'
        )
    where = {"cloud": cloud, "owner": owner, "name": name}
    values = {
        "auth_type": auth_type,
        "attributes_json": attributes,
        "revoked": 0,
        "invalid": 0,
        "invalid_reason": "",
    }
    if not tx.update("credentials", where, **values):
        tx.insert("credentials", **where, **values)
    credential = get_credential(tx, cloud, owner, name)
    _touch(tx, credential)
    return credential


def get_credential(tx: Transaction, cloud: str, owner: str, name: str) -> Credential:
    """One credential; NotFound if there is none."""
    row = tx.one(
        "SELECT * FROM credentials WHERE cloud = ? AND owner = ? AND name = ?", cloud, owner, name
    )
    if row is None:
        raise errors.NotFound(f'cloud credential "{cloud}/{owner}/{name}" not found')
    return Credential.from_row(row)


def credentials(tx: Transaction, owner: str, cloud: str | None = None) -> list[Credential]:
    """A user's credentials, of one cloud or of all, by cloud and name."""
    rows = tx.all("SELECT * FROM credentials WHERE owner = ? ORDER BY cloud, name", owner)
    return [Credential.from_row(row) for row in rows if cloud in (None, row["cloud"])]


def invalidate_credential(tx: Transaction, credential: Credential, reason: str) -> None:
    """Note that the cloud refused the credential, with the cloud's reason (never a secret)."""
    tx.update("credentials", _where(credential), invalid=1, invalid_reason=reason)
    _touch(tx, credential)


def revoke_credential(
    tx: Transaction, cloud: str, owner: str, name: str, *, force: bool = False
) -> None:
    """Remove a credential; refused while models use it, unless forced."""
    credential = get_credential(tx, cloud, owner, name)
    count = tx.value("SELECT count(*) FROM models WHERE credential = ?", credential.key)
    if count and not force:
        plural = "s" if count > 1 else ""
        raise errors.JujuError(
            f'cannot revoke credential "{credential.key}": it is still used by'
            f" {count} model{plural}"
        )
    tx.execute(
        "DELETE FROM credentials WHERE cloud = ? AND owner = ? AND name = ?", cloud, owner, name
    )
    _touch(tx, credential)


def _where(credential: Credential) -> dict[str, str]:
    return {"cloud": credential.cloud, "owner": credential.owner, "name": credential.name}


def _touch(tx: Transaction, credential: Credential) -> None:
    tx.touch("credential", "", credential.key)
    for row in tx.all("SELECT uuid FROM models WHERE credential = ?", credential.key):
        tx.touch("model", row["uuid"])
