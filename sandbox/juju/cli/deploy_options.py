"""The options of `juju deploy` and `juju refresh` that need understanding."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.storage_constraints import StorageConstraints, parse_storage
from sandbox.juju.cli.command import Arguments, CommandError, Context
from sandbox.juju.cli.config_files import read_text, text_or_file
from sandbox.juju.cli.flags import UsageError
from sandbox.juju.client.errors import ClientError


def split_config(given: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The text of the one configuration file, and the key=value pairs, of --config.

    Raises:
        CommandError: several files are given, or one cannot be read.
    """
    files = [text for text in given if "=" not in text]
    if len(files) > 1:
        raise CommandError(f"only a single config YAML file can be specified, got {len(files)}")
    pairs = dict(text.split("=", 1) for text in given if "=" in text)
    values = {key: text_or_file(value) for key, value in pairs.items()}
    return (read_text(files[0]) if files else ""), values


def combined_config(given: Iterable[str], application: str) -> str:
    """--config as one YAML document for the application; key=value wins over the file.

    Raises:
        CommandError: the file is not a map of settings for the application.
    """
    import yaml

    text, values = split_config(list(given))
    document = yaml.safe_load(text) if text else {}
    settings = document.get(application) if isinstance(document, dict) else None
    if text and not isinstance(settings, dict):
        raise CommandError(f'no settings for application "{application}" in the config file')
    return yaml.safe_dump({application: {**(settings or {}), **values}})


def parse_bindings(context: Context, expression: str) -> dict[str, str]:
    """--bind: `space`, `endpoint=space` in any number; "" is the default.

    Raises:
        CommandError: a malformed pair, or a space that the model does not have.
    """
    if not expression:
        return {}
    answer = context.session.to_model().call("Spaces", "ListSpaces")
    known = {space["name"] for space in answer.get("results") or []}
    bindings: dict[str, str] = {}
    for word in expression.split():
        endpoint, equals, space = word.rpartition("=")
        if equals and not endpoint:
            raise CommandError(
                '--bind must be in the form "[<default-space>] [<endpoint-name>=<space> ...]". '
                'Found "=" without endpoint name. Use a lone space name to set the default.'
            )
        if "=" in endpoint:
            raise CommandError(
                '--bind must be in the form "[<default-space>] [<endpoint-name>=<space> ...]". '
                'Found multiple "=" in binding. Did you forget to space-separate the list?'
            )
        if space not in known:
            raise CommandError(f'space "{space}" not found')
        bindings[endpoint] = space
    return bindings


def parse_storages(given: Iterable[str]) -> dict[str, StorageConstraints]:
    """--storage name=constraints, for a charm.

    Raises:
        UsageError: a malformed pair.
    """
    found: dict[str, StorageConstraints] = {}
    for text in given:
        name, equals, spec = text.partition("=")
        if not equals or not name:
            raise UsageError(
                f'invalid value "{text}" for option --storage: expected [<application>:]<storage>'
                "=<constraints>"
            )
        found[name] = _storage(text, spec)
    return found


def _storage(text: str, spec: str) -> StorageConstraints:
    try:
        return parse_storage(spec)
    except BundleError as error:
        raise UsageError(
            f'invalid value "{text}" for option --storage: cannot parse disk constraints: {error}'
        ) from error


def storages_by_application(
    storages: Mapping[str, StorageConstraints],
) -> dict[str, dict[str, StorageConstraints]]:
    """--storage app:name=constraints, for the applications of a bundle."""
    found: dict[str, dict[str, StorageConstraints]] = {}
    for name, spec in storages.items():
        application, colon, storage = name.partition(":")
        if colon:
            found.setdefault(application, {})[storage] = spec
    return found


def parse_machine_map(text: str) -> tuple[bool, dict[str, str]]:
    """--map-machines: whether to use existing machines, and bundle=model pairs.

    Raises:
        UsageError: a malformed pair.
    """
    existing, pairs = False, {}
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word == "existing":
            existing = True
            continue
        bundle, equals, model = word.partition("=")
        if not equals or not bundle.isdigit() or not model.isdigit():
            raise UsageError(
                'error in --map-machines: expected "existing" or "<bundle-id>=<machine-id>", '
                f'got "{word}"'
            )
        pairs[bundle] = model
    return existing, pairs


def is_local_path(text: str) -> bool:
    """Whether a charm or bundle is given as a path: ./x, ../x, /x, ~/x."""
    return text.startswith(("./", "../", "/", "~")) or text in (".", "..")


def check_path(text: str) -> None:
    """Refuse a path that could also be a name of Charmhub, or where nothing is.

    Raises:
        ClientError: it is ambiguous or empty.
    """
    exists = pathlib.Path(text).expanduser().exists()
    if exists and not is_local_path(text):
        raise ClientError(
            f'The charm or bundle "{text}" is ambiguous.\nTo deploy a local charm or bundle, run '
            f"`juju deploy ./{text}`.\nTo deploy a charm or bundle from CharmHub, run "
            f"`juju deploy ch:{text}`."
        )
    if not exists and is_local_path(text):
        raise ClientError(f'no charm was found at "{text}"')


def refuse_given(arguments: Arguments, names: Iterable[str], what: str) -> None:
    """Refuse options that do not go with a charm or with a bundle.

    Raises:
        CommandError: some were given.
    """
    found = [name for name in names if name in arguments.given]
    if found:
        shown = ", ".join(f"--{name}" for name in found)
        raise CommandError(f"options provided but not supported when deploying a {what}: {shown}")


def wire_storages(storages: Mapping[str, StorageConstraints]) -> dict[str, Any]:
    """Storage constraints as the API takes them."""
    return {name: spec.wire for name, spec in storages.items()}
