"""`juju refresh`: another revision, channel or charm for an application."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

from sandbox.juju.bundles.charms import same_channel
from sandbox.juju.cli.charm_origins import (
    Channel,
    add_charm,
    hub_origin,
    local_origin,
    origin_base,
    origin_channel,
    parse_channel,
    read_packed,
    resolve,
    upload,
)
from sandbox.juju.cli.charm_urls import CharmUrl, parse_charm_url
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    exactly,
)
from sandbox.juju.cli.config import BRANCH
from sandbox.juju.cli.deploy_options import (
    is_local_path,
    parse_bindings,
    parse_storages,
    split_config,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.client.bases import parse_base
from sandbox.juju.client.errors import ApiError
from sandbox.juju.names import is_application

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class _Found:
    """The charm to change to."""

    url: str
    origin: Json
    new: bool
    """Whether it differs from the charm that the application has."""


def _refresh(context: Context) -> None:
    arguments = context.arguments
    name = arguments.positional[0]
    connection = context.session.to_model()
    current = connection.call(
        "Application", "GetCharmURLOrigin", {"application": name, "branch": BRANCH}
    )
    if current.get("error"):
        raise ApiError(current["error"].get("message", ""), current["error"].get("code", ""))
    found = _find(context, current["url"], current["charm-origin"])
    _tell(context, found)
    moved = not same_channel(origin_channel(found.origin), origin_channel(current["charm-origin"]))
    resources = _resources(context, name, found)
    if not found.new and not moved and not resources:
        return
    _set_charm(context, name, found, resources)
    if not found.new and moved:
        channel = origin_channel(found.origin)
        context.inform(f'Note: all future refreshes will now use channel "{channel}"')


def _tell(context: Context, found: _Found) -> None:
    if not found.new:
        url = parse_charm_url(found.url)
        context.inform(f'charm "{url.name if url else found.url}": already up-to-date')
        return
    url = parse_charm_url(found.url)
    channel = origin_channel(found.origin)
    within = f" in channel {channel}" if found.origin["source"] == "charm-hub" else ""
    context.inform(
        f'Added {found.origin["source"]} charm "{url.name if url else found.url}", '
        f"revision {url.revision if url else 0}{within}, to the model"
    )


def _find(context: Context, url: str, origin: Json) -> _Found:
    """The charm that the options choose.

    Raises:
        CommandError: a local charm without --path, or a file with another charm.
    """
    arguments = context.arguments
    path = arguments["path"] or (arguments["switch"] if is_local_path(arguments["switch"]) else "")
    if path:
        return _from_file(context, pathlib.Path(path).expanduser(), url, origin)
    if not arguments["switch"] and url.startswith("local:"):
        raise CommandError("refreshing a local charm requires either --path or --switch")
    return _from_hub(context, url, origin)


def _from_file(context: Context, path: pathlib.Path, url: str, origin: Json) -> _Found:
    archive = read_packed(path)
    old = parse_charm_url(url)
    switching = bool(context.arguments["switch"])
    if old is not None and archive.name != old.name and not switching:
        raise CommandError(f'cannot refresh "{old.name}" to "{archive.name}"')
    new_url = upload(context.session.to_model(), archive)
    parsed = parse_charm_url(new_url)
    base = parse_base(context.arguments["base"]) if context.arguments["base"] else None
    new_origin = local_origin(
        base or origin_base(origin),
        parsed.revision if parsed else 0,
        origin.get("architecture") or "",
    )
    return _Found(new_url, new_origin, new_url != url)


def _from_hub(context: Context, url: str, origin: Json) -> _Found:
    arguments = context.arguments
    connection = context.session.to_model()
    old = parse_charm_url(url)
    switch = parse_charm_url(arguments["switch"]) if arguments["switch"] else None
    target = switch or old
    if target is None:
        raise CommandError(f'cannot parse URL "{arguments["switch"] or url}"')
    base = parse_base(arguments["base"]) if arguments["base"] else origin_base(origin)
    asked = hub_origin(
        _wanted_channel(arguments["channel"], origin),
        architecture=origin.get("architecture") or "",
        base=base,
        revision=arguments["revision"],
    )
    if switch is None:
        asked |= {key: origin[key] for key in ("id", "hash", "instance-key") if origin.get(key)}
    full, resolved, supported = resolve(
        connection, target.name, asked, switch=switch is not None or arguments["revision"] >= 0
    )
    if base is not None and supported and base not in supported and not arguments["force-base"]:
        shown = ", ".join(item.shown for item in supported)
        raise CommandError(
            f'base "{base.shown}" not supported by charm, the charm supported bases are: {shown}'
        )
    if full == url or (old is not None and _same(full, old)):
        return _Found(url, {**origin, **_channel_fields(resolved)}, new=False)
    if base is not None:
        resolved = {**resolved, "base": base.wire}
    stored = add_charm(connection, full, resolved, force=arguments["force"])
    return _Found(full, stored, new=True)


def _same(url: str, old: CharmUrl) -> bool:
    new = parse_charm_url(url)
    return new is not None and (new.name, new.revision) == (old.name, old.revision)


def _channel_fields(origin: Json) -> Json:
    return {key: origin[key] for key in ("track", "risk", "branch") if origin.get(key)}


def _wanted_channel(text: str, origin: Json) -> Channel:
    """The channel to follow; a risk alone keeps the track that the application has."""
    if not text:
        return parse_channel(origin_channel(origin))
    wanted = parse_channel(text)
    return wanted if wanted.track else Channel(origin.get("track") or "", wanted.risk)


def _resources(context: Context, name: str, found: _Found) -> Json:
    if not context.arguments["resource"]:
        return {}
    from sandbox.juju.cli.resources import add_pending_resources

    return add_pending_resources(
        context, name, found.url, found.origin, dict(context.arguments["resource"])
    )


def _set_charm(context: Context, name: str, found: _Found, resources: Json) -> None:
    arguments = context.arguments
    text, values = split_config(arguments["config"])
    if "trust" in arguments.given:
        values["trust"] = "true" if arguments["trust"] else "false"
    storages = {
        key: {"pool": spec.pool, "size": spec.size or None, "count": spec.count or None}
        for key, spec in parse_storages(arguments["storage"]).items()
    }
    context.session.to_model().call(
        "Application",
        "SetCharm",
        {
            "application": name,
            "generation": BRANCH,
            "charm-url": found.url,
            "charm-origin": found.origin,
            "channel": found.origin.get("risk") or "",
            "config-settings": values,
            "config-settings-yaml": text,
            "force": arguments["force"],
            "force-units": arguments["force-units"],
            "force-base": arguments["force-base"],
            "resource-ids": resources,
            "storage-constraints": storages,
            "endpoint-bindings": parse_bindings(context, arguments["bind"]),
        },
    )


def _check(arguments: Arguments) -> None:
    exactly(1, "no application specified")(arguments)
    if not is_application(arguments.positional[0]):
        raise UsageError(f'invalid application name "{arguments.positional[0]}"')
    for one, other in (("switch", "revision"), ("path", "revision"), ("switch", "path")):
        if {one, other} <= arguments.given:
            raise UsageError(f"--{one} and --{other} are mutually exclusive")
    parse_storages(arguments["storage"])


COMMANDS = {
    "refresh": Command(
        _refresh,
        "Refresh an application's charm.",
        "<application>",
        (
            MODEL,
            flag("force", "bool", help="Bypass the LXD profile allow list"),
            flag("force-units", "bool", help="Refresh all units, even if in error state"),
            flag("force-series force-base", "bool", help="Refresh to an unsupported base"),
            flag("channel", help="Channel to use when getting the charm from Charmhub"),
            flag("switch", help="Crossgrade to a different charm"),
            flag("path", help="Refresh to a charm located at path"),
            flag("base", help="Select a different base than what is currently running."),
            flag("revision", "int", -1, "Explicit revision of current charm"),
            flag("resource", "pairs", help="Resource to be uploaded to the controller"),
            flag("storage", "repeat", help="Charm storage constraints"),
            flag("config", "repeat", help="A configuration file or a key=value pair"),
            flag("bind", help="Configure application endpoint bindings to spaces"),
            flag("trust", "bool", help="Allows charm to run hooks that require credentials"),
        ),
        check=_check,
    ),
}
