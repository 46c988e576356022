"""How the command ends: 0, 1 with ERROR when it failed, 2 when it was misused."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from sandbox.juju.cli.catalog import COMMANDS
from sandbox.juju.cli.dispatch import load, run


@pytest.fixture(autouse=True)
def empty_client(tmp_path, monkeypatch):
    monkeypatch.setenv("JUJU_DATA", str(tmp_path))
    for variable in ("JUJU_MODEL", "JUJU_CONTROLLER"):
        monkeypatch.delenv(variable, raising=False)


def outcome(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return run(words, out, err), out.getvalue(), err.getvalue()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_its_help(name):
    code, out, err = outcome(name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: juju {name} [options]")
    assert load(name).summary in out


def test_an_unknown_command_is_refused_with_the_nearest_one():
    code, _, err = outcome("statsu")
    assert code == 2
    assert 'ERROR juju: "statsu" is not a juju command. See "juju --help".' in err
    assert "Did you mean:\n\tstatus" in err


def test_misuse_exits_with_2_and_says_why():
    assert outcome("add-unit") == (2, "", "ERROR no application specified\n")
    assert outcome("status", "--nope")[0] == 2
    assert outcome("status", "--format", "xml") == (
        2, "", 'ERROR invalid value "xml" for option --format: unknown format "xml"\n',
    )  # fmt: skip
    assert outcome("show-model", "a", "b") == (2, "", 'ERROR unrecognized args: ["b"]\n')


def test_failure_exits_with_1():
    code, out, err = outcome("status")
    assert (code, out) == (1, "")
    assert err.startswith("ERROR No controllers registered.\n")


def test_a_program_that_reads_the_output_gets_an_empty_value_when_it_fails():
    assert outcome("status", "--format", "json")[1] == "{}\n"


def test_quiet_and_verbose_clash():
    assert outcome("status", "-q", "-v")[0] == 2


def test_global_options_may_come_before_the_command():
    assert outcome("--debug", "version")[0] == 0


def test_the_version_is_that_of_juju_3_6():
    assert outcome("version")[1].startswith("3.6.")
    assert outcome("--version")[1].startswith("3.6.")
    assert '"version":"3.6.' in outcome("version", "--all", "--format", "json")[1]


def test_a_command_imports_only_what_it_needs():
    """Start-up is most of what a short command costs."""
    script = (
        "import sys, io\n"
        "from sandbox.juju.cli.dispatch import run\n"
        "run(['version'], io.StringIO(), io.StringIO())\n"
        "heavy = {'websockets', 'yaml', 'asyncio', 'ssl', 'aiohttp', 'pydantic', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_command_imports_nothing_of_the_controller():
    script = (
        "import sys\n"
        "from sandbox.juju.cli.catalog import COMMANDS\n"
        "from sandbox.juju.cli.dispatch import load\n"
        "[load(name) for name in COMMANDS]\n"
        "own = ('sandbox.juju.state', 'sandbox.juju.engine', 'sandbox.juju.api')\n"
        "print([name for name in sys.modules if name.startswith(own)])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
