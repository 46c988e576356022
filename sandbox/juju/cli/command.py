"""What a command is: its options, what it may use while it runs, and how it ends."""

from __future__ import annotations

import dataclasses
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from sandbox.juju.cli.flags import Arguments, Flag, UsageError, flag
from sandbox.juju.client.errors import ClientError

if TYPE_CHECKING:
    from sandbox.juju.cli.session import Session

__all__ = [
    "CONTROLLER",
    "MODEL",
    "Arguments",
    "Command",
    "CommandError",
    "Context",
    "Flag",
    "Silent",
    "UsageError",
    "at_least",
    "at_most",
    "exactly",
    "flag",
    "formats",
    "go_list",
    "positional",
    "quoted",
]

CommandError = ClientError
"""A refusal of the command itself: printed as `ERROR ...`, exit code 1."""


class Silent(Exception):
    """The command failed and has said all there is to say: exit with this code."""

    def __init__(self, code: int = 1) -> None:
        super().__init__(f"exit code {code}")
        self.code = code


@dataclasses.dataclass
class Context:
    """One run of one command: its arguments, its streams, and its session with the controller."""

    arguments: Arguments
    stdout: TextIO
    stderr: TextIO
    quiet: bool = False
    verbose: bool = False
    wrote: bool = False
    """Whether formatted output has been written."""
    _session: Session | None = None

    @property
    def session(self) -> Session:
        """The controller and model that the options, the environment or the focus choose."""
        if self._session is None:
            from sandbox.juju.cli.session import Session

            options = self.arguments.options
            self._session = Session(options.get("model", ""), options.get("controller", ""))
        return self._session

    def use(self, session: Session) -> Session:
        """Go on with another session, of another controller than the options chose."""
        self.close()
        self._session = session
        return session

    def close(self) -> None:
        """End the session, if one was begun."""
        if self._session is not None:
            self._session.close()

    def inform(self, message: str) -> None:
        """Say something to the user, on standard error, unless --quiet."""
        if not self.quiet:
            self.stderr.write(message if message.endswith("\n") else f"{message}\n")
            self.stderr.flush()

    def explain(self, message: str) -> None:
        """Say something only to those who asked for --verbose."""
        if self.verbose:
            self.inform(message)

    def warn(self, message: str) -> None:
        """A warning, in the form of Juju's log on standard error."""
        self.stderr.write(f"WARNING {message}\n")

    def error(self, message: str) -> None:
        """An error that is not the last word, as the log shows it."""
        self.stderr.write(f"ERROR {message}\n")

    def print(self, text: str) -> None:
        """Write text to standard output."""
        self.stdout.write(text)
        self.stdout.flush()

    def write(self, value: Any, tabular: Callable[[Any], str] | None = None) -> None:
        """Write a value as --format says, to --output or to standard output."""
        from sandbox.juju.cli.output import in_format

        name = self.arguments["format"]
        self.write_text(
            tabular(value) if name == "tabular" and tabular else in_format(name, value)
        )

    def write_as(self, name: str, value: Any) -> None:
        """Write a value in a format of the command's choice."""
        from sandbox.juju.cli.output import in_format

        self.write_text(in_format(name, value))

    def write_results(self, value: Any, plain: Callable[[Any], str]) -> None:
        """Write a value as --format says, where `plain` is the way to show it to people."""
        name = self.arguments["format"]
        if name == "plain":
            self.write_text(plain(value))
        else:
            self.write_as(name, value)

    def write_text(self, text: str) -> None:
        """Write formatted text to --output or to standard output."""
        self.wrote = True
        if path := self.arguments.options.get("output"):
            pathlib.Path(path).write_text(text, encoding="utf-8")
        else:
            self.print(text)


@dataclasses.dataclass(frozen=True)
class Command:
    """One sub-command of juju."""

    run: Callable[[Context], None]
    summary: str
    usage: str = ""
    flags: tuple[Flag, ...] = ()
    interspersed: bool = True
    check: Callable[[Arguments], None] | None = None
    """Refuses positional arguments and options that make no sense, before anything is done."""
    details: str = ""


MODEL = flag(
    "m model", help="Model to operate in. Accepts [<controller name>:]<model name>|<uuid>"
)
CONTROLLER = flag("c controller", help="Controller to operate in")


def formats(default: str, *others: str) -> tuple[Flag, ...]:
    """The --format option with its default and other choices, and --output."""
    choices = "|".join(sorted({default, *others}))
    return (
        flag("format", default=default, help=f"Specify output format ({choices})"),
        flag("o output", help="Specify an output file"),
    )


def at_most(count: int) -> Callable[[Arguments], None]:
    """A check that refuses more positional arguments than this."""

    def check(arguments: Arguments) -> None:
        positional(arguments, 0, count, "")

    return check


def at_least(count: int, missing: str) -> Callable[[Arguments], None]:
    """A check that refuses fewer positional arguments than this."""

    def check(arguments: Arguments) -> None:
        positional(arguments, count, None, missing)

    return check


def exactly(count: int, missing: str) -> Callable[[Arguments], None]:
    """A check that wants this many positional arguments."""

    def check(arguments: Arguments) -> None:
        positional(arguments, count, count, missing)

    return check


def positional(
    arguments: Arguments, minimum: int, maximum: int | None, missing: str
) -> Sequence[str]:
    """The positional arguments, when there are neither too few nor too many.

    Raises:
        UsageError: `missing` when there are too few; the surplus in Juju's words otherwise.
    """
    words = arguments.positional
    if len(words) < minimum:
        raise UsageError(missing)
    if maximum is not None and len(words) > maximum:
        raise UsageError(f"unrecognized args: {go_list(words[maximum:])}")
    return words


def go_list(words: Sequence[str]) -> str:
    """Strings as Go's %q prints a slice: ["a" "b"]."""
    return "[" + " ".join(quoted(word) for word in words) + "]"


def quoted(text: str) -> str:
    """A string as Go's %q prints it."""
    import json

    return json.dumps(text, ensure_ascii=False)


def confirm(context: Context, question: str) -> bool:
    """Ask on the terminal and read a yes."""
    context.stderr.write(question)
    context.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
