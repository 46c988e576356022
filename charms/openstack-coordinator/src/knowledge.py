"""What the charm knows about OpenStack, read from `knowledge/*.yaml` and checked by a schema.

Applications and releases are data: a new one is a change of YAML, not of code. The code speaks of
roles, families and groups only.
"""

from __future__ import annotations

import functools
import pathlib
from typing import Annotated

import pydantic
import yaml

FOLDER = pathlib.Path(__file__).with_name("knowledge")

Name = Annotated[str, pydantic.Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]


class _Data(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Role(_Data):
    """What a part of the cloud does."""

    title: str
    required: bool = False
    hypervisor: bool = False
    """Its units run guests."""
    deploy: Name
    """The charm to suggest when nobody fills the role."""


class Need(_Data):
    """An endpoint that must be related."""

    endpoint: Name
    roles: tuple[Name, ...] = pydantic.Field(min_length=1)
    """Who can be at the other end."""
    when: Name | None = None
    """Needed only in a cloud where this role is filled; None: always."""
    options: tuple[Name, ...] = ()
    """Options of which one must be set as well, for example the virtual address."""


class Charm(_Data):
    """How applications of one charm fit into the cloud."""

    role: Name
    group: Name
    family: Name | None = None
    origin: Name | None = None
    counts: tuple[pydantic.PositiveInt, ...] = ()
    """Numbers of units that are sound; empty when any number is."""
    needs: tuple[Need, ...] = ()
    several: tuple[Need, ...] = ()
    """What more than one unit need as well, to answer as one service."""


class Release(_Data):
    """One OpenStack release."""

    name: Name
    tracks: dict[Name, tuple[Name, ...]]
    """Family -> tracks that go with the release."""
    origins: dict[str, tuple[str, ...]]
    """Base, for example ubuntu@24.04 -> values of the origin option that are right on it."""


class Knowledge(_Data):
    """All of it. The order of groups and releases has a meaning."""

    groups: tuple[Name, ...]
    roles: dict[Name, Role]
    charms: dict[Name, Charm]
    releases: tuple[Release, ...]
    independent_tracks: dict[Name, tuple[Name, ...]] = pydantic.Field(alias="independent-tracks")

    @property
    def families(self) -> frozenset[str]:
        """Every family of tracks that a charm may follow."""
        following = {family for release in self.releases for family in release.tracks}
        return frozenset(following | set(self.independent_tracks))

    def release(self, name: str) -> Release:
        """The release of this name; KeyError when there is none."""
        return {release.name: release for release in self.releases}[name]

    @pydantic.model_validator(mode="after")
    def _refers_to_what_exists(self) -> Knowledge:
        for name, charm in self.charms.items():
            needs = (*charm.needs, *charm.several)
            unknown = {role for need in needs for role in (*need.roles, need.when or charm.role)}
            unknown.add(charm.role)
            unknown -= set(self.roles)
            if unknown:
                raise ValueError(f"charms.{name}: no such role: {', '.join(sorted(unknown))}")
            if charm.group not in self.groups:
                raise ValueError(f"charms.{name}.group: {charm.group} is not in groups")
            if charm.family is not None and charm.family not in self.families:
                raise ValueError(f"charms.{name}.family: no release has tracks of {charm.family}")
        for name, role in self.roles.items():
            if role.deploy not in self.charms:
                raise ValueError(f"roles.{name}.deploy: {role.deploy} is not in charms")
        return self


@functools.cache
def load(folder: pathlib.Path = FOLDER) -> Knowledge:
    """The knowledge in a folder's YAML files.

    Raises:
        pydantic.ValidationError: a file does not fit the schema; it names the field.
    """
    merged: dict[str, object] = {}
    for path in sorted(folder.glob("*.yaml")):
        merged.update(yaml.safe_load(path.read_text(encoding="utf-8")))
    return Knowledge.model_validate(merged)
