"""`juju offer`, `consume`, `offers`, `remove-offer`, `remove-saas` (cmd/juju/crossmodel)."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from sandbox.juju.cli import times
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_least,
    at_most,
    confirm,
    formats,
    positional,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.session import unqualified
from sandbox.juju.cli.table import Table
from sandbox.juju.client.errors import raise_for
from sandbox.juju.names import is_application

Json = dict[str, Any]
_SUBNETS = "Ingress subnets"
_URL = re.compile(
    r"(?:(?P<source>[^:/.]+):)?(?:(?P<user>[^/:.]+)/)?(?P<model>[^./:]+)\.(?P<application>[^/]+)"
)


@dataclasses.dataclass(frozen=True)
class OfferUrl:
    """[controller:][owner/]model.application of an offer, its endpoint after a colon if named."""

    source: str
    user: str
    model: str
    application: str

    def __str__(self) -> str:
        owner = f"{self.user}/" if self.user else ""
        source = f"{self.source}:" if self.source else ""
        return f"{source}{owner}{self.model}.{self.application}"


def parse_offer_url(text: str) -> OfferUrl | None:
    """The parts of an offer's URL, or None when the text is not one."""
    found = _URL.fullmatch(text)
    if found is None:
        return None
    return OfferUrl(
        found["source"] or "", found["user"] or "", found["model"], found["application"]
    )


def consume(context: Context, url: OfferUrl, alias: str) -> str:
    """Make an offer usable in the model as a remote application; returns its name there."""
    session = context.session
    local = dataclasses.replace(
        url,
        source="",
        user=url.user or session.user,
        application=url.application.partition(":")[0],
    )
    answer = session.to_controller().one(
        "ApplicationOffers",
        "GetConsumeDetails",
        {"user-tag": f"user-{session.user}", "offer-urls": {"offer-urls": [str(local)]}},
    )
    offer = dict(answer.get("offer") or {})
    source = url.source or session.controller
    offer["offer-url"] = f"{source}:{offer.get('offer-url', str(local)).rpartition(':')[2]}"
    argument: Json = {**offer, "application-alias": alias}
    for key in ("macaroon", "external-controller"):
        if answer.get(key):
            argument[key] = answer[key]
    answer = session.to_model().one("Application", "Consume", {"args": [argument]})
    return answer.get("local-name") or alias or local.application


def _consume(context: Context) -> None:
    text, *alias = context.arguments.positional
    url = parse_offer_url(text)
    if url is None:
        raise UsageError(
            f'application offer URL has invalid form, must be [<user/]<model>.<appname>: "{text}"'
        )
    if ":" in url.application:
        raise UsageError(f'saas offer "{text}" shouldn\'t include endpoint')
    name = consume(context, url, alias[0] if alias else "")
    shown = dataclasses.replace(url, user=url.user or context.session.user, source="")
    context.inform(f"Added {context.session.controller}:{shown} as {name}")


def _offer(context: Context) -> None:
    session = context.session
    spec, *name = context.arguments.positional
    path, colon, endpoints = spec.partition(":")
    model_name, dot, application = path.rpartition(".")
    if not colon or not endpoints:
        raise UsageError(
            f'endpoints must conform to format "<application-name>:<endpoint>": {spec}'
        )
    if not is_application(application):
        raise UsageError(f'application name "{application}" not valid')
    model = session.find_model(model_name) if dot else session.model()
    offer_name = name[0] if name else application
    answer = session.to_controller().call(
        "ApplicationOffers",
        "Offer",
        {
            "Offers": [
                {
                    "model-tag": f"model-{model.uuid}",
                    "offer-name": offer_name,
                    "application-name": application,
                    "application-description": "",
                    "endpoints": {endpoint: endpoint for endpoint in endpoints.split(",")},
                    "owner-tag": f"user-{session.user}",
                }
            ]
        },
    )
    for result in answer.get("results") or []:
        raise_for(result)
    shown = ", ".join(endpoints.split(","))
    context.inform(
        f'Application "{application}" endpoints [{shown}] available at "{model.name}.{offer_name}"'
    )


def _offers(context: Context) -> None:
    session = context.session
    model = session.model()
    owner = model.name.partition("/")[0]
    answer = session.to_controller().call(
        "ApplicationOffers",
        "ListApplicationOffers",
        {"Filters": [{"owner-name": owner, "model-name": unqualified(model.name)}]},
    )
    listing: Json = {}
    for offer in sorted(answer.get("results") or [], key=lambda item: item["offer-name"]):
        connections = [_connection(item) for item in offer.get("connections") or []]
        users = {user["user"]: _user(user) for user in offer.get("users") or []}
        listing[offer["offer-name"]] = {
            "application": offer.get("application-name", ""),
            "store": session.controller,
            "charm": offer.get("charm-url", ""),
            "offer-url": offer.get("offer-url", ""),
            "endpoints": {
                end["name"]: {"interface": end["interface"], "role": end["role"]}
                for end in offer.get("endpoints") or []
            },
            **({"connections": connections} if connections else {}),
            **({"users": dict(sorted(users.items()))} if users else {}),
        }
    context.write(listing, _offers_table)


def _connection(item: Json) -> Json:
    """One relation of an offer (offerConnectionDetails of cmd/juju/crossmodel/list.go)."""
    status = item["status"]
    since = status.get("since")
    shown = {"current": status["status"]}
    if status.get("info"):
        shown["message"] = status["info"]
    if since:
        shown["since"] = times.day_and_time(since)
    subnets = item.get("ingress-subnets")
    return {
        "source-model-uuid": item["source-model-tag"].removeprefix("model-"),
        "username": item["username"],
        "relation-id": item["relation-id"],
        "endpoint": item["endpoint"],
        "status": shown,
        **({"ingress-subnets": subnets} if subnets else {}),
    }


def _user(user: Json) -> Json:
    name = {"display-name": user["display-name"]} if user.get("display-name") else {}
    return {**name, "access": user["access"]}


def _offers_table(listing: Json) -> str:
    table = Table()
    table.row("Offer", "User", "Relation id", "Status", "Endpoint", "Interface", "Role", _SUBNETS)
    for name, offer in listing.items():
        rows = [
            (
                c.get("username", ""),
                c.get("relation-id", ""),
                c["status"]["current"],
                c.get("endpoint", ""),
                c.get("ingress-subnets", []),
            )
            for c in offer.get("connections") or []
        ]
        for user, relation, status, endpoint, subnets in rows or [("-", "", "", "", [])]:
            details = offer["endpoints"].get(endpoint, {})
            table.row(
                name,
                user,
                relation,
                status,
                endpoint,
                details.get("interface", ""),
                details.get("role", ""),
                ", ".join(subnets),
            )
    return table.text()


def _remove_offer(context: Context) -> None:
    session = context.session
    urls = []
    for text in context.arguments.positional:
        url = parse_offer_url(text)
        urls.append(
            str(dataclasses.replace(url, source="")) if url else f"{session.model_name}.{text}"
        )
    if context.arguments["force"] and not context.arguments["yes"]:
        question = (
            f"WARNING! This command will remove offers: {', '.join(urls)}\n"
            "This includes all relations to those offers.\n\nContinue [y/N]? "
        )
        if not confirm(context, question):
            raise CommandError("offer removal: aborted")
    answer = session.to_controller().call(
        "ApplicationOffers",
        "DestroyOffers",
        {"offer-urls": urls, "force": context.arguments["force"]},
    )
    _raise_all(answer)


def _remove_saas(context: Context) -> None:
    names = context.arguments.positional
    applications = [
        {"application-tag": f"application-{name}", "force": context.arguments["force"]}
        for name in names
    ]
    answer = context.session.to_model().call(
        "Application", "DestroyConsumedApplications", {"applications": applications}
    )
    _raise_all(answer)


def _raise_all(answer: Json) -> None:
    problems = [r["error"]["message"] for r in answer.get("results") or [] if r.get("error")]
    if problems:
        raise CommandError("\n".join(problems))


def _check_offer(arguments: Arguments) -> None:
    positional(arguments, 1, 2, "an offer must at least specify application endpoint")


def _check_consume(arguments: Arguments) -> None:
    positional(arguments, 1, 2, "no remote offer specified")


_FORCE = flag("force", "bool", help="Remove it and its relations")

COMMANDS = {
    "offer": Command(
        _offer,
        "Offer application endpoints for use in other models.",
        "[model-name.]<application-name>:<endpoint-name>[,...] [offer-name]",
        (MODEL, flag("c controller", help="Controller to operate in")),
        check=_check_offer,
    ),
    "consume": Command(
        _consume,
        "Add a remote offer to the model.",
        "<remote offer path> [<local application name>]",
        (MODEL,),
        check=_check_consume,
    ),
    "offers": Command(
        _offers,
        "Lists shared endpoints.",
        "[<offer-name>]",
        (MODEL, *formats("tabular", "json", "yaml")),
        check=at_most(1),
    ),
    "remove-offer": Command(
        _remove_offer,
        "Removes one or more offers specified by their URL.",
        "<offer-url> ...",
        (MODEL, _FORCE, flag("y yes", "bool", help="Do not prompt for confirmation")),
        check=at_least(1, "no offers specified"),
    ),
    "remove-saas": Command(
        _remove_saas,
        "Remove consumed applications (SAAS) from the model.",
        "<saas-application-name> [<saas-application-name>...]",
        (MODEL, _FORCE),
        check=at_least(1, "no SAAS application names specified"),
    ),
}
COMMANDS["list-offers"] = COMMANDS["offers"]
