"""`juju integrate`, `remove-relation`, `suspend-relation`, `resume-relation`."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_least,
    quoted,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.offers import OfferUrl, consume, parse_offer_url
from sandbox.juju.client.errors import ApiError
from sandbox.juju.names import is_application

Json = dict[str, Any]
_ENDPOINT = re.compile(r"[a-z](?:[a-z0-9]|-[a-z0-9])*(?:_[a-z0-9-]+)*")
_TERMINATED = re.compile(r".*offer (?P<offer>\S+) .*terminated.*")


def split_endpoints(words: tuple[str, ...]) -> tuple[list[str], OfferUrl | None]:
    """The endpoints to relate, and the offer among them if one is remote.

    Raises:
        UsageError: not two, two remote ones, or a malformed one.
    """
    if len(words) != 2:
        raise UsageError("an integration must involve two applications")
    remote: OfferUrl | None = None
    endpoints: list[str] = []
    for word in words:
        url = parse_offer_url(word)
        if url is None:
            _check_endpoint(word)
            endpoints.append(word)
            continue
        if remote is not None:
            raise UsageError("providing more than one remote endpoints not supported")
        remote = url
        endpoints.append(url.application)
    return endpoints, remote


def _check_endpoint(word: str) -> None:
    application, colon, endpoint = word.partition(":")
    if colon and (not application or not _ENDPOINT.fullmatch(endpoint)):
        raise UsageError(f"endpoint {quoted(word)} not valid")
    if not is_application(application):
        raise UsageError(f"application name {quoted(application)} not valid")


def _integrate(context: Context) -> None:
    endpoints, remote = split_endpoints(context.arguments.positional)
    if remote is not None:
        consume(context, remote, remote.application.partition(":")[0])
    parameters: Json = {"endpoints": endpoints}
    if context.arguments["via"]:
        parameters["via-cidrs"] = context.arguments["via"].replace(" ", "").split(",")
    try:
        context.session.to_model().call("Application", "AddRelation", parameters)
    except ApiError as error:
        if error.already_exists:
            where = str(error).replace(": ", "\n")
            raise CommandError(
                f"{where}: \n\nUse 'juju status --relations' to view the current relations."
            ) from error
        if found := _TERMINATED.match(str(error)):
            name = found["offer"]
            raise CommandError(
                f'Offer "{name}" has been removed from the remote model.\nTo integrate with a '
                f"new offer with the same name, first run\n'juju remove-saas {name}' to remove "
                "the SAAS record from this model."
            ) from error
        raise


def _remove_relation(context: Context) -> None:
    arguments = context.arguments
    words = arguments.positional
    parameters: Json = (
        {"relation-id": int(words[0])} if len(words) == 1 else {"endpoints": list(words)}
    )
    if arguments["force"]:
        parameters["force"] = True
    context.session.to_model().call(
        "Application", "DestroyRelation", {"relation-id": 0, **parameters}
    )


def _suspend(context: Context) -> None:
    _set_suspended(context, True, context.arguments["message"])


def _resume(context: Context) -> None:
    _set_suspended(context, False, "")


def _set_suspended(context: Context, suspended: bool, message: str) -> None:
    changes = [
        {"relation-id": number, "suspended": suspended, "message": message}
        for number in _numbers(context.arguments)
    ]
    answer = context.session.to_model().call(
        "Application", "SetRelationsSuspended", {"args": changes}
    )
    problems = [
        item["error"]["message"] for item in answer.get("results") or [] if item.get("error")
    ]
    if problems:
        raise CommandError("\n".join(problems))


def _numbers(arguments: Arguments) -> list[int]:
    words = [word for text in arguments.positional for word in text.split(",")]
    for word in words:
        if not word.strip().isdigit():
            raise UsageError(f"relation ID {quoted(word)} not valid")
    return [int(word) for word in words]


def _check_integrate(arguments: Arguments) -> None:
    split_endpoints(arguments.positional)
    for cidr in filter(None, arguments["via"].replace(" ", "").split(",")):
        try:
            ipaddress.ip_network(cidr, strict=False)
        except ValueError:
            raise UsageError(f"invalid CIDR address: {cidr}") from None
        if cidr == "0.0.0.0/0":
            raise UsageError(f'CIDR "{cidr}" not allowed')


def _check_remove(arguments: Arguments) -> None:
    words = arguments.positional
    if len(words) == 1:
        if not words[0].isdigit():
            raise UsageError(f"relation ID {quoted(words[0])} not valid")
    elif len(words) != 2:
        raise UsageError("a relation must involve two applications")


def _check_numbers(arguments: Arguments) -> None:
    at_least(1, "no relation ids specified")(arguments)
    _numbers(arguments)


_INTEGRATE = Command(
    _integrate,
    "Integrate two applications.",
    "<application>[:<endpoint>] <application>[:<endpoint>]",
    (MODEL, flag("via", help="The egress subnets for outbound traffic of cross model relations")),
    check=_check_integrate,
)

COMMANDS = {
    "integrate": _INTEGRATE,
    "relate": _INTEGRATE,
    "add-relation": _INTEGRATE,
    "remove-relation": Command(
        _remove_relation,
        "Removes an existing relation between two applications.",
        "<application1>[:<endpoint1>] <application2>[:<endpoint2>] | <relation-id>",
        (MODEL, flag("force", "bool", help="Force remove a relation")),
        check=_check_remove,
    ),
    "suspend-relation": Command(
        _suspend,
        "Suspends a relation to an application offer.",
        "<relation-id>[ <relation-id>...]",
        (MODEL, flag("message", help="Reason for suspension")),
        check=_check_numbers,
    ),
    "resume-relation": Command(
        _resume,
        "Resumes a suspended relation to an application offer.",
        "<relation-id>[,<relation-id>]",
        (MODEL,),
        check=_check_numbers,
    ),
}
