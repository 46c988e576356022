"""`juju add-storage`, `attach-storage`, `detach-storage`, `remove-storage` (cmd/juju/storage)."""

from __future__ import annotations

import re
from typing import Any

from sandbox.juju.bundles.storage_constraints import parse_storage
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    Context,
    Silent,
    UsageError,
    at_least,
    flag,
)
from sandbox.juju.cli.tags import unit_tag

Json = dict[str, Any]

_STORAGE = re.compile(r"[a-z](?:[a-z0-9]|-[a-z0-9])*/[0-9]+")


def _add(context: Context) -> None:
    unit, *words = context.arguments.positional
    wanted = []
    for word in words:
        name, _, text = word.partition("=")
        directive = parse_storage(text).wire if text else {}
        wanted.append({"unit": unit_tag(unit), "name": name, "storage": directive})
    answer = context.session.to_model().call("Storage", "AddToUnit", {"storages": wanted})
    failed = False
    for argument, result in zip(wanted, answer.get("results") or [], strict=True):
        if error := result.get("error"):
            failed = True
            context.inform(
                f'failed to add storage "{argument["name"]}" to {unit}: {error["message"]}'
            )
            continue
        for tag in result["result"]["storage-tags"]:
            context.inform(f"added storage {_identity(tag)} to {unit}")
    if failed:
        raise Silent


def _attach(context: Context) -> None:
    unit, *identities = context.arguments.positional
    ids = [{"storage-tag": _tag(i), "unit-tag": unit_tag(unit)} for i in identities]
    answer = context.session.to_model().call("Storage", "Attach", {"ids": ids})
    said = [(f"attaching {i} to {unit}", f"failed to attach {i} to {unit}") for i in identities]
    _tell(context, answer, said)


def _detach(context: Context) -> None:
    identities = context.arguments.positional
    ids = [{"storage-tag": _tag(identity), "unit-tag": ""} for identity in identities]
    parameters = {"ids": {"ids": ids}, "force": context.arguments["force"]}
    answer = context.session.to_model().call("Storage", "DetachStorage", parameters)
    _tell(context, answer, [(f"detaching {i}", f"failed to detach {i}") for i in identities])


def _remove(context: Context) -> None:
    arguments = context.arguments
    identities = arguments.positional
    wanted = [
        {
            "tag": _tag(identity),
            "destroy-attachments": arguments["force"],
            "destroy-storage": not arguments["no-destroy"],
            "force": arguments["force"],
        }
        for identity in identities
    ]
    answer = context.session.to_model().call("Storage", "Remove", {"storage": wanted})
    verb = "detaching" if arguments["no-destroy"] else "removing"
    _tell(context, answer, [(f"{verb} {i}", f"failed to remove {i}") for i in identities])


def _tell(context: Context, answer: Json, said: list[tuple[str, str]]) -> None:
    """A line for each storage: what is done, or why not; then the exit code 1."""
    failed = False
    for (doing, failing), result in zip(said, answer.get("results") or [], strict=True):
        error = result.get("error")
        context.inform(f"{failing}: {error['message']}" if error else doing)
        failed = failed or bool(error)
    if failed:
        raise Silent


def _tag(identity: str) -> str:
    return "storage-" + identity.replace("/", "-")


def _identity(tag: str) -> str:
    name, _, number = tag.removeprefix("storage-").rpartition("-")
    return f"{name}/{number}"


def _check_identities(words: tuple[str, ...]) -> None:
    for word in words:
        if not _STORAGE.fullmatch(word):
            raise UsageError(f'storage ID "{word}" not valid')


def _check_attach(arguments: Arguments) -> None:
    at_least(2, "attach-storage requires a unit ID and at least one storage ID")(arguments)
    _check_identities(arguments.positional[1:])


def _check_detach(arguments: Arguments) -> None:
    at_least(1, "detach-storage requires at least one storage ID")(arguments)
    _check_identities(arguments.positional)


def _check_remove(arguments: Arguments) -> None:
    at_least(1, "remove-storage requires at least one storage ID")(arguments)
    _check_identities(arguments.positional)


COMMANDS = {
    "add-storage": Command(
        _add,
        "Adds storage to a unit after it has been deployed.",
        "<unit> <storage-directive>",
        (MODEL,),
        check=at_least(2, "add-storage requires a unit and a storage directive"),
    ),
    "attach-storage": Command(
        _attach,
        "Attaches existing storage to a unit.",
        "<unit> <storage> [<storage> ...]",
        (MODEL,),
        check=_check_attach,
    ),
    "detach-storage": Command(
        _detach,
        "Detaches storage from units.",
        "<storage> [<storage> ...]",
        (MODEL, flag("force", "bool", help="Forcibly detach storage")),
        check=_check_detach,
    ),
    "remove-storage": Command(
        _remove,
        "Removes storage from the model.",
        "<storage> [<storage> ...]",
        (
            MODEL,
            flag("force", "bool", help="Remove storage even if it is currently attached"),
            flag("no-destroy", "bool", help="Remove the storage without destroying it"),
        ),
        check=_check_remove,
    ),
}
