"""Charms in the API: origins, uploads of packed charms, and what Charmhub resolves to."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju import charm_archive
from sandbox.juju.charm_archive import CharmArchive
from sandbox.juju.cli.charm_urls import parse_charm_url
from sandbox.juju.client.bases import Base, parse_base
from sandbox.juju.client.connection import Connection
from sandbox.juju.client.errors import ClientError, raise_for
from sandbox.juju.errors import JujuError

Json = dict[str, Any]
_RISKS = ("stable", "candidate", "beta", "edge")


@dataclasses.dataclass(frozen=True)
class Channel:
    """A channel of Charmhub: track and risk, either of which may be left out."""

    track: str = ""
    risk: str = ""
    branch: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.track, self.risk, self.branch) if part)


def parse_channel(text: str) -> Channel:
    """A channel from `2024.1/stable`, `edge`, `2024.1` (then its risk is stable).

    Raises:
        ClientError: it is not a channel.
    """
    if not text:
        return Channel()
    parts = text.split("/")
    if len(parts) > 3 or not all(parts):
        raise ClientError(f'channel is malformed and has too many components "{text}" not valid')
    if parts[0] in _RISKS:
        return Channel("", parts[0], parts[1] if len(parts) > 1 else "")
    if len(parts) > 1 and parts[1] not in _RISKS:
        raise ClientError(f'risk in channel "{text}" not valid')
    return Channel(parts[0], parts[1] if len(parts) > 1 else "stable", "".join(parts[2:]))


def hub_origin(
    channel: Channel, *, architecture: str, base: Base | None = None, revision: int = -1
) -> Json:
    """The origin that asks Charmhub for a charm (params.CharmOrigin)."""
    origin: Json = {
        "source": "charm-hub",
        "type": "",
        "id": "",
        "risk": channel.risk,
        "architecture": architecture or "amd64",
        "base": base.wire if base else {"name": "", "channel": ""},
    }
    if channel.track:
        origin["track"] = channel.track
    if channel.branch:
        origin["branch"] = channel.branch
    if revision >= 0:
        origin["revision"] = revision
    return origin


def local_origin(base: Base | None, revision: int, architecture: str = "") -> Json:
    """The origin of a charm that was uploaded."""
    return {
        "source": "local",
        "type": "charm",
        "id": "",
        "revision": revision,
        "architecture": architecture or "amd64",
        "base": base.wire if base else {"name": "", "channel": ""},
    }


def origin_channel(origin: Mapping[str, Any]) -> str:
    """The channel inside an origin: 2024.1/stable."""
    channel = Channel(
        origin.get("track") or "", origin.get("risk") or "", origin.get("branch") or ""
    )
    return str(channel)


def origin_base(origin: Mapping[str, Any]) -> Base | None:
    """The base inside an origin, if it names one."""
    base = origin.get("base") or {}
    return Base(base["name"], base["channel"]) if base.get("channel") else None


def resolve(
    connection: Connection, name: str, origin: Mapping[str, Any], *, switch: bool = False
) -> tuple[str, Json, list[Base]]:
    """Ask Charmhub for a charm: its URL, its origin, and the bases that it supports.

    Raises:
        ApiError: Charmhub has no such charm, channel or base.
    """
    reference: Json = {"reference": f"ch:{name}", "charm-origin": dict(origin)}
    if switch:
        reference["switch-charm"] = True
    answer = connection.call("Charms", "ResolveCharms", {"resolve": [reference]})
    result = (answer.get("Results") or answer.get("results") or [{}])[0]
    raise_for(result)
    bases = [Base(base["name"], base["channel"]) for base in result.get("supported-bases") or []]
    return result["url"], result["charm-origin"], bases


def add_charm(
    connection: Connection, url: str, origin: Mapping[str, Any], *, force: bool = False
) -> Json:
    """Store a charm of Charmhub in the model; returns its origin as stored."""
    answer = connection.call(
        "Charms", "AddCharm", {"url": url, "charm-origin": dict(origin), "force": force}
    )
    raise_for(answer)
    return answer.get("charm-origin") or dict(origin)


def read_packed(path: pathlib.Path) -> CharmArchive:
    """A packed charm.

    Raises:
        ClientError: there is none, or it cannot be read.
    """
    if path.is_dir():
        raise ClientError(
            f'"{path}" is a folder: pack the charm with charmcraft and give the .charm file'
        )
    try:
        return charm_archive.read(path)
    except FileNotFoundError:
        raise ClientError(f'no charm was found at "{path}"') from None
    except JujuError as error:
        if "not a valid zip file" in str(error):
            raise ClientError(f'invalid charm or bundle provided at "{path}"') from error
        raise ClientError(f'attempting to deploy "{path}": {error}') from error


def supported_bases(archive: CharmArchive) -> list[Base]:
    """The bases that a packed charm's manifest names."""
    return [Base(base["name"], base["channel"]) for base in archive.bases]


def upload(connection: Connection, archive: CharmArchive) -> str:
    """Send a packed charm to the model; returns its URL there: local:maas-bmc-0."""
    wanted = f"local:{archive.name}-{archive.revision}"
    return connection.upload_charm(archive.path, archive.name, wanted)


def chosen_base(
    requested: str, supported: Sequence[Base], default: str, *, force: bool = False
) -> Base | None:
    """The base to run a charm on: the requested, the default if supported, or its first.

    Raises:
        ClientError: the requested base is not supported and `force` is not set.
    """
    if requested:
        wanted = parse_base(requested)
        if supported and wanted not in supported and not force:
            shown = ", ".join(base.shown for base in supported)
            raise ClientError(
                f'base "{wanted.shown}" not supported by charm, the charm supported bases '
                f"are: {shown}"
            )
        return wanted
    if default:
        fallback = parse_base(default)
        if fallback in supported or not supported:
            return fallback
    return supported[0] if supported else None


def located(url: str, origin: Mapping[str, Any] | None = None) -> str:
    """`Located charm "keystone" in charm-hub, channel 2024.1/stable`."""
    parsed = parse_charm_url(url)
    name, revision = (parsed.name, parsed.revision) if parsed else (url, -1)
    if not origin or origin.get("source") in ("", "local", None):
        return f'Located local charm "{name}", revision {revision}'
    where = ""
    if revision >= 0:
        where = f", revision {revision}"
    elif channel := origin_channel(origin):
        where = f", channel {channel}"
    return f'Located charm "{name}" in {origin["source"]}{where}'
