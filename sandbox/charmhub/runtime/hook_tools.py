"""Juju's hook tools, called as programs.

`os.posix_spawnp` and not `subprocess`, whose import alone costs as much as five tools.
"""

# ruff: noqa: PTH123 - pathlib costs a hook more than any tool
from __future__ import annotations

import os

from . import plain_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Importing `typing` costs a hook more than any tool.
    from typing import Any


class ToolFailed(Exception):
    """A hook tool refused; its reason is in the unit's log."""


def call(tool: str, *arguments: str, given: str = "") -> str:
    """Run a hook tool; returns what it prints.

    Args:
        tool: its name on PATH.
        arguments: its arguments.
        given: what it reads from its standard input.

    Raises:
        ToolFailed: it did not exit with 0.
    """
    source, sink = os.pipe()
    read, write = os.pipe()
    ends = [(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_DUP2, write, 1)]
    # Pipes of os.pipe are not inherited; only their copies as 0 and 1 are.
    pid = os.posix_spawnp(tool, [tool, *arguments], os.environ, file_actions=ends)
    os.close(source)
    os.close(write)
    with open(sink, "w", encoding="utf-8") as stream:
        stream.write(given)
    with open(read, encoding="utf-8") as stream:
        output = stream.read()
    _, status = os.waitpid(pid, 0)
    if status:
        code = os.waitstatus_to_exitcode(status)
        # Not the arguments: they can hold what belongs into no log.
        raise ToolFailed(f"{tool} exited with {code}")
    return output


def ask(tool: str, *arguments: str) -> Any:
    """Run a hook tool that answers in JSON; None when it has nothing to say."""
    output = call(tool, "--format=json", *arguments)
    return plain_json.loads(output) if output.strip() else None
