"""`juju spaces`, `reload-spaces`, `subnets`, `bind` (cmd/juju/space, cmd/juju/subnet)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    Context,
    at_most,
    formats,
)
from sandbox.juju.cli.deploy_options import parse_bindings
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.output import filled
from sandbox.juju.cli.table import Table
from sandbox.juju.client.errors import raise_for
from sandbox.juju.names import is_application

Json = dict[str, Any]


def _spaces(context: Context) -> None:
    answer = context.session.to_model().call("Spaces", "ListSpaces")
    found = sorted(answer.get("results") or [], key=lambda space: space["name"])
    if not found:
        context.inform("no spaces to display")
    if context.arguments["short"]:
        names = [space["name"] for space in found]
        context.write({"spaces": names}, lambda _: "\n".join(["Space", *names]) + "\n")
        return
    spaces = [
        {
            "id": space.get("id", ""),
            "name": space["name"],
            "subnets": {net["cidr"]: _in_space(net) for net in space.get("subnets") or []},
        }
        for space in found
    ]
    context.write({"spaces": spaces}, _spaces_table)


def _in_space(net: Mapping[str, Any]) -> Json:
    return {
        "type": _family(net["cidr"]),
        **filled(provider_id=net.get("provider-id")),
        "status": "in-use" if net.get("life", "alive") == "alive" else "terminating",
        "zones": net.get("zones") or [],
    }


def _spaces_table(listing: Mapping[str, Any]) -> str:
    table = Table()
    table.row("Name", "Space ID", "Subnets")
    for space in listing["spaces"]:
        cidrs = sorted(space["subnets"]) or [""]
        for index, cidr in enumerate(cidrs):
            lead = (space["name"], space["id"]) if index == 0 else ("", "")
            table.row(*lead, cidr)
    return table.text()


def _reload(context: Context) -> None:
    context.session.to_model().call("Spaces", "ReloadSpaces")


def _subnets(context: Context) -> None:
    arguments = context.arguments
    answer = context.session.to_model().call(
        "Subnets", "ListSubnets", filled(space_tag=arguments["space"], zone=arguments["zone"])
    )
    found = answer.get("results") or []
    if not found:
        context.inform("No subnets to display.")
        return
    subnets = {
        net["cidr"]: {
            "type": _family(net["cidr"]),
            **filled(
                provider_id=net.get("provider-id"),
                provider_network_id=net.get("provider-network-id"),
            ),
            "status": "in-use" if net.get("life", "alive") == "alive" else "terminating",
            "space": net.get("space-tag", "").removeprefix("space-"),
            "zones": net.get("zones") or [],
        }
        for net in sorted(found, key=lambda net: net["cidr"])
    }
    context.write({"subnets": subnets})


def _family(cidr: str) -> str:
    return "ipv6" if ":" in cidr else "ipv4"


def _bind(context: Context) -> None:
    application, *words = context.arguments.positional
    bindings = parse_bindings(context, " ".join(words))
    argument = {
        "application-tag": f"application-{application}",
        "bindings": bindings,
        "force": context.arguments["force"],
    }
    raise_for(context.session.to_model().one("Application", "MergeBindings", {"args": [argument]}))


def _check_bind(arguments: Arguments) -> None:
    if not arguments.positional:
        raise UsageError("no application specified")
    if not is_application(arguments.positional[0]):
        raise UsageError(f'invalid application name "{arguments.positional[0]}"')
    if len(arguments.positional) < 2:
        raise UsageError("no bindings specified")


COMMANDS = {
    "spaces": Command(
        _spaces,
        "List known spaces, including associated subnets.",
        flags=(
            MODEL,
            *formats("tabular", "json", "yaml"),
            flag("short", "bool", help="only display spaces."),
        ),
        check=at_most(0),
    ),
    "reload-spaces": Command(
        _reload, "Reloads spaces and subnets from substrate.", flags=(MODEL,), check=at_most(0)
    ),
    "subnets": Command(
        _subnets,
        "List subnets known to Juju.",
        flags=(
            MODEL,
            *formats("yaml", "json"),
            flag("space", help="Filter results by space name"),
            flag("zone", help="Filter results by zone name"),
        ),
        check=at_most(0),
    ),
    "bind": Command(
        _bind,
        "Change bindings for a deployed application.",
        "<application> [<default-space>] [<endpoint-name>=<space> ...]",
        (MODEL, flag("force", "bool", help="Allow endpoints to be bound to spaces of no use")),
        check=_check_bind,
    ),
}
COMMANDS["list-spaces"] = COMMANDS["spaces"]
COMMANDS["list-subnets"] = COMMANDS["subnets"]
