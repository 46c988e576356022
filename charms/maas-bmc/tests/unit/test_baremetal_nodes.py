"""The `baremetal_nodes` interface: both databags, and what wrong or half-filled data does."""

from __future__ import annotations

import base64
import json
import random
import string
import zlib

import hypothesis.strategies as st
import pytest
from charms.maas_bmc.v0 import baremetal_nodes as nodes
from charms.maas_bmc.v0.baremetal_nodes_testing import machine
from hypothesis import given

DATABAG_LIMIT = 16 * 1024 * 1024

text = st.text(alphabet=string.ascii_letters + "/:-_ é", max_size=12)
disks = st.builds(
    nodes.Disk,
    name=text,
    by_id=text,
    size_gib=st.integers(0, 10**5),
    kind=st.sampled_from(["ssd", "hdd", "nvme", "unknown"]),
    boot=st.booleans(),
)
observed = st.builds(
    nodes.ObservedMachine,
    system_id=st.text(alphabet=string.ascii_lowercase + string.digits, min_size=6, max_size=6),
    generation=st.integers(1, 10**6),
    status=text,
    tags=st.lists(text, max_size=3).map(tuple),
    cores=st.integers(0, 512),
    disks=st.lists(disks, max_size=3).map(tuple),
)
fleets = st.lists(observed, max_size=20, unique_by=lambda each: each.system_id)


def _shard(records: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(records).encode())).decode()


def _databag(**changes: str) -> dict[str, str]:
    return {**nodes.observation_databag([machine("abc123")], nodes.Sync(complete=True)), **changes}


@given(fleets)
def test_what_was_published_is_what_is_read(fleet: list[nodes.ObservedMachine]) -> None:
    databag = nodes.observation_databag(fleet, nodes.Sync(complete=True, zones=("az1",)))
    observation = nodes.read_observation(databag)
    assert not observation.problem
    assert list(observation.machines.values()) == sorted(fleet, key=lambda each: each.system_id)
    assert observation.sync == nodes.Sync(complete=True, zones=("az1",))


@given(fleets, st.randoms(use_true_random=False))
def test_the_same_machines_give_the_same_text_in_any_order(
    fleet: list[nodes.ObservedMachine], chance: random.Random
) -> None:
    shuffled = chance.sample(fleet, len(fleet))
    sync = nodes.Sync(complete=True)
    assert nodes.observation_databag(fleet, sync) == nodes.observation_databag(shuffled, sync)


def test_ten_thousand_machines_fit_into_a_fifth_of_the_databag() -> None:
    chance = random.Random(1)  # noqa: S311

    fleet = [
        machine(
            f"{number:06x}",
            hostname=f"rack{number // 40:03}-node{number % 40:02}",
            serial=chance.randbytes(5).hex(),
            disks=[
                {
                    "name": f"sd{chr(97 + n)}",
                    "by_id": f"wwn-0x{chance.randbytes(8).hex()}",
                    "size_gib": 3576,
                }
                for n in range(chance.choice((2, 4, 12)))
            ],
            nics=[
                {
                    "name": f"eth{n}",
                    "mac": chance.randbytes(6).hex(),
                    "speed_mbps": 25000,
                    "spaces": ("metal",),
                }
                for n in range(4)
            ],
        )
        for number in range(10_000)
    ]
    databag = nodes.observation_databag(fleet, nodes.Sync(complete=True))
    size = sum(len(key) + len(value) for key, value in databag.items())
    assert size < DATABAG_LIMIT / 5
    assert len(nodes.read_observation(databag).machines) == 10_000


def test_a_machine_that_changes_rewrites_one_key() -> None:
    fleet = [machine(f"{number:06x}") for number in range(1000)]
    sync = nodes.Sync(complete=True)
    before = nodes.observation_databag(fleet, sync)
    fleet[17] = fleet[17].model_copy(update={"status": "Deployed"})
    after = nodes.observation_databag(fleet, sync)
    assert sum(before[key] != after[key] for key in before) == 1


def test_nothing_published_yet_is_no_error() -> None:
    observation = nodes.read_observation({})
    assert observation.problem == "nothing published yet"
    assert observation.related
    assert not nodes.read_desires({}).problem


def test_a_newer_version_is_refused_with_the_remedy() -> None:
    observation = nodes.read_observation(_databag(version="2"))
    assert observation.problem == (
        "version: the other side speaks version 2, this charm understands up to 1: refresh this"
        " charm"
    )
    assert not observation.machines


def test_a_field_that_this_version_does_not_know_is_ignored() -> None:
    record = {"system_id": "abc123", "status": "Ready", "colour": "red"}
    observation = nodes.read_observation(
        {"version": "1", "sync": '{"complete":true}', "observed-00": _shard([record])}
    )
    assert observation.machines["abc123"].status == "Ready"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"version": "one"}, "version: 'one' is not a whole number"),
        ({"sync": ""}, "sync: Invalid JSON"),
        ({"sync": '{"complete": "yes"}'}, "sync: complete: Input should be a valid boolean"),
        ({"observed-00": "???"}, "observed-00: not base64 of zlib data"),
        ({"observed-00": base64.b64encode(b"no zlib").decode()}, "observed-00: not base64 of"),
        ({"observed-00": _shard([])[:8]}, "observed-00: "),
        (
            {"observed-00": _shard([{"system_id": "n1", "cores": "many"}])},
            "observed-00: n1: cores: Input should be a valid integer",
        ),
        (
            {"observed-00": _shard([{"system_id": "n1", "disks": [{"name": "sda"}]}])},
            "observed-00: n1: disks.0.size_gib: Field required",
        ),
        ({"observed-00": _shard([{"cores": 4}])}, "observed-00: record 0: system_id: Field"),
    ],
)
def test_wrong_data_names_the_field_and_raises_nothing(
    changes: dict[str, str], problem: str
) -> None:
    observation = nodes.read_observation(_databag(**changes))
    assert observation.problem.startswith(problem)
    assert not observation.machines


def test_a_wrong_wish_names_the_machine_and_the_field() -> None:
    databag = {"version": "1", "desired-00": _shard([{"system_id": "n1", "generation": 0}])}
    problem = nodes.read_desires(databag).problem
    assert problem == "desired-00: n1: generation: Input should be greater than or equal to 1"


@given(st.dictionaries(st.sampled_from(["version", "sync", "observed-00"]), st.text()))
def test_reading_never_raises(databag: dict[str, str]) -> None:
    nodes.read_observation(databag)
    nodes.read_desires({key.replace("observed", "desired"): v for key, v in databag.items()})


def test_a_bomb_is_not_unpacked() -> None:
    bomb = base64.b64encode(zlib.compress(b"[" + b" " * (65 * 1024 * 1024))).decode()
    assert "larger than" in nodes.read_observation(_databag(**{"observed-00": bomb})).problem


@pytest.mark.parametrize(
    ("status", "model", "in_use"),
    [
        ("New", "", False),
        ("Commissioning", "", False),
        ("Ready", "", False),
        ("Broken", "", False),
        ("Allocated", "", True),
        ("Deployed", "", True),
        ("Releasing", "", True),
        ("Failed deployment", "", True),
        ("Testing", "a-juju-model", True),
    ],
)
def test_a_machine_is_in_use_from_allocation_to_release(
    status: str, model: str, in_use: bool
) -> None:
    assert machine("n1", status=status, juju_model=model, owner="admin").in_use is in_use
