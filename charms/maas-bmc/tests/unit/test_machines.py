"""MAAS's JSON of a machine, read."""

from __future__ import annotations

from typing import Any

from charms.maas_bmc.v0.baremetal_nodes import Bmc, Disk, Nic
from machines import observe

NEW: dict[str, Any] = {
    "system_id": "abc123",
    "hostname": "node01",
    "status_name": "New",
    "power_state": "unknown",
    "power_type": "redfish",
    "zone": {"name": "az1"},
    "pool": {"name": "default"},
    "tag_names": [],
    "architecture": "amd64/generic",
    "owner": None,
    "owner_data": {},
    "cpu_count": 0,
    "memory": 0,
    "physicalblockdevice_set": [],
    "interface_set": [],
    "boot_disk": None,
    "hardware_info": {"system_vendor": "Unknown", "system_serial": "Unknown"},
}
READY: dict[str, Any] = {
    **NEW,
    "status_name": "Ready",
    "power_state": "off",
    "tag_names": ["openstack-osd", "metal"],
    "cpu_count": 24,
    "memory": 131072,
    "boot_disk": {"name": "sda"},
    "physicalblockdevice_set": [
        {
            "name": "sdb",
            "id_path": "/dev/sdb",
            "size": 4_000_787_030_016,
            "tags": ["rotary", "7200rpm"],
        },
        {
            "name": "sda",
            "id_path": "/dev/disk/by-id/wwn-0x55c371c17149d439",
            "size": 960_197_124_096,
            "tags": ["ssd", "sata"],
        },
    ],
    "interface_set": [
        {
            "name": "eth0",
            "type": "physical",
            "mac_address": "b0:7b:25:5c:01:a0",
            "interface_speed": 25000,
            "link_connected": True,
            "vlan": {"space": "metal"},
            "links": [{"subnet": {"space": "metal"}}],
        },
        {"name": "eth1", "type": "physical", "link_connected": False, "vlan": None, "links": []},
        {"name": "br0", "type": "bridge", "vlan": {"space": "metal"}, "links": []},
    ],
    "hardware_info": {"system_vendor": "Dell Inc.", "system_serial": "N9GQZCD"},
}


def test_a_machine_that_was_never_commissioned_has_no_facts_yet() -> None:
    machine = observe(NEW, None)
    assert (machine.status, machine.cores, machine.disks, machine.vendor) == ("New", 0, (), "")
    assert machine.bmc == Bmc(kind="redfish", reachable=None)
    assert machine.generation == 1


def test_commissioning_fills_in_the_facts() -> None:
    machine = observe(READY, None)
    assert machine.disks == (
        Disk(name="sda", by_id="wwn-0x55c371c17149d439", size_gib=894, kind="ssd", boot=True),
        Disk(name="sdb", by_id="", size_gib=3726, kind="hdd"),
    )
    assert machine.nics == (
        Nic(name="eth0", mac="b0:7b:25:5c:01:a0", speed_mbps=25000, spaces=("metal",)),
        Nic(name="eth1", linked=False),
    )
    assert (machine.vendor, machine.serial, machine.role) == ("Dell Inc.", "N9GQZCD", "osd")


def test_a_disk_with_a_kernel_name_only_has_no_stable_name() -> None:
    assert [disk.by_id for disk in observe(READY, None).disks if disk.name == "sdb"] == [""]


def test_a_machine_of_juju_says_so() -> None:
    data = {"juju-model-uuid": "uuid", "juju-machine-id": "openstack-machine-3"}
    machine = observe({**READY, "status_name": "Deployed", "owner_data": data}, None)
    assert (machine.juju_model, machine.juju_machine) == ("uuid", "openstack-machine-3")
    assert machine.in_use


def test_the_generation_counts_changes_and_nothing_else() -> None:
    first = observe(NEW, None)
    assert observe(NEW, first) is first
    second = observe(READY, first)
    assert second.generation == 2


def test_what_the_bmc_said_stays_until_the_bmc_changes() -> None:
    known = observe(NEW, None).model_copy(
        update={"bmc": Bmc(kind="redfish", reachable=True, health="ok"), "carried_out": 3}
    )
    machine = observe(READY, known)
    assert (machine.bmc.health, machine.carried_out) == ("ok", 3)
    replaced = observe({**READY, "power_type": "ipmi"}, known)
    assert replaced.bmc == Bmc(kind="ipmi", reachable=None)


def test_a_machine_whose_json_lacks_nearly_everything_is_still_read() -> None:
    assert observe({"system_id": "abc123"}, None).system_id == "abc123"
