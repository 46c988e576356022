"""What juju-exec asks for, read from its arguments. Pure."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Sequence

from sandbox.juju.hook_tools.invocation import Flag, UsageError, parse

_UNIT = re.compile(r"[a-z][a-z0-9-]*/[0-9]+\Z")
_TAG = re.compile(r"unit-(?P<application>[a-z][a-z0-9-]*)-(?P<number>[0-9]+)\Z")

_NO_CONTEXT = Flag(("--no-context",), False)
_RELATION = Flag(("-r", "--relation"))
_REMOTE_UNIT = Flag(("--remote-unit",))
_REMOTE_APPLICATION = Flag(("--remote-app",))
_FORCE = Flag(("--force-remote-unit",), False)
_OPERATOR = Flag(("--operator",), False)
_UNIT_NAME = Flag(("-u",), "-")
_FLAGS = (
    _NO_CONTEXT,
    _RELATION,
    _REMOTE_UNIT,
    _REMOTE_APPLICATION,
    _FORCE,
    _OPERATOR,
    _UNIT_NAME,
)


@dataclasses.dataclass(frozen=True)
class ExecCommand:
    """A script to run in a unit's context."""

    unit: str
    """Empty: without a context."""
    script: str
    relation: int | None = None
    remote_unit: str = ""


@dataclasses.dataclass(frozen=True)
class CommandOutput:
    """What a script gave."""

    code: int
    stdout: bytes = b""
    stderr: bytes = b""


def parse_exec(argv: Sequence[str], context: str) -> ExecCommand:
    """Read the arguments of `juju-exec [-u] [<unit>] <commands>`.

    Raises:
        UsageError: they make no sense, or it was called from within a hook.
    """
    if context:
        raise UsageError(
            f'juju-exec cannot be called from within a hook, have context "{context}"'
        )
    invocation = parse("juju-exec", _FLAGS, argv, directory="/")
    words = list(invocation.arguments)
    unit = _unit(invocation[_UNIT_NAME], words) if not invocation[_NO_CONTEXT] else ""
    if not words:
        raise UsageError("missing commands")
    script = words[0] if len(words) == 1 else shlex.join(words)
    remote = invocation[_REMOTE_UNIT]
    relation = _relation(invocation[_RELATION])
    if remote and relation is None:
        raise UsageError(f"remote unit: {remote}, provided without a relation")
    return ExecCommand(unit, script, relation, remote)


def _unit(explicit: str, words: list[str]) -> str:
    name = explicit
    if explicit == "-":
        if not words:
            raise UsageError("missing unit-name")
        name = words.pop(0)
    tag = _TAG.match(name)
    if tag:
        return f"{tag['application']}/{tag['number']}"
    if not _UNIT.match(name):
        raise UsageError(f'"{name}" is not a valid tag')
    return name


def _relation(text: str) -> int | None:
    number = text.rpartition(":")[2]
    if text and not number.isdigit():
        raise UsageError("invalid relation id")
    return int(number) if number else None
