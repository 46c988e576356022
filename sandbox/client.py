"""Runs the sandbox's `juju` command, as a person at a terminal would."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import tenacity

from .home import Home

_AWAY = ("unable to connect to API", "connection is shut down", "cannot reach controller")
COMMAND = pathlib.Path(sys.executable).with_name("juju")


class JujuFailed(Exception):
    """A `juju` command ended with an error; the message is what it said."""


class ControllerAway(JujuFailed):
    """The controller did not answer, or went away meanwhile: the same command may work later."""


again = tenacity.Retrying(
    retry=tenacity.retry_if_exception_type(ControllerAway),
    wait=tenacity.wait_fixed(1),
    stop=tenacity.stop_after_delay(60),
    reraise=True,
)
"""Repeats a step that a dying controller cut short; the step looks at what is there first."""


class Juju:
    """The `juju` command with this sandbox's client data."""

    def __init__(self, home: Home, model: str = "") -> None:
        self._environment = {
            **os.environ,
            **home.environment,
            "JUJU_DATA": str(home.folder("client")),
        }
        if model:
            self._environment["JUJU_MODEL"] = model

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run one command; returns what it printed.

        Raises:
            ControllerAway: the controller was not there.
            JujuFailed: it ended with another exit code than 0 for another reason.
        """
        done = subprocess.run(
            [str(COMMAND), *arguments],
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            refusal = ControllerAway if any(words in said for words in _AWAY) else JujuFailed
            raise refusal(f"juju {_shown(arguments)}: {said}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Run one command with `--format json`; returns what it printed, parsed."""
        return json.loads(self(*arguments, "--format", "json"))


def _shown(arguments: Sequence[str]) -> str:
    """The command without the values that it was given: they may be secret."""
    return " ".join(argument.partition("=")[0] for argument in arguments)
