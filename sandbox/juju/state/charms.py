"""Charms that a model knows, and the archives that the controller keeps of them."""

from __future__ import annotations

import os
import pathlib
import re
import shutil

from sandbox.juju import charm_archive, errors
from sandbox.juju.state import models
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Charm

_LOCAL = re.compile(r"local:(?:[a-z]+/)?(?P<name>[a-z][a-z0-9-]*?)-(?P<revision>[0-9]+)\Z")
_HUB = re.compile(
    r"ch:(?P<arch>[a-z0-9]+)/(?:(?P<series>[a-z]+)/)?(?P<name>[a-z][a-z0-9-]*?)"
    r"-(?P<revision>[0-9]+)\Z"
)


def add_local(tx: Transaction, model: str, path: pathlib.Path, folder: pathlib.Path) -> Charm:
    """Add an uploaded charm; its archive is kept in `folder`, named by its digest.

    Its revision is the archive's own, or the next that the model has not seen
    (local:maas-bmc-0, -1, ...), as Juju numbers local charms.

    Raises:
        NotValid: the archive is not a charm.
    """
    archive = charm_archive.read(path)
    sequence = f"charmrev-local:{archive.name}"
    revision = max(models.next_number(tx, model, sequence), archive.revision)
    models.raise_number(tx, model, sequence, revision + 1)
    url = f"local:{archive.name}-{revision}"
    return _add(tx, model, url, revision, "local", archive, folder)


def add_from_hub(
    tx: Transaction, model: str, url: str, path: pathlib.Path, folder: pathlib.Path
) -> Charm:
    """Add a charm of Charmhub by its URL (ch:amd64/keystone-700); the same one twice is one.

    Raises:
        NotValid: the URL is not a Charmhub charm's, or the archive is not a charm.
    """
    match = _HUB.match(url)
    if match is None:
        raise errors.NotValid(f'charm or bundle URL "{url}" is malformed')
    known = tx.one("SELECT * FROM charms WHERE model = ? AND url = ?", model, url)
    if known is not None:
        return Charm.from_row(known)
    archive = charm_archive.read(path)
    return _add(tx, model, url, int(match["revision"]), "charm-hub", archive, folder)


def get(tx: Transaction, model: str, url: str) -> Charm:
    """A charm by URL; NotFound if the model has none."""
    row = tx.one("SELECT * FROM charms WHERE model = ? AND url = ?", model, url)
    if row is None:
        raise errors.NotFound(f'charm "{url}" not found')
    return Charm.from_row(row)


def all_charms(tx: Transaction, model: str) -> list[Charm]:
    """Every charm of the model, by URL."""
    rows = tx.all("SELECT * FROM charms WHERE model = ? ORDER BY url", model)
    return [Charm.from_row(row) for row in rows]


def hub_url(name: str, revision: int, *, architecture: str = "amd64") -> str:
    """The URL of a Charmhub charm, as Juju 3.6 writes it."""
    return f"ch:{architecture}/{name}-{revision}"


def name_of(url: str) -> str:
    """The charm's name in its URL; NotValid if it is none."""
    match = _LOCAL.match(url) or _HUB.match(url)
    if match is None:
        raise errors.NotValid(f'charm or bundle URL "{url}" is malformed')
    return match["name"]


def _add(
    tx: Transaction,
    model: str,
    url: str,
    revision: int,
    source: str,
    archive: charm_archive.CharmArchive,
    folder: pathlib.Path,
) -> Charm:
    tx.insert(
        "charms",
        model=model,
        url=url,
        name=archive.name,
        revision=revision,
        source=source,
        sha256=archive.sha256,
        archive=str(_keep(archive, folder)),
        charm_version=archive.version,
        metadata_json=archive.metadata,
        config_json=archive.config,
        actions_json=archive.actions,
        bases_json=archive.bases,
    )
    tx.touch("charm", model, url)
    return get(tx, model, url)


def _keep(archive: charm_archive.CharmArchive, folder: pathlib.Path) -> pathlib.Path:
    """The kept copy of an archive: written whole or not at all, one per digest."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{archive.name}-{archive.sha256[:16]}.charm"
    if not kept.exists():
        partial = kept.with_suffix(f".{os.getpid()}.partial")
        shutil.copyfile(archive.path, partial)
        partial.replace(kept)
    return kept
