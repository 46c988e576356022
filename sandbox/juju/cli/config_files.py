"""What users write after --config: files of YAML, and key=value, in the order given."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

from sandbox.juju.client.errors import ClientError


def read_yaml(path: str) -> Any:
    """The document in a YAML file, or on standard input for `-`.

    Raises:
        ClientError: the file cannot be read or is not YAML.
    """
    import yaml

    try:
        return yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise ClientError(f"cannot parse {path}: {error}") from error


def read_text(path: str) -> str:
    """The text of a file, or of standard input for `-`.

    Raises:
        ClientError: the file cannot be read.
    """
    import sys

    if path == "-":
        return sys.stdin.read()
    try:
        return pathlib.Path(path).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ClientError(f"open {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise ClientError(f"{path} contains non-UTF-8 sequences") from error


def config_values(given: Iterable[str]) -> dict[str, Any]:
    """The attributes that --config options give; a later one wins over an earlier."""
    import yaml

    values: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if equals:
            # A value keeps its YAML type, as in a file: true, 3, text.
            values[key] = yaml.safe_load(value) if value else ""
        else:
            document = read_yaml(text) or {}
            if not isinstance(document, dict):
                raise ClientError(f"{text} does not hold a map of attributes")
            values |= document
    return values


def text_or_file(value: str) -> str:
    """An option's value; `@path` means the content of the file."""
    return read_text(value[1:]) if value.startswith("@") else value
