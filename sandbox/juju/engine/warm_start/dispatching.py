"""What a `dispatch` does, where it is one of the two that charmcraft writes. Pure but for stat."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Mapping

_SCRIPT = r"(?P<script>[A-Za-z0-9_./-]+\.py)"

_BY_PLUGINS = re.compile(
    r'dispatch_path="\$\(dirname \$\(realpath \$0\)\)"\n'
    r'venv_bin_path="\$\{dispatch_path\}/venv/bin"\n'
    r'python_path="\$\{venv_bin_path\}/python"\n'
    r'if \[ ! -[eL] "\$\{python_path\}" \]; then\n'
    r'mkdir -p "\$\{venv_bin_path\}"\n'
    r'ln -s \$\(which python3\) "\$\{python_path\}"\n'
    r"fi\n"
    r'export PYTHONPATH="\$\{dispatch_path\}/lib:\$\{dispatch_path\}/src"\n'
    r'(?P<linker>export LD_LIBRARY_PATH="\$\{dispatch_path\}/usr/lib:\$\{dispatch_path\}/lib:'
    r'\$\{dispatch_path\}/usr/lib/\$\(uname -m\)-linux-gnu"\n)?'
    rf'exec "\$\{{python_path\}}" "\$\{{dispatch_path\}}/{_SCRIPT}"\n'
)
"""charmcraft/dispatch.py: of the plugins uv, poetry and python."""

_BY_CHARM_PLUGIN = re.compile(
    r'JUJU_DISPATCH_PATH="\$\{JUJU_DISPATCH_PATH:-\$0\}" PYTHONPATH=lib:venv \\\n'
    rf"exec \./{_SCRIPT}\n"
)
"""charmcraft/const.py: of the plugin charm."""

_SHEBANG = "#!/usr/bin/env python3"


@dataclasses.dataclass(frozen=True)
class Dispatch:
    """How a charm's `dispatch` runs its code."""

    python: str
    arguments: tuple[str, str]
    """The command line: Python as it was called, and the script."""
    paths: tuple[str, ...]
    """The entries of PYTHONPATH."""
    variables: Mapping[str, str]
    """What it adds to the hook's environment."""


def read(charm: pathlib.Path, machine: str, search: str) -> Dispatch | None:
    """What the `dispatch` in this folder does; None for one that charmcraft did not write.

    `machine` is what `uname -m` prints, `search` the PATH of hooks.
    """
    try:
        text = (charm / "dispatch").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    shebang, _, body = text.partition("\n")
    if shebang != "#!/bin/sh":
        return None
    lines = (line.strip() for line in body.splitlines())
    body = "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))
    by_plugins = _BY_PLUGINS.fullmatch(body)
    if by_plugins:
        return _of_plugins(charm, by_plugins, machine)
    by_charm_plugin = _BY_CHARM_PLUGIN.fullmatch(body)
    return _of_charm_plugin(charm, by_charm_plugin["script"], search) if by_charm_plugin else None


def _of_plugins(charm: pathlib.Path, found: re.Match[str], machine: str) -> Dispatch | None:
    python = charm / "venv" / "bin" / "python"
    if not python.exists():  # a first run of dispatch links it
        return None
    paths = (f"{charm}/lib", f"{charm}/src")
    variables = {"PWD": str(charm), "PYTHONPATH": ":".join(paths)}
    if found["linker"]:
        variables["LD_LIBRARY_PATH"] = (
            f"{charm}/usr/lib:{charm}/lib:{charm}/usr/lib/{machine}-linux-gnu"
        )
    arguments = (str(python), f"{charm}/{found['script']}")
    return Dispatch(str(python), arguments, paths, variables)


def _of_charm_plugin(charm: pathlib.Path, script: str, search: str) -> Dispatch | None:
    try:
        with (charm / script).open(encoding="utf-8") as file:
            shebang = file.readline().strip()
    except (OSError, UnicodeDecodeError):
        return None
    folders = (pathlib.Path(folder) for folder in search.split(":"))
    python = next((f / "python3" for f in folders if (f / "python3").exists()), None)
    if shebang != _SHEBANG or python is None:
        return None
    paths = ("lib", "venv")
    variables = {"PWD": str(charm), "PYTHONPATH": ":".join(paths)}
    return Dispatch(str(python), ("python3", f"./{script}"), paths, variables)
