"""The `node_pool` interface: both databags, claims, and what wrong data does."""

from __future__ import annotations

import base64
import datetime
import json
import zlib

import hypothesis.strategies as st
import pytest
from charms.baremetal_inventory.v0 import node_pool
from charms.baremetal_inventory.v0.node_pool import Claim, PoolNode, RoleCount
from hypothesis import given

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
HOUR = datetime.timedelta(hours=1)

claims = st.builds(
    Claim,
    system_id=st.sampled_from(("n1", "n2", "n3")),
    owner=st.sampled_from(("coordinator", "k8s", "someone")),
    lease_until=st.integers(-3, 3).map(lambda hours: NOW + hours * HOUR),
)


def _shard(records: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(records).encode())).decode()


def test_what_was_published_is_what_is_read() -> None:
    nodes = [
        PoolNode(system_id="n2", state="unfit", reasons=("16 GiB of memory, wants 64",)),
        PoolNode(system_id="n1", state="claimed", role="osd", owner="me", lease_until=NOW),
        PoolNode(system_id="n3", state="ready", role="osd", zone="az2"),
    ]
    counts = [RoleCount(role="osd", zone="az1", wanted=3, claimed=1, ready=1)]
    pool = node_pool.read_pool(node_pool.pool_databag(counts, nodes))
    assert not pool.problem
    assert pool.nodes == {node.system_id: node for node in nodes}
    assert pool.counts == tuple(counts)
    assert [node.system_id for node in pool.ready("osd")] == ["n3"]
    assert [node.system_id for node in pool.claimed("osd")] == ["n1"]
    assert pool.shortfall("osd") == 1
    assert pool.shortfall("compute") == 0


def test_nothing_published_yet_is_no_error() -> None:
    assert node_pool.read_pool({}).problem == "nothing published yet"
    assert node_pool.read_claims({}) == ()


def test_a_newer_version_is_refused_with_the_remedy() -> None:
    assert "refresh this charm" in node_pool.read_pool({"version": "2"}).problem


@pytest.mark.parametrize(
    ("databag", "problem"),
    [
        ({"version": "1"}, "counts: Invalid JSON"),
        ({"version": "1", "counts": '[{"role":"osd"}]'}, "counts: 0.zone: Field required"),
        (
            {"version": "1", "counts": "[]", "node-00": _shard([{"system_id": "n1"}])},
            "node-00: n1: state: Field required",
        ),
    ],
)
def test_wrong_data_names_the_field_and_raises_nothing(
    databag: dict[str, str], problem: str
) -> None:
    assert node_pool.read_pool(databag).problem.startswith(problem)


@given(st.lists(claims, max_size=12))
def test_one_owner_holds_a_machine_whatever_the_order_of_claims(every: list[Claim]) -> None:
    held = node_pool.live_claims(every, NOW)
    assert held == node_pool.live_claims(reversed(every), NOW)
    for claim in held.values():
        assert claim.lease_until > NOW


def test_a_claim_ends_with_its_lease() -> None:
    claim = Claim(system_id="n1", owner="coordinator", lease_until=NOW + HOUR)
    assert node_pool.live_claims([claim], NOW) == {"n1": claim}
    assert node_pool.live_claims([claim], NOW + HOUR) == {}


def test_ten_thousand_nodes_fit_into_a_tenth_of_the_databag() -> None:
    nodes = [
        PoolNode(
            system_id=f"{number:06x}",
            hostname=f"rack{number // 40:03}-node{number % 40:02}",
            zone=f"az{number % 3}",
            state="unfit",
            reasons=("osd: 16 GiB of memory, wants 64: add memory",) * 4,
        )
        for number in range(10_000)
    ]
    databag = node_pool.pool_databag((), nodes)
    assert sum(len(key) + len(value) for key, value in databag.items()) < 16 * 1024 * 1024 / 10
