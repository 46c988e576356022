"""What users give as a secret's content, as the API takes it (core/secrets/createsecret.go)."""

from __future__ import annotations

import base64
import pathlib
import re
from collections.abc import Iterable

from sandbox.juju.cli.config_files import read_yaml
from sandbox.juju.client.errors import ClientError

_LIMIT = 1000 * 1000
"""Bytes of base64 text, of one value and of all together."""
_KEY = re.compile(r"[a-z](?:-?[a-z0-9]){2,}")
_URI = re.compile(r"(?:secret:)?(?://)?(?:[a-f0-9-]{36}/)?(?P<id>[0-9a-v]{20})")


def secret_id(text: str) -> str:
    """The id in a secret's URI (secret:abc, abc); empty when the text is a name instead."""
    found = _URI.fullmatch(text)
    return found["id"] if found else ""


def content_of(pairs: Iterable[str], path: str) -> dict[str, str]:
    """Key -> base64 text from key=value words and a YAML file, which wins.

    `key#file=path` reads a file; `key#base64=text` is encoded already.

    Raises:
        ClientError: a malformed pair or key, an unreadable file, or too much content.
    """
    plain: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.rstrip("=").partition("=")
        value = pair[len(key) + 1 :]
        if not equals or not key:
            raise ClientError(f'key value "{pair}" not valid')
        if key.endswith("#file"):
            key = key.removesuffix("#file")
            value = _file_content(key, value)
        plain[key] = value
    content = _encoded(plain)
    if path:
        document = read_yaml(path)
        if not isinstance(document, dict):
            raise ClientError(f"{path} does not hold a map of keys and values")
        content |= _encoded({str(key): str(value) for key, value in document.items()})
    return content


def _file_content(key: str, path: str) -> str:
    try:
        content = pathlib.Path(path).expanduser().read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ClientError(
            f'reading content for secret key "{key}": open {path}: {reason}'
        ) from error
    if len(content) > _LIMIT:
        raise ClientError(f'secret content in file "{path}" too large: {len(content)} bytes')
    return content.decode("utf-8", "surrogateescape")


def _encoded(plain: dict[str, str]) -> dict[str, str]:
    content: dict[str, str] = {}
    for name, value in plain.items():
        key = name.removesuffix("#base64")
        if key == name:
            value = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
        if not _KEY.fullmatch(key):
            raise ClientError(f'key "{key}" not valid')
        if len(value) > _LIMIT:
            raise ClientError(
                f'base64 encoded secret content for key "{key}" too large: {len(value)} bytes'
            )
        content[key] = value
    total = sum(len(value) for value in content.values())
    if total > _LIMIT:
        raise ClientError(f"base64 encoded secret content too large: {total} bytes")
    return content
