"""`juju storage` and `juju show-storage` (cmd/juju/storage)."""

from __future__ import annotations

from typing import Any

from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    at_least,
    formats,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.storage_document import combined_storage, storage_info, storage_table
from sandbox.juju.cli.tags import name_of

Json = dict[str, Any]


def _storage(context: Context) -> None:
    arguments = context.arguments
    connection = context.session.to_model()
    machines = list(arguments.positional)
    only = arguments["filesystem"] or arguments["volume"]
    instances: list[Json] = []
    if not only:
        for result in _results(connection, "ListStorageDetails", {"filters": [{}]}):
            instances += result.get("result") or []
    wanted = {"filters": [{"machines": machines}] if machines else [{}]}
    filesystems = [] if arguments["volume"] else _listed(connection, "ListFilesystems", wanted)
    volumes = [] if arguments["filesystem"] else _listed(connection, "ListVolumes", wanted)
    combined = combined_storage(instances, filesystems, volumes)
    if not combined:
        if arguments["format"] == "tabular":
            context.inform("No storage to display.")
        return
    context.write(
        combined,
        lambda shown: storage_table({"storage": {}, **shown}, in_status=False),
    )


def _listed(connection: Any, request: str, parameters: Json) -> list[Json]:
    return [
        item
        for result in _results(connection, request, parameters)
        for item in result.get("result") or []
    ]


def _results(connection: Any, request: str, parameters: Json) -> list[Json]:
    return connection.call("Storage", request, parameters).get("results") or []


def _show_storage(context: Context) -> None:
    tags = [{"tag": "storage-" + name.replace("/", "-")} for name in context.arguments.positional]
    results = _results(context.session.to_model(), "StorageDetails", {"entities": tags})
    problems = [result["error"]["message"] for result in results if result.get("error")]
    if problems:
        raise CommandError("\n".join(problems))
    details = [result["result"] for result in results]
    context.write({name_of(item["storage-tag"]): storage_info(item) for item in details})


def _check_show(arguments: Arguments) -> None:
    at_least(1, "must specify storage id(s)")(arguments)
    for name in arguments.positional:
        head, slash, number = name.rpartition("/")
        if not (head and slash and number.isdigit()):
            raise UsageError(f"invalid storage ID {name}")


COMMANDS = {
    "storage": Command(
        _storage,
        "Lists storage details.",
        "<filesystem|volume> ...",
        (
            MODEL,
            *formats("tabular", "json", "yaml"),
            flag("filesystem", "bool", help="List filesystem storage"),
            flag("volume", "bool", help="List volume storage"),
        ),
    ),
    "show-storage": Command(
        _show_storage,
        "Shows storage instance information.",
        "<storage ID> [...]",
        (MODEL, *formats("yaml", "json", "smart")),
        check=_check_show,
    ),
}
COMMANDS["list-storage"] = COMMANDS["storage"]
