"""pytest-operator's `ops_test`, against the sandbox or a real controller of Juju 3.6.

With `--controller NAME` the tests use that controller of the client's own data and the
`charmcraft` on PATH, as pytest-operator always does. Without it a controller of the sandbox
is started for them, and `charmcraft` packs in place.
"""

from __future__ import annotations

import os
import pathlib
import shlex
import sys
from collections.abc import Iterator

import pytest

from tests.clients import charms as packed
from tests.clients.running_controller import environment, running


@pytest.fixture(scope="session")
def tmp_path_factory(request: pytest.FixtureRequest) -> pytest.TempPathFactory:
    """pytest's own: the plugin's does not know the arguments that pytest 9 asks for."""
    return request.config._tmp_path_factory  # type: ignore[attr-defined]


@pytest.fixture(scope="session", autouse=True)
def controller(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The controller that `ops_test` finds in the client's data."""
    if request.config.getoption("--controller"):
        yield
        return
    tools = tmp_path_factory.mktemp("bin")
    python = f"{shlex.quote(sys.executable)} -m sandbox.packing.in_place"
    root = shlex.quote(str(pathlib.Path(__file__).parents[3]))
    charmcraft = tools / "charmcraft"
    charmcraft.write_text(f'#!/bin/sh\nPYTHONPATH={root} exec {python} "$@"\n')
    charmcraft.chmod(0o755)
    with running(tmp_path_factory.mktemp("controller"), "3.6") as running_controller:
        variables = running_controller.environment
        variables["PATH"] = f"{tools}{os.pathsep}{variables['PATH']}"
        with environment(variables):
            yield


@pytest.fixture(scope="session")
def charms(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with packed charms, for what is not about packing."""
    return packed.pack(tmp_path_factory.mktemp("packed"))
