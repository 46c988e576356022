"""A plan as people read it: a table, JSON, a Mermaid picture, and its difference from another.

Pure. What is shown is the plan alone; with a journal also how far it is.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charms.openstack_coordinator.v0.rolling import Journal
    from charms.openstack_coordinator.v0.rolling_plan import Operation, Plan, Step, Wave
    from planning.outcome import Planned, Refused

_SUBJECTS = ("unit", "application", "host", "machine", "units", "hosts", "node", "nodes")
_NAMED = 4
_IN_PICTURE = 12
"""How many steps of a wave the picture shows: more cannot be read."""


# -- text -----------------------------------------------------------------------------------


def table(planned: Planned, journal: Journal | None = None) -> str:
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


def document(planned: Planned) -> dict[str, Any]:
    """The plan with its estimate, as JSON has it."""
    return {
        "hash": planned.plan.hash,
        "estimate": datetime.timedelta(seconds=round(planned.seconds)).total_seconds(),
        "no-return": planned.no_return,
        "notes": list(planned.notes),
        "plan": json.loads(planned.plan.to_json()),
    }


def mermaid(plan: Plan) -> str:
    """A flow chart: a box for each wave, with its steps from top to bottom."""
    lines = ["flowchart TD"]
    for number, wave in enumerate(plan.waves):
        lines.append(f'  subgraph w{number}["{_safe(wave.name)}"]')
        lines += [f"    {text}" for text in _boxes(number, wave)]
        lines.append("  end")
        if number:
            lines.append(f"  w{number - 1} --> w{number}")
    return "\n".join(lines)


def _boxes(number: int, wave: Wave) -> Iterator[str]:
    lanes: dict[str, list[str]] = {}
    for place, step in enumerate(wave.steps[:_IN_PICTURE]):
        shape = ("[", "]") if step.undo is not None else ("{{", "}}")
        yield f'w{number}s{place}{shape[0]}"{_safe(step.id)}"{shape[1]}'
        lanes.setdefault(step.lane, []).append(f"w{number}s{place}")
    more = len(wave.steps) - _IN_PICTURE
    if more > 0:
        yield f'w{number}more(["and {more} more steps"])'
    for names in lanes.values():
        if len(names) > 1:
            yield " --> ".join(names)


def _safe(text: str) -> str:
    return text.replace('"', "'")


# -- difference -----------------------------------------------------------------------------


def difference(approved: Plan, now: Plan) -> list[str]:
    """In words, what the cloud would need now that was not approved; empty for equal plans."""
    if approved.hash == now.hash:
        return []
    before, after = _steps(approved), _steps(now)
    gone = [id_ for id_ in before if id_ not in after]
    new = [id_ for id_ in after if id_ not in before]
    found = [*_listed("no longer to do", gone), *_listed("to do as well", new)]
    both = [id_ for id_ in before if id_ in after]
    found += [
        f"{id_}: {words(before[id_].do)} became {words(after[id_].do)}"
        for id_ in both
        if before[id_].do != after[id_].do
    ]
    other = [id_ for id_ in both if before[id_].do == after[id_].do and before[id_] != after[id_]]
    found += _listed("with other gates or limits", other)
    if both != [id_ for id_ in after if id_ in before]:
        found.append("what is in both is done in another order")
    if not found:
        found.append("the same steps in other waves")
    return found


def _steps(plan: Plan) -> dict[str, Step]:
    return {step.id: step for wave in plan.waves for step in wave.steps}


def _listed(what: str, ids: Iterable[str]) -> Iterator[str]:
    listed = list(ids)
    if listed:
        more = len(listed) - _NAMED
        rest = f" and {more} more" if more > 0 else ""
        yield f"{what}: {'; '.join(listed[:_NAMED])}{rest}"
