"""Admin.Login: who may come in, and what the controller tells them (apiserver/admin.go)."""

from __future__ import annotations

from typing import Any

from sandbox.home import Home
from sandbox.juju.api import tags
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Registry
from sandbox.juju.api.session import (
    API_PORT,
    Access,
    controller_uuid,
    model_access,
    model_row,
    server_version,
)
from sandbox.juju.errors import JujuError, PermissionDenied, Unauthorized
from sandbox.juju.state import accounts
from sandbox.juju.state.store import Store, Transaction

ADMIN_VERSION = 3

_NO_CREDENTIALS = "no credentials provided"


def check_model(store: Store, model: str) -> None:
    """Refuse a connection to a model that is not there.

    Raises:
        JujuError: with the code `model not found`.
    """
    with store.transaction() as tx:
        model_row(tx, model)


def authenticate(store: Store, request: Fields) -> str:
    """The local user that a LoginRequest proves to be, by user tag and password.

    There is no identity provider, so a login by macaroon alone finds no way in.

    Raises:
        JujuError: no credentials, or wrong ones.
    """
    tag, password = request.text("auth-tag"), request.text("credentials")
    if not tag or not password:
        raise JujuError(_NO_CREDENTIALS, code=_NO_CREDENTIALS)
    if tags.kind(tag) != "user":
        raise Unauthorized("invalid entity name or password")
    with store.transaction() as tx:
        return accounts.authenticate(tx, tags.user(tag), password).name


def result(home: Home, store: Store, registry: Registry, user: str, model: str) -> dict[str, Any]:
    """params.LoginResult of this user on this connection.

    Raises:
        PermissionDenied: the user has no access to the model.
    """
    with store.transaction() as tx:
        body: dict[str, Any] = {
            "servers": [[_address(home)]],
            "controller-tag": f"controller-{controller_uuid(tx)}",
            "user-info": _user_info(tx, user, model),
            "facades": registry.describe(controller_connection=not model),
            "server-version": server_version(tx),
        }
    if model:
        body["model-tag"] = tags.for_model(model)
    return body


def _address(home: Home) -> dict[str, Any]:
    return {
        "value": home.controller_address,
        "type": "ipv4",
        "scope": "local-cloud",
        "port": API_PORT,
    }


def _user_info(tx: Transaction, user: str, model: str) -> dict[str, Any]:
    account = accounts.get_user(tx, user)
    on_model = ""
    if model:
        granted = model_access(tx, model, user)
        if account.access == "superuser":
            granted = Access.ADMIN
        if granted < Access.READ:
            raise PermissionDenied
        on_model = granted.name.lower()
    return {
        "display-name": account.display_name,
        "identity": tags.for_user(user),
        "controller-access": account.access,
        "model-access": on_model,
    }
