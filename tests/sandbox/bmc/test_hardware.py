"""The sandbox's bare metal is described in one file that explains its own mistakes."""

from __future__ import annotations

import pytest

from sandbox.bmc import hardware, report
from sandbox.bmc.hardware import HardwareInvalid
from sandbox.maas import facts

_TEXT = hardware.DEFAULT_PATH.read_text(encoding="utf-8")


def packaged() -> hardware.Hardware:
    return hardware.parse(_TEXT)


def test_there_are_24_nodes_in_three_zones_a_quarter_of_them_with_ipmi():
    nodes = packaged().nodes
    assert len(nodes) == 24
    assert {node.zone for node in nodes} == {"az1", "az2", "az3"}
    assert sum(node.bmc.type == "ipmi" for node in nodes) == 6


def test_the_three_control_nodes_are_big_enough_and_in_three_zones():
    control = packaged().nodes[:3]
    assert all(node.cpu.cores >= 16 and node.memory >= 64 * 1024 for node in control)
    assert len({node.zone for node in control}) == 3


def test_osd_nodes_have_several_data_disks_by_id_and_network_nodes_a_second_cable():
    nodes = packaged().nodes
    for node in nodes[10:13]:
        assert sum(disk.id_path is not None for disk in node.disks[1:]) >= 3
    for node in nodes[13:15]:
        assert [nic.space for nic in node.nics] == ["metal", "external"]


def test_the_last_three_nodes_are_unfit_each_for_a_reason_of_its_own():
    little, kernel_named, dead = packaged().nodes[21:]
    assert little.memory < 32 * 1024
    assert [disk.id_path for disk in kernel_named.disks[1:]] == [None]
    assert dead.bmc.dead


def test_no_two_nodes_share_a_serial_number_a_uuid_or_a_mac_address():
    nodes = packaged().nodes
    assert len({node.system.serial for node in nodes}) == 24
    assert len({node.uuid for node in nodes}) == 24
    macs = [nic.mac for node in nodes for nic in node.nics]
    assert len(set(macs)) == len(macs)


def test_what_a_node_reports_is_what_maas_reads():
    known = packaged()
    fabrics = {network.space: network.fabric for network in known.networks}
    for node in known.nodes:
        found = facts.parse(report.resources(node, fabrics))
        assert (found.cores, found.memory, found.uuid) == (
            node.cpu.cores,
            node.memory,
            node.uuid,
        )
        assert [disk.size for disk in found.disks] == [disk.size for disk in node.disks]
        assert [nic.mac for nic in found.nics] == [nic.mac for nic in node.nics]


@pytest.mark.parametrize(
    ("wrong", "right", "told"),
    [
        ("memory: 64GiB", "memory: 64", "nodes[0].memory"),
        ("zone: az1", "zone: az9", "node01: zone: no zone 'az9'"),
        ("space: metal, fabric", "space: other, fabric", "no space 'metal' among networks"),
        ("serial: N9GQZCD", "serial: CZJ36C3216", "is that of node01: system.serial too"),
        ("cores: 16,", "cores: 0,", "nodes[0].cpu.cores"),
        ("size: 960GB", "size: much", "nodes[0].disks[0].size"),
        ("type: redfish", "type: telnet", "nodes[0].bmc.type"),
        ("seconds: {", "minutes: {", "seconds: Field required"),
    ],
)
def test_a_mistake_is_told_by_the_name_of_its_field(wrong: str, right: str, told: str):
    assert wrong in _TEXT
    with pytest.raises(HardwareInvalid) as caught:
        hardware.parse(_TEXT.replace(wrong, right, 1))
    assert told in str(caught.value)
