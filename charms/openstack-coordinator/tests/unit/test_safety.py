"""Is it safe to pause, reboot or remove these units? Every reason why not, with what to do."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import cloud
import computes
import full_status
import knowledge
import pytest
import safety
import snapshot

STATUS = full_status.of_bundle(full_status.HA)
MODEL = cloud.from_full_status(STATUS)
CEPH = snapshot.Ceph("ceph-mon", "HEALTH_OK")


def host(unit: str) -> str:
    found = snapshot.Snapshot(0.0, MODEL).unit(unit)
    assert found is not None
    machine = MODEL.machine(found)
    assert machine is not None
    return machine.hostname


def nova(*guests: snapshot.Guest) -> snapshot.Nova:
    services = tuple(
        computes.Service("nova-compute", host(u.name), "az1", enabled=True, up=True, reported=None)
        for u in MODEL.applications["nova-compute"].units
    )
    return snapshot.Nova(services, (), guests, (), ())


def against(units: str, deed: safety.Deed, model: cloud.Cloud = MODEL, **changed: Any) -> str:
    seen = snapshot.Snapshot(0.0, model, nova=nova(), ceph=(CEPH,))
    seen = dataclasses.replace(seen, **changed)
    found = safety.reasons(seen, knowledge.load(), units.split(), deed)
    assert all(finding.remedy for finding in found)
    return "\n".join(str(finding) for finding in found if finding.severity == "blocked")


def lost(*names: str) -> cloud.Cloud:
    status = copy.deepcopy(STATUS)
    for name in names:
        unit = status["applications"][name.partition("/")[0]]["units"][name]
        unit["agent-status"] = full_status.status("lost")
    return cloud.from_full_status(status)


@pytest.mark.parametrize("unit", ["keystone/0", "mysql-innodb-cluster/0", "rabbitmq-server/0"])
def test_one_of_three_may_go_and_two_may_not_where_they_vote(unit: str) -> None:
    name = unit.partition("/")[0]
    assert against(unit, "pause") == ""
    two = against(f"{name}/0 {name}/1", "pause")
    if name == "keystone":
        assert two == "", "one API serves"
        assert "0 of 3 units" in against("keystone/0 keystone/1 keystone/2", "pause")
    else:
        assert f"{name}: 1 of 3 units would be left serving, and a majority" in two


def test_what_is_down_already_counts() -> None:
    broken = lost("mysql-innodb-cluster/2")
    assert "1 of 3 units" in against("mysql-innodb-cluster/0", "pause", broken)
    assert against("mysql-innodb-cluster/2", "pause", broken) == "", "it serves no more anyway"


def test_a_reboot_takes_everything_on_the_machine_with_it() -> None:
    """Two units of the same cluster on machines that are rebooted together."""
    first = MODEL.applications["keystone"].units[0]
    beside = [
        unit.name
        for application in MODEL.applications.values()
        for unit in application.units
        if unit.machine.partition("/")[0] == first.machine.partition("/")[0] and not unit.principal
    ]
    assert len(beside) > 1
    broken = lost("mysql-innodb-cluster/1", "mysql-innodb-cluster/2")
    assert "mysql-innodb-cluster" in against("mysql-innodb-cluster/0", "reboot", broken)


def test_guests_keep_a_hypervisor_from_a_reboot_and_not_from_a_pause() -> None:
    guest = snapshot.Guest("g", "web", host("nova-compute/0"), "ACTIVE", "", 1, 1, 1, "live")
    seen = nova(guest)
    assert against("nova-compute/0", "pause", nova=seen) == ""
    for deed in ("reboot", "remove"):
        assert "1 guests run on" in against("nova-compute/0", deed, nova=seen)
    assert against("nova-compute/1", "remove", nova=seen) == ""
    assert "could not be read" in against("nova-compute/1", "remove", nova=None)


def test_disks_go_only_while_ceph_is_well_and_within_one_domain() -> None:
    units = [unit.name for unit in MODEL.applications["ceph-osd"].units]
    osds = tuple(
        snapshot.Osd(n, host(name), f"rack{n}", up=True, inside=True)
        for n, name in enumerate(units)
    )
    well = dataclasses.replace(CEPH, osds=osds)
    assert against(units[0], "pause", ceph=(well,)) == ""
    assert "several failure domains" in against(" ".join(units[:2]), "pause", ceph=(well,))
    sick = dataclasses.replace(well, health="HEALTH_WARN", checks=("PG_DEGRADED",))
    assert "PG_DEGRADED" in against(units[0], "pause", ceph=(sick,))
    assert "could not be read" in against(units[0], "pause", ceph=())


def test_a_unit_that_is_not_there_is_told() -> None:
    assert against("keystone/9", "pause") == "keystone/9: no such unit"
