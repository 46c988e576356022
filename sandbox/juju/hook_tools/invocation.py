"""One call of a hook tool: its arguments parsed as Juju's commands parse theirs."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader


class ToolError(Exception):
    """The tool refuses: exit code 1, `ERROR <message>` on stderr."""

    code = 1


class UsageError(ToolError):
    """The arguments make no sense: exit code 2."""

    code = 2


@dataclasses.dataclass(frozen=True)
class Flag:
    """One option of a tool, with all its spellings (`-r`, `--relation`)."""

    names: tuple[str, ...]
    default: Any = ""

    @property
    def boolean(self) -> bool:
        """Whether it takes no value."""
        return isinstance(self.default, bool)


FORMAT = Flag(("--format",))
OUTPUT = Flag(("-o", "--output"))
RELATION = Flag(("-r", "--relation"))
APP = Flag(("--app",), False)
FILE = Flag(("--file",))


@dataclasses.dataclass(frozen=True)
class Invocation:
    """A tool's name, the folder it was called in, its options and its positional arguments."""

    tool: str
    directory: str
    options: dict[str, Any]
    arguments: tuple[str, ...]
    stdin: bytes | None = None

    def __getitem__(self, flag: Flag) -> Any:
        return self.options[flag.names[0]]

    def expect(self, count: int) -> None:
        """Refuse more positional arguments than `count`."""
        if len(self.arguments) > count:
            rest = ", ".join(f'"{argument}"' for argument in self.arguments[count:])
            raise UsageError(f"unrecognized args: [{rest.replace(', ', ' ')}]")

    def first(self, default: str = "") -> str:
        """The first positional argument."""
        return self.arguments[0] if self.arguments else default

    def path(self, name: str) -> pathlib.Path:
        """A file that the caller named, seen from the folder it was called in."""
        return pathlib.Path(self.directory) / pathlib.Path(name).expanduser()

    def pairs(self) -> dict[str, str]:
        """The positional arguments as key=value.

        Raises:
            UsageError: an argument is not of that form, or a key comes twice.
        """
        found: dict[str, str] = {}
        for argument in self.arguments:
            key, sign, value = argument.partition("=")
            if not sign or not key:
                raise UsageError(f'expected "key=value", got "{argument}"')
            if key in found:
                raise UsageError(f'key "{key}" specified more than once')
            found[key] = value
        return found

    def settings(self) -> dict[str, str]:
        """The YAML map of `--file` (`-` is stdin) with the key=value arguments over it."""
        pairs = self.pairs()
        name = self[FILE]
        if not name:
            return pairs
        if name == "-":
            if self.stdin is None:
                raise ToolError("hook tool requires stdin, none supplied")
            text = self.stdin.decode("utf-8", "surrogateescape")
        else:
            try:
                text = self.path(name).read_text(encoding="utf-8")
            except OSError as error:
                raise ToolError(f"open {name}: {error.strerror}".lower()) from None
        return {**_string_map(text), **pairs}


def parse(
    tool: str,
    flags: Sequence[Flag],
    argv: Sequence[str],
    *,
    directory: str,
    stdin: bytes | None = None,
) -> Invocation:
    """Split options from arguments; options may come anywhere before a `--`.

    Raises:
        UsageError: an unknown option, or one without its value.
    """
    known = {name: flag for flag in flags for name in flag.names}
    options: dict[str, Any] = {flag.names[0]: flag.default for flag in flags}
    arguments: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            arguments += rest
            break
        if word == "-" or not word.startswith("-"):
            arguments.append(word)
            continue
        name, sign, value = word.partition("=")
        if name not in known and not name.startswith("--") and name[:2] in known:
            name, sign, value = name[:2], "=", word[2:]
        flag = known.get(name)
        if flag is None:
            raise UsageError(f"option provided but not defined: {name}")
        options[flag.names[0]] = _value(flag, name, sign, value, rest)
    return Invocation(tool, directory, options, tuple(arguments), stdin)


def _value(flag: Flag, name: str, sign: str, value: str, rest: list[str]) -> Any:
    if flag.boolean:
        if sign and value.lower() not in ("true", "false", "1", "0", "t", "f"):
            raise UsageError(f'invalid boolean value "{value}" for {name}')
        return not sign or value.lower() in ("true", "1", "t")
    if sign:
        return value
    if not rest:
        raise UsageError(f"option needs an argument: {name}")
    return rest.pop(0)


def _string_map(text: str) -> dict[str, str]:
    """A YAML map of strings; scalars that YAML would convert stay as they were written."""
    try:
        node = yaml.compose(text, Loader=SafeLoader)
    except yaml.YAMLError as error:
        raise ToolError(f"yaml: {error}") from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode) or not all(
        isinstance(part, yaml.ScalarNode) for pair in node.value for part in pair
    ):
        raise ToolError("yaml: unmarshal errors:\n  cannot unmarshal into map[string]string")
    return {
        key.value: "" if value.tag == "tag:yaml.org,2002:null" else value.value
        for key, value in node.value
    }
