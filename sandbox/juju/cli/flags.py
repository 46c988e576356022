"""Command-line options as gnuflag parses them: interspersed, `--name=value`, `-n3`, `-n 3`.

argparse cannot word its refusals as Juju does, takes abbreviations, and costs twice the start-up
of the whole command; so the few rules of gnuflag are here (github.com/juju/gnuflag, flag.go).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class UsageError(Exception):
    """The command line makes no sense: Juju prints it and exits with 2."""


class HelpWanted(Exception):
    """--help or -h was given."""


@dataclasses.dataclass(frozen=True)
class Flag:
    """One option of a command, under all of its names."""

    names: tuple[str, ...]
    kind: str = "text"
    """text, bool, int, list (comma-separated, repeatable), repeat, pairs (key=value, repeatable)
    or seconds (a Go duration)."""
    default: Any = None
    help: str = ""

    @property
    def key(self) -> str:
        """The name under which commands read the option: its last."""
        return self.names[-1]

    def initial(self) -> Any:
        """The value when the option is not given."""
        if self.default is not None:
            return self.default
        return {"bool": False, "int": 0, "list": (), "repeat": (), "pairs": {}, "text": ""}.get(
            self.kind, 0.0
        )


def flag(names: str, kind: str = "text", default: Any = None, help: str = "") -> Flag:  # noqa: A002
    """Declare an option: its names separated by spaces."""
    return Flag(tuple(names.split()), kind, default, help)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """A parsed command line."""

    positional: tuple[str, ...]
    options: Mapping[str, Any]
    given: frozenset[str] = frozenset()
    """The options that stood on the command line."""

    def __getitem__(self, name: str) -> Any:
        return self.options[name]


def parse(
    flags: Sequence[Flag], words: Sequence[str], *, interspersed: bool = True
) -> tuple[Arguments, tuple[str, ...]]:
    """Parse words; without `interspersed`, stop at the first that is not an option.

    Returns what was understood, and the words from where parsing stopped.

    Raises:
        UsageError: an unknown option, a missing or malformed value.
        HelpWanted: help was asked for.
    """
    known = {name: declared for declared in flags for name in declared.names}
    values = {declared.key: declared.initial() for declared in flags}
    given: set[str] = set()
    positional: list[str] = []
    rest = list(words)
    while rest:
        word = rest[0]
        if word == "--":
            positional += rest[1:]
            rest = []
            break
        if word in ("", "-") or not word.startswith("-"):
            if not interspersed:
                break
            positional.append(rest.pop(0))
            continue
        rest.pop(0)
        for name, attached in _split(word, known):
            declared = known.get(name)
            if declared is None:
                if name in ("help", "h"):
                    raise HelpWanted
                raise UsageError(f"option provided but not defined: {_dashed(name)}")
            text = _value_text(declared, name, attached, rest)
            values[declared.key] = _converted(declared, name, text, values[declared.key], given)
            given.add(declared.key)
    return Arguments(tuple(positional), values, frozenset(given)), tuple(rest)


def _split(word: str, known: Mapping[str, Flag]) -> list[tuple[str, str | None]]:
    """The option names inside one word, the last with the value attached to it."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        if not name:
            raise UsageError(f'empty option in argument "{word}"')
        return [(name, value if equals else None)]
    found: list[tuple[str, str | None]] = []
    letters = word[1:]
    while letters:
        name, letters = letters[0], letters[1:]
        declared = known.get(name)
        if declared is not None and declared.kind == "bool" and not letters.startswith("="):
            found.append((name, None))
            continue
        if declared is None:
            return [*found, (name, None)]
        return [*found, (name, letters or None)]
    return found


def _value_text(declared: Flag, name: str, attached: str | None, rest: list[str]) -> str:
    if attached is not None:
        return attached.removeprefix("=") if declared.kind == "bool" else attached
    if declared.kind == "bool":
        return "true"
    if not rest:
        raise UsageError(f"option needs an argument: {_dashed(name)}")
    return rest.pop(0)


def _converted(declared: Flag, name: str, text: str, before: Any, given: set[str]) -> Any:
    """The option's value after this occurrence of it."""
    again = declared.key in given
    if declared.kind == "bool":
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise _malformed(text, name, f'strconv.ParseBool: parsing "{text}": invalid syntax')
    if declared.kind == "int":
        try:
            return int(text)
        except ValueError:
            problem = f'strconv.ParseInt: parsing "{text}": invalid syntax'
            raise _malformed(text, name, problem) from None
    if declared.kind == "seconds":
        from sandbox.juju.cli.times import seconds_of

        try:
            return seconds_of(text)
        except ValueError as error:
            raise _malformed(text, name, str(error)) from None
    if declared.kind == "list":
        return (*(before if again else ()), *text.split(","))
    if declared.kind == "repeat":
        return (*(before if again else ()), text)
    if declared.kind == "pairs":
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise _malformed(text, name, "expected key=value format")
        return {**(before if again else {}), key: value}
    return text


def _malformed(text: str, name: str, problem: str) -> UsageError:
    return UsageError(f'invalid value "{text}" for option {_dashed(name)}: {problem}')


def _dashed(name: str) -> str:
    return f"--{name}" if len(name) > 1 else f"-{name}"
