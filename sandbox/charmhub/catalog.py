"""The sandbox's Charmhub: which charms, channels and revisions there are, and their archives."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import pathlib
import shutil

from sandbox.charmhub import archives, descriptions
from sandbox.charmhub.descriptions import RISKS, Description, Release
from sandbox.home import Home


class CharmNotFound(LookupError):
    """No charm of this name."""


class ReleaseNotFound(LookupError):
    """The charm has no release for this channel or base."""


class RevisionNotFound(LookupError):
    """The charm has no such revision."""


@dataclasses.dataclass(frozen=True)
class Resolved:
    """One revision of one charm, and the base that it shall run on."""

    name: str
    revision: int
    channel: str
    """Track and risk: 2024.1/stable. The one that was asked for, with a revision too."""
    base: str
    """The chosen base: ubuntu@24.04/stable."""
    bases: tuple[str, ...]
    """Every base of the revision, the preferred first."""


class Catalog:
    """The stand-ins, as Charmhub would answer for them."""

    def __init__(self, home: Home) -> None:
        self._folder = home.folder("charmhub")

    @property
    def names(self) -> list[str]:
        """The charms there are."""
        return sorted(descriptions.load())

    def build(self) -> None:
        """Make the catalogue ready: read every description, drop archives of an older one.

        Archives are packed when they are first asked for, in some milliseconds each.

        Raises:
            KeyError: a description lacks a part or names an unknown interface or group.
        """
        for description in descriptions.load().values():
            descriptions.compiled(description, description.releases[-1])
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name != _digest():
                shutil.rmtree(folder)

    def resolve(
        self,
        name: str,
        channel: str | None = None,
        base: str | None = None,
        revision: int | None = None,
    ) -> Resolved:
        """Find the revision that `juju deploy` or `juju refresh` would take.

        Args:
            name: the charm.
            channel: track and risk, or one of them; the newest track's stable without.
            base: ubuntu@24.04, with or without a risk; the revision's newest without.
            revision: this one, wherever it was released.

        Raises:
            CharmNotFound, ReleaseNotFound, RevisionNotFound: in the words of Charmhub and Juju.
        """
        description = self._description(name)
        wanted = _channel(channel, description)
        release = (
            _head(description, wanted, channel, base)
            if revision is None
            else _numbered(description, revision)
        )
        bases = tuple(f"ubuntu@{version}/stable" for version in reversed(release.bases))
        chosen = bases[0] if base is None else f"ubuntu@{_version(base)}/stable"
        if chosen not in bases:
            raise ReleaseNotFound(_no_release(description, channel, base))
        return Resolved(name, release.revision, wanted, chosen, bases)

    def archive(self, name: str, revision: int) -> pathlib.Path:
        """The packed charm; packed now if it was not yet.

        Raises:
            CharmNotFound, RevisionNotFound: it is not in the catalogue.
        """
        description = self._description(name)
        release = _numbered(description, revision)
        folder = self._folder / _digest()
        path = folder / f"{name}_{revision}.charm"
        if not path.exists():
            folder.mkdir(exist_ok=True)
            partial = path.with_suffix(".partial")
            partial.write_bytes(archives.pack(description, release))
            partial.replace(path)
        return path

    def _description(self, name: str) -> Description:
        try:
            return descriptions.load()[name]
        except KeyError:
            raise CharmNotFound(
                f"resolving error: No charm or bundle with name '{name}'."
            ) from None


@functools.cache
def _digest() -> str:
    """A name for this catalogue's contents, taken once a process."""
    return hashlib.sha256(archives.fingerprint().encode()).hexdigest()[:12]


def _channel(channel: str | None, description: Description) -> str:
    """Track and risk of a channel that may give only one of them."""
    track, _, risk = (channel or "").partition("/")
    if track in RISKS and not risk:
        track, risk = "", track
    return f"{track or description.default_track}/{risk or 'stable'}"


def _version(base: str) -> str:
    """24.04 of ubuntu@24.04/stable."""
    return base.rpartition("@")[2].partition("/")[0]


def _head(description: Description, wanted: str, asked: str | None, base: str | None) -> Release:
    heads = [release for release in description.releases if release.channel == wanted]
    if not heads or (base is not None and _version(base) not in heads[-1].bases):
        raise ReleaseNotFound(_no_release(description, asked, base))
    return heads[-1]


def _numbered(description: Description, revision: int) -> Release:
    for release in description.releases:
        if release.revision == revision:
            return release
    raise RevisionNotFound(
        f"resolving error: No revision was found in the Store: {description.name} {revision}."
    )


def _no_release(description: Description, channel: str | None, base: str | None) -> str:
    where = f'for channel "{channel}"' if channel else "in the charm's default channel"
    platform = archives.ARCHITECTURE + (f"/ubuntu/{_version(base)}" if base else "")
    channels = {
        release.channel: ", ".join(f"ubuntu@{version}" for version in release.bases)
        for release in description.releases
    }
    available = [
        f'channel "{name}": available bases are: {bases}' for name, bases in channels.items()
    ]
    listed = "\n  ".join(available)
    return (
        f'selecting releases: charm or bundle not found {where}, base "{platform}"'
        f"\navailable releases are:\n  {listed}"
    )
