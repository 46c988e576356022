"""A cloud of stand-ins in one process: their pure core, with databags carried by hand."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from sandbox.charmhub import archives, descriptions
from sandbox.charmhub.runtime import assess, handshake
from sandbox.charmhub.runtime.world import Relation, World

End = tuple[str, str]  # application and endpoint


@dataclasses.dataclass
class Application:
    """One deployed stand-in and its units."""

    compiled: dict[str, Any]
    options: dict[str, Any]
    subordinate: bool
    units: dict[str, World] = dataclasses.field(default_factory=dict)
    principals: dict[str, str] = dataclasses.field(default_factory=dict)
    """Of a subordinate's units: the machine's principal unit."""


class Cloud:
    """Applications, and relations over which their units exchange databags until all is said."""

    def __init__(self) -> None:
        self.applications: dict[str, Application] = {}
        self._numbers = itertools.count()

    def deploy(
        self,
        name: str,
        units: int = 1,
        *,
        charm: str | None = None,
        channel: str | None = None,
        options: Mapping[str, Any] | None = None,
        devices: int = 0,
    ) -> Application:
        """Deploy a stand-in; the units of a subordinate come with its relations."""
        description = descriptions.load()[charm or name]
        heads = [r for r in description.releases if channel in (None, r.channel)]
        compiled = descriptions.compiled(description, heads[-1])
        options_there = archives.options(description, heads[-1])
        defaults = {key: option.get("default") for key, option in options_there.items()}
        application = Application(
            compiled,
            {**defaults, **(options or {})},
            subordinate=bool(description.document.get("subordinate")),
        )
        self.applications[name] = application
        for number in range(units):
            self._add(name, application, number, devices)
        return application

    def integrate(self, *relations: tuple[End, End]) -> None:
        """Relate endpoints; a container relation brings the subordinate's units."""
        for one, other in sorted(relations, key=lambda ends: not self._in_container(*ends)):
            self._integrate(one, other)

    def _integrate(self, one: End, other: End) -> None:
        container = self._in_container(one, other)
        for principal, subordinate in ((one, other), (other, one)):
            application = self.applications[subordinate[0]]
            if container and application.subordinate:
                served = set(application.principals.values())
                for unit in self.applications[principal[0]].units:
                    if unit not in served:
                        number = len(application.units)
                        self._add(subordinate[0], application, number, 0)
                        application.principals[f"{subordinate[0]}/{number}"] = unit
        self._relate(one, other, container=container)

    def settle(self) -> int:
        """Carry databags until nothing changes; returns in how many rounds."""
        for name, application in self.applications.items():
            self._relate_peers(name, application)
        for rounds in range(1, 100):
            if not self._round():
                return rounds
        raise AssertionError("the databags keep changing")

    def status(self, unit: str) -> tuple[str, str]:
        """The workload status of a unit."""
        application = self.applications[unit.partition("/")[0]]
        return assess.status(application.compiled, application.units[unit])  # type: ignore[return-value]

    def statuses(self) -> dict[str, tuple[str, str]]:
        """The workload status of every unit."""
        units = itertools.chain.from_iterable(a.units for a in self.applications.values())
        return {unit: self.status(unit) for unit in units}

    def _add(self, name: str, application: Application, number: int, devices: int) -> None:
        world = World(
            f"{name}/{number}", model="8c1b5b0e-0000-4000-8000-0000000000aa", leader=number == 0
        )
        world.address = f"127.26.2.{next(self._numbers) % 250 + 1}"
        world.release = application.compiled["release"]
        world.config = {key: application.options.get(key) for key in application.compiled["reads"]}
        world.devices = {f"osd-devices/{i}": "osd-devices" for i in range(devices)}
        application.units[world.unit] = world

    def _relate_peers(self, name: str, application: Application) -> None:
        document = descriptions.load()[application.compiled["name"]].document
        for endpoint in document.get("peers", {}):
            if not any(world.at(endpoint) for world in application.units.values()):
                self._relate((name, endpoint), (name, endpoint), container=False)

    def _in_container(self, one: End, other: End) -> bool:
        return self._container(one) or self._container(other)

    def _container(self, end: End) -> bool:
        document = descriptions.load()[self.applications[end[0]].compiled["name"]].document
        sides = (document.get(role, {}).get(end[1], {}) for role in ("provides", "requires"))
        return any(side.get("scope") == "container" for side in sides)

    def _relate(self, one: End, other: End, *, container: bool) -> None:
        number = next(self._numbers)
        for mine, theirs in {(one, other), (other, one)}:
            for unit, world in self.applications[mine[0]].units.items():
                others = self._others(mine[0], unit, theirs[0], container=container)
                if others or not container:
                    relation = Relation(mine[1], theirs[0], units={name: {} for name in others})
                    world.relations[f"{mine[1]}:{number}"] = relation

    def _others(self, mine: str, unit: str, theirs: str, *, container: bool) -> Iterable[str]:
        host = self.applications[mine].principals.get(unit, unit)
        principals = self.applications[theirs].principals
        return [
            name
            for name in self.applications[theirs].units
            if name != unit and (not container or principals.get(name, name) == host)
        ]

    def _round(self) -> bool:
        changed = False
        for application in self.applications.values():
            for world in application.units.values():
                for relation in world.relations.values():
                    bag = handshake.databag(application.compiled, world, relation)
                    changed |= bag != relation.said
                    relation.said = bag
        for application in self.applications.values():
            for world in application.units.values():
                for key, relation in world.relations.items():
                    self._deliver(application, world, key, relation)
        return changed

    def _deliver(
        self, application: Application, world: World, key: str, relation: Relation
    ) -> None:
        number = key.partition(":")[2]
        keeps = application.compiled["keeps"].get(relation.endpoint, ())
        wanted = {name.format(slug=world.slug) for name in keeps}
        others = self.applications[relation.application].units
        for name in relation.units:
            theirs = next(
                r for k, r in others[name].relations.items() if k.partition(":")[2] == number
            )
            relation.units[name] = {k: v for k, v in theirs.said.items() if k in wanted}


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()
