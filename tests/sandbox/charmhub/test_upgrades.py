"""Stand-ins that are upgraded, under the sandbox's own engine: what that takes away, and when."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from sandbox.charmhub.runtime import machine
from sandbox.juju.state import refresh, relations, tasks
from tests.sandbox.charmhub.running import READY, Model, health, model

__all__ = ["model"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOUD = "cloud:jammy-caracal"


async def execute(model: Model, unit: str, command: str) -> dict[str, str]:
    """What `juju exec` gives on a unit."""
    request = tasks.Request(unit, "juju-exec", {"command": command, "timeout": 0})
    number = model.do(tasks.enqueue, [request]).tasks[0].id
    await model.until(lambda: model.do(tasks.get, number).status in tasks.FINAL)
    task = model.do(tasks.get, number)
    return {key: str(value) for key, value in task.results.items()}


def _unseal(address: str, key: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(address, 8200, timeout=5)
    try:
        connection.request("PUT", "/v1/sys/unseal", json.dumps({"key": key}))
        return json.load(connection.getresponse())
    finally:
        connection.close()


async def test_an_origin_that_no_action_manages_takes_the_api_away_for_a_while(model):
    unit = await model.keystone("unmanaged", channel="2024.1/stable", openstack_origin="bobcat")
    address = model.address(unit)
    assert model.version(unit) == "24.0.0"

    model.configure("unmanaged", openstack_origin=CLOUD)

    await model.answers(unit, 5000, serving=False)
    await model.until(lambda: model.version(unit) == "25.0.0")
    await model.answers(unit, 5000)
    assert health(address, 5000)


async def test_a_paused_unit_is_upgraded_by_hand_and_the_origin_finds_nothing_to_do(model):
    """How units of a charm without openstack-upgrade are upgraded one at a time."""
    unit = await model.keystone("byhand", channel="2024.1/stable", openstack_origin="bobcat")
    await model.run(unit, "pause")

    await execute(model, unit, "sudo add-apt-repository -y cloud-archive:caracal")
    await execute(model, unit, "sudo apt-get update && sudo apt-get -y dist-upgrade")
    assert model.version(unit) == "25.0.0"
    assert health(model.address(unit), 5000) is None, "it is paused still"
    await model.run(unit, "resume")
    before = await model.answers(unit, 5000)

    model.configure("byhand", openstack_origin=CLOUD)
    await model.until(lambda: model.last(unit) == "config-changed")
    assert health(model.address(unit), 5000) == before


async def test_a_refresh_of_its_charm_restarts_an_api_but_moves_no_release(model):
    unit = await model.keystone("refreshed", channel="2024.1/stable", openstack_origin="bobcat")
    resolved, newer = model.charm("keystone", "2024.1/candidate")

    model.do(refresh.refresh, "refreshed", newer, channel=resolved.channel)

    await model.answers(unit, 5000, serving=False)
    await model.answers(unit, 5000)
    assert model.version(unit) == "24.0.0"


async def test_ceph_says_when_its_release_should_be_required(model):
    disks = {"osd-devices": {"pool": "loop", "count": 2, "size": 1024}}
    reef = {"channel": "squid/stable", "source": "bobcat"}
    model.deploy("ceph-mon", monitor_count=1, expected_osd_count=2, **reef)
    model.deploy("ceph-osd", num_units=2, storage=disks, **reef)
    model.do(relations.add, "ceph-mon:osd", "ceph-osd:mon")
    for number in range(2):
        await model.shows(f"ceph-osd/{number}", "active: Unit is ready (2 OSD)")

    async def ceph(command: str) -> str:
        answer = await execute(model, "ceph-mon/0", f"ceph {command}")
        return answer.get("stdout", "") + answer.get("stderr", "")

    dump = json.loads(await ceph("osd dump -f json"))
    assert dump["require_osd_release"] == "reef"
    assert [osd["osd"] for osd in dump["osds"]] == [0, 1, 2, 3]
    assert "EPERM" in await ceph("osd require-osd-release squid")
    model.configure("ceph-mon", source=CLOUD)
    await model.until(lambda: model.version("ceph-mon/0") == "19.2.1")
    model.configure("ceph-osd", source=CLOUD)
    while "OSD_DOWN" not in (told := await ceph("health -f json")):
        assert model.version("ceph-osd/0") != "19.2.1", told
    assert "2 osds down" in told, "one unit at a time"
    for unit in ("ceph-mon/0", "ceph-osd/0", "ceph-osd/1"):
        await model.until(lambda unit=unit: model.version(unit) == "19.2.1")
    await model.until(lambda: model.status("ceph-osd/1").startswith("active"))
    assert (await model.run("ceph-mon/0", "get-health"))["message"].startswith(
        "HEALTH_WARN all OSDs are running squid or later but require_osd_release < squid"
    )
    await ceph("osd require-osd-release squid")
    assert (await ceph("health")).strip() == "HEALTH_OK"
    (osds,) = json.loads(await ceph("versions -f json"))["osd"].items()
    assert osds == ("ceph version 19.2.1 (0) squid (stable)", 4)


async def test_a_restart_that_is_put_off_is_done_by_an_action(model):
    model.deploy("ovn-central", num_units=3, channel="24.03/stable", source="bobcat")
    model.deploy("vault", "ca", totally_unsecure_auto_unlock=True, auto_generate_root_ca_cert=True)
    model.do(relations.add, "ovn-central:certificates", "ca:certificates")
    await model.until(lambda: model.status("ovn-central/1") == READY)
    model.configure("ovn-central", enable_auto_restarts=False)
    model.configure("ovn-central", source=CLOUD)

    waiting = "active: Unit is ready. Services queued for restart: ovn-central"
    await model.shows("ovn-central/1", waiting)
    assert model.version("ovn-central/1") == "24.03.2"
    told = await model.run("ovn-central/1", "show-deferred-events")
    assert "ovn-central Package update" in told["output"]
    await model.run("ovn-central/1", "run-deferred-hooks")
    await model.shows("ovn-central/1", READY)


async def test_a_vault_that_was_restarted_is_sealed_until_three_keys_came(model):
    model.deploy("vault")
    await model.shows("vault/0", "blocked: Vault needs to be initialized")
    await model.run("vault/0", "authorize-charm", token="s.token")
    await model.shows("vault/0", "active: Unit is ready (active: true, mlock: disabled)")

    await model.run("vault/0", "restart")

    await model.shows("vault/0", "blocked: Unit is sealed")
    for number, told in enumerate([(True, 1), (True, 2), (False, 0)]):
        answer = _unseal(model.address("vault/0"), f"key {number}")
        assert (answer["sealed"], answer["progress"]) == told
    await model.shows("vault/0", "active: Unit is ready (active: true, mlock: disabled)")


async def test_what_manages_packages_on_a_unit_leaves_this_machine_alone(model):
    unit = await model.keystone("safe")
    for program in machine.NAMES:
        found = await execute(model, unit, f"command -v {program}")
        assert found["stdout"].strip().endswith(f"/charm/bin/{program}")
    assert model.status(unit) == READY
