"""Controller 11 and 12: the controller itself and who administers it."""

from __future__ import annotations

from typing import Any

from sandbox.authority import Authority
from sandbox.juju.api import tags
from sandbox.juju.api.facades import model_documents, model_manager
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import (
    API_PORT,
    Access,
    Session,
    controller_uuid,
    server_version,
)
from sandbox.juju.errors import JujuError, NotValid, PermissionDenied
from sandbox.juju.state import accounts, models
from sandbox.juju.state.store import Transaction

_ACCESS = ("login", "superuser")


def all_models(session: Session, parameters: Fields) -> dict[str, Any]:
    """AllModels: for superusers."""
    with session.store.transaction() as tx:
        shown = [
            {"model": model_documents.brief(model), "last-connection": None}
            for model in models.all_models(tx)
        ]
    return {"user-models": shown}


def controller_config(session: Session, parameters: Fields) -> dict[str, Any]:
    """ControllerConfig."""
    with session.store.transaction() as tx:
        uuid = controller_uuid(tx)
    authority = Authority(session.home.folder("ca"))
    return {
        "config": {
            "api-port": API_PORT,
            "ca-cert": authority.pem,
            "controller-name": "sandbox",
            "controller-uuid": uuid,
            "identity-url": "",
            "max-agent-state-size": 524288,
            "max-charm-state-size": 2097152,
            "model-logs-size": "20M",
            "object-store-type": "file",
        }
    }


def api_info_for_models(session: Session, parameters: Fields) -> dict[str, Any]:
    """ControllerAPIInfoForModels: where the controller of these models is reached."""
    authority = Authority(session.home.folder("ca"))

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        models.get(tx, tags.model(tag))
        address = f"{session.home.controller_address}:{API_PORT}"
        return {"addresses": [address], "cacert": authority.pem}

    return each(session, entity_tags(parameters), show)


def controller_version(session: Session, parameters: Fields) -> dict[str, Any]:
    """ControllerVersion."""
    with session.store.transaction() as tx:
        return {"version": server_version(tx), "git-commit": ""}


def identity_provider_url(session: Session, parameters: Fields) -> dict[str, Any]:
    """IdentityProviderURL: there is none, all users are local."""
    return {"result": ""}


def get_controller_access(session: Session, parameters: Fields) -> dict[str, Any]:
    """GetControllerAccess: of oneself; of others for superusers."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        user = tags.user(tag)
        if user != session.user and not session.is_superuser(tx):
            raise PermissionDenied
        access = accounts.get_user(tx, user).access
        return {"result": {"user-tag": tag, "access": access}}

    return each(session, entity_tags(parameters), show)


def modify_controller_access(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModifyControllerAccess: grant and revoke login and superuser."""

    def modify(tx: Transaction, change: Fields) -> None:
        user, level = tags.user(change.text("user-tag")), change.text("access")
        if level not in _ACCESS:
            raise NotValid(f'"{level}" controller access not valid')
        current = accounts.get_user(tx, user).access
        if change.text("action") == "grant":
            if _ACCESS.index(current) >= _ACCESS.index(level):
                raise JujuError(
                    "could not grant controller access: user already has"
                    f' "{current}" access or greater'
                )
            accounts.set_access(tx, user, level)
        elif level == "superuser":
            accounts.set_access(tx, user, "login")
        else:
            accounts.remove_user(tx, user)

    return each(session, parameters.each("changes"), modify)


_METHODS = {
    "AllModels": Method(all_models, Access.SUPERUSER),
    "ControllerConfig": Method(controller_config, Access.LOGIN),
    "ControllerAPIInfoForModels": Method(api_info_for_models, Access.LOGIN),
    "ControllerVersion": Method(controller_version, Access.LOGIN),
    "IdentityProviderURL": Method(identity_provider_url, Access.LOGIN),
    "ModelStatus": Method(model_manager.model_status, Access.LOGIN),
    "GetControllerAccess": Method(get_controller_access, Access.LOGIN),
    "ModifyControllerAccess": Method(modify_controller_access, Access.SUPERUSER),
}

FACADES = tuple(Facade("Controller", version, _METHODS) for version in (11, 12))
