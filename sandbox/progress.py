"""What `sandbox up` shows while it works: steps, counts, and what is waited for."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import rich.console
import rich.live
import rich.table
import rich.text

_NAMED = 4
"""How many of the things that are waited for are named."""
_PLAIN_INTERVAL = 5.0
"""Seconds between two lines of detail where there is no terminal."""


@dataclasses.dataclass(frozen=True)
class Settling:
    """How far a model is, counted from `juju status --format json`."""

    machines: tuple[int, int]
    """Started, and all."""
    units: tuple[int, int]
    """Active and idle, and all; subordinates count."""
    relations: int
    active: int
    """Applications that are active."""
    applications: int
    waiting_for: tuple[str, ...]
    """One line for each application or machine that is not there yet, with its reason."""

    @property
    def settled(self) -> bool:
        """Everything is there."""
        return not self.waiting_for and self.units[0] == self.units[1] > 0


def read_status(status: Mapping[str, Any], *, may_wait: frozenset[str]) -> Settling:
    """Count a model's status.

    Applications in `may_wait` are settled, too, while they wait or ask for their configuration.
    """
    machines = [m for top in status["machines"].values() for m in _with_containers(top)]
    started = [m for m in machines if _current(m, "juju-status") == "started"]
    applications: Mapping[str, Any] = status["applications"]
    units = [unit for app in applications.values() for unit in _units(app)]
    waiting: list[str] = []
    active = done = 0
    for name, application in applications.items():
        state = _current(application, "application-status")
        active += state == "active"
        accepted = {"active", "waiting", "blocked"} if name in may_wait else {"active"}
        mine = [unit for unit_name, unit in units if unit_name.startswith(f"{name}/")]
        done += sum(_is_done(unit, accepted) for unit in mine)
        if state not in accepted or not all(_is_done(unit, accepted) for unit in mine):
            message = application["application-status"].get("message", "")
            waiting.append(f"{name}: {state}{f', {message}' if message else ''}")
    waiting += [
        f"machine {name}: {_problem(machine)}"
        for name, machine in status["machines"].items()
        if _current(machine, "juju-status") != "started"
    ]
    relations = sum(len(app.get("relations", {})) for app in applications.values())
    return Settling(
        machines=(len(started), len(machines)),
        units=(done, len(units)),
        relations=relations // 2,
        active=active,
        applications=len(applications),
        waiting_for=tuple(waiting),
    )


def _current(entity: Mapping[str, Any], kind: str) -> str:
    return entity.get(kind, {}).get("current", "")


def _problem(machine: Mapping[str, Any]) -> str:
    told = machine.get("machine-status", {})
    return told.get("message") or told.get("current") or "pending"


def _is_done(unit: Mapping[str, Any], accepted: set[str]) -> bool:
    return (
        _current(unit, "workload-status") in accepted and _current(unit, "juju-status") == "idle"
    )


def _with_containers(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield machine
    for container in machine.get("containers", {}).values():
        yield from _with_containers(container)


def _units(application: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, unit in application.get("units", {}).items():
        yield name, unit
        yield from unit.get("subordinates", {}).items()


State = Literal["waits", "runs", "done", "failed"]
_MARKS: dict[State, str] = {"waits": "·", "runs": "▸", "done": "✓", "failed": "✗"}
_STYLES: dict[State, str] = {"waits": "dim", "runs": "bold", "done": "green", "failed": "red"}


class Progress:
    """The steps of a bring-up on a terminal, or as plain lines where there is none."""

    def __init__(self, steps: list[str], console: rich.console.Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._states: dict[str, State] = dict.fromkeys(steps, "waits")
        self._details: dict[str, str] = collections.defaultdict(str)
        self._live: rich.live.Live | None = None
        self._told = 0.0

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show the steps for as long as the body runs."""
        if not self._console.is_terminal:
            yield
            return
        with rich.live.Live(
            get_renderable=self._render, console=self._console, refresh_per_second=5
        ) as live:
            self._live = live
            yield

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Mark a step as running, then as done, or as failed when the body raises."""
        began = time.monotonic()
        self._set(name, "runs", "")
        try:
            yield
        except BaseException:
            self._set(name, "failed", self._details[name])
            raise
        self._set(name, "done", f"{self._details[name]} ({time.monotonic() - began:.0f} s)")

    def tell(self, name: str, detail: str) -> None:
        """Say where a step is."""
        with self._lock:
            changed = self._details[name] != detail
            self._details[name] = detail
        due = time.monotonic() - self._told > _PLAIN_INTERVAL
        if changed and due and self._live is None:
            self._told = time.monotonic()
            self._line(name)

    @property
    def elapsed(self) -> float:
        """Seconds since the bring-up began."""
        return time.monotonic() - self._began

    def _set(self, name: str, state: State, detail: str) -> None:
        with self._lock:
            self._states[name] = state
            self._details[name] = detail.strip()
        if self._live is None:
            self._line(name)

    def _line(self, name: str) -> None:
        mark, detail = _MARKS[self._states[name]], self._details[name]
        line = f"[{self.elapsed:5.0f} s] {mark} {name}{f': {detail}' if detail else ''}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _render(self) -> rich.table.Table:
        table = rich.table.Table.grid(padding=(0, 1))
        with self._lock:
            for name, state in self._states.items():
                style = _STYLES[state]
                table.add_row(
                    rich.text.Text(_MARKS[state], style),
                    rich.text.Text(name, style),
                    rich.text.Text(self._details[name]),
                )
        table.add_row("", rich.text.Text(f"{self.elapsed:.0f} s", "dim"), "")
        return table


def describe(settling: Settling) -> str:
    """One or more lines for the step that waits for the model."""
    lines = [
        f"machines {settling.machines[0]}/{settling.machines[1]}, "
        f"units {settling.units[0]}/{settling.units[1]}, "
        f"relations {settling.relations}, "
        f"applications {settling.active}/{settling.applications} active"
    ]
    lines += [f"waits for {line}" for line in settling.waiting_for[:_NAMED]]
    if len(settling.waiting_for) > _NAMED:
        lines.append(f"and {len(settling.waiting_for) - _NAMED} more")
    return "\n".join(lines)
