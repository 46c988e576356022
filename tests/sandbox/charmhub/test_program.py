"""Stand-ins under the sandbox's own engine: real hook processes, hook tools and databags."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import urllib.error

import pytest
import pytest_asyncio

from sandbox.charmhub import descriptions
from sandbox.juju.state import applications, machines, refresh, relations, removal, units
from tests.sandbox.charmhub.running import READY, Model, health, model

__all__ = ["model"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keystone(model: Model) -> str:
    """The unit of an active Keystone."""
    return await model.keystone("keystone")


async def test_a_database_forms_of_three_and_one_of_them_writes(model):
    for number in range(3):
        await model.until(lambda n=number: model.status(f"mysql/{n}").startswith("active"))
    shown = sorted(model.status(f"mysql/{n}") for n in range(3))
    healthy = "Cluster is ONLINE and can tolerate up to ONE failure."
    assert shown[0] == shown[1] == f"active: Unit is ready: Mode: R/O, {healthy}"
    assert shown[2] == f"active: Unit is ready: Mode: R/W, {healthy}"
    assert model.version("mysql/0") == "8.0.42"


async def test_an_api_without_a_database_says_so_and_serves_nothing(model):
    model.deploy("keystone", "lonely")
    await model.shows("lonely/0", "blocked: Missing relations: database")
    await model.until(lambda: model.version("lonely/0") == "25.0.0")
    assert health(model.address("lonely/0"), 5000) is None


async def test_an_active_api_serves_on_its_units_address_and_port(model, keystone):
    answer = await model.answers(keystone, 5000)
    assert (answer["service"], answer["unit"]) == ("keystone", keystone)
    assert health(model.address(keystone), 5000, "/") == answer
    with pytest.raises(urllib.error.HTTPError, match="404"):
        health(model.address(keystone), 5000, "/v4")


async def test_pause_stops_the_api_and_resume_starts_it(model, keystone):
    await model.run(keystone, "pause")
    await model.answers(keystone, 5000, serving=False)
    assert model.status(keystone) == (
        "maintenance: Paused. Use 'resume' action to resume normal service."
    )
    model.configure("keystone", region="RegionTwo")
    await model.until(lambda: model.last(keystone) == "config-changed")
    assert health(model.address(keystone), 5000) is None
    await model.run(keystone, "resume")
    await model.answers(keystone, 5000)
    assert model.status(keystone) == READY


async def test_a_killed_api_is_back_after_update_status(model, keystone):
    before = await model.answers(keystone, 5000)
    os.kill(before["pid"], 9)
    await model.until(
        lambda: (health(model.address(keystone), 5000) or before)["pid"] != before["pid"]
    )


async def test_services_that_are_restarted_are_back_when_the_action_ends(model):
    model.deploy("vault", "restarted", totally_unsecure_auto_unlock=True)
    await model.shows("restarted/0", "active: Unit is ready (active: true, mlock: disabled)")
    before = await model.answers("restarted/0", 8200)
    await model.run("restarted/0", "restart")
    after = health(model.address("restarted/0"), 8200)
    assert before is not None
    assert after is not None
    assert before["pid"] != after["pid"]


async def test_an_api_moves_to_the_port_that_it_is_given(model, keystone):
    model.configure("keystone", service_port=5001)
    await model.answers(keystone, 5001)
    assert health(model.address(keystone), 5000) is None
    model.configure("keystone", service_port=5000)
    await model.answers(keystone, 5000)


async def test_an_api_whose_port_is_taken_says_that_it_does_not_run(model, keystone):
    with socket.create_server((model.address(keystone), 5002)):
        model.configure("keystone", service_port=5002)
        await model.shows(keystone, "blocked: Services not running that should be: keystone")
    model.configure("keystone", service_port=5000)
    await model.shows(keystone, READY)


async def test_a_wrong_option_blocks_and_is_named(model, keystone):
    model.configure("keystone", vip="10.0.0.300")
    await model.shows(
        keystone, "blocked: Invalid configuration: 'vip' must be IP addresses, not '10.0.0.300'"
    )
    model.configure("keystone", vip="10.0.0.30", openstack_origin="cloud:noble-zwiebel")
    await model.shows(
        keystone,
        "blocked: Invalid configuration: 'openstack-origin' must be distro or name a release, "
        "not 'cloud:noble-zwiebel'",
    )
    model.configure("keystone", openstack_origin="distro")
    await model.shows(keystone, READY)


async def test_a_refresh_leaves_a_managed_workload_alone_until_its_action(model):
    unit = await model.keystone("managed", channel="2023.1/stable", action_managed_upgrade=True)
    _, charm = model.charm("keystone", "2023.2/stable")
    model.do(refresh.refresh, "managed", charm, channel="2023.2/stable")
    await model.until(lambda: model.do(units.get, unit).charm_url == charm.url)
    await model.until(lambda: model.last(unit) == "config-changed")
    assert (model.version(unit), model.status(unit)) == ("23.0.2", READY)
    await model.run(unit, "pause")
    assert await model.run(unit, "openstack-upgrade") == {"outcome": "success, upgrade completed"}
    assert model.version(unit) == "24.0.0", "its action ends as the hook config-changed"
    assert model.status(unit).startswith("maintenance: Paused")
    assert await model.run(unit, "openstack-upgrade") == {"outcome": "no upgrade available"}
    await model.run(unit, "resume")
    assert model.status(unit) == READY


async def test_an_unmanaged_workload_follows_its_origin_at_once(model):
    unit = await model.keystone("unmanaged", channel="2023.1/stable")
    model.configure("unmanaged", openstack_origin="cloud:jammy-bobcat")
    await model.until(lambda: model.version(unit) == "24.0.0")


async def test_a_removed_unit_leaves_no_server_behind(model):
    address = model.address("unmanaged/0")
    await model.answers("unmanaged/0", 5000)
    model.do(removal.destroy_application, "unmanaged")
    await model.until(lambda: health(address, 5000) is None)


def _holder(address: str) -> str:
    return (health(address, 5000) or {"unit": "nobody"})["unit"]


def _hostname(model, unit: str) -> str:
    """Of the unit's machine, by which Pacemaker names its node."""
    return model.do(machines.get, model.do(units.get, unit).machine).hostname


async def test_a_virtual_address_leaves_a_unit_whose_hacluster_is_paused(model):
    address = model.home.virtual_address(1)
    model.deploy("keystone", "ha", 3, vip=address)
    model.deploy("mysql-router", "ha-router")
    model.deploy("hacluster", "guard")
    model.do(relations.add, "ha:shared-db", "ha-router:shared-db")
    model.do(relations.add, "ha-router:db-router", "mysql:db-router")
    model.do(relations.add, "ha:ha", "guard:ha")
    for number in range(3):
        await model.shows(f"ha/{number}", READY)
        await model.shows(f"guard/{number}", "active: Unit is ready and clustered")
    await model.until(lambda: _holder(address) != "nobody")
    holder = _holder(address)
    guards = {
        principal: unit.name
        for unit in model.do(units.of_application, "guard")
        if (principal := unit.principal)
    }

    await model.run(guards[holder], "pause")

    second = _holder(address)
    assert second not in (holder, "nobody")
    assert health(model.address(holder), 5000), "its own address still answers"
    told = json.loads((await model.run(guards[holder], "status"))["result"])
    (resource,) = told["resources"]["groups"]["grp_ha_vips"]
    assert [node["name"] for node in resource["nodes"]] == [_hostname(model, second)]
    standby = {name for name, node in told["nodes"].items() if node["standby"] == "true"}
    assert (len(told["nodes"]), standby) == (3, {_hostname(model, holder)})
    await model.run(guards[holder], "resume")
    for unit in (second, next(u for u in guards if u not in (holder, second))):
        await model.run(unit, "pause")
    assert _holder(address) == holder
    await model.run(holder, "pause")
    assert _holder(address) == "nobody"
    for unit in guards:
        await model.run(unit, "resume")
    await model.until(lambda: _holder(address) != "nobody")


async def test_radosgw_misses_haproxy_while_its_hacluster_is_paused(model):
    disks = {"osd-devices": {"pool": "loop", "count": 1, "size": 1024}}
    model.deploy("ceph-mon", "mons", monitor_count=1, expected_osd_count=1)
    model.deploy("ceph-osd", "disks", storage=disks)
    model.deploy("ceph-radosgw", "rgw", vip=model.home.virtual_address(2))
    model.deploy("hacluster", "rgw-guard")
    model.do(applications.set_config, "rgw-guard", {"cluster_count": 1})
    for ends in (
        ("mons:osd", "disks:mon"),
        ("mons:radosgw", "rgw:mon"),
        ("rgw:ha", "rgw-guard:ha"),
    ):
        model.do(relations.add, *ends)
    await model.shows("rgw/0", READY)
    await model.shows("rgw-guard/0", "active: Unit is ready and clustered")

    await model.run("rgw-guard/0", "pause")

    # Nobody tells it: the end of its next hook does.
    missed = "blocked: Services not running that should be: haproxy"
    await model.shows("rgw/0", missed)
    await model.run("rgw-guard/0", "resume")
    await model.shows("rgw/0", READY)

    await model.run("rgw-guard/0", "pause")
    await model.shows("rgw/0", missed)
    await model.run("rgw/0", "pause")
    await model.run("rgw/0", "resume")
    assert model.status("rgw/0") == READY, "its own resume has started haproxy"
    await model.run("rgw-guard/0", "resume")


async def test_a_database_that_lost_most_of_its_members_says_so(model):
    await model.run("mysql/1", "pause")
    tight = "Cluster is NOT tolerant to any failures. 1 member is not active."
    await model.until(lambda: model.status("mysql/0").endswith(tight))
    await model.run("mysql/2", "pause")
    await model.shows(
        "mysql/0",
        "blocked: MySQL InnoDB Cluster not healthy: Cluster has no quorum as visible from "
        f"'{model.address('mysql/0')}:3306' and cannot process write transactions. "
        "2 members are not active.",
    )
    for unit in ("mysql/1", "mysql/2"):
        await model.run(unit, "resume")
    await model.until(lambda: "can tolerate up to ONE" in model.status("mysql/0"))


async def test_each_device_is_an_osd_and_the_monitors_wait_for_them(model):
    disks = {"osd-devices": {"pool": "loop", "count": 2, "size": 1024}}
    model.deploy("ceph-mon", num_units=3, expected_osd_count=4)
    model.deploy("ceph-osd", storage=disks)
    await model.shows("ceph-osd/0", "blocked: Missing relation: monitor")
    await model.shows("ceph-mon/0", "blocked: Missing relation: OSD")
    model.do(relations.add, "ceph-mon:osd", "ceph-osd:mon")
    await model.shows("ceph-osd/0", "active: Unit is ready (2 OSD)")
    await model.shows(
        "ceph-mon/0",
        "waiting: Monitor bootstrapped but waiting for number of OSDs to reach "
        "expected-osd-count (4)",
    )
    model.configure("ceph-mon", expected_osd_count=2)
    await model.shows("ceph-mon/0", "active: Unit is ready and clustered")


async def test_noout_shows_in_the_health_of_ceph(model):
    model.deploy("ceph-mon", "monitor", monitor_count=1)
    await model.shows("monitor/0", "blocked: Missing relation: OSD")
    assert await model.run("monitor/0", "get-health") == {"message": "HEALTH_OK"}
    await model.run("monitor/0", "set-noout")
    warned = await model.run("monitor/0", "get-health")
    assert warned == {"message": "HEALTH_WARN noout flag(s) set"}
    await model.run("monitor/0", "unset-noout")
    assert await model.run("monitor/0", "get-health") == {"message": "HEALTH_OK"}


async def test_vault_is_of_use_once_it_is_authorised(model):
    model.deploy("vault")
    await model.shows("vault/0", "blocked: Vault needs to be initialized")
    await model.run("vault/0", "authorize-charm", token="s.token")
    await model.shows("vault/0", "active: Unit is ready (active: true, mlock: disabled)")
    await model.answers("vault/0", 8200)


async def test_no_hook_of_a_stand_in_failed(model):
    with model.store.transaction() as tx:
        failed = tx.all("SELECT unit, kind FROM runs WHERE exit_code != 0")
    assert [tuple(row) for row in failed] == []


async def test_the_runtime_imports_nothing_that_is_slow_to_import():
    """A hook of a stand-in should cost little more than starting Python."""
    code = (
        f"import sys; sys.path[0] = {str(descriptions.FOLDER)!r}; from runtime import program; "
        "print(*sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", "-SE", "-c", code, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    modules = set(printed.decode().split())
    slow = {"json", "re", "enum", "subprocess", "typing", "dataclasses", "pathlib", "socket"}
    assert "runtime.program" in modules
    assert slow & modules == set()
