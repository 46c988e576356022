"""Which machines of the model are the bundle's machines (core/bundle/changes/model.go)."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.juju.bundles.bundle import Bundle
from sandbox.juju.bundles.model_state import ModelState, top_machine
from sandbox.juju.bundles.natural import naturally


def infer_machine_map(
    bundle: Bundle, model: ModelState, given: Mapping[str, str]
) -> dict[str, str]:
    """Machine of the bundle -> machine of the model.

    First what the user said; then machines of the same number that carry what the bundle puts
    there; then, machine by machine, the first unit of an application placed there that is not
    accounted for yet.
    """
    found = dict(given)
    taken = set(given.values())
    left = {
        name: [unit for unit in naturally(app.units) if top_machine(app.units[unit]) not in taken]
        for name, app in model.applications.items()
    }
    unsatisfied: dict[str, list[str]] = {}
    for name in naturally(bundle.applications):
        unsatisfied[name] = []
        for placement in bundle.applications[name].placements:
            machine = placement.machine
            if machine in ("", "new") or machine in found:
                continue
            unit = model.unit_on(name, machine, placement.container)
            if unit:
                found[machine] = machine
                taken.add(machine)
                if unit in left.get(name, []):
                    left[name].remove(unit)
            else:
                unsatisfied[name].append(machine)
    for machine in naturally(bundle.machines):
        if machine in found:
            continue
        for name in sorted(bundle.applications):
            units = left.get(name) or []
            if machine not in unsatisfied[name] or not units:
                continue
            candidate = top_machine(model.applications[name].units[units[0]])
            if candidate in taken or not candidate:
                continue
            found[machine] = candidate
            taken.add(candidate)
            left[name] = units[1:]
            break
    return found
