"""Fitness: every check says what is wrong and what to do."""

from __future__ import annotations

from typing import Any

import policy
import pytest
from charms.maas_bmc.v0.baremetal_nodes_testing import machine
from fitness import ailments, failings, is_fit

DISK = {"name": "sdb", "by_id": "wwn-1", "size_gib": 2000, "kind": "ssd"}


def _role(**fields: Any) -> policy.Role:
    return policy.Role.model_validate({"want": 1, **fields})


@pytest.mark.parametrize(
    ("rule", "changes", "told"),
    [
        ({"cores": 16}, {"cores": 8}, "8 cores, wants 16: use a larger machine"),
        (
            {"memory": "64GiB"},
            {"memory_mib": 32768},
            "32 GiB of memory, wants 64: add memory",
        ),
        (
            {"root-disk": {"size": "500GiB"}},
            {"disks": [{"name": "sda", "size_gib": 100, "boot": True}]},
            "root disk sda has 100 GiB, wants 500: set a larger boot disk in MAAS",
        ),
        (
            {"root-disk": {"size": "1GiB", "kinds": ["ssd", "nvme"]}},
            {"disks": [{"name": "sda", "size_gib": 100, "kind": "hdd", "boot": True}]},
            "root disk sda is hdd, wants ssd or nvme: set another boot disk in MAAS",
        ),
        (
            {"root-disk": {"size": "1GiB"}},
            {"disks": [DISK]},
            "no known root disk: set the boot disk in MAAS",
        ),
        (
            {"data-disks": {"count": 2, "size": "1TiB"}},
            {"disks": [DISK]},
            "1 data disks with 1024 GiB, wants 2: add disks",
        ),
        (
            {"data-disks": {"count": 1, "size": "1TiB", "kinds": ["ssd"]}},
            {"disks": [{**DISK, "by_id": ""}]},
            "0 data disks of ssd with 1024 GiB, wants 1; sdb has a kernel name only: give it a"
            " serial number, so that it is found under /dev/disk/by-id",
        ),
        (
            {"nics": {"count": 2, "speed": 10000}},
            {"nics": [{"name": "eth0", "speed_mbps": 25000}, {"name": "eth1", "linked": False}]},
            "1 NICs with a link and 10000 Mbit/s, wants 2: connect or add NICs, then commission"
            " it again",
        ),
        (
            {"spaces": ["metal", "external"]},
            {},
            "no NIC in space external: connect one to a subnet of that space",
        ),
        ({"tags": ["rack-a"]}, {}, "no tag rack-a: tag it in MAAS"),
        (
            {"not-tags": ["lent"]},
            {"tags": ("lent",)},
            "carries the tag lent: take the tag away in MAAS",
        ),
    ],
)
def test_what_a_machine_lacks_for_a_role_is_said_with_the_remedy(
    rule: dict[str, Any], changes: dict[str, Any], told: str
) -> None:
    role = _role(**rule)
    assert [str(each) for each in failings(machine("n1", **changes), role)] == [told]
    assert not is_fit(machine("n1", **changes), role)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"status": "Failed commissioning", "message": "no route"},
            "MAAS says Failed commissioning (no route): look at its log in MAAS",
        ),
        ({"status": "Broken"}, "MAAS says Broken: look at its log in MAAS"),
        ({"power": "error"}, "MAAS cannot read its power: check its power parameters in MAAS"),
        (
            {"bmc": {"kind": "redfish", "reachable": False, "problem": "no answer"}},
            "its BMC cannot be used: no answer",
        ),
        (
            {"bmc": {"kind": "ipmi", "reachable": True, "health": "critical", "problem": "fan"}},
            "its BMC says that its health is critical (fan): repair the machine",
        ),
    ],
)
def test_what_keeps_a_machine_from_every_role_is_said(changes: dict[str, Any], told: str) -> None:
    sick = machine("n1", **changes)
    assert str(ailments(sick)[0]).startswith(told)
    assert not is_fit(sick, _role())


def test_a_machine_that_meets_every_rule_is_fit() -> None:
    role = _role(
        cores=32,
        memory="128GiB",
        spaces=["metal"],
        **{
            "root-disk": {"size": "900GiB", "kinds": ["nvme"]},
            "data-disks": {"count": 2, "size": "3TiB", "kinds": ["hdd"]},
            "nics": {"count": 2, "speed": 25000},
        },
    )
    assert failings(machine("n1"), role) == ()
    assert is_fit(machine("n1"), role)


def test_the_root_disk_is_no_data_disk() -> None:
    role = _role(**{"data-disks": {"count": 3, "size": "1GiB"}})
    assert not is_fit(machine("n1"), role)


def test_a_bmc_that_was_not_asked_yet_speaks_for_nothing_and_against_nothing() -> None:
    assert ailments(machine("n1", bmc={"kind": "manual", "reachable": None})) == ()
