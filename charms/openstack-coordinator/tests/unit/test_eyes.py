"""A collector beside a unit: it is told where to scrape, and scrapes what the last tick saw."""

from __future__ import annotations

import base64
import dataclasses
import json
import lzma
import os
import pathlib
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from charm import OpenStackCoordinatorCharm
from charms.openstack_coordinator.v0 import metrics_endpoint, tick
from ops import testing
from test_charm import SECRET, Controller, controller  # noqa: F401


class Unit:
    """A unit with a folder, in which its charm is."""

    def __init__(self, folder: pathlib.Path, preferred: int) -> None:
        folder.mkdir()
        (folder / "dispatch").touch()
        self.folder = folder
        self.context = testing.Context(OpenStackCoordinatorCharm, charm_root=folder)
        # Of container scope by the collector's side, which ops.testing does not know.
        self.collector = testing.Relation("cos-agent", interface="cos_agent")
        self.state = testing.State(
            leader=True,
            secrets={SECRET},
            config={"juju-credentials": SECRET.id, "metrics-port": preferred},
            relations={testing.PeerRelation("cluster", id=90), self.collector},
            model=testing.Model(name="openstack", uuid="a1b2"),
        )

    def run(self, event: Any) -> None:
        self.state = self.context.run(event, self.state)

    def tick(self) -> None:
        self.run(self.context.on.custom(tick.Ticker.on.tick))

    def joined(self) -> None:
        self.run(self.context.on.relation_joined(self.collector))

    @property
    def offered(self) -> dict[str, Any]:
        databag = self.state.get_relation(self.collector.id).local_unit_data
        return json.loads(databag["config"])

    def scrape(self) -> str:
        (job,) = self.offered["metrics_scrape_jobs"]
        ((target,),) = (one["targets"] for one in job["static_configs"])
        with urllib.request.urlopen(f"http://{target}{job['metrics_path']}", timeout=5) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            return answer.read().decode()

    def end(self) -> None:
        metrics_endpoint.MetricsEndpoint(self.folder).stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def units(tmp_path: pathlib.Path) -> Iterator[tuple[Unit, Unit]]:
    port = _free_port()
    two = Unit(tmp_path / "one", port), Unit(tmp_path / "two", port)
    yield two
    for unit in two:
        unit.end()


def test_a_collector_scrapes_the_unit_and_no_hook_runs_for_it(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    unit, _ = units
    unit.joined()
    assert "openstack_coordinator_leader 1" in unit.scrape()
    assert "openstack_coordinator_cloud_ready" not in unit.scrape(), "nobody has looked yet"
    unit.tick()
    looks = controller.looks
    told = unit.scrape()
    assert "openstack_coordinator_cloud_ready 1" in told
    assert 'openstack_coordinator_plan_phase{phase="none"} 1' in told
    assert controller.looks == looks


def test_two_units_on_one_machine_are_scraped_at_two_ports(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    for unit in units:
        unit.joined()
    ports = {json.dumps(unit.offered["metrics_scrape_jobs"]) for unit in units}
    assert len(ports) == 2
    assert all("openstack_coordinator_leader 1" in unit.scrape() for unit in units)


def test_hooks_leave_the_server_alone_and_start_it_again_when_it_has_died(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    unit, _ = units
    unit.joined()
    lock = unit.folder / ".metrics-lock"
    before, offered = lock.read_text(), unit.offered
    unit.tick()
    assert lock.read_text() == before
    assert unit.offered == offered
    os.kill(int(before.split()[0]), signal.SIGKILL)
    os.waitpid(int(before.split()[0]), 0)
    with pytest.raises(urllib.error.URLError):
        unit.scrape()
    unit.tick()
    assert "openstack_coordinator_leader 1" in unit.scrape()


def test_another_port_is_taken_when_the_operator_says_so(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    unit, _ = units
    unit.joined()
    port = _free_port()
    unit.state = dataclasses.replace(
        unit.state, config={**unit.state.config, "metrics-port": port}
    )
    unit.run(unit.context.on.config_changed())
    assert f"127.0.0.1:{port}" in json.dumps(unit.offered["metrics_scrape_jobs"])
    assert "openstack_coordinator_leader 1" in unit.scrape()


def test_a_unit_that_no_longer_leads_takes_back_what_it_told_of_the_plan(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    unit, _ = units
    unit.joined()
    unit.tick()
    unit.state = dataclasses.replace(unit.state, leader=False)
    unit.run(unit.context.on.update_status())
    assert unit.scrape().splitlines()[2:] == ["openstack_coordinator_leader 0"]


def test_the_server_ends_with_the_relation_and_with_the_unit(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    one, other = units
    one.joined()
    one.run(one.context.on.relation_broken(one.state.get_relation(one.collector.id)))
    assert not (one.folder / ".metrics-lock").exists()
    other.joined()
    (other.folder / "dispatch").unlink()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            other.scrape()
        except OSError:
            return
        time.sleep(0.5)
    raise AssertionError("it still answers")


def test_without_a_collector_nothing_listens(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    unit, _ = units
    unit.state = dataclasses.replace(
        unit.state, relations={testing.PeerRelation("cluster", id=90)}
    )
    unit.run(unit.context.on.config_changed())
    unit.tick()
    assert list(unit.folder.glob(".metrics*")) == []


def test_the_collector_gets_rules_bound_to_this_application_and_the_dashboard(
    controller: Controller,  # noqa: F811
    units: tuple[Unit, Unit],
) -> None:
    unit, _ = units
    unit.joined()
    groups = unit.offered["metrics_alert_rules"]["groups"]
    assert len(groups) >= 4
    assert len({group["name"] for group in groups}) == len(groups)
    for rule in (rule for group in groups for rule in group["rules"]):
        assert 'juju_model_uuid="a1b2"' in rule["expr"]
        assert "%%" not in rule["expr"]
        assert rule["labels"]["juju_application"] == "openstack-coordinator"
    (dashboard,) = unit.offered["dashboards"]
    read = json.loads(lzma.decompress(base64.b64decode(dashboard)))
    assert read["title"] == "OpenStack coordinator"
