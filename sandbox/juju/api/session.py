"""Who speaks on a connection, to which model, and what they may do there."""

from __future__ import annotations

import dataclasses
import enum
import json
import sqlite3

from sandbox.home import Home
from sandbox.juju import release
from sandbox.juju.api.watchers import Watchers
from sandbox.juju.errors import JujuError, PermissionDenied
from sandbox.juju.state.store import Store, Transaction

API_PORT = 17070

HEARTBEAT = 180
"""Seconds between two pings; a client that is silent for half of it after one is gone."""


class Access(enum.IntEnum):
    """What a method asks of the caller on the model of the connection, weakest first."""

    LOGIN = 0
    """A valid account is enough; what more is needed, the method checks itself."""
    READ = 1
    WRITE = 2
    ADMIN = 3
    SUPERUSER = 4
    """Superuser of the controller."""


MODEL_ACCESS = {"read": Access.READ, "write": Access.WRITE, "admin": Access.ADMIN}


@dataclasses.dataclass(frozen=True)
class Session:
    """One logged-in connection, as the facades see it."""

    home: Home
    store: Store
    user: str
    """Name of the local user."""
    model: str
    """UUID of the model of the connection; empty on a controller connection."""
    watchers: Watchers
    resource: str = ""
    """Id of the connection's resource that the call names, such as a watcher."""

    def require(self, access: Access) -> None:
        """Refuse the caller who has less than `access` here.

        Raises:
            PermissionDenied: the account may not do this, or is no more.
        """
        with self.store.transaction() as tx:
            if not self.may(tx, access, self.model):
                raise PermissionDenied

    def may(self, tx: Transaction, access: Access, model: str) -> bool:
        """Whether the caller has `access` to the model, or to the controller."""
        user = tx.one("SELECT access FROM users WHERE name = ?", self.user)
        if user is None:
            return False
        if user["access"] == "superuser" or access == Access.LOGIN:
            return True
        return access <= Access.ADMIN and model_access(tx, model, self.user) >= access

    def is_superuser(self, tx: Transaction) -> bool:
        """Whether the caller administers the controller."""
        return self.may(tx, Access.SUPERUSER, "")


def model_access(tx: Transaction, model: str, user: str) -> Access:
    """What the model's owner granted to this user; LOGIN stands for nothing."""
    row = tx.one("SELECT owner, access_json FROM models WHERE uuid = ?", model)
    if row is None:
        return Access.LOGIN
    if row["owner"] == user:
        return Access.ADMIN
    return MODEL_ACCESS.get(json.loads(row["access_json"]).get(user, ""), Access.LOGIN)


def server_version(tx: Transaction) -> str:
    """The Juju version that the controller answers as."""
    return str(
        tx.value("SELECT value FROM controller WHERE key = 'version'") or release.DEFAULT.version
    )


def controller_uuid(tx: Transaction) -> str:
    """The controller's UUID."""
    return str(tx.value("SELECT value FROM controller WHERE key = 'uuid'") or "")


def model_row(tx: Transaction, uuid: str) -> sqlite3.Row:
    """The model's row.

    Raises:
        JujuError: there is no such model (code `model not found`).
    """
    row = tx.one("SELECT * FROM models WHERE uuid = ?", uuid)
    if row is None:
        raise JujuError(f'unknown model: "{uuid}"', code="model not found")
    return row
