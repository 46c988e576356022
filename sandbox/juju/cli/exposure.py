"""`juju expose` and `juju unexpose`."""

from __future__ import annotations

from sandbox.juju.cli.command import MODEL, Command, Context, exactly
from sandbox.juju.cli.flags import flag


def _expose(context: Context) -> None:
    arguments = context.arguments
    exposure = {
        "expose-to-spaces": list(arguments["to-spaces"]),
        "expose-to-cidrs": list(arguments["to-cidrs"]),
    }
    endpoints = list(arguments["endpoints"])
    chosen = endpoints or ([""] if any(exposure.values()) else [])
    context.session.to_model().call(
        "Application",
        "Expose",
        {
            "application": arguments.positional[0],
            "exposed-endpoints": dict.fromkeys(chosen, exposure),
        },
    )


def _unexpose(context: Context) -> None:
    context.session.to_model().call(
        "Application",
        "Unexpose",
        {
            "application": context.arguments.positional[0],
            "exposed-endpoints": list(context.arguments["endpoints"]),
        },
    )


_ENDPOINTS = flag("endpoints", "list", help="Only these endpoints of the application")

COMMANDS = {
    "expose": Command(
        _expose,
        "Makes an application publicly available over the network.",
        "<application name>",
        (
            MODEL,
            _ENDPOINTS,
            flag("to-spaces", "list", help="Spaces that may reach the endpoints"),
            flag("to-cidrs", "list", help="CIDRs that may reach the endpoints"),
        ),
        check=exactly(1, "no application name specified"),
    ),
    "unexpose": Command(
        _unexpose,
        "Removes public availability over the network for an application.",
        "<application name>",
        (MODEL, _ENDPOINTS),
        check=exactly(1, "no application name specified"),
    ),
}
