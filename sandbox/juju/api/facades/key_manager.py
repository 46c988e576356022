"""KeyManager 1: SSH public keys that a model's machines would take."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError
from sandbox.juju.state import models
from sandbox.juju.state.store import Transaction

_SETTING = "authorized-keys"


def list_keys(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListKeys: whole (mode true), or as fingerprint and comment."""
    entities = parameters.fields("entities").each("entities") or [Fields()]
    whole = bool(parameters.raw("mode"))
    with session.store.transaction() as tx:
        keys = _keys(tx, session.model)
    shown = [key if whole else _summary(key) for key in keys]
    return {"results": [{"result": shown} for _ in entities]}


def add_keys(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddKeys: the same key twice is refused."""
    results: list[dict[str, Any]] = []
    with session.store.transaction() as tx:
        keys = _keys(tx, session.model)
        known = {_fingerprint(key) for key in keys}
        for key in parameters.texts("ssh-keys"):
            fingerprint = _fingerprint(key)
            if fingerprint is None:
                results.append(_failure(f"invalid ssh key: {key}"))
            elif fingerprint in known:
                results.append(_failure(f"duplicate ssh key: {key}"))
            else:
                known.add(fingerprint)
                keys.append(key.strip())
                results.append({})
        models.set_config(tx, session.model, {_SETTING: "\n".join(keys)})
    return {"results": results}


def delete_keys(session: Session, parameters: Fields) -> dict[str, Any]:
    """DeleteKeys: by fingerprint or comment."""
    results: list[dict[str, Any]] = []
    with session.store.transaction() as tx:
        keys = _keys(tx, session.model)
        for name in parameters.texts("ssh-keys"):
            left = [key for key in keys if name not in (_fingerprint(key), _comment(key))]
            missing = len(left) == len(keys)
            results.append(_failure(f"key not found: {name}") if missing else {})
            keys = left
        models.set_config(tx, session.model, {_SETTING: "\n".join(keys)})
    return {"results": results}


def import_keys(session: Session, parameters: Fields) -> dict[str, Any]:
    """ImportKeys: there is no way from the sandbox to where people keep their keys."""
    raise JujuError("importing SSH keys needs the network, which the sandbox does not use")


def _keys(tx: Transaction, model: str) -> list[str]:
    text = models.get(tx, model).config.get(_SETTING, "")
    return [line for line in text.splitlines() if line.strip()]


def _fingerprint(key: str) -> str | None:
    """The MD5 fingerprint by which Juju and ssh-keygen -E md5 name a key."""
    parts = key.split()
    if len(parts) < 2:
        return None
    try:
        digest = hashlib.md5(base64.b64decode(parts[1], validate=True), usedforsecurity=False)
    except (binascii.Error, ValueError):
        return None
    return ":".join(f"{byte:02x}" for byte in digest.digest())


def _comment(key: str) -> str:
    return " ".join(key.split()[2:])


def _summary(key: str) -> str:
    comment = _comment(key)
    return f"{_fingerprint(key)} ({comment})" if comment else str(_fingerprint(key))


def _failure(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": ""}}


FACADES = (
    Facade(
        "KeyManager",
        1,
        {
            "ListKeys": Method(list_keys, Access.READ),
            "AddKeys": Method(add_keys, Access.ADMIN),
            "DeleteKeys": Method(delete_keys, Access.ADMIN),
            "ImportKeys": Method(import_keys, Access.ADMIN),
        },
    ),
)
