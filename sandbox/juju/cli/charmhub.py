"""`juju find` and `juju info`: what the sandbox's Charmhub has (cmd/juju/charmhub).

Like Juju's, these commands ask Charmhub itself, not the controller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.juju.cli.command import (
    Arguments,
    Command,
    CommandError,
    Context,
    at_most,
    exactly,
    flag,
    formats,
)
from sandbox.juju.cli.output import in_format
from sandbox.juju.cli.table import Table

if TYPE_CHECKING:
    from sandbox.charmhub.descriptions import Description, Release

Json = dict[str, Any]
_STORE = "https://charmhub.io"
_ARCHITECTURE = "amd64"


def _find(context: Context) -> None:
    words = context.arguments.positional
    query = words[0] if words else ""
    found = [_summary(d) for name, d in sorted(_known().items()) if query in name]
    if not found:
        raise CommandError(f'No matching charms or bundles for "{query}"')
    context.write(found, _find_table)


def _info(context: Context) -> None:
    name = context.arguments.positional[0].removeprefix("ch:")
    description = _known().get(name)
    if description is None:
        raise CommandError(f'No information found for charm or bundle with the name "{name}"')
    document = _details(description, with_config=context.arguments["config"])
    context.write(document, _info_text)


def _known() -> dict[str, Description]:
    from sandbox.charmhub import descriptions

    return descriptions.load()


def _summary(description: Description) -> Json:
    newest = description.releases[-1]
    return {
        "type": "charm",
        "id": description.name,
        "name": description.name,
        "publisher": "sandbox",
        "summary": description.document.get("summary", ""),
        "version": str(newest.revision),
        "architectures": [_ARCHITECTURE],
        "os": ["ubuntu"],
        "supports": _bases(newest),
        "store-url": f"{_STORE}/{description.name}",
    }


def _details(description: Description, *, with_config: bool) -> Json:
    document = description.document
    channels: Json = {}
    for release in description.releases:
        entry = {
            "track": release.track,
            "risk": release.risk,
            "version": str(release.revision),
            "revision": release.revision,
            "architectures": [_ARCHITECTURE],
            "bases": _bases(release),
        }
        channels.setdefault(release.track, {})[release.risk] = [entry]
    charm: Json = {
        "relations": {
            side: {name: end["interface"] for name, end in (document.get(side) or {}).items()}
            for side in ("provides", "requires")
        },
        "subordinate": bool(document.get("subordinate")),
    }
    if with_config:
        charm["config"] = {"Options": {n: dict(o) for n, o in description.options.items()}}
    return {
        "type": "charm",
        "id": description.name,
        "name": description.name,
        "publisher": "sandbox",
        "summary": document.get("summary", ""),
        "supports": _bases(description.releases[-1]),
        "store-url": f"{_STORE}/{description.name}",
        "charm": charm,
        "channels": channels,
        "tracks": sorted(channels),
    }


def _bases(release: Release) -> list[Json]:
    return [{"name": "ubuntu", "channel": version} for version in release.bases]


def _find_table(found: list[Json]) -> str:
    table = Table()
    table.row(
        "Name", "Bundle", "Version", "Architectures", "OS", "Supports", "Publisher", "Summary"
    )
    for charm in found:
        table.row(
            charm["name"],
            "-",
            charm["version"],
            ",".join(charm["architectures"]),
            ",".join(charm["os"]),
            _shown(charm["supports"]),
            charm["publisher"],
            charm["summary"],
        )
    return table.text()


def _info_text(shown: Json) -> str:
    channels = {
        f"{track}/{risk}": f"{entries[0]['revision']}  {_shown(entries[0]['bases'])}"
        for track, risks in shown["channels"].items()
        for risk, entries in risks.items()
    }
    return in_format(
        "yaml",
        {
            "name": shown["name"],
            "publisher": shown["publisher"],
            "summary": shown["summary"],
            "store-url": shown["store-url"],
            "charm-id": shown["id"],
            "supports": _shown(shown["supports"]),
            "subordinate": shown["charm"]["subordinate"],
            "relations": shown["charm"]["relations"],
            "channels": channels,
        },
    )


def _shown(bases: list[Json]) -> str:
    return ", ".join(f"{base['name']}@{base['channel']}" for base in bases)


def _check_info(arguments: Arguments) -> None:
    exactly(1, "expected a charm or bundle name")(arguments)


COMMANDS = {
    "find": Command(
        _find,
        "Queries the Charmhub store for available charms or bundles.",
        "[options] <query>",
        (*formats("tabular", "json", "yaml"),),
        check=at_most(1),
    ),
    "info": Command(
        _info,
        "Displays detailed information about Charmhub charms.",
        "[options] <charm>",
        (
            flag("config", "bool", help="Display the configuration of this charm"),
            *formats("tabular", "json", "yaml"),
        ),
        check=_check_info,
    ),
}
