"""What is in the model now, as far as a bundle can ask for it (core/bundle/changes/model.go)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from sandbox.juju import constraints
from sandbox.juju.bundles.bundle import Exposure


@dataclasses.dataclass(frozen=True)
class PresentApplication:
    """An application of the model."""

    charm: str
    """A Charmhub charm's name, or the URL of a local charm: local:maas-bmc-0."""
    revision: int
    channel: str
    base: str
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Unit -> machine; an empty machine while the unit has none."""
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    constraints: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    exposed: bool = False
    exposed_endpoints: Mapping[str, Exposure] = dataclasses.field(default_factory=dict)
    offers: frozenset[str] = frozenset()

    @property
    def is_local(self) -> bool:
        """Whether its charm was uploaded rather than taken from Charmhub."""
        return self.charm.startswith("local:")

    @property
    def architecture(self) -> str:
        """The architecture that its constraints ask for; amd64 when they do not say."""
        return self.constraints.get("arch") or "amd64"


@dataclasses.dataclass(frozen=True)
class PresentMachine:
    """A machine or container of the model."""

    base: str = ""
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)


Relation = frozenset[tuple[str, str]]
"""A relation's two ends as (application, endpoint), in no order."""


@dataclasses.dataclass(frozen=True)
class ModelState:
    """A snapshot of the model."""

    applications: Mapping[str, PresentApplication] = dataclasses.field(default_factory=dict)
    machines: Mapping[str, PresentMachine] = dataclasses.field(default_factory=dict)
    relations: frozenset[Relation] = frozenset()
    sequences: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Next numbers as the controller counts them: machine, application-<name>,
    machine-<id>/lxd. What is missing here is inferred from what is present."""

    def has_relation(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Whether two ends are related; an end without an endpoint matches any endpoint."""
        for relation in self.relations:
            ends = tuple(relation)
            if len(ends) != 2:
                continue
            straight = _matches(ends[0], one) and _matches(ends[1], other)
            crossed = _matches(ends[0], other) and _matches(ends[1], one)
            if straight or crossed:
                return True
        return False

    def unit_on(self, application: str, machine: str, container: str) -> str:
        """A unit of an application on a machine itself, or in such a container on it."""
        present = self.applications.get(application)
        for unit, place in (present.units if present else {}).items():
            if container:
                if container_kind(place) == container and parent(place) == machine:
                    return unit
            elif place == machine:
                return unit
        return ""


def _matches(end: tuple[str, str], wanted: tuple[str, str]) -> bool:
    return end[0] == wanted[0] and wanted[1] in ("", end[1])


def container_kind(machine: str) -> str:
    """The kind of a container: lxd for 0/lxd/1; empty for what is none."""
    parts = machine.split("/")
    return parts[-2] if len(parts) > 1 else ""


def parent(machine: str) -> str:
    """0 for 0/lxd/1; empty for a machine that is no container."""
    return "/".join(machine.split("/")[:-2])


def top_machine(machine: str) -> str:
    """The machine that carries it all: 0 for 0/lxd/1."""
    return machine.split("/")[0]


def same_constraints(text: str, present: Mapping[str, Any]) -> bool:
    """Whether a bundle's constraints are those of the model's application.

    Deploying fixes the architecture, so one that the bundle leaves open is amd64.
    """
    default = {"arch": "amd64"}
    known = {key: value for key, value in present.items() if value not in (None, "")}
    return default | constraints.parse(text) == default | known


class Numbers:
    """The next numbers of machines, containers and units while a plan is made."""

    def __init__(self, state: ModelState) -> None:
        self._next: dict[str, int] = {}
        for name, app in state.applications.items():
            for unit in app.units:
                self._at_least(f"application-{name}", int(unit.rpartition("/")[2]) + 1)
        for machine in state.machines:
            number = int(machine.rpartition("/")[2]) + 1
            kind = container_kind(machine)
            self._at_least(f"machine-{parent(machine)}/{kind}" if kind else "machine", number)
        for key, number in state.sequences.items():
            self._at_least(key, number)

    def machine(self) -> str:
        """The id of the next machine."""
        return str(self._take("machine"))

    def container(self, machine: str, kind: str) -> str:
        """The id of the next container of a kind on a machine."""
        return f"{machine}/{kind}/{self._take(f'machine-{machine}/{kind}')}"

    def unit(self, application: str) -> str:
        """The name of the next unit."""
        return f"{application}/{self._take(f'application-{application}')}"

    def _at_least(self, key: str, number: int) -> None:
        self._next[key] = max(self._next.get(key, 0), number)

    def _take(self, key: str) -> int:
        number = self._next.get(key, 0)
        self._next[key] = number + 1
        return number
