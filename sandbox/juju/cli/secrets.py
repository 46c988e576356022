"""User secrets: add, list, show, update, grant, revoke, remove (cmd/juju/secrets)."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_most,
    exactly,
    formats,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import Timestamp, filled
from sandbox.juju.cli.secret_content import content_of, secret_id
from sandbox.juju.cli.table import Table
from sandbox.juju.cli.tags import name_of
from sandbox.juju.cli.times import time_ago

Json = dict[str, Any]


def _add_secret(context: Context) -> None:
    name, *pairs = context.arguments.positional
    content = content_of(pairs, context.arguments["file"])
    if not content:
        raise UsageError("missing secret value or filename")
    created = context.session.to_model().one(
        "Secrets",
        "CreateSecrets",
        {
            "args": [
                {
                    "owner-tag": "",
                    "label": name,
                    **filled(description=context.arguments["info"]),
                    "content": {"data": content},
                }
            ]
        },
    )
    context.print(f"{created['result']}\n")


def _update_secret(context: Context) -> None:
    identifier, *pairs = context.arguments.positional
    content = content_of(pairs, context.arguments["file"])
    change: Json = {
        **_named(identifier, "existing-label"),
        **filled(label=context.arguments["name"], description=context.arguments["info"]),
        "content": filled(data=content),
    }
    if "auto-prune" in context.arguments.given:
        change["auto-prune"] = context.arguments["auto-prune"]
    context.session.to_model().one("Secrets", "UpdateSecrets", {"args": [change]})


def _remove_secret(context: Context) -> None:
    revision = context.arguments["revision"]
    removal = {
        **_named(context.arguments.positional[0], "label"),
        **filled(revisions=[revision] if revision else []),
    }
    context.session.to_model().one("Secrets", "RemoveSecrets", {"args": [removal]})


def _grant(context: Context) -> None:
    _change_access(context, "GrantSecret")


def _revoke(context: Context) -> None:
    _change_access(context, "RevokeSecret")


def _change_access(context: Context, request: str) -> None:
    identifier, applications = context.arguments.positional
    answer = context.session.to_model().call(
        "Secrets",
        request,
        {**_named(identifier, "label"), "applications": applications.split(",")},
    )
    errors = [
        item["error"]["message"] for item in answer.get("results") or [] if item.get("error")
    ]
    if errors:
        raise CommandError(f"failed to grant/revoke secret: {', '.join(errors)}")


def _secrets(context: Context) -> None:
    owner = context.arguments["owner"]
    found = _listed(context, filled(owner_tag=owner), reveal=False)
    documents = {secret_id(item["uri"]): secret_document(item) for item in found}
    context.write(documents, _secrets_table)


def _show_secret(context: Context) -> None:
    arguments = context.arguments
    identifier = arguments.positional[0]
    known = secret_id(identifier)
    wanted: Json = {"uri": f"secret:{known}"} if known else {"label": identifier}
    if arguments["revision"]:
        wanted["revision"] = arguments["revision"]
    json_form = arguments["format"] == "json"
    documents = {
        secret_id(item["uri"]): secret_document(
            item,
            reveal=arguments["reveal"],
            revisions=arguments["revisions"],
            access=True,
            content_under="Data" if json_form else "",
        )
        for item in _listed(context, wanted, reveal=arguments["reveal"])
    }
    if not documents:
        raise CommandError(f'secret "{known or identifier}" not found')
    context.write(documents)


def secret_document(
    secret: Mapping[str, Any],
    *,
    reveal: bool = False,
    revisions: bool = False,
    access: bool = False,
    content_under: str = "",
) -> Json:
    """A secret as the commands show it; its content only when `reveal` is set.

    Go's encoder puts the content under `Data` in JSON and inline in YAML: `content_under`.
    """
    kind, _, _ = secret["owner-tag"].partition("-")
    user_secret = kind == "model"
    value = secret.get("value") or {}
    shown = reveal and bool(value.get("data"))
    content = {
        key: base64.b64decode(text).decode("utf-8", "replace")
        for key, text in sorted((value.get("data") or {}).items())
    }
    return {
        "revision": secret["latest-revision"],
        **filled(
            checksum=secret.get("latest-revision-checksum") if shown else None,
            expires=_time(secret.get("latest-expire-time")),
            rotation=secret.get("rotate-policy"),
            rotates=_time(secret.get("next-rotate-time")),
            owner="<model>" if user_secret else name_of(secret["owner-tag"]),
            description=secret.get("description"),
            name=secret.get("label") if user_secret else None,
            label=None if user_secret else secret.get("label"),
        ),
        "created": _time(secret.get("create-time")),
        "updated": _time(secret.get("update-time")),
        **filled(
            error=(value.get("error") or {}).get("message"),
            content={content_under: content} if shown and content_under else shown and content,
            revisions=[_revision(item) for item in secret.get("revisions") or []]
            if revisions
            else None,
            access=[_access(item) for item in secret.get("access") or []] if access else None,
        ),
    }


def _revision(revision: Mapping[str, Any]) -> Json:
    return {
        "revision": revision["revision"],
        **filled(backend=revision.get("backend-name")),
        "created": _time(revision.get("create-time")),
        "updated": _time(revision.get("update-time")),
        **filled(expires=_time(revision.get("expire-time"))),
    }


def _time(text: str | None) -> Timestamp:
    return Timestamp(text or "")


def _access(grant: Mapping[str, Any]) -> Json:
    return {
        "target": grant["target-tag"],
        "scope": grant["scope-tag"],
        "role": grant.get("role", ""),
    }


def _secrets_table(documents: Mapping[str, Json]) -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    table = Table()
    table.align_right(4)
    table.row("ID", "Name", "Owner", "Rotation", "Revision", "Last updated")
    ordered = sorted(
        documents.items(), key=lambda item: (item[1].get("owner", ""), -item[1]["revision"])
    )
    for identity, secret in ordered:
        table.row(
            identity,
            secret.get("name") or "-",
            secret.get("owner", ""),
            secret.get("rotation", ""),
            secret["revision"],
            time_ago(secret["updated"], now),
            "",
        )
    return table.text()


def _listed(context: Context, wanted: Mapping[str, Any], *, reveal: bool) -> Sequence[Json]:
    answer = context.session.to_model().call(
        "Secrets", "ListSecrets", {"show-secrets": reveal, "filter": dict(wanted)}
    )
    return answer.get("results") or []


def _named(identifier: str, label: str) -> Json:
    """A secret in the parameters of a change: its URI when that is what was given, or its name."""
    known = secret_id(identifier)
    return {"uri": f"secret:{known}", label: ""} if known else {"uri": "", label: identifier}


def _check_show(arguments: Arguments) -> None:
    exactly(1, "secret ID is required")(arguments)
    if arguments["revisions"] and arguments["reveal"]:
        raise UsageError("specify either --revisions or --reveal but not both")
    if arguments["revisions"] and arguments["revision"] > 0:
        raise UsageError("specify either --revisions or --revision but not both")
    if arguments["revision"] < 0:
        raise UsageError("revision must be a positive integer")


def _check_add(arguments: Arguments) -> None:
    if not arguments.positional:
        raise UsageError("secret name needs to be supplied as the first argument")


def _check_update(arguments: Arguments) -> None:
    if not arguments.positional:
        raise UsageError("missing secret URI")


_CONTENT = (
    MODEL,
    flag("info", help="The secret description"),
    flag("file", help="A YAML file containing secret key values"),
)
_APPLICATIONS = exactly(2, "missing secret URI or application name")
_LISTING = (MODEL, *formats("tabular", "json", "yaml"), flag("owner", help="Include an owner's"))

COMMANDS = {
    "add-secret": Command(
        _add_secret,
        "Add a new secret.",
        "<name> [key[#base64|#file]=value...]",
        _CONTENT,
        check=_check_add,
    ),
    "update-secret": Command(
        _update_secret,
        "Update an existing secret.",
        "<ID>|<name> [key[#base64|#file]=value...]",
        (
            *_CONTENT,
            flag("name", help="The new secret name"),
            flag("auto-prune", "bool", help="Remove revisions that no longer have observers"),
        ),
        check=_check_update,
    ),
    "remove-secret": Command(
        _remove_secret,
        "Remove a existing secret.",
        "<ID>|<name>",
        (MODEL, flag("revision", "int", help="remove the specified revision")),
        check=exactly(1, "missing secret URI"),
    ),
    "grant-secret": Command(
        _grant,
        "Grant access to a secret.",
        "<ID>|<name> <application>[,<application>...]",
        (MODEL,),
        check=_APPLICATIONS,
    ),
    "revoke-secret": Command(
        _revoke,
        "Revoke access to a secret.",
        "<ID>|<name> <application>[,<application>...]",
        (MODEL,),
        check=_APPLICATIONS,
    ),
    "secrets": Command(_secrets, "Lists secrets.", flags=_LISTING, check=at_most(0)),
    "show-secret": Command(
        _show_secret,
        "Shows details for a specific secret.",
        "<ID>|<name>",
        (
            MODEL,
            *formats("yaml", "json"),
            flag("reveal", "bool", help="Reveal secret values"),
            flag("revisions", "bool", help="Show the secret revisions metadata"),
            flag("r revision", "int", help="Show a specific revision (defaults to latest)"),
        ),
        check=_check_show,
    ),
}
COMMANDS["list-secrets"] = COMMANDS["secrets"]
