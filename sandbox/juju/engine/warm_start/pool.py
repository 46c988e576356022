"""The waiting interpreters of all units: which a hook is forked from, and which are ended."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import pathlib
import platform
import time
from collections.abc import Mapping

from sandbox.juju.engine.environment import SYSTEM_PATH
from sandbox.juju.engine.warm_start import dispatching, preloads, scripts
from sandbox.juju.engine.warm_start.interpreter import Interpreter, Unfit

_LOGGER = logging.getLogger(__name__)

_MOST = 16
"""Interpreters that wait at once; each has some 20 MB of its own."""
_LONGEST = 120.0
"""Seconds without a hook after which an interpreter ends: update-status alone is too rare."""

_Files = tuple[tuple[int, int], ...]


@dataclasses.dataclass
class _Kept:
    """One interpreter, and what it was started from."""

    interpreter: Interpreter | None
    """None for a charm that is unfit."""
    files: _Files
    used: float


class WarmStart:
    """One waiting interpreter per unit, started at the unit's second Python hook.

    Units whose `dispatch` is the same script, which asks for it, share one.
    """

    def __init__(self, folder: pathlib.Path, *, enabled: bool = True) -> None:
        self._folder = folder
        """Where modules of shared interpreters are kept."""
        self._enabled = enabled
        self._scripts: dict[pathlib.Path, tuple[_Files, scripts.Script | None]] = {}
        self._kept: dict[pathlib.Path, _Kept] = {}
        self._starting: dict[pathlib.Path, asyncio.Lock] = {}

    async def interpreter(
        self, charm: pathlib.Path, program: str, environment: Mapping[str, str]
    ) -> tuple[Interpreter, dict[str, str]] | None:
        """What to fork a run of `program` from, and its whole environment.

        None where it is to be run as it is.
        """
        self._end_idle()
        if not self._enabled or program != str(charm / "dispatch"):
            return None
        script = self._script(charm)
        if script is not None:
            shared = await self._shared(charm, script, environment)
            return None if shared is None else (shared, dict(environment))
        dispatch = dispatching.read(charm, platform.machine(), SYSTEM_PATH)
        if dispatch is None:
            return None
        async with self._starting.setdefault(charm, asyncio.Lock()):
            kept = self._kept.get(charm)
            files = _files(charm, dispatch)
            whole = {**environment, **dispatch.variables}
            if kept is not None and kept.files == files:
                if kept.interpreter is None:
                    return None
                if kept.interpreter.fits(whole):
                    kept.used = time.monotonic()
                    return kept.interpreter, whole
            self.drop(charm)
            started = await _start(charm, dispatch, environment)
            self._kept[charm] = _Kept(started, files, time.monotonic())
        self._end_most_idle()
        return None if started is None else (started, whole)

    def _script(self, charm: pathlib.Path) -> scripts.Script | None:
        """What the charm's `dispatch` asks for, read again when it was replaced."""
        files = _stamps(charm / "dispatch", charm)
        known = self._scripts.get(charm)
        if known is None or known[0] != files:
            known = self._scripts[charm] = (files, scripts.read(charm))
        return known[1]

    async def _shared(
        self, charm: pathlib.Path, script: scripts.Script, environment: Mapping[str, str]
    ) -> Interpreter | None:
        """The interpreter of all units with this script, started for the first of them."""
        place = self._folder / script.digest
        async with self._starting.setdefault(place, asyncio.Lock()):
            kept = self._kept.get(place)
            if kept is None or (kept.interpreter is not None and kept.interpreter.closed):
                modules = await asyncio.to_thread(script.copy, charm, self._folder)
                own = {k: v for k, v in environment.items() if not k.startswith("JUJU_")}
                try:
                    started = await Interpreter.start_shared(script, modules, own)
                except Unfit as reason:
                    _LOGGER.info("no warm start for %s: %s", charm, reason)
                    started = None
                kept = self._kept[place] = _Kept(started, (), 0.0)
            kept.used = time.monotonic()
            return kept.interpreter

    def drop(self, charm: pathlib.Path) -> None:
        """End the interpreter of a charm's folder: the charm changes, or its unit is gone."""
        self._scripts.pop(charm, None)
        kept = self._kept.pop(charm, None)
        if kept is not None and kept.interpreter is not None:
            kept.interpreter.close()

    def close(self) -> None:
        """End all."""
        for charm in list(self._kept):
            self.drop(charm)

    def _end_idle(self) -> None:
        now = time.monotonic()
        for charm, kept in list(self._kept.items()):
            waiting = kept.interpreter
            if waiting is not None and not waiting.busy and now - kept.used > _LONGEST:
                self.drop(charm)

    def _end_most_idle(self) -> None:
        waiting = [
            (kept.used, charm)
            for charm, kept in self._kept.items()
            if kept.interpreter is not None and not kept.interpreter.busy
        ]
        for _, charm in sorted(waiting)[: max(0, len(waiting) - _MOST)]:
            self.drop(charm)


async def _start(
    charm: pathlib.Path, dispatch: dispatching.Dispatch, environment: Mapping[str, str]
) -> Interpreter | None:
    folders = [charm / path for path in dispatch.paths if path != "venv"]
    wanted = preloads.of_script(charm / dispatch.arguments[1], folders)
    try:
        return await Interpreter.start(dispatch, charm, wanted, environment)
    except Unfit as reason:
        _LOGGER.info("no warm start for %s: %s", charm, reason)
        return None


def _files(charm: pathlib.Path, dispatch: dispatching.Dispatch) -> _Files:
    """Changes when what was imported may have changed: dispatch, Python, installed packages."""
    places = [charm / "dispatch", pathlib.Path(dispatch.python), charm / "venv"]
    return _stamps(*places, *sorted(charm.glob("venv/lib/python*/site-packages")))


def _stamps(*places: pathlib.Path) -> _Files:
    found = []
    for path in places:
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((status.st_ino, status.st_mtime_ns))
    return tuple(found)
