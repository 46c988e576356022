"""`juju find` and `juju info`: what the sandbox's Charmhub has (cmd/juju/charmhub).

Like Juju's, these commands ask Charmhub itself, not the controller.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox.juju.cli.command import (
    Arguments,
    Command,
    CommandError,
    Context,
    UsageError,
    at_most,
    flag,
    formats,
    quoted,
)
from sandbox.juju.cli.output import filled, in_format
from sandbox.juju.cli.table import Table

if TYPE_CHECKING:
    from sandbox.charmhub.descriptions import Description
    from sandbox.juju.cli.charmhub_document import Wanted

Json = dict[str, Any]

_RISKS = ("stable", "candidate", "beta", "edge")
_SUFFIXES = ("B", "kB", "MB", "GB")
_SUMMARY_WIDTH = 40
_NOTHING = "No charms have been published with the specified criteria."
_COLUMNS: Mapping[str, tuple[str, Callable[[Json], str]]] = {
    "n": ("Name", lambda charm: charm["name"]),
    "b": ("Bundle", lambda charm: "Y" if charm["type"] == "bundle" else "-"),
    "v": ("Version", lambda charm: charm["version"]),
    "a": ("Architectures", lambda charm: ",".join(charm["architectures"])),
    "o": ("OS", lambda charm: ",".join(charm["os"])),
    "S": ("Supports", lambda charm: ",".join(_shown(charm["supports"]))),
    "p": ("Publisher", lambda charm: charm["publisher"]),
    "s": ("Summary", lambda charm: charm["summary"]),
}


def _find(context: Context) -> None:
    from sandbox.juju.cli import charmhub_document

    arguments = context.arguments
    query = arguments.positional[0] if arguments.positional else ""
    kind, publisher = arguments["type"], arguments["publisher"]
    found = [charmhub_document.summary(d) for name, d in sorted(_known().items()) if query in name]
    found = [
        charm
        for charm in found
        if kind in ("", charm["type"]) and publisher in ("", charm["publisher"])
    ]
    if arguments["format"] == "tabular" and not found:
        context.inform(f"No matching {f'{kind}s' if kind else 'charms or bundles'}")
        return
    unasked = not (query or kind or publisher)
    context.write(found, lambda charms: _find_text(charms, arguments["columns"], unasked=unasked))


def _find_text(found: list[Json], columns: str, *, unasked: bool) -> str:
    table = _find_table(found, columns) + "\n"
    if not unasked:
        return table
    return (
        f"No search term specified. Here are some interesting charms:\n\n{table}"
        "Provide a search term for more specific results.\n"
    )


def _find_table(found: list[Json], columns: str) -> str:
    table = Table()
    table.row(*(_COLUMNS[letter][0] for letter in columns))
    for charm in found:
        cells = [
            _wrapped(_COLUMNS[letter][1](charm), columns.index("s"))
            if letter == "s"
            else _COLUMNS[letter][1](charm)
            for letter in columns
        ]
        for line in "\t".join(cells).split("\n"):
            table.row(*line.split("\t"))
    return table.text()


def _wrapped(text: str, inset: int) -> str:
    """The first line, broken where it is long, each part under the one before."""
    lines, current = [], ""
    for letter in (text.strip().splitlines() or [""])[0]:
        if len(current) + 1 > _SUMMARY_WIDTH and (letter == "-" or letter.isspace()):
            lines.append(current + ("-" if letter == "-" else ""))
            current = ""
        else:
            current += letter
    return ("\n" + "\t" * inset).join([*lines, current])


def _info(context: Context) -> None:
    from sandbox.juju.cli import charmhub_document

    arguments = context.arguments
    name = arguments.positional[0].removeprefix("ch:")
    description = _known().get(name)
    if description is None:
        raise CommandError(
            f"No information found for charm or bundle with the name {quoted(name)}"
        )
    document = charmhub_document.details(description, _wanted(arguments))
    if arguments["format"] == "yaml":
        document = charmhub_document.in_yaml(document)
    context.write(document, lambda shown: _info_text(context, shown))


def _wanted(arguments: Arguments) -> Wanted:
    from sandbox.juju.cli.charmhub_document import Wanted

    track, _, risk = arguments["channel"].rpartition("/")
    if arguments["channel"] and risk not in _RISKS:
        track, risk = arguments["channel"], "stable"
    return Wanted(
        track=arguments["track"] or track,
        risk=risk,
        revision=arguments["revision"],
        base=arguments["base"],
        architecture="" if arguments["arch"] == "all" else arguments["arch"],
    )


def _info_text(context: Context, shown: Json) -> str:
    """What people read of a charm (cmd/juju/charmhub/infowriter.go)."""
    arguments, charm = context.arguments, shown["charm"]
    relations = charm.get("relations")
    told = filled(
        name=shown["name"],
        publisher=shown["publisher"],
        summary=shown["summary"],
        description=shown["description"],
        store_url=shown["store-url"],
        charm_id=shown["id"],
        supports=", ".join(_shown(shown["supports"])),
    )
    told["subordinate"] = bool(charm.get("subordinate"))
    if relations:
        told["relations"] = {side: relations.get(side, {}) for side in ("provides", "requires")}
    if shown["channels"]:
        told["channels"] = _channels(context, shown["channels"])
    if arguments["config"] and "config" in charm:
        from sandbox.juju.cli.charmhub_document import in_yaml

        told["config"] = {"settings": in_yaml(shown)["charm"]["config"]["options"]}
    if not shown["channels"]:
        told["message"] = _NOTHING
    return in_format("yaml", told)


def _channels(context: Context, channels: Json) -> str:
    """A line for each channel; one without a release of its own points to the line above."""
    dash, arrow = ("\u2013", "\u2191") if _has_unicode(context) else ("--", "^")
    table = Table()
    for track, risks in channels.items():
        above = False
        for risk in _RISKS:
            if risk in risks:
                table.row(*_channel(context.arguments, risks[risk][0]))
                above = True
            else:
                inherits = above and context.arguments["revision"] == -1
                table.row(f"{track}/{risk}:", arrow if inherits else dash)
    return table.text()


def _channel(arguments: Arguments, revision: Json) -> list[str]:
    """The cells of a channel; the architecture and base that were asked for are not told again."""
    cells = [
        f"{revision['track']}/{revision['risk']}:",
        revision["version"],
        revision["released-at"][:10],
        f"({revision['revision']})",
        _size(revision["size"]),
    ]
    if arguments["arch"] == "all":
        cells.append(", ".join(revision["architectures"]))
    if not arguments["base"]:
        cells.append(", ".join(_shown(revision["bases"])))
    return cells


def _size(size: int) -> str:
    for suffix in _SUFFIXES:
        if size < 1000:
            return f"{size}{suffix}"
        size //= 1000
    return f"{size}TB"


def _has_unicode(context: Context) -> bool:
    mode = context.arguments["unicode"]
    if mode != "auto":
        return mode == "always"
    names = ("LC_MESSAGES", "LC_ALL", "LANG")
    language = next(filter(None, map(os.environ.get, names)), "")
    return context.stdout.isatty() and re.search("UTF-?8", language.upper()) is not None


def _known() -> dict[str, Description]:
    from sandbox.charmhub import descriptions

    return descriptions.load()


def _shown(bases: list[Json]) -> list[str]:
    return [f"{base['name']}@{base['channel']}" for base in bases]


def _check_find(arguments: Arguments) -> None:
    at_most(1)(arguments)
    if arguments["type"] not in ("", "charm", "bundle"):
        raise UsageError("expected type to be charm or bundle")
    if not arguments["columns"]:
        raise UsageError("expected at least one column")
    for letter in arguments["columns"]:
        if letter not in _COLUMNS:
            raise UsageError(f"unexpected column type '{letter}'")


def _check_info(arguments: Arguments) -> None:
    narrowed = arguments["arch"] != "all" or bool(arguments["base"]) or bool(arguments["channel"])
    for name, given in (("revision", arguments["revision"] != -1), ("track", arguments["track"])):
        if given and narrowed:
            raise UsageError(
                f"--{name} cannot be specified together with --arch, --base, --channel or --series"
            )
    if len(arguments.positional) != 1:
        raise UsageError("expected a charm or bundle name")
    if arguments["unicode"] not in ("auto", "never", "always"):
        value = quoted(arguments["unicode"])
        raise UsageError(f"unexpected unicode flag value {value}, expected <auto|never|always>")


COMMANDS = {
    "find": Command(
        _find,
        "Queries the Charmhub store for available charms or bundles.",
        "[options] <query>",
        (
            flag("columns", default="nbvps", help="Display the columns of a find search"),
            flag("type", help="Search by a given type <charm|bundle>"),
            flag("publisher", help="Search by a given publisher"),
            *formats("tabular", "json", "yaml"),
        ),
        check=_check_find,
    ),
    "info": Command(
        _info,
        "Displays detailed information about Charmhub charms.",
        "[options] <charm>",
        (
            flag("arch", default="all", help="Specify an arch"),
            flag("base", help="Specify a base"),
            flag("channel", help="Specify a channel to use instead of the default release"),
            flag("config", "bool", help="Display config for this charm"),
            flag("revision", "int", -1, help="Specify a revision number"),
            flag("track", help="Specify a track to use instead of the default track"),
            flag("unicode", default="auto", help="Display output using unicode"),
            *formats("tabular", "json", "yaml"),
        ),
        check=_check_info,
    ),
}
