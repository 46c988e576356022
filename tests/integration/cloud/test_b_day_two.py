"""What an operator does with a running cloud."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from sandbox import packing
from tests.integration.cloud.cloud import Cloud


def _address(cloud: Cloud, unit: str) -> str:
    application = unit.partition("/")[0]
    return cloud.status()["applications"][application]["units"][unit]["public-address"]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_a_paused_unit_takes_its_api_away_and_resume_brings_it_back(cloud: Cloud):
    url = f"http://{_address(cloud, 'keystone/0')}:5000/healthcheck"
    assert _answers(url)

    cloud.juju("run", "keystone/0", "pause")
    assert not _answers(url)

    cloud.juju("run", "keystone/0", "resume")
    assert _answers(url)
    cloud.wait_settled()


def test_add_unit_takes_two_more_machines_with_the_role(cloud: Cloud):
    before = set(cloud.status()["applications"]["nova-compute"]["units"])

    cloud.juju("add-unit", "nova-compute", "-n", "2")
    cloud.wait_settled()

    units = cloud.status()["applications"]["nova-compute"]["units"]
    added = set(units) - before
    assert len(added) == 2
    machines = cloud.status()["machines"]
    hosts = {m["system_id"]: m for m in cloud.region().machines()}
    for unit in added:
        instance = machines[units[unit]["machine"]]["instance-id"]
        assert "openstack-compute" in hosts[instance]["tag_names"]


def test_remove_unit_gives_the_machine_back_to_maas(cloud: Cloud):
    units = cloud.status()["applications"]["nova-compute"]["units"]
    last = max(units, key=lambda name: int(name.rpartition("/")[2]))
    instance = cloud.status()["machines"][units[last]["machine"]]["instance-id"]

    cloud.juju("remove-unit", last, "--no-prompt")

    cloud.wait(
        "the machine is Ready again",
        lambda: (
            next(m for m in cloud.region().machines() if m["system_id"] == instance)["status_name"]
            == "Ready"
        ),
    )
    assert last not in cloud.status()["applications"]["nova-compute"]["units"]
    cloud.wait_settled()


def test_refresh_of_a_charm_reaches_every_unit(cloud: Cloud):
    charm = str(packing.packed_path("baremetal-inventory"))
    before = cloud.status()["applications"]["baremetal-inventory"]["charm-rev"]

    cloud.juju("refresh", "baremetal-inventory", "--path", charm)
    cloud.wait_settled()

    assert cloud.status()["applications"]["baremetal-inventory"]["charm-rev"] == before + 1


def test_an_action_prints_its_results(cloud: Cloud):
    shown = json.loads(
        cloud.juju("run", "openstack-coordinator/leader", "show-cloud", "--format", "json")
    )

    (task,) = shown.values()
    assert task["status"] == "completed"
    assert task["results"]["return-code"] == 0


def test_config_shows_and_sets_an_option(cloud: Cloud):
    cloud.juju("config", "nova-compute", "cpu-model=host-model")

    assert cloud.juju("config", "nova-compute", "cpu-model").strip() == "host-model"
    cloud.juju("config", "nova-compute", "--reset", "cpu-model")
    cloud.wait_settled()


def test_show_unit_tells_its_relations(cloud: Cloud):
    shown = cloud.juju.json("show-unit", "keystone/0")["keystone/0"]

    endpoints = {relation["endpoint"] for relation in shown["relation-info"]}
    assert {"shared-db", "identity-service"} <= endpoints


def test_debug_log_tells_the_hooks_of_a_unit(cloud: Cloud):
    log = cloud.juju("debug-log", "--replay", "--no-tail", "--include", "keystone/0")

    assert "install" in log
    assert "unit-keystone-0" in log


@pytest.mark.parametrize("daemon", ["juju", "maas", "bmc"])
def test_a_server_that_dies_comes_back_and_nothing_is_lost(cloud: Cloud, daemon: str):
    before = set(cloud.status()["machines"])

    cloud.kill(daemon)

    cloud.wait("MAAS answers", cloud.region().ready)
    cloud.wait("the controller answers", cloud.status)
    cloud.wait_settled()
    assert set(cloud.status()["machines"]) == before
