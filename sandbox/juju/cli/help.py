"""`juju help`, `juju version`, and the help of each command."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from sandbox.juju.cli.catalog import COMMANDS as CATALOG
from sandbox.juju.cli.catalog import STARTER
from sandbox.juju.cli.command import Arguments, Command, Context, Flag, UsageError, formats
from sandbox.juju.cli.flags import flag
from sandbox.juju.client.folder import command_version


def help_text(name: str, command: Command, globals_: Sequence[Flag]) -> str:
    """The help page of one command, laid out as Juju lays it out."""
    usage = " ".join(part for part in ("Usage: juju", name, "[options]", command.usage) if part)
    page = [usage, "", "Summary:", command.summary, "", "Global Options:"]
    page += _option_lines(globals_)
    if command.flags:
        page += ["", "Command Options:", *_option_lines(command.flags)]
    if command.details:
        page += ["", "Details:", command.details.strip()]
    return "\n".join(page) + "\n"


def _option_lines(flags: Sequence[Flag]) -> list[str]:
    lines = []
    for declared in sorted(flags, key=lambda item: item.key):
        names = sorted(declared.names, key=len)
        dashed = ", ".join(f"--{name}" if len(name) > 1 else f"-{name}" for name in names)
        default = "false" if declared.kind == "bool" else f'"{declared.default or ""}"'
        lines += [f"{dashed} (= {default})", f"    {declared.help}"]
    return lines


def _help(context: Context) -> None:
    from sandbox.juju.cli.dispatch import GLOBAL_FLAGS, load

    words = context.arguments.positional
    if not words:
        lines = [f"    {name:<24}{text}" for name, text in STARTER.items()]
        context.print(
            "Juju provides easy, intelligent application orchestration on top of Kubernetes,\n"
            "cloud infrastructure providers and regular Linux systems.\n\n"
            "Starter commands:\n\n" + "\n".join(lines) + "\n\n"
            "Use `juju help commands` for every command and `juju help <command>` for one.\n"
        )
    elif words[0] == "commands":
        rows = (f"{name:<26}{load(name).summary}" for name in sorted(CATALOG))
        context.print("\n".join(rows) + "\n")
    elif words[0] in CATALOG:
        context.print(help_text(words[0], load(words[0]), GLOBAL_FLAGS))
    else:
        raise UsageError(f"unknown command or topic for {words[0]}")


def _version(context: Context) -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    text = f"{command_version()}-genericlinux-{machine}"
    if context.arguments["all"]:
        context.write({"version": text, "git-commit": "", "git-tree-state": "", "compiler": "gc"})
    else:
        context.write(text)


def _no_arguments(arguments: Arguments) -> None:
    if arguments.positional:
        raise UsageError(f"unrecognized args: {list(arguments.positional)}")


COMMANDS = {
    "help": Command(_help, "Show help on a command or other topic.", "[topic]"),
    "version": Command(
        _version,
        "Print the Juju CLI client version.",
        flags=(
            *formats("smart", "json", "yaml"),
            flag("all", "bool", help="Prints all version information"),
        ),
        check=_no_arguments,
    ),
}
