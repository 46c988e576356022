"""`juju ssh-keys`, `add-ssh-key`, `remove-ssh-key` (cmd/juju/commands/sshkeys.go)."""

from __future__ import annotations

from typing import Any

from sandbox.juju.cli.command import MODEL, Command, CommandError, Context, at_least, at_most
from sandbox.juju.cli.flags import flag
from sandbox.juju.client.errors import raise_for

Json = dict[str, Any]


def _keys(context: Context) -> None:
    answer = context.session.to_model().call(
        "KeyManager",
        "ListKeys",
        {
            "entities": {"entities": [{"tag": "admin"}]},
            "mode": context.arguments["full"],
        },
    )
    for result in answer.get("results") or []:
        raise_for(result)
        keys = result.get("result") or []
        if not keys:
            context.inform("No keys to display.")
            return
        name = context.session.model_name
        context.print("\n".join([f"Keys used in model: {name}", *keys]) + "\n")


def _add(context: Context) -> None:
    _change(context, "AddKeys", "cannot add key")


def _remove(context: Context) -> None:
    _change(context, "DeleteKeys", "cannot remove key id")


def _change(context: Context, request: str, problem: str) -> None:
    keys = list(context.arguments.positional)
    answer = context.session.to_model().call(
        "KeyManager", request, {"user": context.session.user, "ssh-keys": keys}
    )
    refused = [
        f'{problem} "{key}": {result["error"]["message"]}'
        for key, result in zip(keys, answer.get("results") or [], strict=False)
        if result.get("error")
    ]
    if refused:
        raise CommandError("\n".join(refused))


COMMANDS = {
    "ssh-keys": Command(
        _keys,
        "Lists the currently known SSH keys for the current (or specified) model.",
        flags=(MODEL, flag("full", "bool", help="Show full key instead of just the fingerprint")),
        check=at_most(0),
    ),
    "add-ssh-key": Command(
        _add,
        "Adds a public SSH key to a model.",
        "<ssh key> ...",
        (MODEL,),
        check=at_least(1, "public ssh key not specified"),
    ),
    "remove-ssh-key": Command(
        _remove,
        "Removes a public SSH key (or keys) from a model.",
        "<ssh key id> ...",
        (MODEL,),
        check=at_least(1, "ssh key id not specified"),
    ),
}
COMMANDS["list-ssh-keys"] = COMMANDS["ssh-keys"]
