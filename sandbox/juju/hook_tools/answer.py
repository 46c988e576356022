"""What a hook tool prints, in the formats that Juju's commands have."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import yaml

from sandbox.juju.hook_tools.invocation import FORMAT, Flag, Invocation, UsageError

FORMATS: tuple[Flag, ...] = (FORMAT, Flag(("-o", "--output")))


@dataclasses.dataclass(frozen=True)
class Answer:
    """The end of a hook tool: exit code and output."""

    code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


NOTHING = Answer()


def refuse(message: str, code: int = 1) -> Answer:
    """The answer of a tool that failed, as Juju's commands print it."""
    return Answer(code, stderr=f"ERROR {message}\n".encode("utf-8", "surrogateescape"))


def formatted(invocation: Invocation, value: Any, default: str = "smart") -> Answer:
    """A value in the format that was asked for.

    Raises:
        UsageError: there is no such format.
    """
    form = invocation[FORMAT] or default
    writers = {"smart": smart, "yaml": as_yaml, "json": as_json}
    if default == "yaml":
        del writers["smart"]
    if form not in writers:
        raise UsageError(f'invalid value "{form}" for option --format: unknown format "{form}"')
    output = writers[form](value).encode("utf-8", "surrogateescape")
    target = invocation.options["-o"]
    if target:
        invocation.path(target).write_bytes(output)
        return NOTHING
    return Answer(stdout=output)


def smart(value: Any) -> str:
    """Strings as they are, lists of them by lines, True and False, the rest as YAML."""
    if isinstance(value, bool):
        return f"{value}\n"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = "\n".join(value)
    if isinstance(value, str):
        return f"{value}\n" if value else ""
    return as_yaml(value)


def as_yaml(value: Any) -> str:
    """Block YAML; nothing at all for None."""
    if value is None:
        return ""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=False, allow_unicode=True)
    return text.removesuffix("...\n")


class _Dumper(yaml.SafeDumper):
    """Quotes as Juju's YAML does: double, and only where a string would be something else."""


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if dumper.resolve(yaml.ScalarNode, text, (True, False)) != "tag:yaml.org,2002:str":
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def as_json(value: Any) -> str:
    """One line of JSON."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False) + "\n"
