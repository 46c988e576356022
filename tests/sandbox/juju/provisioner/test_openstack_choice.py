"""Which flavour and image a machine on OpenStack gets: what Juju would choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.juju.providers import openstack_choice as choice
from sandbox.juju.providers.provider import Refused


def flavour(name: str, vcpus: int, ram: int, disk: int = 10) -> dict[str, Any]:
    return {"id": name, "name": name, "vcpus": vcpus, "ram": ram, "disk": disk}


FLAVOURS = [flavour("large", 8, 16384, 80), flavour("tiny", 1, 512), flavour("small", 2, 2048)]

flavours = st.lists(
    st.builds(
        flavour,
        st.text("abc", min_size=1, max_size=3),
        st.integers(1, 64),
        st.integers(256, 65536),
        st.integers(0, 200),
    ),
    min_size=1,
    max_size=8,
)
constraints = st.fixed_dictionaries(
    {},
    optional={
        "cores": st.integers(1, 64),
        "mem": st.integers(256, 65536),
        "root-disk": st.integers(1024, 200 * 1024),
    },
)


def chosen(**wanted: Any) -> str:
    return choice.flavour(FLAVOURS, wanted, "RegionOne")["name"]


def test_without_constraints_it_is_the_smallest_with_two_gigabytes() -> None:
    assert chosen() == "small"


def test_constraints_are_least_sizes() -> None:
    assert chosen(cores=4) == "large"
    assert chosen(mem=512) == "tiny"
    assert chosen(**{"root-disk": 40 * 1024}) == "large"
    assert chosen(**{"root-disk": 40 * 1024, "root-disk-source": "volume"}) == "small"


def test_a_named_flavour_may_be_smaller_than_usual() -> None:
    assert chosen(**{"instance-type": "tiny"}) == "tiny"


def test_where_none_has_two_gigabytes_the_largest_is_taken() -> None:
    small = [flavour("a", 1, 512), flavour("b", 1, 1024)]
    assert choice.flavour(small, {}, "RegionOne")["name"] == "b"


def test_what_none_satisfies_is_refused_as_juju_words_it() -> None:
    with pytest.raises(Refused) as refused:
        chosen(cores=99)
    assert str(refused.value) == 'no instance types in RegionOne matching constraints "cores=99"'


@given(flavours, constraints)
def test_what_is_chosen_satisfies_the_constraints_and_nothing_cheaper_does(
    offered: list[dict[str, Any]], wanted: dict[str, Any]
) -> None:
    def fits(flavour: Mapping[str, Any]) -> bool:
        disk = flavour["disk"] * 1024
        return (
            flavour["vcpus"] >= wanted.get("cores", 0)
            and flavour["ram"] >= wanted.get("mem", 0)
            and (not disk or disk >= wanted.get("root-disk", 0))
        )

    try:
        found = choice.flavour(offered, wanted, "RegionOne")
    except Refused:
        assert not any(map(fits, offered))
        return
    assert fits(found)
    if "mem" in wanted:
        assert found["ram"] == min(f["ram"] for f in offered if fits(f))


def image(identity: str, version: str, created: str, **more: str) -> dict[str, Any]:
    return {
        "id": identity,
        "os_distro": "ubuntu",
        "os_version": version,
        "created_at": created,
        **more,
    }


def test_the_newest_image_of_the_base_and_architecture_is_taken() -> None:
    images = [
        image("old", "24.04", "2026-01-01"),
        image("new", "24.04", "2026-06-01", architecture="x86_64"),
        image("arm", "24.04", "2026-07-01", architecture="aarch64"),
        image("jammy", "22.04", "2026-08-01"),
    ]
    assert choice.image(images, "ubuntu@24.04/stable", "amd64", "R")["id"] == "new"
    assert choice.image(images, "ubuntu@24.04/stable", "arm64", "R")["id"] == "arm"
    with pytest.raises(Refused, match="no metadata for "):
        choice.image(images, "ubuntu@20.04/stable", "amd64", "R")
