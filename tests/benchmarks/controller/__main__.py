"""`python -m tests.benchmarks.controller [--only hooks|scale|bundle] [--json FILE]`.

Measures the sandbox's Juju, prints a table and a line of JSON, and ends with 1 when a goal is
missed. Each part runs in a process of its own. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pathlib
import subprocess
import sys

import rich.console
import rich.table

from tests.benchmarks.controller import bundle, figures, hooks, scale
from tests.benchmarks.controller.engine_world import watch_children_by_descriptor
from tests.benchmarks.controller.figures import Figure

_PARTS = ("hooks", "scale", "bundle")
_MARK = "FIGURES "


def main() -> int:
    """Measure, and say what came out."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=_PARTS, help="this part; several may")
    parser.add_argument("--json", type=pathlib.Path, help="write the figures into a file too")
    parser.add_argument("--part", choices=_PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        _out(_MARK + figures.to_text(_measure(arguments.part)))
        return 0
    found: list[Figure] = []
    for part in arguments.only or _PARTS:
        found += _in_a_process(part)
    _show(found)
    text = figures.to_text(found)
    _out(text)
    if arguments.json:
        arguments.json.write_text(f"{text}\n", "utf-8")
    return 0 if all(figure.met for figure in found) else 1


def _measure(part: str) -> list[Figure]:
    watch_children_by_descriptor()
    if part == "bundle":
        return bundle.measure()
    return asyncio.run(hooks.measure() if part == "hooks" else scale.measure())


def _in_a_process(part: str) -> list[Figure]:
    command = [sys.executable, "-m", "tests.benchmarks.controller", "--part", part]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    line = next(ln for ln in done.stdout.splitlines() if ln.startswith(_MARK))
    return figures.from_text(line.removeprefix(_MARK))


def _show(found: list[Figure]) -> None:
    busy = os.getloadavg()[0]
    table = rich.table.Table(title=f"The sandbox's Juju (load average {busy:.1f})")
    for head in ("What", "Measured", "Goal", "Met"):
        table.add_column(head)
    for row in figures.rows(found):
        table.add_row(*row)
    rich.console.Console(width=110).print(table)


def _out(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
