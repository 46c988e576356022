"""A plan for a long operation, as data: waves of steps, with gates between them.

The canonical JSON of a plan has a hash. What an operator approved, by its hash, is what runs; see
rolling.py for how. Pure, without I/O or clock.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

LIBID = "d9cc08c38256482cb3061bf0da50b631"
LIBAPI = 0
LIBPATCH = 3


class WrongPlan(Exception):
    """A text is no plan, or a journal belongs to another plan."""


@dataclasses.dataclass(frozen=True)
class Operation:
    """Something to do, in the words of whoever performs it."""

    kind: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Gate:
    """A condition that must hold before a step is begun."""

    kind: str
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    patience: float = 3600.0
    """Seconds that it may stay closed; after that the plan holds for the operator."""

    @functools.cached_property
    def key(self) -> str:
        """Names the gate in observations and in the journal."""
        return f"{self.kind} {canonical(self.arguments)}"


@dataclasses.dataclass(frozen=True)
class Step:
    """One operation on one subject."""

    id: str
    lane: str
    """Its subject, for example a unit: the steps of a lane go one after another."""
    do: Operation
    undo: Operation | None = None
    """What takes it back; None when nothing does."""
    gates: tuple[Gate, ...] = ()
    undo_gates: tuple[Gate, ...] = ()
    """Conditions that must hold before it is taken back. Most often none: gates guard what takes
    something down, and taking that back brings it up again."""
    timeout: float = 1800.0
    """Seconds from the request to the result; after that the plan holds."""
    attempts: int = 1
    retry_after: float = 30.0
    """Seconds before another attempt, and before a request without effect counts as lost."""


@dataclasses.dataclass(frozen=True)
class Wave:
    """Steps that belong together; a wave begins when the one before is finished."""

    name: str
    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    """Gates of each of its steps."""
    parallel: int = 1
    """How many lanes may be begun and not finished at a time."""

    @functools.cached_property
    def ids(self) -> frozenset[str]:
        """Those of its steps."""
        return frozenset(step.id for step in self.steps)


def short(digest: str) -> str:
    """The first digits of a hash, twelve or more, that are no number.

    `juju run` reads parameters as YAML: 741555857899 and 12e345678901 would not be text.
    """
    least = 12
    while least < len(digest) and not set(digest[:least]) & set("abcdf"):
        least += 1
    return digest[:least]


@dataclasses.dataclass(frozen=True)
class Plan:
    """Waves in their order."""

    title: str
    waves: tuple[Wave, ...]

    def __post_init__(self) -> None:
        ids = [step.id for wave in self.waves for step in wave.steps]
        if len(ids) != len(set(ids)):
            raise ValueError("two steps of the plan have the same id")
        if any(wave.parallel < 1 for wave in self.waves):
            raise ValueError("a wave in which nothing may run in parallel never ends")

    @functools.cached_property
    def hash(self) -> str:
        """What an operator approves: equal for equal plans only."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def short(self) -> str:
        """The first digits of its hash, for people."""
        return short(self.hash)

    def to_json(self) -> str:
        """The canonical form: the same bytes for the same plan."""
        return canonical({"title": self.title, "waves": [_of_wave(wave) for wave in self.waves]})

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan of `to_json`; WrongPlan when the text is none."""
        try:
            raw = json.loads(text)
            return cls(raw["title"], tuple(_wave(wave) for wave in raw["waves"]))
        except (ValueError, KeyError, TypeError) as error:
            raise WrongPlan(f"this is not a plan: {error}") from error


def canonical(value: Any) -> str:
    """JSON with the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# dataclasses.asdict copies deeply, which takes seconds for the plan of a large cloud.


def _of_wave(wave: Wave) -> dict[str, Any]:
    return {
        "name": wave.name,
        "steps": [_of_step(step) for step in wave.steps],
        "gates": [_of_part(gate) for gate in wave.gates],
        "parallel": wave.parallel,
    }


def _of_step(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "lane": step.lane,
        "do": _of_part(step.do),
        "undo": _of_part(step.undo) if step.undo is not None else None,
        "gates": [_of_part(gate) for gate in step.gates],
        "undo_gates": [_of_part(gate) for gate in step.undo_gates],
        "timeout": step.timeout,
        "attempts": step.attempts,
        "retry_after": step.retry_after,
    }


def _of_part(part: Operation | Gate) -> dict[str, Any]:
    """The fields of a part that holds no other."""
    fields = {"kind": part.kind, "arguments": part.arguments}
    return {**fields, "patience": part.patience} if isinstance(part, Gate) else fields


def _wave(raw: Mapping[str, Any]) -> Wave:
    return Wave(
        raw["name"], tuple(map(_step, raw["steps"])), _gates(raw["gates"]), raw["parallel"]
    )


def _step(raw: Mapping[str, Any]) -> Step:
    undo = Operation(**raw["undo"]) if raw["undo"] else None
    rest = {key: raw[key] for key in ("id", "lane", "timeout", "attempts", "retry_after")}
    back = _gates(raw.get("undo_gates", ()))
    do, gates = Operation(**raw["do"]), _gates(raw["gates"])
    return Step(do=do, undo=undo, gates=gates, undo_gates=back, **rest)


def _gates(raw: Iterable[Mapping[str, Any]]) -> tuple[Gate, ...]:
    return tuple(Gate(**gate) for gate in raw)
