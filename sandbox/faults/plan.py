"""A series of faults drawn from a seed: the same seed and model give the same series. Pure."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence

from sandbox.faults.fault import Fault


@dataclasses.dataclass(frozen=True)
class Model:
    """What faults can happen to."""

    units: tuple[str, ...]
    machines: tuple[str, ...]

    @property
    def applications(self) -> tuple[str, ...]:
        """The applications of the units."""
        return tuple(sorted({unit.rpartition("/")[0] for unit in self.units}))


@dataclasses.dataclass(frozen=True)
class Timed:
    """A fault and when it is due."""

    after: float
    """Seconds since the one before."""
    fault: Fault


_KINDS = ("kill", "kill", "freeze", "disconnect", "fail-hook", "expire-leader", "machine")


def draw(seed: int, model: Model, count: int, within: float) -> Sequence[Timed]:
    """`count` faults spread over some `within` seconds; none where the model has no units."""
    if not model.units:
        return ()
    chance = random.Random(seed)  # noqa: S311
    pause = within / max(1, count)
    return tuple(
        Timed(round(chance.uniform(0, 2 * pause), 2), _one(chance, model)) for _ in range(count)
    )


def _one(chance: random.Random, model: Model) -> Fault:
    kind = chance.choice(_KINDS)
    unit = chance.choice(sorted(model.units))
    seconds = round(chance.uniform(0.5, 5), 1)
    if kind == "machine" and model.machines:
        return Fault("kill", f"machine:{chance.choice(sorted(model.machines))}", seconds=seconds)
    if kind == "freeze":
        return Fault("freeze", unit, seconds=seconds)
    if kind == "disconnect":
        return Fault("disconnect", unit, seconds=seconds)
    if kind == "fail-hook":
        return Fault("fail-hook", unit)
    if kind == "expire-leader":
        return Fault("expire-leader", chance.choice(model.applications))
    return Fault("kill", unit, seconds=seconds)
