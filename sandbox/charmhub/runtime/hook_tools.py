"""Juju's hook tools, called as programs.

`os.posix_spawnp` and not `subprocess`, whose import alone costs as much as five tools.
"""

from __future__ import annotations

import json
import os


class ToolFailed(Exception):
    """A hook tool refused; its reason is in the unit's log."""


def call(tool: str, *arguments: str, given: str | None = None) -> str:
    """Run a hook tool; returns what it prints.

    Args:
        tool: its name on PATH.
        arguments: its arguments.
        given: what it reads from its standard input.

    Raises:
        ToolFailed: it did not exit with 0.
    """
    read, write = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)]
    if given is not None:
        source, sink = os.pipe()
        actions += [(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_CLOSE, sink)]
    pid = os.posix_spawnp(tool, [tool, *arguments], os.environ, file_actions=actions)
    os.close(write)
    if given is not None:
        os.close(source)
        with open(sink, "w", encoding="utf-8") as stream:
            stream.write(given)
    with open(read, encoding="utf-8") as stream:
        output = stream.read()
    _, status = os.waitpid(pid, 0)
    if status:
        code = os.waitstatus_to_exitcode(status)
        raise ToolFailed(f"{tool} {' '.join(arguments)} exited with {code}")
    return output


def ask(tool: str, *arguments: str) -> object:
    """Run a hook tool that answers in JSON; None when it has nothing to say."""
    output = call(tool, "--format=json", *arguments)
    return json.loads(output) if output.strip() else None
