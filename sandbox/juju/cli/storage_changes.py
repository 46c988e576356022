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
from sandbox.juju.cli.tags import is_unit, unit_tag
from sandbox.juju.client.errors import ClientError

Json = dict[str, Any]

_STORAGE = re.compile(r"[a-z](?:[a-z0-9]|-[a-z0-9])*/[0-9]+")
_ATTACHED = "storage is attached"
_REMOVE_ATTACHED = """
Use the --force option to remove attached storage, or use
"juju detach-storage" to explicitly detach the storage
before removing."""


def _add(context: Context) -> None:
    unit, *words = context.arguments.positional
    wanted = []
    for word in words:
        name, _, text = word.partition("=")
        directive = parse_storage(text).wire if text else {}
        wanted.append({"unit": unit_tag(unit), "name": name, "storage": directive})
    wanted.sort(key=lambda argument: argument["name"])
    answer = context.session.to_model().call("Storage", "AddToUnit", {"storages": wanted})
    failed = []
    for argument, result in zip(wanted, answer.get("results") or [], strict=True):
        if error := result.get("error"):
            failed.append((argument["name"], error["message"]))
            continue
        for tag in result["result"]["storage-tags"]:
            context.inform(f"added storage {_identity(tag)} to {unit}")
    if not failed:
        return
    reasons = {message for _, message in failed}
    if len(failed) == len(wanted) > len(reasons):
        said = sorted(reasons)  # one reason for all of them is told once
    else:
        said = [f'failed to add storage "{n}" to {unit}: {message}' for n, message in failed]
    context.stderr.write("".join(f"{line}\n" for line in said))
    raise Silent


def _attach(context: Context) -> None:
    unit, *identities = context.arguments.positional
    try:
        if not is_unit(unit):
            raise ClientError(f'unit ID "{unit}" not valid')
        ids = [{"storage-tag": _tag(i), "unit-tag": unit_tag(unit)} for i in identities]
        answer = context.session.to_model().call("Storage", "Attach", {"ids": ids})
    except ClientError as refusal:
        storages = " ".join(identities)
        raise ClientError(f"could not attach storage [{storages}]: {refusal}") from None
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
    said = [(f"removing {i}", f"failed to remove {i}") for i in identities]
    _tell(context, answer, said, attached=_REMOVE_ATTACHED)


def _tell(
    context: Context, answer: Json, said: list[tuple[str, str]], *, attached: str = ""
) -> None:
    """A line for each storage: what is done, then what is not and why, with the exit code 1.

    `attached` is what to add for storage that only fails because a unit has it.
    """
    outcomes = [
        (doing, failing, result.get("error"))
        for (doing, failing), result in zip(said, answer.get("results") or [], strict=True)
    ]
    refused = [(failing, error) for _, failing, error in outcomes if error]
    for doing, _, error in outcomes:
        if not error:
            context.inform(doing)
    for failing, error in refused:
        context.inform(f"{failing}: {error['message']}")
    if attached and any(error.get("code") == _ATTACHED for _, error in refused):
        context.inform(attached)
    if refused:
        raise Silent


def _tag(identity: str) -> str:
    if not _STORAGE.fullmatch(identity):
        raise ClientError(f'storage ID "{identity}" not valid')
    return "storage-" + identity.replace("/", "-")


def _identity(tag: str) -> str:
    name, _, number = tag.removeprefix("storage-").rpartition("-")
    return f"{name}/{number}"


def _check_add(arguments: Arguments) -> None:
    at_least(2, "add-storage requires a unit and a storage directive")(arguments)
    if not is_unit(arguments.positional[0]):
        raise UsageError(f'unit name "{arguments.positional[0]}" not valid')


COMMANDS = {
    "add-storage": Command(
        _add,
        "Adds storage to a unit after it has been deployed.",
        "<unit> <storage-directive>",
        (MODEL,),
        check=_check_add,
    ),
    "attach-storage": Command(
        _attach,
        "Attaches existing storage to a unit.",
        "<unit> <storage> [<storage> ...]",
        (MODEL,),
        check=at_least(2, "attach-storage requires a unit ID and at least one storage ID"),
    ),
    "detach-storage": Command(
        _detach,
        "Detaches storage from units.",
        "<storage> [<storage> ...]",
        (MODEL, flag("force", "bool", help="Forcibly detach storage")),
        check=at_least(1, "detach-storage requires at least one storage ID"),
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
        check=at_least(1, "remove-storage requires at least one storage ID"),
    ),
}
