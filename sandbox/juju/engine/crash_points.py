"""Killing a unit at what its charm persists in databags: before it, after it, and in its midst.

What a hook sets takes effect when the hook is committed. So there are three moments at which a
unit can die of which a charm may make a mistake (sandbox.faults.fault, Moment). Each that was
reached is a line of JSON in `log/crash-points.jsonl`, with the values before and after.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import pathlib
import re
from collections.abc import AsyncIterator, Callable, Mapping

from sandbox.faults.fault import Moment
from sandbox.juju import errors
from sandbox.juju.engine.context import HookContext

_MODULE = "sandbox.faults"

_SECONDS = re.compile(r"\d+\.\d+")
"""A time: a write that is done again has another."""

Changed = Mapping[str, tuple[str, str]]
"""Key of a databag -> its value in the store, and the one that the hook has set."""


@dataclasses.dataclass
class _Armed:
    """At which writes a unit dies still."""

    key: str
    moments: tuple[Moment, ...]
    times: int
    reached: dict[str, int] = dataclasses.field(default_factory=dict)
    """Write, times of day aside -> how many of the moments it has had."""

    def moment(self, changed: Changed) -> Moment | None:
        """The next one of a write; None when there is none any more."""
        had = self.reached.get(_face(changed), 0)
        spent = sum(self.reached.values()) >= self.times or had >= len(self.moments)
        return None if spent else self.moments[had]

    def reach(self, changed: Changed) -> None:
        """A write had one more."""
        face = _face(changed)
        self.reached[face] = self.reached.get(face, 0) + 1


class CrashPoints:
    """Which units die next while they write, and where."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._armed: dict[tuple[str, str], _Armed] = {}
        self.kill: Callable[[str, str], asyncio.Task[None]] = _nobody_kills
        """Kills a unit's agent with what it runs, and starts another."""

    def arm(
        self, model: str, unit: str, key: str, moments: tuple[Moment, ...], times: int
    ) -> None:
        """Let each write of keys that begin with `key` have the moments, one at each attempt."""
        self._armed[model, unit] = _Armed(key, moments, times)

    def clear(self) -> None:
        """Let every write be."""
        self._armed.clear()

    async def set(self, context: HookContext) -> None:
        """A hook tool has set what the context holds now; it was not answered yet.

        Raises:
            ConnectionError: the unit was killed: there is nobody to answer.
        """
        changed = self._changed(context, "set")
        if changed:
            await asyncio.wait({self._kill(context, "set", changed)})
            raise ConnectionResetError("killed on purpose")

    @contextlib.asynccontextmanager
    async def around_commit(self, context: HookContext) -> AsyncIterator[None]:
        """The commit of a process that ended well: here the agent's task may end, or after it."""
        changed = self._changed(context, "commit")
        if changed:
            self._kill(context, "commit", changed)
            await asyncio.Event().wait()
        kept = {m: self._changed(context, m) for m in ("committed", "pass")}
        yield
        if kept["committed"]:
            self._kill(context, "committed", kept["committed"])
            await asyncio.Event().wait()
        if kept["pass"]:
            self._reach(context, "pass", kept["pass"])

    def _kill(self, context: HookContext, moment: Moment, changed: Changed) -> asyncio.Task[None]:
        self._reach(context, moment, changed)
        return self.kill(context.model, context.unit.name)

    def _reach(self, context: HookContext, moment: Moment, changed: Changed) -> None:
        self._armed[context.model, context.unit.name].reach(changed)
        context.log("WARNING", _MODULE, f"{context.name}: {moment} {', '.join(changed)}")
        reached = {
            "model": context.model,
            "unit": context.unit.name,
            "run": context.name,
            "moment": moment,
            "changes": changed,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(reached) + "\n")

    def _changed(self, context: HookContext, moment: str) -> Changed:
        """What the context would change that is waited for at this moment; mostly nothing."""
        armed = self._armed.get((context.model, context.unit.name))
        if armed is None:
            return {}
        found: dict[str, tuple[str, str]] = {}
        for name, bags in (
            (context.unit.name, context.unit_settings),
            (context.application, context.application_settings),
        ):
            for relation, pairs in bags.items():
                before = _before(context, relation, name)
                found |= {
                    key: (before.get(key, ""), value)
                    for key, value in pairs.items()
                    if key.startswith(armed.key) and before.get(key, "") != value
                }
        return found if found and armed.moment(found) == moment else {}


def _face(changed: Changed) -> str:
    """What a write is told from others by: the new values, without seconds and their fractions."""
    return _SECONDS.sub("", json.dumps({key: new for key, (_, new) in sorted(changed.items())}))


def _nobody_kills(model: str, unit: str) -> asyncio.Task[None]:
    raise RuntimeError("no faults are at hand")


def _before(context: HookContext, relation: int, name: str) -> Mapping[str, str]:
    try:
        return context.stored_settings(relation, name)
    except errors.JujuError:  # nothing is there, or the commit itself will be refused
        return {}
