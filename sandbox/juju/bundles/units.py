"""Units of a plan, and where each goes (core/bundle/changes/handlers.go)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from sandbox.juju.bundles.bundle import Application, Bundle
from sandbox.juju.bundles.changes import AddMachine, AddUnit, Change
from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.model_state import ModelState, Numbers, container_kind, top_machine
from sandbox.juju.bundles.natural import naturally
from sandbox.juju.bundles.placement import Placement, parse_placement


class Planner(Protocol):
    """What placing units needs of the plan that is being made."""

    bundle: Bundle
    model: ModelState
    changes: list[Change]
    numbers: Numbers
    machine_map: dict[str, str]
    added: dict[str, str]
    added_machines: dict[str, AddMachine]

    def next_id(self, method: str) -> str:
        """The id for the next change."""
        ...

    def add(self, change: Change) -> Change:
        """Append a change."""
        ...

    def base_of(self, name: str, app: Application) -> str:
        """The base for an application."""
        ...


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where a unit goes."""

    to: str = ""
    machine: str = ""
    requires: tuple[str, ...] = ()
    told: str = ""
    directive: str = ""


class UnitPlanner:
    """Adds the missing units of every application, then finds each a place."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._bundle = planner.bundle
        self._model = planner.model
        self._new: dict[str, dict[int, int]] = {}
        """Application -> index of the unit -> position of its AddUnit among the changes."""
        self._free_machines: dict[tuple[str, str, str], list[str]] = {}
        self._free_units: dict[tuple[str, str, str], list[int]] = {}
        self._machine_changes = [change.id for change in planner.added_machines.values()]

    def place_all(self) -> None:
        """Add and place every missing unit.

        Raises:
            BundleError: applications are placed beside each other in a circle.
        """
        if self._bundle.type:
            return
        self._add_units()
        waiting = set(self._bundle.applications)
        while waiting:
            ready = [
                name for name in sorted(waiting) if not self._targets(name) & waiting - {name}
            ]
            ready = [name for name in ready if name not in self._targets(name)]
            if not ready:
                names = ", ".join(sorted(waiting))
                raise BundleError(f"cycle in placement directives for: {names}")
            for name in ready:
                self._place(name)
            waiting -= set(ready)

    def _targets(self, name: str) -> set[str]:
        placements = self._bundle.applications[name].placements
        return {placement.application for placement in placements} - {""}

    def _present(self, name: str) -> Mapping[str, str]:
        app = self._model.applications.get(name)
        return app.units if app else {}

    def _add_units(self) -> None:
        for name in naturally(self._bundle.applications):
            made = self._planner.added.get(name, "")
            self._new[name] = {}
            count = self._bundle.applications[name].units
            for index in range(len(self._present(name)), count):
                change = AddUnit(
                    self._planner.next_id("addUnit"),
                    (made,) if made else (),
                    application=f"${made}" if made else name,
                    unit=self._planner.numbers.unit(name),
                )
                self._new[name][index] = len(self._planner.changes)
                self._planner.add(change)

    def _place(self, name: str) -> None:
        app = self._bundle.applications[name]
        directives = self._unsatisfied(name, app)
        rest = ""
        if app.to:
            last = parse_placement(app.to[-1])
            # A place for one unit is no place for the others: those get machines of their own.
            if last.machine == "new" or (last.application and last.unit < 0):
                rest = app.to[-1]
        before = ""
        for position in self._new[name].values():
            directive = directives.pop(0) if directives else rest
            place = self._place_for(name, app, directive)
            change = self._unit_at(position)
            requires = [*change.requires, *place.requires, *([before] if before else [])]
            self._planner.changes[position] = dataclasses.replace(
                change,
                requires=tuple(dict.fromkeys(requires)),
                to=place.to,
                place=place.told,
                directive=place.directive,
                machine=place.machine,
            )
            before = change.id

    def _unit_at(self, position: int) -> AddUnit:
        change = self._planner.changes[position]
        if not isinstance(change, AddUnit):
            raise TypeError(f"change {change.id} adds no unit")
        return change

    def _unsatisfied(self, name: str, app: Application) -> list[str]:
        """The directives of `to` that no unit of the model satisfies yet."""
        if name not in self._model.applications:
            return list(app.to)
        left: list[str] = []
        for text in app.to:
            placement = parse_placement(text)
            machine = placement.machine
            if placement.application:
                if placement.unit < 0:
                    left.append(text)
                    continue
                unit = f"{placement.application}/{placement.unit}"
                machine = self._present(placement.application).get(unit, "")
            elif machine != "new":
                machine = self._planner.machine_map.get(machine, machine)
            if machine in ("", "new") or not self._model.unit_on(
                name, machine, placement.container
            ):
                left.append(text)
        return left

    def _place_for(self, name: str, app: Application, directive: str) -> _Place:
        if not directive:
            return _Place(machine=self._planner.numbers.machine())
        placement = parse_placement(directive)
        if placement.machine == "new":
            return self._new_machine(name, app, placement)
        if placement.machine:
            return self._declared_machine(name, app, placement)
        if placement.unit >= 0:
            return self._beside_unit(name, app, placement, directive)
        return self._beside_application(name, app, placement, directive)

    def _new_machine(self, name: str, app: Application, placement: Placement) -> _Place:
        number = self._planner.numbers.machine()
        container = ""
        if placement.container:
            container = self._planner.numbers.container(number, placement.container)
        change = self._add_machine(
            name, app, (), number=number, container=placement.container, container_number=container
        )
        return _Place(f"${change.id}", number, (change.id,), container or f"new machine {number}")

    def _declared_machine(self, name: str, app: Application, placement: Placement) -> _Place:
        present = self._planner.machine_map.get(placement.machine, "")
        if present in self._model.machines:
            return self._on_existing(present, placement.container)
        made = self._planner.added_machines[placement.machine]
        place = _Place(f"${made.id}", made.number, (made.id,), f"new machine {made.number}")
        if placement.container:
            return self._in_container(name, app, place, placement.container)
        return place

    def _beside_unit(
        self, name: str, app: Application, placement: Placement, directive: str
    ) -> _Place:
        unit = f"{placement.application}/{placement.unit}"
        machine = self._present(placement.application).get(unit, "")
        if machine:
            place = self._on_existing(machine, placement.container)
            return dataclasses.replace(place, directive=directive)
        position = self._new[placement.application].get(placement.unit)
        if position is None:
            return self._new_machine(name, app, placement)
        return self._beside_new(name, app, position, placement, directive)

    def _beside_application(
        self, name: str, app: Application, placement: Placement, directive: str
    ) -> _Place:
        key = (name, placement.application, placement.container)
        if key not in self._free_machines:
            self._free_machines[key] = self._machines_without(name, placement)
            self._free_units[key] = list(self._new[placement.application].values())
        if self._free_machines[key]:
            place = self._on_existing(self._free_machines[key].pop(0), placement.container)
            return dataclasses.replace(place, directive=directive)
        if self._free_units[key]:
            position = self._free_units[key].pop(0)
            return self._beside_new(name, app, position, placement, directive)
        return _Place(machine=self._planner.numbers.machine())

    def _machines_without(self, name: str, placement: Placement) -> list[str]:
        """Machines with a unit of the target and none of ours in the wanted place."""
        machines = {top_machine(m) for m in self._present(placement.application).values() if m}
        for machine in self._present(name).values():
            if not placement.container:
                machines.discard(machine)
            elif container_kind(machine) == placement.container:
                machines.discard(top_machine(machine))
        return naturally(machines)

    def _beside_new(
        self, name: str, app: Application, position: int, placement: Placement, directive: str
    ) -> _Place:
        other = self._unit_at(position)
        place = _Place(f"${other.id}", other.machine, (other.id,), other.place)
        if placement.container:
            place = self._in_container(name, app, place, placement.container)
        return dataclasses.replace(place, directive=directive)

    def _on_existing(self, machine: str, container: str) -> _Place:
        if not container:
            return _Place(machine, machine, (), f"existing machine {machine}")
        # A container goes on the machine itself, never into a container.
        host = top_machine(machine)
        number = self._planner.numbers.container(host, container)
        return _Place(f"{container}:{host}", host, (), number)

    def _in_container(self, name: str, app: Application, place: _Place, container: str) -> _Place:
        number = self._planner.numbers.container(place.machine, container)
        change = self._add_machine(
            name,
            app,
            place.requires,
            number=place.machine,
            container=container,
            container_number=number,
            host=place.to,
            on_existing=place.machine in self._model.machines,
        )
        return _Place(f"${change.id}", place.machine, (change.id,), number)

    def _add_machine(
        self, name: str, app: Application, requires: tuple[str, ...], **fields: Any
    ) -> AddMachine:
        change = AddMachine(
            self._planner.next_id("addMachines"),
            tuple(dict.fromkeys([*requires, *self._machine_changes])),
            base=self._planner.base_of(name, app),
            constraints=with_bound_spaces(app.constraints, app.bindings),
            **fields,
        )
        self._planner.add(change)
        self._machine_changes.append(change.id)
        return change


def with_bound_spaces(text: str, bindings: Mapping[str, str]) -> str:
    """Constraints that also ask for the spaces to which endpoints are bound.

    Raises:
        BundleError: a space is bound and forbidden at once.
    """
    wanted = set(bindings.values())
    if not wanted:
        return text
    pairs = dict(pair.split("=", 1) for pair in text.split())
    refused = set()
    for space in filter(None, pairs.pop("spaces", "").split(",")):
        if space.startswith("^"):
            refused.add(space)
            if space[1:] in wanted:
                raise BundleError(
                    f'space "{space[1:]}" is required but it\'s forbidden by constraint'
                )
        else:
            wanted.add(space)
    spaces = ",".join(naturally(wanted | refused))
    return " ".join([f"spaces={spaces}", *(f"{key}={pairs[key]}" for key in naturally(pairs))])
