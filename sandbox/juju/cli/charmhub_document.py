"""What `juju find` and `juju info` show of a charm (cmd/juju/charmhub/data.go and convert.go)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sandbox.charmhub import archives
from sandbox.charmhub.descriptions import Description, Release

Json = dict[str, Any]

_STORE = "https://charmhub.io"
PUBLISHER = "sandbox"
ARCHITECTURE = "amd64"
_RELEASED = "2024-06-01T00:00:00.000000+00:00"
"""Of every release: the stand-ins tell only what came after what."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The part of a charm's channels that is asked for; what is empty asks for all."""

    track: str = ""
    risk: str = ""
    revision: int = -1
    base: str = ""
    """Such as ubuntu@24.04."""
    architecture: str = ""


def summary(description: Description) -> Json:
    """FindResponse of a charm."""
    newest = description.releases[-1]
    return {
        "type": "charm",
        "id": description.name,
        "name": description.name,
        "publisher": PUBLISHER,
        "summary": description.document.get("summary", ""),
        "version": str(newest.revision),
        "architectures": [ARCHITECTURE],
        "os": ["ubuntu"],
        "supports": _bases(newest),
        "store-url": f"{_STORE}/{description.name}",
    }


def details(description: Description, wanted: Wanted) -> Json:
    """InfoResponse of a charm."""
    metadata = archives.metadata(description)
    channels = _channels(description, wanted)
    relations = {
        side: {name: end["interface"] for name, end in sorted(metadata[side].items())}
        for side in ("provides", "requires")
        if metadata.get(side)
    }
    options = archives.options(description, description.releases[-1])
    charm: Json = {
        **({"config": {"Options": _options(options)}} if options else {}),
        **({"relations": relations} if relations and channels else {}),
        **({"subordinate": True} if metadata.get("subordinate") else {}),
    }
    return {
        "type": "charm",
        "id": description.name,
        "name": description.name,
        "description": metadata.get("description", ""),
        "publisher": PUBLISHER,
        "summary": metadata.get("summary", ""),
        "supports": _bases(description.releases[-1]),
        "store-url": f"{_STORE}/{description.name}",
        "charm": charm,
        "channels": channels,
        **({"tracks": list(channels)} if channels else {}),
    }


def in_yaml(document: Json) -> Json:
    """The same as YAML names it: options and their fields in lower case, without what is empty."""
    charm = document["charm"]
    if "config" not in charm:
        return document
    options = {
        name: {key.lower(): value for key, value in option.items() if value not in (None, "")}
        for name, option in charm["config"]["Options"].items()
    }
    return {**document, "charm": {**charm, "config": {"options": options}}}


def _channels(description: Description, wanted: Wanted) -> Json:
    """By track and risk, the newest track first; nothing where nobody released to the risk."""
    found: dict[str, dict[str, Release]] = {}
    track = wanted.track or (description.default_track if wanted.risk else "")
    for release in description.releases:
        if (
            track in ("", release.track)
            and wanted.revision in (-1, release.revision)
            and wanted.architecture in ("", ARCHITECTURE)
            and (not wanted.base or wanted.base.partition("@")[2] in release.bases)
        ):
            found.setdefault(release.track, {})[release.risk] = release
    if wanted.risk and not any(wanted.risk in risks for risks in found.values()):
        return {}
    return {
        name: {risk: [_revision(description, release)] for risk, release in found[name].items()}
        for name in reversed(found)
    }


def _revision(description: Description, release: Release) -> Json:
    return {
        "track": release.track,
        "risk": release.risk,
        "version": str(release.revision),
        "revision": release.revision,
        "released-at": _RELEASED,
        "size": len(archives.pack(description, release)),
        "architectures": [ARCHITECTURE],
        "bases": _bases(release),
    }


def _bases(release: Release) -> list[Json]:
    return [{"name": "ubuntu", "channel": version} for version in release.bases]


def _options(options: Mapping[str, Mapping[str, Any]]) -> Json:
    """charm.Option as JSON: Go writes the fields' own names."""
    return {
        name: {
            "Type": option.get("type", "string"),
            "Description": option.get("description", ""),
            "Default": option.get("default"),
        }
        for name, option in sorted(options.items())
    }
