"""Names in the order in which people count: x/2 before x/10."""

from __future__ import annotations

import re
from collections.abc import Iterable


def natural_key(text: str) -> tuple[tuple[str, int], ...]:
    """A sort key that compares runs of digits as numbers."""
    parts = re.split(r"(\d+)", text)
    numbers = [*parts[1::2], "-1"]
    return tuple((word, int(number)) for word, number in zip(parts[::2], numbers, strict=True))


def naturally(names: Iterable[str]) -> list[str]:
    """Names in natural order."""
    return sorted(names, key=natural_key)
