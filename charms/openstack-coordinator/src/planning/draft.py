"""Steps and gates as every plan uses them: their names, times and attempts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate, Operation, Step, Wave

if TYPE_CHECKING:
    from cloud import Unit
    from coherence import Finding

    from planning.request import Terms
    from planning.survey import Part, Survey

_T = TypeVar("_T")

Later = Callable[[], Iterable[_T]]
"""What is worked out only when nothing speaks against the plan."""

SHORT = 900.0
"""Seconds for what takes an agent one hook, while it may have others to run first."""

LONG = 4 * steps.HOUR
"""Seconds for guests to move, or for somebody to do his part within a shift."""

HELD = 12 * steps.HOUR
"""Seconds that the first agent is held at most. Where a plan holds halfway, somebody has that long
to see to it before the other units follow by themselves."""

_PACKAGES = (
    "apt-get update && DEBIAN_FRONTEND=noninteractive apt-get --yes "
    "-o Dpkg::Options::=--force-confold dist-upgrade"
)

_ATTEMPTS = 3
_AGAIN = 60.0


def step(
    subject: str,
    what: str,
    do: Operation,
    undo: Operation | None,
    *,
    lane: str,
    gates: Iterable[Gate] = (),
    undo_gates: Iterable[Gate] = (),
    timeout: float = SHORT,
    attempts: int = _ATTEMPTS,
) -> Step:
    """A step whose id says what happens to whom."""
    return Step(
        f"{subject} {what}",
        lane,
        do,
        undo,
        tuple(gates),
        tuple(undo_gates),
        timeout=timeout,
        attempts=attempts,
        retry_after=_AGAIN,
    )


def set_option(part: Part, option: str, value: object, suffix: str = "") -> Step:
    """Nothing to undo where the value is what it was at first."""
    before = part.option(option)
    undo = steps.set_options(part.name, {option: before})
    set_ = steps.set_options(part.name, {option: value})
    return step(part.name, f"{option}{suffix}", set_, undo, lane=part.name)


def packages(unit: str, lane: str, hold: tuple[str, ...] = ()) -> Step:
    """The machine's other packages, but for those that must stay."""
    held = " ".join(hold)
    command = f"apt-mark hold {held} && {_PACKAGES}; r=$?; apt-mark unhold {held}; exit $r"
    do = steps.run_command(unit, command if hold else _PACKAGES)
    stay = steps.nothing()
    return step(unit, "packages", do, stay, lane=lane, timeout=LONG, attempts=2)


@dataclasses.dataclass(frozen=True)
class Draft:
    """What the steps of one plan have in common."""

    survey: Survey
    terms: Terms
    at_once: bool = False
    """Take all units of an application at once: for comparison in tests only."""

    def entry(self, *more: Gate) -> tuple[Gate, ...]:
        """Gates of a step with which something is begun that is then brought to its end."""
        window = self.terms.window
        if window is None:
            return self.within(*more)
        return (steps.window(window.cron, window.hours, window.timezone), *self.within(*more))

    def within(self, *more: Gate) -> tuple[Gate, ...]:
        """Gates of a step that takes something down while other things wait for its end.

        The window may close meanwhile: what is held, or out of service, must not wait for the
        next one. None of these gates bars the way back up.
        """
        probed = self.survey.snapshot.probe is not None
        return (*((steps.api_probe(self.terms.failures),) if probed else ()), *more)

    def whole(self, besides: Sequence[str] = ()) -> Gate:
        """All of OpenStack is well."""
        return steps.healthy(tuple(self.survey.parts), besides)

    def guard(self, part: Part, unit: Unit) -> Unit | None:
        """The agent that keeps the virtual address of this unit, or of its principal."""
        if self.survey.knowledge.roles[part.charm.role].agent:
            return None
        return self.survey.agents.get(unit.principal or unit.name)

    def around(self, part: Part, unit: Unit, busy: Sequence[str] = ()) -> tuple[Gate, ...]:
        """Gates before one unit of a part goes down: the others are well, and enough.

        `busy` are units whose agents are held: they serve.
        """
        names = {part.name}
        besides = {unit.name, *busy}
        guard = self.guard(part, unit)
        if guard is not None:
            names.add(guard.application)
            besides.add(guard.name)
        gates = [steps.healthy(sorted(names), sorted(besides)), *self._quorum(part, unit)]
        if guard is not None:
            gates += self._quorum(self.survey.parts[guard.application], guard)
        return tuple(gates)

    def ready(self, part: Part, unit: Unit, besides: Sequence[str]) -> tuple[Gate, ...]:
        """Gates before the agent of a unit is released on the way back."""
        guard = self.guard(part, unit)
        names = [part.name, guard.application] if guard else [part.name]
        gates = [steps.healthy(sorted(names), sorted(besides)), *self._quorum(part, unit)]
        if guard is not None:
            gates += self._quorum(self.survey.parts[guard.application], guard)
        return tuple(gates)

    def _quorum(self, part: Part, unit: Unit) -> list[Gate]:
        return [steps.quorum(part.name, [unit.name], part.least)] if part.least else []

    def still(self, part: Part, unit: Unit) -> tuple[Gate, ...]:
        """Gates once the address was told to leave: it did, and the others are still enough."""
        guard = self.guard(part, unit)
        away = [steps.vip_away(unit.principal or unit.name, guard.application)] if guard else []
        return (*away, *self._quorum(part, unit))

    def pause(self, part: Part, unit: Unit, lane: str) -> list[Step]:
        """The unit out of service: first the agent that keeps its address, then itself."""
        found: list[Step] = []
        gates = self.entry(*self.around(part, unit))
        agent = self.survey.agents.get(unit.name)
        if agent is not None:
            pause, resume = steps.pause_unit(agent.name), steps.resume_unit(agent.name)
            found.append(step(agent.name, "pause", pause, resume, lane=lane, gates=gates))
            gates = self.still(part, unit)
        pause, resume = steps.pause_unit(unit.name), steps.resume_unit(unit.name)
        found.append(step(unit.name, "pause", pause, resume, lane=lane, gates=gates))
        return found

    def resume(self, part: Part, unit: Unit, lane: str) -> list[Step]:
        """The unit into service again, then its agent."""
        agent = self.survey.agents.get(unit.name)
        # One that comes back sealed is in service when somebody has unsealed it.
        timeout = steps.DAY if part.upgrade.sealed else part.upgrade.timeout
        return [
            step(
                one.name,
                "resume",
                steps.resume_unit(one.name),
                steps.nothing(),
                lane=lane,
                timeout=timeout,
            )
            for one in (unit, agent)
            if one is not None
        ]

    def begun(self, name: str, found: Iterable[Step]) -> tuple[Wave, ...]:
        """Steps one after another that begin only in a window, and when all is well."""
        ordered = list(found)
        if ordered:
            first = ordered[0]
            kinds = {gate.kind for gate in first.gates}
            lacking = [gate for gate in self.entry(self.whole()) if gate.kind not in kinds]
            ordered[0] = dataclasses.replace(first, gates=(*lacking, *first.gates))
        return in_one_lane(name, ordered)

    def settle(
        self, subject: str, what: str, units: Iterable[Unit], timeout: float, version: str = ""
    ) -> Step:
        """Wait until units are well, and of a version; `subject` is the application."""
        names = [unit.name for unit in units]
        return step(
            subject,
            what,
            steps.await_units(names, version),
            steps.nothing(),
            lane=subject,
            timeout=timeout,
            attempts=1,
        )


@dataclasses.dataclass(frozen=True)
class Drafted:
    """What one kind of request comes to."""

    title: str
    reasons: tuple[Finding, ...]
    """Why not; empty when nothing speaks against it."""
    waves: Later[Wave]
    notes: Later[str] = tuple


def in_one_lane(name: str, found: Iterable[Step]) -> tuple[Wave, ...]:
    """A wave whose steps go one after another; none for no steps."""
    steps_ = tuple(found)
    return (Wave(name, steps_),) if steps_ else ()


def seconds(waves: Iterable[Wave], cost: Callable[[Step], float]) -> float:
    """What waves take: the longest way through each, with as many lanes as may go at a time.

    Args:
        waves: of the plan.
        cost: what a step takes, in seconds.
    """
    total = 0.0
    for wave in waves:
        lanes: dict[str, float] = {}
        for one in wave.steps:
            lanes[one.lane] = lanes.get(one.lane, 0.0) + cost(one)
        workers = [0.0] * min(wave.parallel, max(1, len(lanes)))
        for needed in lanes.values():
            workers[workers.index(min(workers))] += needed
        total += max(workers)
    return total
