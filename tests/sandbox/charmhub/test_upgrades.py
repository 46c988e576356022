"""Stand-ins that are upgraded, under the sandbox's own engine: what that takes away, and when."""

from __future__ import annotations

import http.client
import json
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox.charmhub import archives
from sandbox.charmhub.runtime import machine
from sandbox.juju.state import models, refresh, relations, runs, tasks
from tests.sandbox.charmhub.running import READY, Model, health, model

__all__ = ["model"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

CLOUD = "cloud:jammy-caracal"
VAULT = "active: Unit is ready (active: true, mlock: disabled)"


@pytest_asyncio.fixture(loop_scope="module")
async def no_update_status(model: Model) -> AsyncIterator[None]:
    """No hook comes of itself."""
    model.do(models.set_config, {"update-status-hook-interval": "1h"})
    yield
    model.do(models.set_config, {"update-status-hook-interval": "5s"})


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


async def test_a_paused_unit_is_upgraded_by_hand_and_the_origin_finds_nothing_to_do(
    model, no_update_status
):
    """How units of a charm without openstack-upgrade are upgraded one at a time."""
    unit = await model.keystone("byhand", channel="2024.1/stable", openstack_origin="bobcat")
    await model.run(unit, "pause")

    await execute(model, unit, "sudo add-apt-repository -y cloud-archive:caracal")
    await execute(model, unit, "sudo apt-get update && sudo apt-get -y dist-upgrade")
    assert model.version(unit) == "24.0.0", "its charm has not looked yet"
    assert health(model.address(unit), 5000) is None, "it is paused still"
    await model.run(unit, "resume")
    before = await model.answers(unit, 5000)

    await model.reconfigured(unit, openstack_origin=CLOUD)
    assert health(model.address(unit), 5000) == before
    assert model.version(unit) == "25.0.0"


@pytest.mark.parametrize(
    "command",
    ["hooks/update-status", "JUJU_DISPATCH_PATH=hooks/update-status ./dispatch"],
)
async def test_the_version_is_the_old_one_until_the_next_hook_even_one_run_by_hand(
    model, no_update_status, command
):
    name = f"images{len(command)}"
    model.deploy("glance", name, channel="2024.1/stable", openstack_origin="bobcat")
    unit = f"{name}/0"
    await model.until(lambda: model.version(unit) == "27.0.0")
    await model.reconfigured(unit, action_managed_upgrade=True)
    assert await model.run(unit, "openstack-upgrade") == {"outcome": "no upgrade available"}
    await model.reconfigured(unit, openstack_origin=CLOUD)
    await model.run(unit, "pause")

    assert await model.run(unit, "openstack-upgrade") == {"outcome": "success, upgrade completed"}
    await model.run(unit, "resume")
    assert model.version(unit) == "27.0.0"

    assert (await execute(model, unit, command))["return-code"] == "0"
    assert model.version(unit) == "28.1.0"
    assert model.status(unit) == "blocked: Missing relations: database, identity"


async def test_cinder_is_resumed_by_its_upgrade(model):
    model.deploy(
        "cinder", channel="2024.1/stable", openstack_origin="bobcat", action_managed_upgrade=True
    )
    await model.reconfigured("cinder/0", openstack_origin=CLOUD)
    assert model.version("cinder/0") == "23.1.0"
    await model.run("cinder/0", "pause")
    assert model.status("cinder/0").startswith("maintenance: Paused")

    await model.run("cinder/0", "openstack-upgrade")

    assert model.status("cinder/0").startswith("blocked: Missing relations")


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


async def test_a_monitor_waits_at_the_end_of_its_hook_until_all_are_upgraded(model, tmp_path):
    model.deploy("ceph-mon", "mons", num_units=3, channel="squid/stable", source="bobcat")
    units = [f"mons/{number}" for number in range(3)]
    for unit in units:
        await model.shows(unit, "blocked: Missing relation: OSD")
    # Two of the agents are busy.
    held_until = tmp_path / "let-go"
    await _occupy(model, units[1:], held_until)

    model.configure("mons", source=CLOUD)

    await model.shows(units[0], "maintenance: Finishing upgrade")
    assert [model.version(unit) for unit in units] == ["18.2.4"] * 3
    _let_go(held_until)
    for unit in units:
        await model.until(lambda unit=unit: model.version(unit) == "19.2.1")
        await model.shows(unit, "blocked: Missing relation: OSD")


async def test_the_hook_of_a_monitor_fails_when_the_others_are_held_too_long(
    model, tmp_path, monkeypatch
):
    within = b"EVERY_MONITOR_WITHIN = %s"
    files = dict(archives._runtime())
    upgrade = files["src/runtime/upgrade.py"]
    assert within % b"600.0" in upgrade
    files["src/runtime/upgrade.py"] = upgrade.replace(within % b"600.0", within % b"0.5")
    monkeypatch.setattr(archives, "_runtime", lambda: files)
    model.deploy(
        "ceph-mon", "rushed", num_units=2, monitor_count=2, channel="squid/edge", source="bobcat"
    )
    for unit in ("rushed/0", "rushed/1"):
        await model.shows(unit, "blocked: Missing relation: OSD")
    await _occupy(model, ["rushed/1"], tmp_path / "let-go")

    model.configure("rushed", source="caracal")

    await model.until(lambda: "config-changed" in _failed(model, "rushed/0"))
    assert model.version("rushed/0") == "18.2.4"
    _let_go(tmp_path / "let-go")
    for unit in ("rushed/0", "rushed/1"):
        await model.until(lambda unit=unit: model.version(unit) == "19.2.1")


def _failed(model: Model, unit: str) -> list[str]:
    """The hooks of a unit that failed."""
    return [run.kind for run in model.do(runs.of_unit, unit) if run.exit_code]


async def _occupy(model: Model, held: list[str], held_until: pathlib.Path) -> None:
    parameters = {"command": f"until [ -e {held_until} ]; do sleep 0.1; done", "timeout": 0}
    requests = [tasks.Request(unit, "juju-exec", parameters) for unit in held]
    numbers = [task.id for task in model.do(tasks.enqueue, requests).tasks]
    await model.until(
        lambda: all(model.do(tasks.get, number).status == "running" for number in numbers)
    )


def _let_go(held_until: pathlib.Path) -> None:
    held_until.touch()


async def test_a_restart_that_is_put_off_is_done_by_an_action(model):
    model.deploy("ovn-central", num_units=3, channel="24.03/stable", source="bobcat")
    model.deploy("vault", "ca", totally_unsecure_auto_unlock=True, auto_generate_root_ca_cert=True)
    model.do(relations.add, "ovn-central:certificates", "ca:certificates")
    await model.until(lambda: model.status("ovn-central/1") == READY)
    model.configure("ovn-central", enable_auto_restarts=False)
    model.configure("ovn-central", source=CLOUD)

    waiting = "active: Services queued for restart: ovn-central"
    await model.shows("ovn-central/1", waiting)
    assert model.version("ovn-central/1") == "24.03.2"
    told = await model.run("ovn-central/1", "show-deferred-events")
    assert told["output"].endswith(f" {'ovn-central':40} Package update\n")
    await model.run("ovn-central/1", "run-deferred-hooks")
    assert model.status("ovn-central/1") == waiting, "that action restarts nothing here"
    await model.run("ovn-central/1", "restart-services", **{"deferred-only": True})
    await model.shows("ovn-central/1", READY)


async def test_restart_services_fails_when_it_is_not_told_what(model):
    request = tasks.Request("ovn-central/1", "restart-services", {})
    number = model.do(tasks.enqueue, [request]).tasks[0].id
    await model.until(lambda: model.do(tasks.get, number).status in tasks.FINAL)
    task = model.do(tasks.get, number)
    assert (task.status, task.message) == ("failed", "Please specify deferred-only or services")


async def test_a_vault_that_is_paused_does_not_run_and_comes_back_sealed(model):
    model.deploy("vault", "rested")
    await model.shows("rested/0", "blocked: Vault needs to be initialized")
    await model.run("rested/0", "authorize-charm", token="s.token")

    await model.run("rested/0", "pause")

    assert model.status("rested/0") == "blocked: Vault service not running"
    assert health(model.address("rested/0"), 8200) is None
    await model.run("rested/0", "resume")
    assert model.status("rested/0") == "blocked: Unit is sealed"
    await model.run("rested/0", "pause")
    await model.run("rested/0", "restart")
    assert model.status("rested/0") == "blocked: Unit is sealed"


async def test_a_vault_follows_the_channel_of_its_snap_and_is_sealed_then(model):
    model.deploy("vault", "followed", channel="1.7/stable")
    await model.shows("followed/0", "blocked: Vault needs to be initialized")
    await model.run("followed/0", "authorize-charm", token="s.token")
    await model.shows("followed/0", VAULT)
    assert model.version("followed/0") == "1.7.9"
    await model.reconfigured("followed/0", channel="1.7/stable")
    resolved, newer = model.charm("vault", "1.8/stable")
    before = model.ended("followed/0", "config-changed")
    model.do(refresh.refresh, "followed", newer, channel=resolved.channel)
    await model.until(lambda: model.ended("followed/0", "upgrade-charm"))
    await model.until(lambda: model.ended("followed/0", "config-changed") > before)
    assert (model.status("followed/0"), model.version("followed/0")) == (VAULT, "1.7.9")

    model.configure("followed", channel="1.8/stable")

    await model.answers("followed/0", 8200, serving=False)
    assert model.status("followed/0") == VAULT, "its hook has not ended"
    await model.shows("followed/0", "blocked: Unit is sealed")
    assert model.version("followed/0") == "1.8.8"
    model.configure("followed", channel="1.8/latest")
    await model.shows("followed/0", "blocked: Invalid snap channel configured: 1.8/latest")


async def test_a_vault_whose_channel_is_its_charms_is_sealed_by_a_refresh_to_another_track(model):
    model.deploy("vault", "drifted", channel="1.7/stable")
    await model.shows("drifted/0", "blocked: Vault needs to be initialized")
    await model.run("drifted/0", "authorize-charm", token="s.token")
    resolved, newer = model.charm("vault", "1.8/stable")

    model.do(refresh.refresh, "drifted", newer, channel=resolved.channel)

    await model.shows("drifted/0", "blocked: Unit is sealed")
    assert model.version("drifted/0") == "1.8.8"


async def test_a_vault_that_was_restarted_is_sealed_until_three_keys_came(model):
    model.deploy("vault")
    await model.shows("vault/0", "blocked: Vault needs to be initialized")
    await model.run("vault/0", "authorize-charm", token="s.token")
    await model.shows("vault/0", VAULT)

    await model.run("vault/0", "restart")

    await model.shows("vault/0", "blocked: Unit is sealed")
    for number, told in enumerate([(True, 1), (True, 2), (False, 0)]):
        answer = _unseal(model.address("vault/0"), f"key {number}")
        assert (answer["sealed"], answer["progress"]) == told
    await model.shows("vault/0", VAULT)


async def test_what_manages_packages_on_a_unit_leaves_this_machine_alone(model):
    unit = await model.keystone("safe")
    for program in machine.NAMES:
        found = await execute(model, unit, f"command -v {program}")
        assert found["stdout"].strip().endswith(f"/charm/bin/{program}")
    assert model.status(unit) == READY
