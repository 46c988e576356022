"""From words to a command that runs: finding it, parsing its options, ending as Juju ends."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TextIO

from sandbox.juju.cli.catalog import COMMANDS
from sandbox.juju.cli.command import Command, Context, Silent
from sandbox.juju.cli.flags import Flag, HelpWanted, UsageError, flag, parse
from sandbox.juju.cli.output import in_format
from sandbox.juju.client.errors import ClientError
from sandbox.juju.errors import JujuError

GLOBAL_FLAGS: tuple[Flag, ...] = (
    flag("debug", "bool", help="Equivalent to --show-log --logging-config=<root>=DEBUG"),
    flag("h help", "bool", help="Show help on a command or other topic."),
    flag("logging-config", help="Specify log levels for modules"),
    flag("log-file", help="path to write log to"),
    flag("q quiet", "bool", help="Show no informational output"),
    flag("show-log", "bool", help="If set, write the log file to stderr"),
    flag("v verbose", "bool", help="Show more verbose output"),
    flag("version", "bool", help="Show the version of Juju"),
    flag("no-browser-login", "bool", help="Do not use web browser for authentication"),
)


def run(words: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Run a command line; returns 0, 1 when the command failed, 2 when it was misused."""
    try:
        before, rest = parse(GLOBAL_FLAGS, words, interspersed=False)
    except UsageError as error:
        return _refuse(stderr, str(error))
    name, rest = (rest[0], rest[1:]) if rest else ("help", ())
    if before["version"]:
        name, rest = "version", ()
    if before["help"]:
        name, rest = "help", (name,) if name != "help" else ()
    if name not in COMMANDS:
        return _refuse(stderr, _unknown(name))
    return _run_command(name, (*_global_words(words), *rest), stdout, stderr)


def load(name: str) -> Command:
    """The command of a name or alias; only its own module is imported."""
    module = importlib.import_module(f"sandbox.juju.cli.{COMMANDS[name]}")
    return module.COMMANDS[name]


def _run_command(name: str, words: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    command = load(name)
    flags = (*GLOBAL_FLAGS, *command.flags)
    try:
        arguments, left = parse(flags, words, interspersed=command.interspersed)
        if left:
            arguments = type(arguments)(tuple(left), arguments.options, arguments.given)
        if arguments["help"]:
            raise HelpWanted
        _check_format(arguments.options.get("format"), command)
        if command.check is not None:
            command.check(arguments)
        if arguments["verbose"] and arguments["quiet"]:
            raise UsageError(
                '"verbose" and "quiet" flags clash, please use one or the other, not both'
            )
    except HelpWanted:
        from sandbox.juju.cli.help import help_text

        stdout.write(help_text(name, command, GLOBAL_FLAGS))
        return 0
    except UsageError as error:
        return _refuse(stderr, str(error))
    except (ClientError, JujuError) as error:
        _refuse(stderr, str(error))
        return 1
    context = Context(
        arguments, stdout, stderr, quiet=arguments["quiet"], verbose=arguments["verbose"]
    )
    return _finish(command, context)


def _finish(command: Command, context: Context) -> int:
    try:
        command.run(context)
    except Silent as silent:
        return silent.code
    except UsageError as error:
        return _refuse(context.stderr, str(error))
    except (ClientError, JujuError) as error:
        wanted = context.arguments.options.get("format")
        if wanted in ("json", "yaml") and not context.wrote:
            context.print(in_format(wanted, {}))
        context.error(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    finally:
        context.close()
    return 0


def _check_format(name: str | None, command: Command) -> None:
    """Refuse a --format that the command does not know."""
    if name is None:
        return
    declared = next(item for item in command.flags if item.key == "format")
    choices = declared.help.partition("(")[2].rstrip(")").split("|")
    if name not in choices:
        raise UsageError(f'invalid value "{name}" for option --format: unknown format "{name}"')


def _global_words(words: Sequence[str]) -> tuple[str, ...]:
    """The words before the command: options that hold for every command."""
    _, rest = parse(GLOBAL_FLAGS, words, interspersed=False)
    count = len(words) - len(rest)
    return tuple(word for word in words[:count] if word not in ("-h", "--help", "--version"))


def _refuse(stderr: TextIO, message: str) -> int:
    stderr.write(f"ERROR {message}\n")
    return 2


def _unknown(name: str) -> str:
    import difflib

    message = f'juju: "{name}" is not a juju command. See "juju --help".'
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"{message}\n\nDid you mean:\n\t{near[0]}" if near else message
