"""`juju find-offers` and `show-offer`: what other models offer (cmd/juju/crossmodel)."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Iterable
from typing import Any

from sandbox.juju.cli.command import (
    CONTROLLER,
    Arguments,
    Command,
    CommandError,
    Context,
    UsageError,
    at_most,
    exactly,
    flag,
    formats,
)
from sandbox.juju.cli.offers import parse_offer_url
from sandbox.juju.cli.table import Table

Json = dict[str, Any]

_PART = re.compile(
    r"(?:(?P<source>[^:/.]+):)?(?:(?P<user>[^/:.]+)/)?(?P<model>[^./:]+)?(?:\.(?P<offer>[^/:]+))?"
)
_DESCRIPTION_LENGTH, _DESCRIPTION_WIDTH = 180, 45


def _find(context: Context) -> None:
    session, arguments = context.session, context.arguments
    text = arguments["url"] or next(iter(arguments.positional), "")
    query: Json = {"offer-name": arguments["offer"]}
    if text:
        found = _PART.fullmatch(text)
        if found is None:
            raise CommandError(f'application offer URL has invalid form: "{text}"')
        query = {
            "owner-name": found["user"] or session.user,
            "model-name": found["model"] or "",
            "offer-name": found["offer"] or "",
        }
    if arguments["interface"]:
        query["endpoints"] = [{"interface": arguments["interface"]}]
    answer = session.to_controller().call(
        "ApplicationOffers", "FindApplicationOffers", {"Filters": [query]}
    )
    listing = {
        f"{session.controller}:{offer['offer-url']}": _document(offer, session.user)
        for offer in answer.get("results") or []
    }
    if not listing:
        raise CommandError("no matching application offers found")
    context.write(listing, _found_table)


def _show(context: Context) -> None:
    session = context.session
    text = context.arguments.positional[0]
    url = parse_offer_url(text)
    if url is None:
        raise CommandError(
            f'application offer URL has invalid form, must be [<user/]<model>.<appname>: "{text}"'
        )
    local = dataclasses.replace(url, source="", user=url.user or session.user)
    offer = session.to_controller().one(
        "ApplicationOffers", "ApplicationOffers", {"offer-urls": [str(local)]}
    )["result"]
    document = _document(offer, session.user)
    if description := offer.get("application-description"):
        document = {"description": description, **document}
    context.write({f"{session.controller}:{offer['offer-url']}": document}, _shown_table)


def _document(offer: Json, user: str) -> Json:
    users = offer.get("users") or []
    return {
        "access": next((u["access"] for u in users if u["user"] == user), "-"),
        "endpoints": {
            end["name"]: {"interface": end["interface"], "role": end["role"]}
            for end in sorted(offer.get("endpoints") or [], key=lambda end: end["name"])
        },
        "users": {u["user"]: _user(u) for u in sorted(users, key=lambda u: u["user"])},
    }


def _user(user: Json) -> Json:
    name = {"display-name": user["display-name"]} if user.get("display-name") else {}
    return {**name, "access": user["access"]}


def _found_table(listing: Json) -> str:
    table = Table()
    table.row("Store", "URL", "Access", "Interfaces")
    for url, offer in sorted(listing.items()):
        store, _, local = url.partition(":")
        interfaces = sorted(f"{e['interface']}:{name}" for name, e in offer["endpoints"].items())
        table.row(store, local, offer["access"], ", ".join(interfaces))
    return table.text()


def _shown_table(listing: Json) -> str:
    table = Table()
    table.row("Store", "URL", "Access", "Description", "Endpoint", "Interface", "Role")
    for url, offer in listing.items():
        store, _, local = url.partition(":")
        lead: Iterable[str] = (store, local, offer["access"])
        lines = _lines(offer.get("description", ""))
        ends = list(offer["endpoints"].items())
        for index in range(max(len(lines), len(ends))):
            description = lines[index] if index < len(lines) else ""
            name, end = ends[index] if index < len(ends) else ("", {})
            table.row(*lead, description, name, end.get("interface", ""), end.get("role", ""))
            lead = ("", "", "")
    return table.text()


def _lines(description: str) -> list[str]:
    """A description in lines that fit their column."""
    if len(description) > _DESCRIPTION_LENGTH:
        description = description[: _DESCRIPTION_LENGTH - 3] + "..."
    return textwrap.wrap(description, _DESCRIPTION_WIDTH)


def _check_find(arguments: Arguments) -> None:
    at_most(1)(arguments)
    if arguments["offer"] and arguments["url"]:
        raise UsageError("cannot specify both a URL term and offer term")
    if arguments["url"] and arguments.positional:
        raise UsageError("URL term cannot be specified twice")


COMMANDS = {
    "find-offers": Command(
        _find,
        "Find offered application endpoints.",
        "[<offer url>]",
        (
            CONTROLLER,
            flag("url", help="Return results matching the offer URL"),
            flag("interface", help="Return results matching the interface name"),
            flag("offer", help="Return results matching the offer name"),
            *formats("tabular", "json", "yaml"),
        ),
        check=_check_find,
    ),
    "show-offer": Command(
        _show,
        "Shows extended information about the offered application.",
        "[<controller>:]<offer url>",
        (CONTROLLER, *formats("tabular", "json", "yaml")),
        check=exactly(1, "must specify endpoint URL"),
    ),
}
