"""The policy: what operators may write, and what they are told when it is wrong."""

from __future__ import annotations

import pathlib

import hypothesis.strategies as st
import policy
import pytest
import yaml
from hypothesis import given

CHARMCRAFT = pathlib.Path(__file__).parents[2] / "charmcraft.yaml"


def _default() -> str:
    options = yaml.safe_load(CHARMCRAFT.read_text())["config"]["options"]
    return options["policy"]["default"]


def _refusal(text: str) -> str:
    with pytest.raises(policy.PolicyError) as refused:
        policy.parse(text)
    return str(refused.value)


def test_the_default_policy_has_the_roles_of_the_bundle() -> None:
    parsed = policy.parse(_default())
    assert list(parsed.roles) == ["control", "network", "storage", "osd", "compute"]
    assert parsed.roles["control"].assign == "by-operator"
    assert parsed.roles["control"].memory == 32


def test_roles_keep_the_order_in_which_they_are_written() -> None:
    parsed = policy.parse("roles: {zebra: {want: 1}, ant: {want: 1}}")
    assert list(parsed.roles) == ["zebra", "ant"]


def test_sizes_are_written_with_their_unit() -> None:
    role = policy.parse("roles: {osd: {want: 1, data-disks: {count: 2, size: 2TiB}}}").roles["osd"]
    assert role.data_disks == policy.DataDisks(count=2, size="2048GiB")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "policy is empty: write at least `roles:`"),
        ("just words", "policy is empty"),
        ("roles: [", "policy is not YAML in line 1"),
        ("roles: {}", "policy: roles: Dictionary should have at least 1 item"),
        ("{}", "policy: roles: Field required"),
        ("roles: {osd: {}}", "policy: roles.osd.want: Field required"),
        ("roles: {osd: {want: three}}", "policy: roles.osd.want: Input should be a valid integer"),
        (
            "roles: {osd: {want: 3, memory: 64}}",
            "policy: roles.osd.memory: write a whole number of GiB or TiB, such as 64GiB",
        ),
        (
            "roles: {osd: {want: 3, memroy: 64GiB}}",
            "policy: roles.osd.memroy: there is no such field",
        ),
        (
            "roles: {osd: {want: 1, min: 3}}",
            "policy: roles.osd: want is 1, less than min, which is 3: raise it",
        ),
        (
            "roles: {osd: {want: 2, zones: 3}}",
            "policy: roles.osd: zones is 3, more than want, which is 2",
        ),
        (
            "roles: {osd: {want: 1, root-disk: {size: 1TiB, kinds: [floppy]}}}",
            "policy: roles.osd.root-disk.kinds.0: Input should be 'ssd', 'hdd', 'nvme' or",
        ),
        ("roles: {Big Ones: {want: 1}}", "policy: roles.Big Ones: String should match pattern"),
    ],
)
def test_a_wrong_policy_names_the_field_and_the_remedy(text: str, told: str) -> None:
    assert _refusal(text).startswith(told)


@given(st.text())
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    assert _refusal(text).startswith("policy")
