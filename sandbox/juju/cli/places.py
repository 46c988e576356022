"""Commands that act on this client, on a controller, or on both (cmd/modelcmd)."""

from __future__ import annotations

import dataclasses
import sys

from sandbox.juju.cli.command import CommandError, Context
from sandbox.juju.cli.flags import Flag, flag
from sandbox.juju.client.errors import ClientError

_PIPED = (
    "The command is piped and Juju cannot prompt to clarify whether the --client or a "
    "--controller is to be used.\nPlease clarify by re-running the command with the desired "
    "option(s)."
)

PLACE_FLAGS: tuple[Flag, ...] = (
    flag("client", "bool", help="Client operation"),
    flag("c controller", help="Controller to operate in"),
)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a command acts: on the client, on a controller (its name), or both."""

    client: bool
    controller: str


def asked_place(context: Context, action: str) -> Place:
    """Where to change something: the options say, or the user when there is a terminal.

    Raises:
        ClientError: neither option was given and nobody can be asked.
    """
    arguments = context.arguments
    if arguments["client"] or arguments["controller"]:
        return Place(arguments["client"], arguments["controller"])
    context.inform(
        "This operation can be applied to both a copy on this client and to the one on a "
        "controller."
    )
    if not sys.stdin.isatty():
        raise CommandError(_PIPED)
    current = context.session.controller
    context.print(
        f"Do you want to {action}:\n    1. client only (--client)\n"
        f'    2. controller "{current}" only (--controller {current})\n'
        f"    3. both (--client --controller {current})\n"
        "Enter your choice, or type Q|q to quit: "
    )
    while True:
        choice = sys.stdin.readline().strip().lower()
        places = {"1": Place(True, ""), "2": Place(False, current), "3": Place(True, current)}
        if choice in places:
            return places[choice]
        if choice in ("q", ""):
            raise CommandError("Neither client nor controller specified - nothing to do.")
        context.inform("Invalid choice, enter a number between 1 and 3 or quit Q|q")


def reading_place(context: Context) -> Place:
    """Where to look: the options say; otherwise the client and the current controller."""
    arguments = context.arguments
    if arguments["client"] or arguments["controller"]:
        return Place(arguments["client"], arguments["controller"])
    try:
        return Place(True, context.session.controller)
    except ClientError:
        return Place(True, "")
