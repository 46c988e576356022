"""What was measured, beside what was wanted, as a table and as JSON. Pure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    """At most this; None for a number that only explains others."""

    @property
    def met(self) -> bool:
        """Whether it is within its goal."""
        return self.goal is None or self.value <= self.goal

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Figure:
        """The figure that `to_text` wrote."""
        return cls(**document)


def to_text(figures: Iterable[Figure]) -> str:
    """As one line of JSON."""
    return json.dumps([dataclasses.asdict(figure) for figure in figures])


def from_text(text: str) -> list[Figure]:
    """What `to_text` wrote."""
    return [Figure.from_document(document) for document in json.loads(text)]


def rows(figures: Sequence[Figure]) -> list[tuple[str, str, str, str]]:
    """The table's lines: what, how much, the goal, whether it is met."""
    return [
        (
            figure.what,
            f"{_number(figure.value)} {figure.unit}".strip(),
            "" if figure.goal is None else f"<= {figure.goal:g} {figure.unit}".strip(),
            "" if figure.goal is None else ("yes" if figure.met else "NO"),
        )
        for figure in figures
    ]


def _number(value: float) -> str:
    """Three digits, and whole numbers whole."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
