"""Which machines constraints mean, and how MAAS words what it cannot do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from sandbox.maas import constraints
from sandbox.maas.constraints import Names
from sandbox.maas.refusals import FieldErrors

_NAMES = Names(
    tags=frozenset({"compute", "osd"}),
    zones=frozenset({"az1", "az2"}),
    pools=frozenset({"default"}),
)


def a_machine(**changes: Any) -> dict[str, Any]:
    subnet = {
        "id": 1,
        "name": "metal-net",
        "cidr": "10.0.0.0/24",
        "space": "metal",
        "vlan": {"id": 5001, "vid": 0, "fabric": "metal", "fabric_id": 1, "space": "metal"},
    }
    nic = {
        "id": 7,
        "name": "eth0",
        "mac_address": "00:16:3e:00:00:01",
        "type": "physical",
        "vlan": subnet["vlan"],
        "links": [{"id": 1, "mode": "auto", "subnet": subnet}],
    }
    disks = [
        {"id": 1, "size": 500 * 10**9, "tags": ["ssd"], "partitions": [{}]},
        {"id": 2, "size": 2000 * 10**9, "tags": ["ssd"], "partitions": []},
        {"id": 3, "size": 8000 * 10**9, "tags": ["rotary"], "partitions": []},
    ]
    machine = {
        "system_id": "abc123",
        "hostname": "node01",
        "fqdn": "node01.maas",
        "architecture": "amd64/generic",
        "cpu_count": 16,
        "memory": 65536,
        "tag_names": ["compute"],
        "zone": {"name": "az1"},
        "pool": {"name": "default"},
        "status": 4,
        "agent_name": "",
        "interface_set": [nic],
        "physicalblockdevice_set": disks,
    }
    return {**machine, **changes}


def fits(*given_: tuple[str, str], **changes: Any) -> bool:
    wanted = constraints.parse(MultiDict(given_), constraints.ACQUIRE_FIELDS, _NAMES)
    return wanted.matches(a_machine(**changes))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("arch", "amd64", True),
        ("arch", "amd64/generic", True),
        ("cpu_count", "16", True),
        ("cpu_count", "17", False),
        ("mem", "65536.0", True),
        ("mem", "65537", False),
        ("tags", "compute", True),
        ("tags", "compute,osd", False),
        ("not_tags", "osd", True),
        ("not_tags", "compute", False),
        ("zone", "az1", True),
        ("not_in_zone", "az1", False),
        ("system_id", "abc123", True),
        ("system_id", "zzz", False),
        ("name", "node01", True),
        ("name", "node01.maas", True),
        ("subnets", "space:metal", True),
        ("not_subnets", "space:metal", False),
        ("interfaces", "0:space=metal", True),
        ("interfaces", "0:space=external", False),
        ("interfaces", "0:not_space=external", True),
        ("storage", "root:400", True),
        ("storage", "root:600", False),
        ("storage", "root:8,0:1000(ssd)", True),
        ("storage", "root:8,0:3000(ssd)", False),
        ("storage", "root:8,0:1000,1:1000,2:1", False),
    ],
)
def test_each_constraint_means_what_maas_means(name: str, value: str, expected: bool):
    assert fits((name, value)) is expected


@given(
    cores=st.integers(0, 64),
    memory=st.integers(0, 2**20),
    asked_cores=st.integers(0, 64),
    asked_memory=st.integers(0, 2**20),
)
def test_cores_and_memory_are_minimums(
    cores: int, memory: int, asked_cores: int, asked_memory: int
):
    asked = [("cpu_count", str(asked_cores)), ("mem", str(asked_memory))]
    enough = cores >= asked_cores and memory >= asked_memory
    assert fits(*asked, cpu_count=cores, memory=memory) is enough


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("limit", "5", "No such constraint."),
        ("tags", "gone", "No such tag(s): 'gone'."),
        ("zone", "az9", "No such zone(s): az9."),
        ("pool", "x", "No such pool(s): x."),
        ("cpu_count", "many", "Invalid CPU count: number required."),
        ("mem", "much", "Invalid memory: number of MiB required."),
        ("arch", "pdp11", "Architecture not recognised."),
        ("storage", "root", 'Malformed storage constraint, "root".'),
    ],
)
def test_an_impossible_constraint_is_told_by_its_name(name: str, value: str, message: str):
    with pytest.raises(FieldErrors) as caught:
        constraints.parse(MultiDict({name: value}), constraints.ACQUIRE_FIELDS, _NAMES)
    assert json.loads(caught.value.text) == {name: [message]}


def test_storage_and_interfaces_say_what_satisfies_each_label():
    machine = a_machine()
    assert constraints.match_storage("root:8,data:1000(ssd)", machine) == {
        "root": [1],
        "data": [2],
    }
    assert constraints.match_interfaces("a:space=metal", machine) == {"a": [7]}


def test_constraints_are_described_as_maas_does():
    asked: MultiDict[str] = MultiDict(
        [("tags", "osd,compute"), ("mem", "4096"), ("arch", "amd64")]
    )
    wanted = constraints.parse(asked, constraints.ACQUIRE_FIELDS, _NAMES)
    assert wanted.describe() == "arch=amd64/generic mem=4096.0 tags=compute,osd"
