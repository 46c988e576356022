"""The packed charm on a running controller: what the operator of a real model would see."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import packing, processes
from tests.integration.coordinator.model import CHARM, PASSWORD, Model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    packing.pack(CHARM)
    running = Model(tmp_path_factory.mktemp("sandbox"))
    running.start()
    running.juju("add-model", "openstack")
    running.juju("deploy", str(packing.packed_path(CHARM)))
    yield running
    running.stop(signal.SIGTERM)
    processes.end(processes.of_sandbox(running.home.path))


def test_without_an_account_it_says_how_to_give_it_one(model: Model) -> None:
    model.says("blocked", "juju-credentials: not set: juju add-secret")


def test_with_an_account_of_its_own_it_says_what_the_model_lacks(model: Model) -> None:
    model.give_account()
    model.says("blocked", "juju grant-secret <name> openstack-coordinator")
    model.juju("grant-secret", "account", CHARM)
    model.says("blocked", "database: no application provides it", "(and 9 more)")


def test_show_cloud_gives_every_finding_with_its_remedy(model: Model) -> None:
    ran: dict[str, Any] = json.loads(
        model.juju("run", f"{CHARM}/leader", "show-cloud", "format=json", "--format", "json")
    )
    cloud = json.loads(ran[f"{CHARM}/0"]["results"]["cloud"])
    remedies = [finding["remedy"] for finding in cloud["findings"]]
    assert "juju deploy keystone, and relate it as in the bundle" in remedies
    assert len(remedies) == 11


def test_a_change_of_the_model_is_seen_without_any_event_for_the_charm(model: Model) -> None:
    model.juju("deploy", "keystone", "--channel", "2024.1/stable")
    model.says("blocked", "(and 9 more)")
    shown = model.juju("run", f"{CHARM}/leader", "show-cloud")
    assert "keystone: shared-db is not related to a database router" in shown
    model.juju("remove-application", "keystone", "--no-prompt")


def test_a_controller_that_was_killed_finds_it_at_work_again(model: Model) -> None:
    model.stop(signal.SIGKILL)
    model.start()
    model.juju("deploy", "rabbitmq-server", "--channel", "3.12/stable")
    model.says("blocked", "database: no application provides it; identity: no application")


def test_a_password_that_is_wrong_is_told_and_mended_without_a_restart(model: Model) -> None:
    model.juju("change-user-password", "coordinator", "--no-prompt", stdin="another one\n")
    model.says("blocked", "Juju refused the login: user coordinator: invalid entity name or pass")
    model.juju("change-user-password", "coordinator", "--no-prompt", stdin=f"{PASSWORD}\n")
    model.says("blocked", "no application provides it")


def test_the_password_is_in_no_log_and_in_no_status(model: Model) -> None:
    log = model.juju("debug-log", "--replay", "--no-tail")
    assert "openstack-coordinator" in log
    controller = (model.home.folder("log") / "controller.log").read_text()
    shown = model.juju("show-unit", f"{CHARM}/0") + model.juju("status", "--format", "json")
    assert PASSWORD not in log + controller + shown


def test_removed_it_leaves_nothing_running(model: Model) -> None:
    assert model.tickers()
    model.juju("remove-application", CHARM, "--no-prompt")
    model.wait(lambda: not model.tickers())
