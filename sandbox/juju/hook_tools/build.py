"""Compiling the hook tools' client, once, and giving it its names."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess

from sandbox.juju.hook_tools.registry import TOOLS

_SOURCE = pathlib.Path(__file__).with_name("client.c")
_COMMANDS = ("juju-exec", "juju-run")
_FLAGS = ("-O2", "-s", "-Wall", "-o")


class NoCompiler(RuntimeError):
    """There is no C compiler, or it failed."""


def build(folder: pathlib.Path, address: str) -> pathlib.Path:
    """The folder with every tool's name, compiled on the first call.

    `address` is the path of the agent's socket, for processes outside a hook.

    Raises:
        NoCompiler: `cc` is missing or fails; the message says what to install.
    """
    names = sorted([*TOOLS, *_COMMANDS])
    digest = hashlib.sha256(_SOURCE.read_bytes() + "\0".join(names).encode()).hexdigest()[:12]
    tools = folder / digest
    if not tools.exists():
        _fill(folder / f"{digest}.{os.getpid()}.partial", tools, names)
    partial = tools / f"address.{os.getpid()}"
    partial.write_text(f"{address}\n", encoding="utf-8")
    partial.replace(tools / "address")
    return tools


def _fill(partial: pathlib.Path, tools: pathlib.Path, names: list[str]) -> None:
    """A folder with the program and its links, there as a whole or not at all."""
    partial.mkdir(parents=True)
    _compile(partial / "jujuc")
    for name in names:
        (partial / name).symlink_to("jujuc")
    try:
        partial.rename(tools)
    except OSError:  # another process was faster
        shutil.rmtree(partial)


def _compile(target: pathlib.Path) -> None:
    try:
        subprocess.run(
            ["cc", *_FLAGS, str(target), str(_SOURCE)], check=True, capture_output=True, text=True
        )
    except FileNotFoundError:
        raise NoCompiler("no C compiler: install one (apt-get install gcc libc6-dev)") from None
    except subprocess.CalledProcessError as error:
        raise NoCompiler(f"cannot compile the hook tools: {error.stderr}") from None
