"""The changes that a plan consists of, and how each is told (core/bundle/changes/changes.go)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.juju.bundles.bundle import Exposure


@dataclasses.dataclass(frozen=True)
class Change:
    """One step; `requires` names the steps that must come before, by their ids.

    A field that begins with `$` stands for the outcome of the step of that id.
    """

    id: str
    requires: tuple[str, ...]

    def told(self) -> list[str]:
        """What the step does, a line for each thing."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class AddCharm(Change):
    """Store a charm in the model."""

    charm: str
    revision: int | None
    base: str
    channel: str
    architecture: str

    def told(self) -> list[str]:
        """`upload charm keystone from charm-hub for base ... from channel ...`."""
        name, location = _charm_words(self.charm)
        base = f" for base {self.base}" if self.base else ""
        where = ""
        if self.revision is not None and self.revision >= 0:
            where = f" with revision {self.revision}"
        elif self.channel:
            where = f" from channel {self.channel}"
        arch = f" with architecture={self.architecture}" if self.architecture else ""
        return [f"upload charm {name}{location}{base}{where}{arch}"]


@dataclasses.dataclass(frozen=True)
class Deploy(Change):
    """Make an application, with no units yet."""

    charm: str
    application: str
    base: str
    channel: str
    options: Mapping[str, Any]
    constraints: str
    storage: Mapping[str, str]
    devices: Mapping[str, str]
    bindings: Mapping[str, str]
    resources: Mapping[str, int | str]
    charm_url: str
    units: int = 0
    """Units to start with; only Kubernetes bundles say it here."""

    def told(self) -> list[str]:
        """`deploy application keystone from charm-hub on ubuntu@24.04/stable with ...`."""
        base = f" on {self.base}" if self.base else ""
        channel = f" with {self.channel}" if self.channel else ""
        plural = "s" if self.units > 1 else ""
        units = f" with {self.units} unit{plural}" if self.units else ""
        location = using = ""
        if not self.charm_url.startswith(("/", ".")):
            name, location = _charm_words(self.charm_url)
            using = f" using {name}" if name != self.application else ""
        return [f"deploy application {self.application}{location}{units}{base}{channel}{using}"]


@dataclasses.dataclass(frozen=True)
class UpgradeCharm(Change):
    """Give an application another charm, or another revision of its own."""

    charm: str
    application: str
    base: str
    channel: str
    resources: Mapping[str, int | str]
    charm_url: str

    def told(self) -> list[str]:
        """`upgrade keystone from charm-hub using charm keystone for base ...`."""
        name, location = _charm_words(self.charm_url)
        base = f" for base {self.base}" if self.base else ""
        channel = f" from channel {self.channel}" if self.channel else ""
        return [f"upgrade {self.application}{location} using charm {name}{base}{channel}"]


@dataclasses.dataclass(frozen=True)
class SetOptions(Change):
    """Set options of an application that is there already."""

    application: str
    options: Mapping[str, Any]

    def told(self) -> list[str]:
        """`set application options for keystone`."""
        return [f"set application options for {self.application}"]


@dataclasses.dataclass(frozen=True)
class SetConstraints(Change):
    """Set the constraints of an application that is there already."""

    application: str
    constraints: str

    def told(self) -> list[str]:
        """`set constraints for keystone to "mem=4G"`."""
        return [f'set constraints for {self.application} to "{self.constraints}"']


@dataclasses.dataclass(frozen=True)
class Expose(Change):
    """Let an application, or some endpoints of it, be reached from outside."""

    application: str
    name: str
    endpoints: Mapping[str, Exposure]

    def told(self) -> list[str]:
        """One line for each group of endpoints with the same exposure."""
        if not self.endpoints:
            return [
                f"expose all endpoints of {self.name} and allow access from CIDRs "
                "0.0.0.0/0 and ::/0"
            ]
        groups: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
        for endpoint in sorted(filter(None, self.endpoints)):
            exposure = self.endpoints[endpoint]
            key = (frozenset(exposure.spaces), frozenset(exposure.cidrs))
            groups.setdefault(key, []).append(endpoint)
        lines = [
            f"override expose settings for endpoint{'s' if len(names) > 1 else ''} "
            f"{','.join(names)} of {self.name} and allow access from {_sources(*key)}"
            for key, names in groups.items()
        ]
        if "" in self.endpoints:
            every = self.endpoints[""]
            sources = _sources(frozenset(every.spaces), frozenset(every.cidrs))
            lines.insert(0, f"expose all endpoints of {self.name} and allow access from {sources}")
        return lines


@dataclasses.dataclass(frozen=True)
class SetAnnotations(Change):
    """Annotate an application or a machine."""

    entity: str
    kind: str
    """application or machine."""
    annotations: Mapping[str, str]
    target: str

    def told(self) -> list[str]:
        """`set annotations for keystone`."""
        return [f"set annotations for {self.target}"]


@dataclasses.dataclass(frozen=True)
class AddMachine(Change):
    """Add a machine, or a container on one."""

    base: str
    constraints: str
    number: str
    """The id that the machine (of a container: its host) will have."""
    bundle_machine: str = ""
    container: str = ""
    container_number: str = ""
    host: str = ""
    on_existing: bool = False

    def told(self) -> list[str]:
        """`add new machine 0 (bundle machine 7)`, `add lxd container 0/lxd/1 on ...`."""
        machine = f"{'existing' if self.on_existing else 'new'} machine {self.number}"
        if self.bundle_machine and self.bundle_machine != self.number:
            machine += f" (bundle machine {self.bundle_machine})"
        if self.container:
            machine = f"{self.container} container {self.container_number} on {machine}"
        return [f"add {machine}"]

    @property
    def machine(self) -> str:
        """The id of what is added: the container's when it is one."""
        return self.container_number or self.number


@dataclasses.dataclass(frozen=True)
class AddUnit(Change):
    """Add one unit."""

    application: str
    unit: str
    to: str = ""
    """A machine, `lxd:` and a machine, or the step that makes one; empty for a new machine."""
    place: str = ""
    directive: str = ""
    machine: str = ""
    """The top machine that will carry it, as far as it can be foretold."""

    def told(self) -> list[str]:
        """`add unit keystone/0 to new machine 0`."""
        place = self.place or (f"new machine {self.machine}" if self.machine else "new machine")
        if self.directive:
            place += f" to satisfy [{self.directive}]"
        return [f"add unit {self.unit} to {place}"]


@dataclasses.dataclass(frozen=True)
class AddRelation(Change):
    """Relate two applications."""

    endpoint1: str
    endpoint2: str
    shown1: str
    shown2: str

    def told(self) -> list[str]:
        """`add relation keystone:shared-db - mysql:db`."""
        return [f"add relation {self.shown1} - {self.shown2}"]


@dataclasses.dataclass(frozen=True)
class ConsumeOffer(Change):
    """Make another model's offer usable here."""

    url: str
    application: str

    def told(self) -> list[str]:
        """`consume offer mysql at admin/db.mysql`."""
        return [f"consume offer {self.application} at {self.url}"]


@dataclasses.dataclass(frozen=True)
class CreateOffer(Change):
    """Offer endpoints to other models."""

    application: str
    endpoints: tuple[str, ...]
    offer: str
    update: bool

    def told(self) -> list[str]:
        """`create offer db using mysql:db`."""
        verb = "update" if self.update else "create"
        return [f"{verb} offer {self.offer} using {self.application}:{','.join(self.endpoints)}"]


@dataclasses.dataclass(frozen=True)
class GrantOffer(Change):
    """Let a user use an offer."""

    user: str
    access: str
    offer: str

    def told(self) -> list[str]:
        """`grant user bob consume access to offer db`."""
        return [f"grant user {self.user} {self.access} access to offer {self.offer}"]


def ordered(changes: Sequence[Change]) -> list[Change]:
    """The changes, each after those that it requires, otherwise in the given order.

    Raises:
        ValueError: they require each other in a circle.
    """
    waiting = {change.id: set(change.requires) for change in changes}
    result: list[Change] = []
    while waiting:
        before = len(waiting)
        for change in changes:
            if change.id in waiting and not waiting[change.id]:
                result.append(change)
                del waiting[change.id]
                for requires in waiting.values():
                    requires.discard(change.id)
        if len(waiting) == before:
            raise ValueError("sort failed")
    return result


def _charm_words(charm: str) -> tuple[str, str]:
    """A charm's name and where it comes from, as the lines above put them."""
    if charm.startswith(("/", ".")):
        return charm, ""
    schema, colon, rest = charm.partition(":")
    if not colon:
        return charm, " from charm-hub"
    name = rest.rpartition("/")[2]
    stem, dash, revision = name.rpartition("-")
    name = stem if dash and revision.isdigit() else name
    return name, " from local" if schema == "local" else " from charm-hub"


def _sources(spaces: frozenset[str], cidrs: frozenset[str]) -> str:
    parts = [
        f"{noun}{'s' if len(names) > 1 else ''} {','.join(sorted(names))}"
        for noun, names in (("space", spaces), ("CIDR", cidrs))
        if names
    ]
    return " and ".join(parts) or "CIDRs 0.0.0.0/0 and ::/0"
