"""Columns as Go's text/tabwriter aligns them, with which Juju prints every table.

A column is a run of consecutive lines that have a cell there which is ended by a tab; the last
cell of a line belongs to no column. So a short line in between starts the columns afresh, which
is visible in Juju's output.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

_PADDING = 2


class Table:
    """Lines of cells, aligned when they are read."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = []
        self._right: set[int] = set()

    def row(self, *cells: object) -> None:
        """Add a line; its last cell is not part of a column."""
        self._lines.append([str(cell) for cell in cells])

    def rows(self, lines: Iterable[Sequence[object]]) -> None:
        """Add several lines."""
        for line in lines:
            self.row(*line)

    def blank(self) -> None:
        """Add an empty line."""
        self._lines.append([""])

    def align_right(self, *columns: int) -> None:
        """Put the content of these columns to the right."""
        self._right.update(columns)

    def text(self) -> str:
        """The aligned table, every line ended by a newline."""
        return "".join(f"{line}\n" for line in aligned(self._lines, frozenset(self._right)))


def aligned(lines: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> Iterable[str]:
    """Lines of cells as padded text."""
    widths = [[0] * max(len(line) - 1, 0) for line in lines]
    for column in range(max((len(line) for line in lines), default=0)):
        start = 0
        while start < len(lines):
            if len(lines[start]) - 1 <= column:
                start += 1
                continue
            end = start
            while end < len(lines) and len(lines[end]) - 1 > column:
                end += 1
            block = range(start, end)
            width = max(_width(lines[index][column]) for index in block) + _PADDING
            for index in block:
                widths[index][column] = width
            start = end
    for line, line_widths in zip(lines, widths, strict=True):
        yield _line(line, line_widths, right)


def _line(cells: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    parts: list[str] = []
    for column, width in enumerate(widths):
        cell = cells[column]
        space = " " * (width - _width(cell))
        if column in right:
            gap = " " * _PADDING
            parts.append(space.removesuffix(gap) + cell + gap)
        else:
            parts.append(cell + space)
    return "".join(parts) + (cells[-1] if cells else "")


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
