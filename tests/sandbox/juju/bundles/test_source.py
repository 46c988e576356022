"""What a bundle file may say, and what Juju says of what it may not."""

from __future__ import annotations

import pytest

from sandbox.juju.bundles.errors import BundleError, NotABundle
from sandbox.juju.bundles.source import parse_parts, read_source


def test_values_keep_the_type_of_their_field():
    (part,) = parse_parts(
        "applications:\n"
        "  keystone:\n"
        "    charm: keystone\n"
        "    channel: 2024.1\n"
        "    num_units: 3\n"
        "    expose: true\n"
        "    to: [0, lxd:1]\n"
        "    options: {debug: true, workers: 4, ratio: 0.5, name: x}\n"
        "    annotations: {gui-x: 12}\n"
    )
    keystone = part.data["applications"]["keystone"]
    assert keystone["channel"] == "2024.1"
    assert keystone["to"] == ["0", "lxd:1"]
    assert keystone["options"] == {"debug": True, "workers": 4, "ratio": 0.5, "name": "x"}
    assert keystone["annotations"] == {"gui-x": "12"}
    assert part.strays == ()


def test_anchors_and_merge_keys_are_followed():
    (part,) = parse_parts(
        "variables:\n"
        "  origin: &origin distro\n"
        "  common: &common {charm: hacluster, channel: 2.4/stable}\n"
        "applications:\n"
        "  ha: {<<: *common, options: {source: *origin}}\n"
    )
    assert part.data["applications"]["ha"] == {
        "charm": "hacluster",
        "channel": "2.4/stable",
        "options": {"source": "distro"},
    }


def test_a_stray_key_beside_the_sections_is_told_with_its_line():
    (part,) = parse_parts("name: cloud\napplications:\n  a: {charm: a}\n")
    assert part.strays == ("line 1: field name not found in bundle",)
    assert not part.stray_in_parts


def test_a_stray_key_inside_an_application_is_marked_as_one():
    (part,) = parse_parts("applications:\n  a:\n    charm: a\n    num_unit: 3\n")
    assert part.strays == ("line 4: field num_unit not found in applications",)
    assert part.stray_in_parts


def test_every_wrong_type_is_told_with_its_line():
    with pytest.raises(BundleError) as refused:
        parse_parts("applications:\n  a:\n    num_units: many\n    to: 0\n")
    assert "line 3: cannot unmarshal !!str `many` into int" in str(refused.value)
    assert "line 4: cannot unmarshal !!int `0` into []string" in str(refused.value)


def test_documents_after_the_first_are_parts_of_their_own():
    parts = parse_parts("applications: {a: {charm: a}}\n---\napplications: {a: {num_units: 2}}\n")
    assert [part.data["applications"]["a"] for part in parts] == [
        {"charm": "a"},
        {"num_units": 2},
    ]


def test_text_that_is_not_yaml_is_refused():
    with pytest.raises(BundleError, match="cannot unmarshal bundle contents: yaml:"):
        parse_parts("applications: [")


def test_a_folder_with_a_bundle_in_it_is_a_bundle(tmp_path):
    (tmp_path / "bundle.yaml").write_text("applications: {a: {charm: a}}")
    assert read_source(tmp_path).folder == tmp_path


def test_what_is_not_there_and_what_is_a_charm_is_no_bundle(tmp_path):
    with pytest.raises(NotABundle):
        read_source(tmp_path / "missing.yaml")
    (tmp_path / "some.charm").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(NotABundle):
        read_source(tmp_path / "some.charm")
