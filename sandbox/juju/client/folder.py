"""The folder of a client's data, and the version of Juju that its command is."""

from __future__ import annotations

import os
import pathlib

from sandbox.home import Home
from sandbox.juju.client.facades import CLIENT_VERSION

_VERSION = "sandbox-version"
"""The file that names the version of the sandbox's controller."""


def data_folder() -> pathlib.Path:
    """$JUJU_DATA, or the client folder of the sandbox found from the environment."""
    if data := os.environ.get("JUJU_DATA"):
        return pathlib.Path(data)
    return Home.from_environment().folder("client")


def command_version() -> str:
    """The version of Juju that the command is: that of the sandbox's controller, once known."""
    try:
        return (data_folder() / _VERSION).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return CLIENT_VERSION


def note_version(folder: pathlib.Path, version: str) -> None:
    """Remember the version of the controller that the client was told of."""
    (folder / _VERSION).write_text(f"{version}\n", encoding="ascii")
