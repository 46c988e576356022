"""Constraints read, write and merge as Juju's do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.juju import constraints, errors

words = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
signed = st.builds(lambda not_, word: not_ + word, st.sampled_from(["", "^"]), words)
valid = st.fixed_dictionaries(
    {},
    optional={
        "arch": st.sampled_from(constraints.ARCHITECTURES),
        "container": st.sampled_from(["lxd", "kvm", "none"]),
        "cores": st.integers(0, 2**63),
        "mem": st.integers(0, 2**40),
        "root-disk": st.integers(0, 2**40),
        "tags": st.lists(signed, max_size=4),
        "spaces": st.lists(signed, max_size=4),
        "zones": st.lists(words, max_size=4),
        "virt-type": words,
        "image-id": st.text("ab c", max_size=6).map(str.strip),
        "allocate-public-ip": st.booleans(),
    },
)


@given(valid)
def test_constraints_that_were_written_read_back_the_same(wanted):
    assert constraints.parse(constraints.render(wanted)) == wanted


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_with_juju_s_error(text):
    try:
        constraints.parse(text)
    except errors.NotValid:
        return


@given(valid, valid)
def test_an_application_s_own_constraints_win_over_the_model_s(model, own):
    merged = constraints.merge(model, own)
    assert all(merged[name] == value for name, value in own.items())
    assert all(merged[name] == model[name] for name in model.keys() - own.keys())


def test_sizes_take_suffixes_and_are_rounded_up_to_whole_mebibytes():
    read = constraints.parse("mem=1.5G root-disk=2T", "cores=8 tags=a,^b")
    assert read == {"mem": 1536, "root-disk": 2097152, "cores": 8, "tags": ["a", "^b"]}
    assert constraints.parse("mem=0.1M") == {"mem": 1}


def test_cpu_cores_is_another_name_for_cores():
    assert constraints.parse("cpu-cores=4") == {"cores": 4}


def test_an_empty_value_asks_for_nothing_but_overrides_the_model():
    assert constraints.merge({"tags": ["a"]}, constraints.parse("tags=")) == {"tags": []}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cores", 'malformed constraint "cores"'),
        ("=4", 'malformed constraint "=4"'),
        ("weight=4", 'unknown constraint "weight"'),
        ("cores=many", 'bad "cores" constraint: must be a non-negative integer'),
        ("cores=1 cores=2", 'bad "cores" constraint: already set'),
        ("cores=1 cpu-cores=2", 'bad "cores" constraint: already set'),
        (
            "mem=-1G",
            'bad "mem" constraint: must be a non-negative float with optional M/G/T/P suffix',
        ),
        ("arch=vax", 'bad "arch" constraint: "vax" not recognized'),
        ("container=vm", 'bad "container" constraint: invalid container type "vm"'),
        ("spaces=a,B_c", 'bad "spaces" constraint: "B_c" is not a valid space name'),
        (
            "allocate-public-ip=maybe",
            "bad \"allocate-public-ip\" constraint: must be 'true' or 'false'",
        ),
    ],
)
def test_what_juju_refuses_is_refused_in_its_words(text, message):
    with pytest.raises(errors.NotValid) as refusal:
        constraints.parse(text)
    assert str(refusal.value) == message


def test_constraints_from_a_client_are_checked_by_the_same_rules():
    assert constraints.checked({"cores": 2, "mem": None}) == {"cores": 2}
    with pytest.raises(errors.NotValid, match='unknown constraint "weight"'):
        constraints.checked({"weight": 1})
