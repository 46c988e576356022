"""Hooks that are to fail on purpose."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class _Armed:
    hook: str
    times: int


class Failures:
    """Which hooks of which units fail next, whatever their charm does."""

    def __init__(self) -> None:
        self._armed: dict[tuple[str, str], list[_Armed]] = {}

    def arm(self, model: str, unit: str, hook: str, times: int) -> None:
        """Let the next `times` runs of a hook (empty: of any hook) of a unit fail."""
        self._armed.setdefault((model, unit), []).append(_Armed(hook, times))

    def clear(self) -> None:
        """Let every hook do as its charm does."""
        self._armed.clear()

    def take(self, model: str, unit: str, hook: str) -> bool:
        """Whether this run is one that shall fail; it counts as one of them then."""
        waiting = self._armed.get((model, unit), [])
        armed = next((one for one in waiting if one.hook in ("", hook)), None)
        if armed is None:
            return False
        armed.times -= 1
        if not armed.times:
            waiting.remove(armed)
        return True
