"""A plan as people read it: a table, JSON, and a Mermaid picture.

Pure. What is shown is the plan alone; with a journal also how far it is.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from charms.openstack_coordinator.v0.rolling import Journal
    from charms.openstack_coordinator.v0.rolling_plan import Operation, Plan, Step, Wave
    from planning.outcome import Refused

_SUBJECTS = ("unit", "application", "host", "machine", "units", "hosts", "node", "nodes")
_NAMED = 4
_COLOURS = {
    "done": "#cfc",
    "skipped": "#eee",
    "requested": "#ffc",
    "intended": "#ffe",
    "failed": "#fcc",
}
_IN_PICTURE = 12
"""How many steps of a wave the picture shows: more cannot be read."""


class Told(Protocol):
    """A plan with what an operator should know of it: as it was planned, or as it is kept."""

    @property
    def plan(self) -> Plan: ...  # noqa: D102

    @property
    def seconds(self) -> float: ...  # noqa: D102

    @property
    def no_return(self) -> str: ...  # noqa: D102

    @property
    def notes(self) -> tuple[str, ...]: ...  # noqa: D102


# -- text -----------------------------------------------------------------------------------


def table(planned: Told, journal: Journal | None = None) -> str:
    """All of it for a terminal: waves, their steps, and what each waits for."""
    plan = planned.plan
    count = sum(len(wave.steps) for wave in plan.waves)
    lines = [
        f"{plan.title}: {len(plan.waves)} waves, {count} steps, about {duration(planned.seconds)}",
        f"hash: {plan.hash}",
        f"no way back from: {planned.no_return or 'nothing: all of it can be undone'}",
        *(f"note: {note}" for note in planned.notes),
    ]
    for number, wave in enumerate(plan.waves, 1):
        parallel = f", {wave.parallel} at a time" if wave.parallel > 1 else ""
        lines += ["", f"{number}. {wave.name} ({len(wave.steps)} steps{parallel})"]
        lines += [f"   {_state(step, journal)}{line(step)}" for step in wave.steps]
    return "\n".join(lines)


def line(step: Step) -> str:
    """One step: what is done, what it waits for, and whether it can be undone."""
    gates = ", ".join(dict.fromkeys(gate.kind for gate in step.gates))
    waits = f" [{gates}]" if gates else ""
    final = "" if step.undo is not None else " (no way back)"
    return f"{step.id}: {words(step.do)}{waits}{final}"


def words(operation: Operation) -> str:
    """An operation in few words: its kind, and what is not said by its subject."""
    arguments = operation.arguments
    subject = [_short(arguments[key]) for key in _SUBJECTS if key in arguments]
    rest = {key: value for key, value in arguments.items() if key not in _SUBJECTS}
    if operation.kind == "set-options":
        rest = dict(rest["options"])
    said = [
        f"{key}={_short(value)}" for key, value in sorted(rest.items()) if value not in ({}, "")
    ]
    return " ".join((operation.kind, *subject, *said))


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        named = ",".join(map(str, value[:_NAMED]))
        return f"{named},... ({len(value)})" if len(value) > _NAMED else named
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value) if isinstance(value, (bool, Mapping)) or value is None else str(value)


def _state(step: Step, journal: Journal | None) -> str:
    if journal is None:
        return ""
    record = journal.records.get(step.id)
    return f"{record.state if record else '-':<10}"


def duration(seconds: float) -> str:
    """Hours and minutes, for a person."""
    minutes = -(-int(seconds) // 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def refusal(refused: Refused) -> str:
    """Every reason with its remedy."""
    return "\n".join(f"{reason}\n   remedy: {reason.remedy}" for reason in refused.reasons)


# -- for programs ---------------------------------------------------------------------------


def document(planned: Told) -> dict[str, Any]:
    """The plan with its estimate, as JSON has it."""
    return {
        "hash": planned.plan.hash,
        "estimate": datetime.timedelta(seconds=round(planned.seconds)).total_seconds(),
        "no-return": planned.no_return,
        "notes": list(planned.notes),
        "plan": json.loads(planned.plan.to_json()),
    }


def mermaid(plan: Plan, journal: Journal | None = None) -> str:
    """A flow chart: a box for each wave, with its steps from top to bottom.

    With a journal each step has the colour of its state; what cannot be undone is a hexagon.
    """
    lines = ["flowchart TD"]
    lines += [f"  classDef {state} fill:{colour}" for state, colour in _COLOURS.items()]
    for number, wave in enumerate(plan.waves):
        lines.append(f'  subgraph w{number}["{_safe(wave.name)}"]')
        lines += [f"    {text}" for text in _boxes(number, wave, journal)]
        lines.append("  end")
        if number:
            lines.append(f"  w{number - 1} --> w{number}")
    return "\n".join(lines)


def _boxes(number: int, wave: Wave, journal: Journal | None) -> Iterator[str]:
    lanes: dict[str, list[str]] = {}
    for place, step in enumerate(wave.steps[:_IN_PICTURE]):
        left, right = ("[", "]") if step.undo is not None else ("{{", "}}")
        record = journal.records.get(step.id) if journal else None
        state = f":::{record.state}" if record else ""
        yield f'w{number}s{place}{left}"{_safe(step.id)}"{right}{state}'
        lanes.setdefault(step.lane, []).append(f"w{number}s{place}")
    more = len(wave.steps) - _IN_PICTURE
    if more > 0:
        yield f'w{number}more(["and {more} more steps"])'
    for names in lanes.values():
        if len(names) > 1:
            yield " --> ".join(names)


def _safe(text: str) -> str:
    return text.replace('"', "'")
