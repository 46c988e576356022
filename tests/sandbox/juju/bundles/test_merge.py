"""Overlays: maps merge, scalars and lists are replaced, nothing removes, relations append."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.juju.bundles.bundle import read_bundle
from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.merge import merged, normalized, overlaid
from sandbox.juju.bundles.source import parse_parts, read_source

BASE = parse_parts(
    """
default-base: ubuntu@24.04/stable
applications:
  mysql:
    charm: mysql
    num_units: 3
    to: ["0", "1", "2"]
    options: {size: 1, name: a}
    annotations: {x: "1"}
  keystone:
    charm: keystone
    channel: 2024.1/stable
relations:
- [keystone:shared-db, mysql:db]
machines: {"0": , "1": , "2": }
"""
)[0].data


def overlay(text: str) -> dict:
    return overlaid(BASE, normalized(parse_parts(text)[0].data))


def test_options_and_annotations_merge_key_by_key():
    mysql = overlay("applications: {mysql: {options: {size: 2, new: x}}}")["applications"]["mysql"]
    assert mysql["options"] == {"size": 2, "name": "a", "new": "x"}
    assert mysql["annotations"] == {"x": "1"}


def test_a_null_option_is_removed_and_a_null_map_is_emptied():
    mysql = overlay("applications: {mysql: {options: {size: }, annotations: }}")
    assert mysql["applications"]["mysql"]["options"] == {"name": "a"}
    assert mysql["applications"]["mysql"]["annotations"] == {}


def test_scalars_and_lists_are_replaced():
    mysql = overlay("applications: {mysql: {num_units: 1, to: [new]}}")["applications"]["mysql"]
    assert (mysql["num_units"], mysql["to"]) == (1, ["new"])


def test_an_empty_application_goes_with_its_relations():
    result = overlay("applications:\n  mysql:\n")
    assert "mysql" not in result["applications"]
    assert result["relations"] == []


def test_a_new_application_comes_with_its_relations():
    result = overlay(
        "applications: {glance: {charm: glance}}\nrelations: [[glance, mysql], [glance, keystone]]"
    )
    assert result["applications"]["glance"] == {"charm": "glance"}
    assert len(result["relations"]) == 3


def test_machines_are_replaced_altogether_and_kept_when_the_overlay_has_none():
    assert overlay('machines: {"7": }')["machines"] == {"7": None}
    assert overlay("applications: {}")["machines"] == BASE["machines"]


def test_offers_belong_in_an_overlay_and_not_in_the_base(tmp_path):
    base = tmp_path / "b.yaml"
    base.write_text("applications: {mysql: {charm: mysql, offers: {db: {endpoints: [db]}}}}")
    with pytest.raises(
        BundleError, match=r"applications.mysql.offers can only appear in an overlay section"
    ):
        read_bundle(base)
    base.write_text(
        "applications: {mysql: {charm: mysql}}\n---\n"
        "applications: {mysql: {offers: {db: {endpoints: [db]}}}}"
    )
    assert read_bundle(base)["applications"]["mysql"]["offers"] == {"db": {"endpoints": ["db"]}}


def test_a_charm_path_is_relative_to_the_file_that_names_it(tmp_path):
    overlays = tmp_path / "overlays"
    overlays.mkdir()
    (tmp_path / "b.yaml").write_text("applications: {a: {charm: ./a.charm}}")
    (overlays / "o.yaml").write_text("applications: {b: {charm: ../charms/b.charm}}")
    document = read_bundle(tmp_path / "b.yaml", [overlays / "o.yaml"])
    assert document["applications"]["a"]["charm"] == str(tmp_path / "a.charm")
    assert document["applications"]["b"]["charm"] == str(tmp_path / "charms" / "b.charm")


def test_files_are_included_as_text_and_as_base64_beside_their_bundle(tmp_path):
    (tmp_path / "policy.yaml").write_text("roles: []\n")
    (tmp_path / "b.yaml").write_text(
        "applications:\n  a:\n    charm: a\n"
        "    options: {policy: 'include-file://policy.yaml'}\n"
        "    annotations: {blob: 'include-base64://policy.yaml'}\n"
    )
    app = read_bundle(tmp_path / "b.yaml")["applications"]["a"]
    assert app["options"] == {"policy": "roles: []\n"}
    assert app["annotations"] == {"blob": "cm9sZXM6IFtdCg=="}


def test_a_missing_include_names_the_option_and_the_file(tmp_path):
    (tmp_path / "b.yaml").write_text(
        "applications: {a: {charm: a, options: {policy: 'include-file://nope'}}}"
    )
    with pytest.raises(BundleError, match=r'option "policy" for application "a".*nope" not found'):
        read_bundle(tmp_path / "b.yaml")


def test_an_overlay_that_is_not_there_is_told_as_an_overlay(tmp_path):
    (tmp_path / "b.yaml").write_text("applications: {a: {charm: a}}")
    with pytest.raises(BundleError, match="unable to process overlays"):
        read_bundle(tmp_path / "b.yaml", [tmp_path / "o.yaml"])


def test_units_may_be_spelled_scale_but_not_twice():
    assert normalized({"applications": {"a": {"scale": 2}}})["applications"]["a"] == {
        "num_units": 2
    }
    with pytest.raises(BundleError, match="cannot specify both scale and num_units"):
        normalized({"applications": {"a": {"scale": 2, "num_units": 1}}})


names = st.sampled_from(["mysql", "keystone", "glance", "nova"])
texts = st.dictionaries(st.sampled_from("abc"), st.text("xyz", min_size=1), max_size=3)
applications = st.fixed_dictionaries(
    {"charm": names},
    optional={
        "num_units": st.integers(0, 3),
        "options": st.dictionaries(st.sampled_from("abc"), st.integers() | st.booleans()),
        "annotations": texts,
        "to": st.lists(st.sampled_from(["new", "lxd:new"]), max_size=2),
    },
)
documents = st.fixed_dictionaries(
    {"applications": st.dictionaries(names, applications, min_size=1)},
    optional={"default-base": st.just("ubuntu@22.04/stable")},
)


@given(documents)
def test_an_empty_overlay_changes_nothing(document):
    assert overlaid(document, {}) == document
    assert overlaid(document, {"applications": {}}) == document


@given(documents, documents)
def test_an_overlay_laid_twice_is_as_if_laid_once(base, over):
    once = overlaid(base, over)
    assert overlaid(once, over) == once


@given(documents, documents)
def test_what_the_overlay_says_holds_after(base, over):
    result = overlaid(base, over)
    for name, app in over["applications"].items():
        for field, value in app.items():
            have = result["applications"][name][field]
            if isinstance(value, dict):
                assert value.items() <= have.items()
            else:
                assert have == value


@given(documents, documents)
def test_merging_leaves_its_arguments_alone(base, over):
    import copy

    kept = copy.deepcopy((base, over))
    overlaid(base, over)
    assert (base, over) == kept


def test_the_merged_document_of_one_source_is_that_source(tmp_path):
    (tmp_path / "b.yaml").write_text("applications: {a: {charm: a, num_units: 1}}")
    source = read_source(tmp_path / "b.yaml")
    assert merged([source]) == source.parts[0].data
