"""Secrets 1 and 2: user secrets made and granted, all secrets listed. Content is never logged."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.juju import clock
from sandbox.juju.api import framing, tags
from sandbox.juju.api.parameters import Fields
from sandbox.juju.api.registry import Facade, Method
from sandbox.juju.api.results import each
from sandbox.juju.api.session import Access, Session
from sandbox.juju.errors import JujuError, NotFound, NotValid, PermissionDenied
from sandbox.juju.state import applications, secret_values, secrets
from sandbox.juju.state.store import Transaction

_BACKEND = "internal"


def create_secrets(session: Session, parameters: Fields) -> dict[str, Any]:
    """CreateSecrets: user secrets; the model owns them."""

    def create(tx: Transaction, arguments: Fields) -> dict[str, Any]:
        if arguments.has("uri"):
            raise NotValid("secret uri cannot be set on user secret create not valid")
        owner = arguments.text("owner-tag")
        if owner not in ("", session.model):
            raise NotValid(f'owner tag "{owner}" not valid')
        made = secrets.create(
            tx,
            session.model,
            "model",
            session.model,
            arguments.fields("content").text_map("data"),
            label=arguments.text("label"),
            description=arguments.text("description"),
            rotate_policy=arguments.text("rotate-policy") or "never",
            expire=_expiry(arguments),
        )
        return {"result": made.uri}

    return _with_results(each(session, parameters.each("args"), create))


def update_secrets(session: Session, parameters: Fields) -> dict[str, Any]:
    """UpdateSecrets: by URI or by name; new content is a new revision."""

    def update(tx: Transaction, arguments: Fields) -> None:
        secret = _user_secret(
            tx, session.model, arguments.text("uri"), arguments.text("existing-label")
        )
        content = arguments.fields("content").text_map("data")
        changed = ("label", "description", "auto-prune", "rotate-policy", "expire-time")
        if not content and not any(arguments.has(name) for name in changed):
            raise JujuError("at least one attribute to update must be specified")
        secrets.update(
            tx,
            session.model,
            secret.id,
            content=content or None,
            label=arguments.text("label") if arguments.has("label") else None,
            description=arguments.text("description") if arguments.has("description") else None,
            rotate_policy=arguments.text("rotate-policy") or None,
            expire=_expiry(arguments),
            auto_prune=arguments.optional_flag("auto-prune"),
        )

    return each(session, parameters.each("args"), update)


def remove_secrets(session: Session, parameters: Fields) -> dict[str, Any]:
    """RemoveSecrets: whole, or some revisions."""

    def remove(tx: Transaction, arguments: Fields) -> None:
        secret = _user_secret(tx, session.model, arguments.text("uri"), arguments.text("label"))
        numbers = [int(number) for number in arguments.raw("revisions") or []]
        secrets.remove(tx, session.model, secret.id, numbers or None)

    return each(session, parameters.each("args"), remove)


def grant_secret(session: Session, parameters: Fields) -> dict[str, Any]:
    """GrantSecret: let applications read a user secret."""

    def grant(tx: Transaction, name: str) -> None:
        applications.get(tx, session.model, name)
        secret = _named(tx, session, parameters)
        secrets.grant(tx, session.model, secret.id, "application", name)

    with session.store.transaction() as tx:
        _named(tx, session, parameters)
    return each(session, parameters.texts("applications"), grant)


def revoke_secret(session: Session, parameters: Fields) -> dict[str, Any]:
    """RevokeSecret: let applications read a user secret no longer."""

    def revoke(tx: Transaction, name: str) -> None:
        applications.get(tx, session.model, name)
        secret = _named(tx, session, parameters)
        secrets.revoke(tx, session.model, secret.id, "application", name)

    with session.store.transaction() as tx:
        _named(tx, session, parameters)
    return each(session, parameters.texts("applications"), revoke)


def list_secrets(session: Session, parameters: Fields) -> dict[str, Any]:
    """ListSecrets: metadata; content for the model's admins who ask for it."""
    reveal, wanted = parameters.flag("show-secrets"), parameters.fields("filter")
    with session.store.transaction() as tx:
        if reveal and not session.may(tx, Access.ADMIN, session.model):
            raise PermissionDenied
        revision = wanted.optional_number("revision")
        shown = [
            _listed(tx, secret, revision, reveal=reveal)
            for secret in _matching(tx, session.model, wanted)
        ]
    return {"results": shown}


def _named(tx: Transaction, session: Session, parameters: Fields) -> secret_values.Secret:
    return _user_secret(tx, session.model, parameters.text("uri"), parameters.text("label"))


def _user_secret(tx: Transaction, model: str, uri: str, name: str) -> secret_values.Secret:
    """The user secret of a URI or name.

    Raises:
        JujuError: neither was given, or there is none.
        PermissionDenied: it belongs to a charm.
    """
    if uri:
        secret = secrets.get(tx, model, secret_values.parse_uri(uri))
    elif name:
        secret = secrets.find(tx, model, name)
    else:
        raise NotValid("must specify either URI or name")
    if secret.owner_kind != "model":
        raise PermissionDenied
    return secret


def _expiry(arguments: Fields) -> str | None:
    moment = arguments.time("expire-time")
    return clock.stamp(moment) if moment else None


def _with_results(answer: dict[str, Any]) -> dict[str, Any]:
    """params.StringResults: `result` is there in errors as well."""
    return {"results": [{"result": "", **result} for result in answer["results"]]}


def _matching(tx: Transaction, model: str, wanted: Fields) -> list[secret_values.Secret]:
    found = secrets.of_model(tx, model)
    if wanted.has("uri"):
        secret_id = secret_values.parse_uri(wanted.text("uri"))
        found = [secret for secret in found if secret.id == secret_id]
        if not found:
            raise NotFound(f'secret "{secret_id}" not found')
    if wanted.has("label"):
        found = [secret for secret in found if secret.label == wanted.text("label")]
    if wanted.has("owner-tag"):
        found = [secret for secret in found if _owner_tag(secret) == wanted.text("owner-tag")]
    return found


def _listed(
    tx: Transaction, secret: secret_values.Secret, revision: int | None, *, reveal: bool
) -> dict[str, Any]:
    """params.ListSecretResult."""
    revisions = secrets.revisions(tx, secret.model, secret.id)
    if revision is not None:
        revisions = [found for found in revisions if found.number == revision]
        if not revisions:
            raise NotFound(f'secret revision "{secret.id}/{revision}" not found')
    latest = secrets.content(tx, secret.model, secret.id, secret.latest)
    document: dict[str, Any] = {
        "uri": secret.uri,
        "version": 1,
        "owner-tag": _owner_tag(secret),
        "rotate-policy": secret.rotate_policy,
        "description": secret.description,
        "label": secret.label,
        "latest-revision": secret.latest,
        "latest-revision-checksum": _checksum(latest),
        "create-time": secret.created,
        "update-time": secret.updated,
        "revisions": [_revision(found) for found in revisions],
    }
    if secret.next_rotate:
        document["next-rotate-time"] = secret.next_rotate
    expires = [found.expire for found in revisions if found.number == secret.latest]
    if expires and expires[0]:
        document["latest-expire-time"] = expires[0]
    grants = secrets.grants(tx, secret.model, secret.id)
    if grants:
        document["access"] = [_access(secret, grant) for grant in grants]
    if reveal:
        document["value"] = _value(tx, secret, revision or secret.latest)
    return document


def _revision(revision: secret_values.Revision) -> dict[str, Any]:
    document: dict[str, Any] = {
        "revision": revision.number,
        "backend-name": _BACKEND,
        "create-time": revision.created,
        "update-time": revision.created,
    }
    if revision.expire:
        document["expire-time"] = revision.expire
    return document


def _value(tx: Transaction, secret: secret_values.Secret, revision: int) -> dict[str, Any]:
    try:
        return {"data": secrets.content(tx, secret.model, secret.id, revision)}
    except JujuError as error:
        return {"error": framing.error_document(error)}


def _access(secret: secret_values.Secret, grant: secret_values.Grant) -> dict[str, str]:
    target = _subject_tag(grant.subject_kind, grant.subject)
    scope = tags.for_model(secret.model) if grant.relation is None else _owner_tag(secret)
    return {"target-tag": target, "scope-tag": scope, "role": grant.role}


def _owner_tag(secret: secret_values.Secret) -> str:
    if secret.owner_kind == "model":
        return tags.for_model(secret.owner)
    return _subject_tag(secret.owner_kind, secret.owner)


def _subject_tag(kind: str, name: str) -> str:
    return tags.for_unit(name) if kind == "unit" else tags.for_application(name)


def _checksum(content: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


_LIST = {"ListSecrets": Method(list_secrets, Access.READ)}

FACADES = (
    Facade("Secrets", 1, _LIST),
    Facade(
        "Secrets",
        2,
        {
            **_LIST,
            "CreateSecrets": Method(create_secrets, Access.WRITE),
            "UpdateSecrets": Method(update_secrets, Access.WRITE),
            "RemoveSecrets": Method(remove_secrets, Access.WRITE),
            "GrantSecret": Method(grant_secret, Access.WRITE),
            "RevokeSecret": Method(revoke_secret, Access.WRITE),
        },
    ),
)
