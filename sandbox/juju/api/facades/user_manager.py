"""UserManager 3: local users and their passwords."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError, PermissionDenied
from sandbox.juju.state import accounts, models, values
from sandbox.juju.state.store import Transaction


def add_user(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddUser: without a password nobody can log in until one is set; no registration key."""

    def add(tx: Transaction, arguments: Fields) -> dict[str, Any]:
        name, password = arguments.text("username"), arguments.text("password")
        accounts.add_user(tx, name, password, display_name=arguments.text("display-name"))
        return {"tag": tags.for_user(name)}

    return each(session, parameters.each("users"), add)


def remove_user(session: Session, parameters: Fields) -> dict[str, Any]:
    """RemoveUser: nobody removes oneself, nor the owner of a model."""

    def remove(tx: Transaction, tag: str) -> None:
        name = tags.user(tag)
        if name == session.user:
            raise JujuError(f'cannot delete controller owner "{name}"')
        if any(model.owner == name for model in models.all_models(tx)):
            raise JujuError(f'cannot remove user "{name}": it owns models')
        accounts.remove_user(tx, name)

    return each(session, entity_tags(parameters), remove)


def user_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """UserInfo: of the named, or of all; who is no superuser sees only oneself."""
    named = entity_tags(parameters)
    with session.store.transaction() as tx:
        everyone = accounts.all_users(tx)
        superuser = session.is_superuser(tx)

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        name = tags.user(tag)
        if name != session.user and not superuser:
            raise PermissionDenied
        return {"result": _document(accounts.get_user(tx, name))}

    shown = [user for user in everyone if superuser or user.name == session.user]
    return each(session, named or [tags.for_user(user.name) for user in shown], show)


def model_user_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModelUserInfo: who may do what in a model."""
    results = []
    for tag in entity_tags(parameters):
        uuid = tags.model(tag)
        with session.store.transaction() as tx:
            if not session.may(tx, Access.READ, uuid):
                raise PermissionDenied
            everyone = session.may(tx, Access.ADMIN, uuid)
            results += [
                {
                    "result": {
                        "model-tag": tag,
                        "user": name,
                        "display-name": accounts.get_user(tx, name).display_name,
                        "last-connection": None,
                        "access": level,
                    }
                }
                for name, level in sorted(models.get(tx, uuid).access.items())
                if everyone or name == session.user
            ]
    return {"results": results}


def set_password(session: Session, parameters: Fields) -> dict[str, Any]:
    """SetPassword: one's own; anybody's for superusers."""

    def change(tx: Transaction, arguments: Fields) -> None:
        name, password = tags.user(arguments.text("tag")), arguments.text("password")
        if name != session.user and not session.is_superuser(tx):
            raise PermissionDenied
        if not password:
            raise JujuError("cannot use an empty password")
        accounts.set_password(tx, name, password)

    return each(session, parameters.each("changes"), change)


def _document(user: values.User) -> dict[str, Any]:
    return {
        "username": user.name,
        "display-name": user.display_name,
        "access": user.access,
        "created-by": "admin",
        "date-created": user.created,
        "disabled": False,
    }


FACADES = (
    Facade(
        "UserManager",
        3,
        {
            "AddUser": Method(add_user, Access.SUPERUSER),
            "RemoveUser": Method(remove_user, Access.SUPERUSER),
            "UserInfo": Method(user_info, Access.LOGIN),
            "ModelUserInfo": Method(model_user_info, Access.LOGIN),
            "SetPassword": Method(set_password, Access.LOGIN),
        },
    ),
)
