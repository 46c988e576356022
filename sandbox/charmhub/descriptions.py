"""The descriptions of the stand-ins: one YAML file a charm, and what they share.

A description says what the real charm's metadata, configuration and actions are, and how the
stand-in behaves: what it requires, how its cluster forms, what it tells others. `compiled`
turns one into what the runtime reads.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import string
from collections.abc import Mapping
from typing import Any

import yaml

FOLDER = pathlib.Path(__file__).resolve().parent
# What an action's description says of the stand-in, and not of the real charm.
_BEHAVIOUR = ("sets", "results", "restarts")
RISKS = ("stable", "candidate", "beta", "edge")

_Document = Mapping[str, Any]
# In C where PyYAML has it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclasses.dataclass(frozen=True)
class Release:
    """One revision of a charm, and where it was released."""

    revision: int
    track: str
    risk: str
    workload: str
    """The release of the workload that its track installs: caracal."""
    bases: tuple[str, ...]
    """Ubuntu releases, the oldest first: 22.04."""

    @property
    def channel(self) -> str:
        """Track and risk, as Charmhub writes them: 2024.1/stable."""
        return f"{self.track}/{self.risk}"


@dataclasses.dataclass(frozen=True)
class Description:
    """One charm."""

    name: str
    document: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]]
    """Every configuration option, those that it shares with other charms too."""
    actions: Mapping[str, Mapping[str, Any]]
    """Every action, with what it does."""
    releases: tuple[Release, ...]
    """In the order of their tracks, the newest last."""

    @property
    def default_track(self) -> str:
        """The track of a deployment that names none: the newest."""
        return self.releases[-1].track


@functools.lru_cache(maxsize=1)
def load() -> dict[str, Description]:
    """Every stand-in by name."""
    common, releases = read("common.yaml"), read("releases.yaml")
    documents = (_parsed(path) for path in sorted((FOLDER / "charms").glob("*.yaml")))
    return {document["name"]: _description(document, common, releases) for document in documents}


@functools.lru_cache
def read(name: str) -> _Document:
    """One of the shared documents: common.yaml, interfaces.yaml or releases.yaml."""
    return _parsed(FOLDER / name)


def _parsed(path: pathlib.Path) -> _Document:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506


def _description(document: _Document, common: _Document, releases: _Document) -> Description:
    return Description(
        document["name"],
        document,
        options=_with_shared(document, common, "options"),
        actions=_with_shared(document, common, "actions"),
        releases=tuple(_releases(document, releases)),
    )


def _with_shared(document: _Document, common: _Document, kind: str) -> dict[str, _Document]:
    merged: dict[str, _Document] = {}
    for group in document.get(f"{kind}-from", ()):
        merged.update(common[kind][group])
    merged.update(document.get(kind, {}))
    return dict(sorted(merged.items()))


def _releases(document: _Document, releases: _Document) -> list[Release]:
    tracks = releases["tracks"][document["family"]]
    return [
        Release(
            document["first-revision"] + place * releases["step"] + number,
            str(track),
            risk,
            tracks[track]["release"],
            tuple(tracks[track]["bases"]),
        )
        for place, track in enumerate(tracks)
        for risk in RISKS
        for number in releases["risks"][risk]
    ]


def compiled(description: Description, release: Release) -> dict[str, Any]:
    """What the runtime of one revision reads: the behaviour, with nothing left to look up."""
    document, releases = description.document, read("releases.yaml")
    status = document["status"]
    endpoints = _endpoints(document)
    compiled = {
        "name": description.name,
        "binding": next(iter(endpoints_of(document)))[1],
        "release": release.workload,
        "releases": releases["releases"],
        "distro": releases["distro"][release.bases[-1]],
        "versions": releases["versions"][document["workload"]["version"]],
        "workload": document["workload"],
        # All that it manages, and of these what an upgraded package restarts.
        "services": document["workload"].get("services", [description.name]),
        "queues": document["workload"].get("restarted-by-packages", [description.name]),
        "tracks": _releases_of_tracks(document, releases),
        "upgrade-takes": releases["upgrade-takes"],
        "restart-takes": releases["restart-takes"],
        "serves": document.get("serves"),
        "openstack": document.get("openstack", {}),
        "cluster": document.get("cluster"),
        "status": status,
        "checks": _checks(document, description),
        "endpoints": endpoints,
        "keeps": _keeps(document, endpoints),
        "needs-leader": "ready-leader" in status
        or document.get("openstack", {}).get("fronts") == "keystone"
        or any("by" in endpoint for endpoint in endpoints.values()),
        "actions": {
            name: {key: action[key] for key in _BEHAVIOUR if key in action}
            for name, action in description.actions.items()
        },
    }
    compiled["reads"] = sorted(set(_options_named(compiled)) & set(description.options))
    return compiled


def _releases_of_tracks(document: _Document, releases: _Document) -> dict[str, str]:
    """Of a charm that names a snap's channel by an option: track -> release."""
    tracks = releases["tracks"][document["family"]] if "snap" in document["workload"] else {}
    return {str(track): tracks[track]["release"] for track in tracks}


def _checks(document: _Document, description: Description) -> dict[str, Any]:
    """The charm's own rules for options, and those that hold wherever an option appears."""
    checks = dict(document.get("checks", {}))
    if "vip" in description.options:
        checks["vip"] = {"is": "addresses"}
    if "origin" in document["workload"]:
        checks[document["workload"]["origin"]] = {"is": "release"}
    return checks


def endpoints_of(document: _Document) -> list[tuple[str, str, _Document]]:
    """Every endpoint with its role and name."""
    return [
        (role, name, endpoint)
        for role in ("requires", "provides", "peers")
        for name, endpoint in document.get(role, {}).items()
    ]


def _endpoints(document: _Document) -> dict[str, dict[str, Any]]:
    """What each endpoint says and wants, by its interface and its own exceptions."""
    interfaces = read("interfaces.yaml")
    endpoints = {}
    for role, name, endpoint in endpoints_of(document):
        sides = interfaces.get(endpoint["interface"])
        if role == "peers" or sides is None:
            continue
        own, other = ("requirer", "provider") if role == "requires" else ("provider", "requirer")
        mine = {
            **sides[own],
            **{key: endpoint[key] for key in ("says", "after") if key in endpoint},
        }
        endpoints[name] = {
            "role": role,
            "says": mine.get("says", {}),
            "each": mine.get("each", {}),
            "after": mine.get("after", "joined" if role == "requires" else "ready"),
            "wants": _wanted(sides[other]),
            **({"by": mine["by"]} if "by" in mine else {}),
        }
    return endpoints


def _wanted(side: _Document) -> list[str]:
    """The keys that the other end waits for; what is said to each unit bears that unit's name."""
    keys = side.get("wanted", [*side.get("says", {}), *side.get("each", {})])
    return [key.replace("{remote_slug}", "{slug}") for key in keys]


def _keeps(document: _Document, endpoints: _Document) -> dict[str, list[str]]:
    """Of what others say on each endpoint, the keys that the runtime needs again."""
    keeps = {name: list(endpoint["wants"]) for name, endpoint in endpoints.items()}
    if count := document["status"].get("count"):
        keeps[count["endpoint"]].append(count["key"])
    if cluster := document.get("cluster"):
        flags = [f"flag-{gate['flag']}" for gate in document["status"].get("gates", ())]
        votes = ["paused"] if "lost" in cluster else []
        keeps[cluster["peer"]] = [*cluster["says"], *cluster["joined"], *flags, *votes]
    for name, keys in document.get("openstack", {}).get("reads", {}).items():
        keeps[name].extend(keys)
    return keeps


def _options_named(document: Any) -> list[str]:
    """The options that a behaviour refers to: in templates, as `option:`, and in its checks."""
    if isinstance(document, str):
        return _options_in(document)
    if isinstance(document, list):
        return [name for item in document for name in _options_named(item)]
    if not isinstance(document, dict):
        return []
    named = [name for item in document.values() for name in _options_named(item)]
    named += [
        document[key]
        for key in ("option", "origin", "snap", "seals-unless")
        if isinstance(document.get(key), str)
    ]
    named += [*document.get("checks", {}), "action-managed-upgrade", "enable-auto-restarts"]
    return named


def _options_in(template: str) -> list[str]:
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field]
    except ValueError:
        return []
    named = [field[len("config[") : -1] for field in fields if field.startswith("config[")]
    return [*named, "vip"] if "api_address" in fields else named
