"""Notes that people and clients keep on applications and machines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from sandbox.juju import errors
from sandbox.juju.state.store import Transaction

Kind = Literal["application", "machine"]

_TABLES = {"application": ("applications", "name"), "machine": ("machines", "id")}


def get(tx: Transaction, model: str, kind: Kind, key: str) -> dict[str, str]:
    """The annotations of an application or machine; NotFound if it is not there."""
    table, column = _TABLES[kind]
    text = tx.value(
        f"SELECT annotations_json FROM {table} WHERE model = ? AND {column} = ?", model, key
    )
    if text is None:
        raise errors.NotFound(f'{kind} "{key}" not found')
    return json.loads(text)


def merge(tx: Transaction, model: str, kind: Kind, key: str, changes: Mapping[str, str]) -> None:
    """Set annotations, and take away those whose new text is empty.

    Raises:
        NotFound: the application or machine is not there.
        NotValid: a key with a dot, which Juju's store does not take.
    """
    for name in changes:
        if "." in name:
            raise errors.NotValid(
                f'cannot update annotations on {kind} {key}: invalid key "{name}"'
            )
    merged = {**get(tx, model, kind, key), **changes}
    table, column = _TABLES[kind]
    kept = {name: text for name, text in merged.items() if text}
    tx.update(table, {"model": model, column: key}, annotations_json=kept)
    tx.touch(kind, model, key)
