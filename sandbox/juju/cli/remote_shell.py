"""`juju ssh` and `juju scp` to the sandbox's machines.

Every machine of the sandbox is a process on this host, so a shell on one is a shell here, in
the folder of the unit, and a file there is a file here.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import subprocess
from collections.abc import Mapping

from sandbox.home import Home
from sandbox.juju.cli.command import (
    MODEL,
    Arguments,
    Command,
    CommandError,
    Context,
    Silent,
    at_least,
)
from sandbox.juju.cli.flags import UsageError, flag
from sandbox.juju.cli.tags import is_machine, is_unit, machine_tag, unit_tag


def _ssh(context: Context) -> None:
    target, *words = context.arguments.positional
    while words and words[0].startswith("-"):
        # Options for OpenSSH mean nothing to a shell on this host; some have a value.
        takes_value = words.pop(0) in ("-i", "-o", "-p", "-l", "-F", "-J")
        words = words[1:] if takes_value else words
    folder = _folder(context, target)
    shell = os.environ.get("SHELL", "/bin/sh")
    # ssh joins the words of a command with spaces and lets the remote shell read them.
    command = ["/bin/sh", "-c", " ".join(words)] if words else [shell]
    ended = subprocess.run(command, cwd=folder, check=False)
    if ended.returncode:
        raise Silent(ended.returncode)


def _scp(context: Context) -> None:
    *sources, destination = _paths(context.arguments)
    there = _located(context, destination)
    for source in sources:
        here = _located(context, source)
        try:
            if here.is_dir():
                shutil.copytree(here, there / here.name if there.is_dir() else there)
            else:
                shutil.copy2(here, there)
        except OSError as error:
            raise CommandError(f"cannot copy {source}: {error.strerror or error}") from error


def _located(context: Context, text: str) -> pathlib.Path:
    """A path here, or for `unit:path` the path in the unit's folder."""
    target, colon, path = text.partition(":")
    name = target.rpartition("@")[2]
    if not colon or not (is_unit(name) or is_machine(name) or name.endswith("/leader")):
        return pathlib.Path(text)
    return pathlib.Path(_folder(context, target), path)


def _folder(context: Context, target: str) -> pathlib.Path:
    """The folder of a unit's or a machine's agent.

    Raises:
        CommandError: the model has no such unit or machine.
    """
    name = target.rpartition("@")[2]
    session = context.session
    if name.endswith("/leader"):
        name = _leader(context, name.removesuffix("/leader"))
    agents = Home.from_environment().folder("juju") / "agents" / session.model().uuid
    folder = agents / (unit_tag(name) if is_unit(name) else machine_tag(name))
    known: Mapping[str, object] = {}
    status = session.to_model().call(
        "Client", "FullStatus", {"patterns": [name], "include-storage": False}
    )
    if is_unit(name):
        application = (status.get("applications") or {}).get(name.partition("/")[0]) or {}
        known = application.get("units") or {}
        found = name in known or folder.exists()
        noun = "unit"
    else:
        found = name.split("/")[0] in (status.get("machines") or {})
        noun = "machine"
    if not found:
        raise CommandError(f'{noun} "{name}" not found')
    return folder if folder.exists() else pathlib.Path.cwd()


def _leader(context: Context, application: str) -> str:
    answer = context.session.to_model().call(
        "Application", "Leader", {"tag": f"application-{application}"}
    )
    if not answer.get("result"):
        raise CommandError(f'could not determine leader for "{application}"')
    return answer["result"]


def _paths(arguments: Arguments) -> tuple[str, ...]:
    return tuple(word for word in arguments.positional if not word.startswith("-"))


def _check_scp(arguments: Arguments) -> None:
    if len(_paths(arguments)) < 2:
        raise UsageError("at least two arguments required")


def _check_ssh(arguments: Arguments) -> None:
    at_least(1, "no target name specified")(arguments)
    name = arguments.positional[0].rpartition("@")[2]
    if not (is_unit(name) or is_machine(name) or name.endswith("/leader")):
        raise UsageError(f"{shlex.quote(name)} is not a valid target: give a unit or a machine")


_FLAGS = (
    MODEL,
    flag("container", help="The container name of a pod (k8s only)"),
    flag("remote", "bool", help="Target on the workload or operator pod (k8s-only)"),
    flag("proxy", "bool", help="Proxy through the API server"),
    flag("no-host-key-checks", "bool", help="Skip host key checking"),
    flag("pty", "bool", True, "Enable pseudo-tty allocation"),
)

COMMANDS = {
    "ssh": Command(
        _ssh,
        "Initiates an SSH session or executes a command on a Juju machine or container.",
        "<[user@]target> [openssh options] [command]",
        _FLAGS,
        interspersed=False,
        check=_check_ssh,
    ),
    "scp": Command(
        _scp,
        "Securely transfer files within a model.",
        "<source> <destination>",
        _FLAGS,
        interspersed=False,
        check=_check_scp,
    ),
}
