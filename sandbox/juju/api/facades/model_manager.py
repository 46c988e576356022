"""ModelManager 9 and 10: models made, listed, shared and destroyed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.facades import model_documents
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import MODEL_ACCESS, Access, Session
from sandbox.juju.errors import JujuError, NotFound, NotValid, PermissionDenied, Unauthorized
from sandbox.juju.providers.discovery import discover_spaces
from sandbox.juju.state import accounts, clouds, model_removal, models, removal, values
from sandbox.juju.state.store import Transaction

_LOGGER = logging.getLogger(__name__)

_WITHOUT_CREDENTIAL = ("lxd", "manual")
"""Types of clouds that the controller itself can use."""


async def create_model(session: Session, parameters: Fields) -> dict[str, Any]:
    """CreateModel: without a cloud, in the one that the controller itself came with.

    A cloud that refuses the credential gets no model, as in Juju. One that knows spaces is
    asked for them, so that a bundle may bind to them at once; if it does not answer now, the
    provisioner asks it later.
    """
    owner = tags.user(parameters.text("owner-tag"))
    with session.store.transaction() as tx:
        if not session.is_superuser(tx):
            raise PermissionDenied
        accounts.get_user(tx, owner)
        cloud = _cloud(tx, parameters)
        model = models.add_model(
            tx,
            parameters.text("name"),
            owner,
            cloud.name,
            region=parameters.text("region"),
            credential=_credential(tx, parameters, cloud, owner),
        )
        settings = {
            name: value
            for name, value in parameters.mapping("config").items()
            if name not in ("name", "type", "uuid")
        }
        models.set_config(tx, model.uuid, settings)
    if cloud.type == "maas":
        await _discover_spaces(session, model.uuid)
    with session.store.transaction() as tx:
        return model_documents.info(tx, models.get(tx, model.uuid), everyone=True)


async def _discover_spaces(session: Session, model: str) -> None:
    try:
        await discover_spaces(session.home, session.store, model)
    except Unauthorized:
        with session.store.transaction() as tx:
            model_removal.destroy_model(tx, model)
        raise
    except JujuError as error:
        _LOGGER.warning("model %s: %s", model, error)


def list_models(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListModels: those of a user; a superuser sees all."""
    with session.store.transaction() as tx:
        user = _listed_user(session, tx, parameters.text("tag"))
        shown = [
            {"model": model_documents.brief(model), "last-connection": None}
            for model in _models_of(session, tx, user, all_models=True)
        ]
    return {"user-models": shown}


def list_model_summaries(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListModelSummaries: with counts and status; `all` is for superusers."""
    with session.store.transaction() as tx:
        user = _listed_user(session, tx, parameters.text("user-tag"))
        found = _models_of(session, tx, user, all_models=parameters.flag("all"))
        return {"results": [{"result": model_documents.summary(tx, m, user)} for m in found]}


def model_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModelInfo: who may not read a model does not learn whether it exists."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        uuid = tags.model(tag)
        if not session.may(tx, Access.READ, uuid):
            raise PermissionDenied
        try:
            model = models.get(tx, uuid)
        except NotFound:
            raise PermissionDenied from None
        everyone = session.may(tx, Access.ADMIN, uuid)
        return {"result": model_documents.info(tx, model, everyone=everyone, user=session.user)}

    return each(session, entity_tags(parameters), show)


def model_status(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModelStatus: what a model holds, for those who administer it."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        model = models.get(tx, tags.model(tag))
        if not session.may(tx, Access.ADMIN, model.uuid):
            raise PermissionDenied
        return model_documents.contents(tx, model)

    return {"models": each(session, entity_tags(parameters), show)["results"]}


def destroy_models(session: Session, parameters: Fields) -> dict[str, Any]:
    """DestroyModels: a model with storage needs destroy-storage said, either way."""

    def destroy(tx: Transaction, arguments: Fields) -> None:
        model = models.get(tx, tags.model(arguments.text("model-tag")))
        if not session.may(tx, Access.ADMIN, model.uuid):
            raise PermissionDenied
        model_removal.destroy_model(
            tx,
            model.uuid,
            destroy_storage=arguments.optional_flag("destroy-storage"),
            force=arguments.flag("force"),
            maximum_wait=arguments.seconds("max-wait", removal.MAXIMUM_WAIT),
        )

    return each(session, parameters.each("models"), destroy)


def modify_model_access(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModifyModelAccess: grant and revoke read, write and admin."""

    def modify(tx: Transaction, change: Fields) -> None:
        model = models.get(tx, tags.model(change.text("model-tag")))
        if not session.may(tx, Access.ADMIN, model.uuid):
            raise PermissionDenied
        _modify_access(
            tx, model, tags.user(change.text("user-tag")), change.text("action"), change
        )

    return each(session, parameters.each("changes"), modify)


def model_defaults(session: Session, parameters: Fields) -> dict[str, Any]:
    """ModelDefaultsForClouds: Juju's own defaults; the sandbox keeps none per cloud."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        clouds.get(tx, tags.cloud(tag))
        return {"config": {name: {"default": value} for name, value in models.DEFAULTS.items()}}

    return each(session, entity_tags(parameters), show)


def change_model_credential(session: Session, parameters: Fields) -> dict[str, Any]:
    """ChangeModelCredential: let a model use another credential of its cloud."""

    def change(tx: Transaction, arguments: Fields) -> None:
        model = models.get(tx, tags.model(arguments.text("model-tag")))
        cloud, owner, name = tags.credential(arguments.text("credential-tag"))
        if not session.may(tx, Access.ADMIN, model.uuid) or owner != session.user:
            raise PermissionDenied
        if cloud != model.cloud:
            raise NotValid(f'cloud "{cloud}" of the credential is not the model\'s')
        models.set_credential(tx, model.uuid, f"{cloud}/{owner}/{name}")

    return each(session, parameters.each("model-credentials"), change)


def _cloud(tx: Transaction, parameters: Fields) -> values.Cloud:
    tag = parameters.text("cloud-tag")
    if tag:
        return clouds.get(tx, tags.cloud(tag))
    own = [cloud for cloud in clouds.all_clouds(tx) if cloud.type == "lxd"]
    if len(own) != 1:
        raise NotValid("no cloud specified: name the cloud that the model is to be in")
    return own[0]


def _credential(tx: Transaction, parameters: Fields, cloud: values.Cloud, owner: str) -> str:
    """The credential that was named, or the owner's only one; the own cloud needs none."""
    tag = parameters.text("credential")
    if tag:
        return "/".join(tags.credential(tag))
    if cloud.type in _WITHOUT_CREDENTIAL:
        return ""
    owned = clouds.credentials(tx, owner, cloud.name)
    if len(owned) != 1:
        raise NotValid("no credential specified")
    return owned[0].key


def _listed_user(session: Session, tx: Transaction, tag: str) -> str:
    user = tags.user(tag)
    if user != session.user and not session.is_superuser(tx):
        raise PermissionDenied
    return user


def _models_of(
    session: Session, tx: Transaction, user: str, *, all_models: bool
) -> list[values.Model]:
    sees_all = all_models and session.is_superuser(tx)
    return [
        model
        for model in models.all_models(tx)
        if sees_all or model.owner == user or user in model.access
    ]


def _modify_access(
    tx: Transaction, model: values.Model, user: str, action: str, change: Fields
) -> None:
    level = change.text("access")
    if level not in MODEL_ACCESS:
        raise NotValid(f'"{level}" model access not valid')
    accounts.get_user(tx, user)
    current = model.access.get(user)
    if action == "grant":
        if current and MODEL_ACCESS[current] >= MODEL_ACCESS[level]:
            raise JujuError(
                f'could not grant model access: user already has "{current}" access or greater'
            )
        models.set_access(tx, model.uuid, user, level)
    elif action == "revoke":
        if current is None:
            raise NotFound(f'could not look up model access for user: user "{user}" not found')
        weaker = {"read": None, "write": "read", "admin": "write"}[level]
        models.set_access(tx, model.uuid, user, weaker)
    else:
        raise JujuError(f'unknown action "{action}"')


def _method(serve: Callable[[Session, Fields], Any]) -> Method:
    return Method(serve, Access.LOGIN)


_METHODS = {
    "CreateModel": _method(create_model),
    "ListModels": _method(list_models),
    "ListModelSummaries": _method(list_model_summaries),
    "ModelInfo": _method(model_info),
    "ModelStatus": _method(model_status),
    "DestroyModels": _method(destroy_models),
    "ModifyModelAccess": _method(modify_model_access),
    "ModelDefaultsForClouds": _method(model_defaults),
    "ChangeModelCredential": _method(change_model_credential),
}

FACADES = tuple(Facade("ModelManager", version, _METHODS) for version in (9, 10))
