"""A ground for each run, and the table of all runs at the end."""

from __future__ import annotations

import pathlib
import shutil
import tempfile
from collections.abc import Iterator

import pytest

from sandbox.home import Home
from tests.blocks import reserve
from tests.zero_downtime import run

_OUTCOMES: pytest.StashKey[list[run.Outcome]] = pytest.StashKey()


@pytest.fixture(scope="session")
def outcomes(pytestconfig: pytest.Config) -> list[run.Outcome]:
    """What each run saw: printed as a table at the end."""
    return pytestconfig.stash.setdefault(_OUTCOMES, [])


@pytest.fixture
def ground() -> Iterator[run.Ground]:
    """A cloud of 2023.2, of older charms, with guests on its hypervisors."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="zero-downtime-"))
    with run.running(Home(path, reserve("zero-downtime"))) as ground:
        yield ground
    shutil.rmtree(path, ignore_errors=True)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print both runs as a table."""
    outcomes = config.stash.get(_OUTCOMES, [])
    if outcomes:
        terminalreporter.section("clients and guests while charms, then OpenStack, were upgraded")
        terminalreporter.write_line(run.report(outcomes))
