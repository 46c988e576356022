"""What the charm knows about OpenStack, read from `knowledge/*.yaml` and checked by a schema.

Applications and releases are data: a new one is a change of YAML, not of code. The code speaks of
roles, families and groups only.
"""

from __future__ import annotations

import functools
import pathlib
from typing import Annotated, Literal

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
    agent: bool = False
    """Its units keep the virtual address of the unit that they are attached to: such a unit is
    paused before its principal, and resumed after it."""
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


class Agreements(_Data):
    """What applications must agree on; the names of options and endpoints that say it."""

    identity: Name
    """The role by which the others are measured."""
    region: str
    address: str
    authority: str
    certificates: Name
    spaces: tuple[Name, ...]


class Release(_Data):
    """One OpenStack release."""

    name: Name
    codename: Name
    tracks: dict[Name, tuple[Name, ...]]
    """Family -> tracks that go with the release."""
    origins: dict[str, tuple[str, ...]]
    """Base, for example ubuntu@24.04 -> values of the origin option that are right on it."""
    versions: dict[Name, str]
    """Workload -> how its versions in this release begin, in whole components."""


class Moves(_Data):
    """The options that let guests leave a hypervisor."""

    live: Name
    cold: Name


class Upgrade(_Data):
    """How applications of one charm are upgraded; upgrades.yaml explains each field."""

    way: Literal["managed", "by-restart", "by-host", "by-turns", "at-once", "charm-only"]
    workload: Name | None = None
    quorum: Literal["one", "majority"] = "one"
    timeout: pydantic.PositiveFloat = 1800.0
    together: bool = False
    settle: bool = False
    sealed: bool = False
    noout: bool = False
    follows: Name | None = None
    requires: Literal["before", "after"] | None = None
    hold: tuple[Name, ...] = ()
    last: str = ""
    needs_agent: bool = pydantic.Field(default=False, alias="needs-agent")
    restart: Name | None = None
    moves: Moves | None = None


class Stage(_Data):
    """Charms that are upgraded in this order."""

    name: str
    charms: tuple[Name, ...]


class Precondition(_Data):
    """What must hold of applications before a release upgrade."""

    charms: tuple[Name, ...] = pydantic.Field(min_length=1)
    to: tuple[Name, ...] = ()
    """The releases that ask for it; empty: all."""
    option: Name | None = None
    value: bool | str | None = pydantic.Field(default=None, alias="is")
    """What the option must be."""
    lacks: str | None = None
    """What must not be among the option's items, which are separated by commas."""
    least: str | None = None
    """The version that every unit must have."""
    reason: str
    remedy: str
    """With {application} for the application's name."""


class Refusal(_Data):
    """Why applications of a charm are not upgraded at all."""

    reason: str
    remedy: str


class Errand(_Data):
    """An action of the leader of a role, or a command on its machine, that is done once."""

    role: Name
    action: Name | None = None
    command: str | None = None

    @pydantic.model_validator(mode="after")
    def _is_one_of_them(self) -> Errand:
        if (self.action is None) == (self.command is None):
            raise ValueError("give either an action or a command")
        return self


class Knowledge(_Data):
    """All of it. The order of groups and releases has a meaning."""

    groups: tuple[Name, ...]
    roles: dict[Name, Role]
    charms: dict[Name, Charm]
    agreements: Agreements
    releases: tuple[Release, ...]
    independent_tracks: dict[Name, tuple[Name, ...]] = pydantic.Field(alias="independent-tracks")
    upgrade_order: tuple[Stage, ...] = pydantic.Field(alias="upgrade-order", min_length=1)
    upgrades: dict[Name, Upgrade]
    preconditions: tuple[Precondition, ...]
    refused: dict[Name, Refusal]
    moved_tracks: dict[Name, dict[Name, Name]] = pydantic.Field(alias="moved-tracks")
    errands: dict[Name, Errand]
    seconds: dict[Name, float]
    """Kind of operation -> what it takes, for estimates."""

    @property
    def families(self) -> frozenset[str]:
        """Every family of tracks that a charm may follow."""
        following = {family for release in self.releases for family in release.tracks}
        return frozenset(following | set(self.independent_tracks))

    def release(self, name: str) -> Release:
        """The release of this name; KeyError when there is none."""
        return {release.name: release for release in self.releases}[name]

    def place(self, charm: str) -> tuple[int, int]:
        """The stage of a charm, and its place in it; past the end for what is in none."""
        for stage, each in enumerate(self.upgrade_order):
            if charm in each.charms:
                return stage, each.charms.index(charm)
        return 0, len(self.charms)

    @property
    def hypervisor_stage(self) -> int:
        """The stage in which hypervisors are upgraded; what stands beside them comes after."""
        return max(
            self.place(name)[0]
            for name, charm in self.charms.items()
            if self.roles[charm.role].hypervisor
        )

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
        if self.agreements.identity not in self.roles:
            raise ValueError(f"agreements.identity: no such role: {self.agreements.identity}")
        for name, errand in self.errands.items():
            if errand.role not in self.roles:
                raise ValueError(f"errands.{name}.role: no such role: {errand.role}")
        for name, role in self.roles.items():
            if role.deploy not in self.charms:
                raise ValueError(f"roles.{name}.deploy: {role.deploy} is not in charms")
        return self

    @pydantic.model_validator(mode="after")
    def _every_charm_has_a_way(self) -> Knowledge:
        lacking = sorted(set(self.charms) ^ set(self.upgrades))
        if lacking:
            raise ValueError(f"in one of charms and upgrades only: {', '.join(lacking)}")
        for stage in self.upgrade_order:
            for charm in stage.charms:
                if charm not in self.upgrades:
                    raise ValueError(f"upgrade-order: {charm} is not in upgrades")
        for name, upgrade in self.upgrades.items():
            for release in self.releases:
                if upgrade.workload is not None and upgrade.workload not in release.versions:
                    raise ValueError(
                        f"upgrades.{name}.workload: {release.name} has no version of "
                        f"{upgrade.workload}"
                    )
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
