"""How a plan made now differs from the one that was approved. Pure."""

from __future__ import annotations

from charms.openstack_coordinator.v0.rolling_plan import Plan, Step, canonical

LINES = 20
"""At most so many differences are told one by one."""


def between(old: Plan, new: Plan) -> tuple[str, ...]:
    """The differences, in the order of the plans; empty for equal plans."""
    before, after = _steps(old), _steps(new)
    found = [f"- {id_}" for id_ in before if id_ not in after]
    found += [f"+ {id_}" for id_ in after if id_ not in before]
    for id_, (wave, step) in after.items():
        if id_ not in before:
            continue
        wave_before, step_before = before[id_]
        if wave != wave_before:
            found.append(f"~ {id_}: in the wave {wave}, not {wave_before}")
        elif step != step_before:
            found.append(f"~ {id_}: {_changed(step_before, step)}")
    common = [id_ for id_ in before if id_ in after]
    if not found and common != [id_ for id_ in after if id_ in before]:
        found.append("~ the order of the steps")
    if not found and old.hash != new.hash:
        found.append("~ the gates of a wave, or how much goes at a time")
    return tuple(found)


def shown(found: tuple[str, ...]) -> str:
    """The differences for a message."""
    rest = f"\n(and {len(found) - LINES} more)" if len(found) > LINES else ""
    return "\n".join(found[:LINES]) + rest


def _steps(plan: Plan) -> dict[str, tuple[str, Step]]:
    return {step.id: (wave.name, step) for wave in plan.waves for step in wave.steps}


def _changed(old: Step, new: Step) -> str:
    if old.do != new.do:
        return f"{canonical(dict(new.do.arguments))} and not {canonical(dict(old.do.arguments))}"
    gates = {gate.key for gate in old.gates} ^ {gate.key for gate in new.gates}
    if gates:
        return f"its gates: {'; '.join(sorted(gates))}"
    return "its way back, its times or its attempts"
