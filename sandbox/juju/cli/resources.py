"""Resources of applications: uploading, attaching, listing (api/client/resources)."""

from __future__ import annotations

import base64
import hashlib
import pathlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    exactly,
    formats,
    positional,
)
from sandbox.juju.cli.flags import UsageError
from sandbox.juju.cli.table import Table
from sandbox.juju.client.errors import raise_for

Json = dict[str, Any]


def add_pending_resources(
    context: Context, application: str, url: str, origin: Json, given: Mapping[str, str]
) -> dict[str, str]:
    """Name the resources that an application will have, and upload those given as files.

    `given` holds a file's path or a revision of Charmhub for each resource.

    Raises:
        CommandError: the charm has no such resource, or a file is missing.
    """
    connection = context.session.to_model()
    info = connection.call("Charms", "CharmInfo", {"url": url})
    declared = (info.get("meta") or {}).get("resources") or {}
    wanted = [_pending(name, value, declared) for name, value in given.items()]
    answer = connection.call(
        "Resources",
        "AddPendingResources",
        {
            "tag": f"application-{application}",
            "url": url,
            "charm-origin": origin,
            "macaroon": None,
            "resources": wanted,
        },
    )
    raise_for(answer)
    ids = dict(zip(given, answer.get("pending-ids") or [], strict=True))
    for name, value in given.items():
        if not value.isdigit():
            upload_resource(
                context, application, name, pathlib.Path(value).expanduser(), ids[name]
            )
    return ids


def _pending(name: str, value: str, declared: Mapping[str, Json]) -> Json:
    """One resource that is to come, as the API takes it (params.CharmResource).

    Raises:
        CommandError: the charm declares no such resource.
    """
    if name not in declared:
        known = ", ".join(sorted(declared)) or "none"
        raise CommandError(f'unrecognized resource "{name}" (the charm has: {known})')
    meta = declared[name]
    from_store = value.isdigit()
    return {
        "name": name,
        "type": meta.get("type", "file"),
        "path": meta.get("path", ""),
        "description": meta.get("description", ""),
        "origin": "store" if from_store else "upload",
        "revision": int(value) if from_store else -1,
        "fingerprint": "",
        "size": 0,
    }


def upload_resource(
    context: Context, application: str, name: str, path: pathlib.Path, pending: str = ""
) -> None:
    """Send the content of one resource.

    Raises:
        CommandError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CommandError(f'file for resource "{name}": open {path}: {reason}') from error
    connection = context.session.to_model()
    address = (
        f"/model/{connection.target.model}/applications/{application}/resources/{quote(name)}"
    )
    if pending:
        address += f"?pendingid={quote(pending)}"
    connection.http(
        "PUT",
        address,
        content,
        {
            "Content-Type": "application/octet-stream",
            "Content-Sha384": hashlib.sha384(content).hexdigest(),
            "Content-Length": str(len(content)),
            "Content-Disposition": f'form-data; filename="{path.name}"',
        },
    )


def _attach(context: Context) -> None:
    application, *pairs = context.arguments.positional
    for pair in pairs:
        name, _, path = pair.partition("=")
        upload_resource(context, application, name, pathlib.Path(path).expanduser())


def _resources(context: Context) -> None:
    name = context.arguments.positional[0]
    result = context.session.to_model().one(
        "Resources", "ListResources", {"entities": [{"tag": f"application-{name}"}]}
    )
    listed = [
        {
            "resourceid": item.get("id", ""),
            "name": item["name"],
            "applicationID": application,
            "description": item.get("description", ""),
            "path": item.get("path", ""),
            "type": item.get("type", ""),
            "revision": str(item.get("revision", "")),
            "origin": item.get("origin", ""),
            "fingerprint": _hexadecimal(item.get("fingerprint") or ""),
            "size": item.get("size", 0),
            "timestamp": item.get("timestamp", ""),
            "username": item.get("username", ""),
        }
        for item in result.get("resources") or []
        for application in [item.get("application") or name]
    ]
    context.write({"resources": listed}, _table)


def _hexadecimal(fingerprint: str) -> str:
    return base64.b64decode(fingerprint).hex()


def _table(listing: Mapping[str, Any]) -> str:
    if not listing["resources"]:
        return "No resources to display.\n"
    table = Table()
    table.row("Resource", "Supplied by", "Revision")
    for item in listing["resources"]:
        uploaded = item["origin"] == "upload"
        supplier = item["username"] if uploaded else "charmstore"
        table.row(item["name"], supplier, item["timestamp"] if uploaded else item["revision"])
    return table.text()


def _check_attach(arguments: Arguments) -> None:
    words = positional(arguments, 1, None, "missing application name")
    if len(words) < 2:
        raise UsageError("no resource specified")
    for pair in words[1:]:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise UsageError(f'expected name=path format for resource, got "{pair}"')


COMMANDS = {
    "attach-resource": Command(
        _attach,
        "Update a resource for an application.",
        "<application name> <resource name>=<resource>",
        (MODEL,),
        check=_check_attach,
    ),
    "resources": Command(
        _resources,
        "Show the resources for an application or unit.",
        "<application or unit>",
        (MODEL, *formats("tabular", "json", "yaml")),
        check=exactly(1, "missing application or unit name"),
    ),
}
COMMANDS["list-resources"] = COMMANDS["resources"]
