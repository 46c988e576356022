"""Actions, commands, shells, files and logs."""

from __future__ import annotations

import jubilant
import pytest


def test_an_action_s_results_and_log(deployed):
    task = deployed.run("web/leader", "greet", {"name": "bob"})
    assert task.success
    assert task.results == {"greeting": "hello bob"}
    assert task.log[0].endswith("greeting bob")


def test_an_action_that_fails_raises_with_its_message(deployed):
    with pytest.raises(jubilant.TaskError) as failed:
        deployed.run("web/0", "fail")
    assert failed.value.task.status == "failed"
    assert failed.value.task.message == "as was asked"


def test_an_action_that_the_charm_lacks_is_refused(deployed):
    with pytest.raises(ValueError, match="not defined on unit"):
        deployed.run("web/0", "nothing")


def test_an_action_on_a_unit_that_is_not_there_is_refused(deployed):
    with pytest.raises(ValueError, match='unit "web/9" not found'):
        deployed.run("web/9", "greet")


def test_waiting_for_an_action_ends_in_time(deployed):
    with pytest.raises(TimeoutError):
        deployed.run("web/0", "slow", wait=1)
    deployed.cli("operations")


def test_a_command_on_a_unit_and_on_a_machine(deployed):
    assert deployed.exec("echo $JUJU_UNIT_NAME", unit="web/0").stdout == "web/0\n"
    assert deployed.exec("echo", "hi", machine=0).stdout == "hi\n"
    with pytest.raises(jubilant.TaskError) as failed:
        deployed.exec("echo no >&2; exit 4", unit="web/0")
    assert (failed.value.task.return_code, failed.value.task.stderr) == (4, "no\n")


def test_a_shell_and_files_on_a_unit(deployed, tmp_path):
    assert deployed.ssh("web/0", "echo", "from a shell") == "from a shell\n"
    sent = tmp_path / "sent"
    sent.write_text("content")
    deployed.scp(sent, f"web/0:{tmp_path}/there")
    deployed.scp(f"web/0:{tmp_path}/there", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "content"


def test_the_debug_log_has_the_unit_s_lines(deployed):
    lines = deployed.debug_log(limit=5).splitlines()
    assert len(lines) == 5
    assert "unit-web-0" in deployed.debug_log()
