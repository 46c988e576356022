"""Packed charms: what a .charm file says of itself."""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
import zipfile
from typing import Any

import yaml

try:  # libyaml's is ten times as fast
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader

from sandbox.juju import errors

_REQUIRED = ("name", "summary", "description")


@dataclasses.dataclass(frozen=True)
class CharmArchive:
    """The documents of one packed charm."""

    path: pathlib.Path
    sha256: str
    metadata: dict[str, Any]
    config: dict[str, dict[str, Any]]
    """The `options` map of config.yaml."""
    actions: dict[str, Any]
    bases: list[dict[str, Any]]
    """[{"name": "ubuntu", "channel": "24.04/stable", "architectures": ["amd64"]}]."""
    version: str
    """What the file `version` says; empty without one."""
    revision: int
    """What the file `revision` says; 0 without one."""

    @property
    def name(self) -> str:
        """The charm's name."""
        return self.metadata["name"]


def read(path: pathlib.Path) -> CharmArchive:
    """Read a packed charm.

    Raises:
        NotValid: it is no zip archive, its metadata.yaml is missing or lacks a name, or one
            of its documents is not YAML.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            metadata = _document(archive, "metadata.yaml")
            if metadata is None:
                raise errors.NotValid(
                    'opening charm archive: archive file "metadata.yaml" not found'
                )
            config = _document(archive, "config.yaml") or {}
            actions = _document(archive, "actions.yaml") or {}
            manifest = _document(archive, "manifest.yaml") or {}
            version = _text(archive, "version").strip()
            revision = _text(archive, "revision").strip()
    except zipfile.BadZipFile:
        raise errors.NotValid(
            f"opening charm archive {path.name}: zip: not a valid zip file"
        ) from None
    missing = [name for name in _REQUIRED if not isinstance(metadata.get(name), str)]
    if missing:
        raise errors.NotValid(f"metadata: {missing[0]}: expected string, got nothing")
    return CharmArchive(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        metadata=metadata,
        config=config.get("options") or {},
        actions={name: doc or {} for name, doc in actions.items()},
        bases=[_base(base) for base in manifest.get("bases") or []],
        version=version,
        revision=int(revision) if revision.isdigit() else 0,
    )


def _document(archive: zipfile.ZipFile, name: str) -> dict[str, Any] | None:
    if name not in archive.namelist():
        return None
    try:
        document = yaml.load(archive.read(name), Loader=SafeLoader)
    except yaml.YAMLError as error:
        where = str(error).replace("\n", " ")
        raise errors.NotValid(f"cannot parse {name}: {where}") from None
    if document is not None and not isinstance(document, dict):
        raise errors.NotValid(f"cannot parse {name}: expected a map")
    return document


def _text(archive: zipfile.ZipFile, name: str) -> str:
    return archive.read(name).decode() if name in archive.namelist() else ""


def _base(doc: dict[str, Any]) -> dict[str, Any]:
    """One base of the manifest, with the risk that Juju adds to a bare track."""
    channel = str(doc["channel"])
    return {
        "name": doc["name"],
        "channel": channel if "/" in channel else f"{channel}/stable",
        "architectures": doc.get("architectures") or [],
    }
