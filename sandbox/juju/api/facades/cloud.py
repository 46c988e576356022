"""Cloud 7: clouds and credentials."""

from __future__ import annotations

from typing import Any

from sandbox.juju.api import tags
from sandbox.juju.api.parameters import Fields, entity_tags
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each, one
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError, NotFound, NotSupported, PermissionDenied
from sandbox.juju.state import clouds, values
from sandbox.juju.state.store import Transaction

_DETAILS = (
    "auth-types",
    "endpoint",
    "identity-endpoint",
    "storage-endpoint",
    "regions",
)
_DEFINITION = (*_DETAILS, "ca-certificates", "skip-tls-verify", "config", "region-config")
_DEFAULT_REGION = "default"
_PROVIDERS_WITHOUT_CREDENTIAL = ("lxd", "manual")
_PUBLIC_ATTRIBUTES = frozenset(
    [
        "access-key",
        "application-credential-id",
        "application-credential-name",
        "client-cert",
        "domain-name",
        "project-domain-name",
        "server-cert",
        "tenant-id",
        "tenant-name",
        "user-domain-name",
        "username",
        "version",
    ]
)
"""Attributes of credentials that are shown without asking for secrets; all others are secret."""


def list_clouds(session: Session, parameters: Fields) -> dict[str, Any]:
    """Clouds: every cloud that the caller may use."""
    with session.store.transaction() as tx:
        found = clouds.all_clouds(tx) if session.is_superuser(tx) else []
        return {"clouds": {tags.for_cloud(cloud.name): _definition(cloud) for cloud in found}}


def show_clouds(session: Session, parameters: Fields) -> dict[str, Any]:
    """Cloud: definitions by tag."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        return {"cloud": _definition(_visible(session, tx, tag))}

    return each(session, entity_tags(parameters), show)


def cloud_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """CloudInfo: details and who may use them."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        cloud = _visible(session, tx, tag)
        user = {"user": session.user, "display-name": session.user, "access": "admin"}
        return {"result": {"type": cloud.type, **_members(cloud, _DETAILS), "users": [user]}}

    return each(session, entity_tags(parameters), show)


def list_cloud_info(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListCloudInfo: details of the clouds that a user may use."""
    tags.user(parameters.text("user-tag"))
    with session.store.transaction() as tx:
        found = clouds.all_clouds(tx) if session.is_superuser(tx) else []
    shown = [
        {"type": cloud.type, **_members(cloud, _DETAILS), "user-access": "admin"}
        for cloud in found
    ]
    return {"results": [{"result": details} for details in shown]}


def add_cloud(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddCloud."""
    definition = parameters.fields("cloud")
    with session.store.transaction() as tx:
        clouds.add(tx, parameters.text("name"), definition.text("type"), _document(definition))
    return {}


def update_cloud(session: Session, parameters: Fields) -> dict[str, Any]:
    """UpdateCloud: a cloud keeps its type."""

    def update(tx: Transaction, arguments: Fields) -> None:
        name, definition = arguments.text("name"), arguments.fields("cloud")
        known = clouds.get(tx, name)
        if known.type != definition.text("type"):
            raise JujuError(
                f'cannot change cloud "{name}" type from "{known.type}"'
                f' to "{definition.text("type")}"'
            )
        clouds.update(tx, name, known.type, _document(definition))

    return each(session, parameters.each("clouds"), update)


def remove_clouds(session: Session, parameters: Fields) -> dict[str, Any]:
    """RemoveClouds: refused while models use them."""
    return each(
        session, entity_tags(parameters), lambda tx, tag: clouds.remove(tx, tags.cloud(tag))
    )


def user_credentials(session: Session, parameters: Fields) -> dict[str, Any]:
    """UserCredentials: tags of a user's credentials for a cloud."""

    def show(tx: Transaction, arguments: Fields) -> dict[str, Any]:
        owner = tags.user(arguments.text("user-tag"))
        _check_owner(session, tx, owner)
        cloud = tags.cloud(arguments.text("cloud-tag"))
        return {"result": [_tag(found) for found in clouds.credentials(tx, owner, cloud)]}

    return each(session, parameters.each("user-clouds"), show)


def add_credentials(session: Session, parameters: Fields) -> dict[str, Any]:
    """AddCredentials: add or replace, without a look at the models that use them."""

    def add(tx: Transaction, arguments: Fields) -> None:
        _store_credential(session, tx, arguments)

    return each(session, parameters.each("credentials"), add)


def update_credentials(session: Session, parameters: Fields) -> dict[str, Any]:
    """UpdateCredentialsCheckModels: add or replace; names the models that use them."""
    with session.store.transaction() as tx:
        if parameters.flag("force") and not session.is_superuser(tx):
            raise JujuError("unexpected force specified: invalid request")

    def update(tx: Transaction, arguments: Fields) -> dict[str, Any]:
        stored = _store_credential(session, tx, arguments)
        using = [{"uuid": row["uuid"], "name": row["name"]} for row in _models_using(tx, stored)]
        return {"models": using} if using else {}

    return {
        "results": [
            {"tag": arguments.text("tag"), **one(session, arguments, update)}
            for arguments in parameters.each("credentials")
        ]
    }


def revoke_credentials(session: Session, parameters: Fields) -> dict[str, Any]:
    """RevokeCredentialsCheckModels: refused while models use them, unless forced."""

    def revoke(tx: Transaction, arguments: Fields) -> None:
        cloud, owner, name = tags.credential(arguments.text("tag"))
        _check_owner(session, tx, owner)
        clouds.revoke_credential(tx, cloud, owner, name, force=arguments.flag("force"))

    return each(session, parameters.each("credentials"), revoke)


def show_credentials(session: Session, parameters: Fields) -> dict[str, Any]:
    """Credential: what is stored, without its secrets."""

    def show(tx: Transaction, tag: str) -> dict[str, Any]:
        cloud, owner, name = tags.credential(tag)
        _check_owner(session, tx, owner)
        found = [c for c in clouds.credentials(tx, owner, cloud) if c.name == name]
        if not found:
            raise NotFound(f'credential "{name}" not found')
        hidden = sorted(set(found[0].attributes) - _PUBLIC_ATTRIBUTES)
        document = {"auth-type": found[0].auth_type, "attrs": _attributes(found[0])}
        return {"result": {**document, "redacted": hidden} if hidden else document}

    return each(session, entity_tags(parameters), show)


def credential_contents(session: Session, parameters: Fields) -> dict[str, Any]:
    """CredentialContents: the caller's own, with secrets where asked for."""
    secrets = parameters.flag("include-secrets")

    def show(tx: Transaction, named: tuple[str, str]) -> dict[str, Any]:
        cloud, name = named
        found = clouds.get_credential(tx, cloud, session.user, name)
        return {"result": _contents(tx, found, secrets=secrets)}

    named = [
        (wanted.text("cloud-name"), wanted.text("credential-name"))
        for wanted in parameters.each("credentials")
    ]
    if not named:
        with session.store.transaction() as tx:
            named = [(c.cloud, c.name) for c in clouds.credentials(tx, session.user)]
    return each(session, named, show)


def instance_types(session: Session, parameters: Fields) -> dict[str, Any]:
    """InstanceTypes: bare metal and containers have none."""

    def refuse(tx: Transaction, arguments: Fields) -> None:
        name = _visible(session, tx, arguments.text("cloud-tag")).name
        raise NotSupported(f'instance types of cloud "{name}" not supported')

    return each(session, parameters.each("constraints"), refuse)


def _visible(session: Session, tx: Transaction, tag: str) -> values.Cloud:
    name = tags.cloud(tag)
    if not session.is_superuser(tx):
        raise NotFound(f'cloud "{name}" not found')
    return clouds.get(tx, name)


def _check_owner(session: Session, tx: Transaction, owner: str) -> None:
    if owner != session.user and not session.is_superuser(tx):
        raise PermissionDenied


def _store_credential(session: Session, tx: Transaction, arguments: Fields) -> values.Credential:
    cloud, owner, name = tags.credential(arguments.text("tag"))
    _check_owner(session, tx, owner)
    content = arguments.fields("credential")
    try:
        clouds.get(tx, cloud)
    except NotFound:
        raise JujuError(
            f'cannot update credential "{name}": controller does not manage cloud "{cloud}"'
        ) from None
    return clouds.set_credential(
        tx, cloud, owner, name, content.text("auth-type"), content.text_map("attrs")
    )


def _definition(cloud: values.Cloud) -> dict[str, Any]:
    """params.Cloud."""
    return {"type": cloud.type, **_members(cloud, _DEFINITION)}


def _members(cloud: values.Cloud, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: cloud.doc[name] for name in names if cloud.doc.get(name)}


def _document(definition: Fields) -> dict[str, Any]:
    """What the store keeps of a definition: at least one region, and how to sign in."""
    document = {name: definition.raw(name) for name in _DEFINITION if definition.has(name)}
    if not document.get("regions"):
        document["regions"] = [{"name": _DEFAULT_REGION}]
    if not document.get("auth-types"):
        without = definition.text("type") in _PROVIDERS_WITHOUT_CREDENTIAL
        document["auth-types"] = ["empty"] if without else []
    return document


def _tag(credential: values.Credential) -> str:
    return tags.for_credential(credential.cloud, credential.owner, credential.name)


def _attributes(credential: values.Credential) -> dict[str, str]:
    return {k: v for k, v in credential.attributes.items() if k in _PUBLIC_ATTRIBUTES}


def _contents(tx: Transaction, credential: values.Credential, *, secrets: bool) -> dict[str, Any]:
    """params.ControllerCredentialInfo."""
    content = {
        "name": credential.name,
        "cloud": credential.cloud,
        "auth-type": credential.auth_type,
        "valid": not credential.invalid,
        "attrs": credential.attributes if secrets else _attributes(credential),
    }
    using = [{"model": row["name"], "access": "admin"} for row in _models_using(tx, credential)]
    return {"content": content, "models": using}


def _models_using(tx: Transaction, credential: values.Credential) -> list[Any]:
    return tx.all("SELECT uuid, name FROM models WHERE credential = ?", credential.key)


_METHODS = {
    "Clouds": Method(list_clouds, Access.LOGIN),
    "Cloud": Method(show_clouds, Access.LOGIN),
    "CloudInfo": Method(cloud_info, Access.LOGIN),
    "ListCloudInfo": Method(list_cloud_info, Access.LOGIN),
    "AddCloud": Method(add_cloud, Access.SUPERUSER),
    "UpdateCloud": Method(update_cloud, Access.SUPERUSER),
    "RemoveClouds": Method(remove_clouds, Access.SUPERUSER),
    "UserCredentials": Method(user_credentials, Access.LOGIN),
    "AddCredentials": Method(add_credentials, Access.LOGIN),
    "UpdateCredentialsCheckModels": Method(update_credentials, Access.LOGIN),
    "RevokeCredentialsCheckModels": Method(revoke_credentials, Access.LOGIN),
    "Credential": Method(show_credentials, Access.LOGIN),
    "InstanceTypes": Method(instance_types, Access.LOGIN),
    "CredentialContents": Method(credential_contents, Access.LOGIN),
}

FACADES = (Facade("Cloud", 7, _METHODS),)
