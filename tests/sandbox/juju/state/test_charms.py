"""Packed charms, and the charms that a model knows."""

from __future__ import annotations

import pathlib
import zipfile

import pytest

from sandbox.juju import charm_archive, errors
from sandbox.juju.state import charms, values

METADATA = "name: app\nsummary: s\ndescription: d\n"


def pack(path: pathlib.Path, **files: str) -> pathlib.Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return path


def test_an_archive_tells_its_documents_bases_and_version(tmp_path):
    path = pack(
        tmp_path / "app.charm",
        metadata__yaml=METADATA,
        config__yaml="options: {level: {type: int, default: 3}}",
        actions__yaml="pause: {description: stop}\nresume:\n",
        manifest__yaml="bases: [{name: ubuntu, channel: '24.04', architectures: [amd64]}]",
        version="1.2-abc\n",
        revision="7",
    )
    archive = charm_archive.read(path)
    assert archive.name == "app"
    assert archive.config == {"level": {"type": "int", "default": 3}}
    assert archive.actions == {"pause": {"description": "stop"}, "resume": {}}
    assert archive.bases == [
        {"name": "ubuntu", "channel": "24.04/stable", "architectures": ["amd64"]}
    ]
    assert (archive.version, archive.revision) == ("1.2-abc", 7)
    assert len(archive.sha256) == 64


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"config__yaml": ""}, '"metadata.yaml" not found'),
        ({"metadata__yaml": "name: app"}, "metadata: summary: expected string, got nothing"),
        ({"metadata__yaml": "name: [app"}, "cannot parse metadata.yaml"),
        ({"metadata__yaml": METADATA, "config__yaml": "- a"}, "cannot parse config.yaml"),
    ],
)
def test_an_archive_that_is_no_charm_is_refused(tmp_path, files, message):
    with pytest.raises(errors.NotValid, match=message):
        charm_archive.read(pack(tmp_path / "app.charm", **files))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "app.charm"
    path.write_text("hello")
    with pytest.raises(errors.NotValid, match="not a valid zip file"):
        charm_archive.read(path)


def test_local_charms_are_numbered_from_zero_and_kept(world):
    assert [world.charm("app").url for _ in range(2)] == ["local:app-0", "local:app-1"]
    charm = world.charm("other")
    assert charm.url == "local:other-0"
    assert pathlib.Path(charm.archive).read_bytes()
    assert charm.sha256[:16] in charm.archive


def test_a_charmhub_charm_is_added_once_under_its_url(world, tmp_path):
    path = pack(tmp_path / "keystone.charm", metadata__yaml=METADATA.replace("app", "keystone"))
    url = charms.hub_url("keystone", 700)
    assert url == "ch:amd64/keystone-700"
    with world.store.transaction() as tx:
        first = charms.add_from_hub(tx, world.model, url, path, tmp_path / "kept")
        assert charms.add_from_hub(tx, world.model, url, path, tmp_path / "kept") == first
        assert (first.revision, first.source) == (700, "charm-hub")
        assert charms.get(tx, world.model, url) == first
        with pytest.raises(errors.NotValid, match='URL "keystone" is malformed'):
            charms.add_from_hub(tx, world.model, "keystone", path, tmp_path / "kept")
        with pytest.raises(errors.NotFound, match='charm "ch:amd64/nova-1" not found'):
            charms.get(tx, world.model, "ch:amd64/nova-1")
    assert charms.name_of(url) == "keystone"
    assert charms.name_of("local:maas-bmc-3") == "maas-bmc"


def test_a_charm_s_endpoints_include_the_implicit_one_and_the_short_form(world):
    charm = world.charm(
        "app",
        provides={"web": "http"},
        requires={"host": {"interface": "juju-info", "scope": "container", "limit": 1}},
        peers={"cluster": {"interface": "p"}},
    )
    endpoints = charm.endpoints()
    assert set(endpoints) == {"juju-info", "web", "host", "cluster"}
    assert endpoints["juju-info"].implicit
    assert not endpoints["host"].implicit
    assert (endpoints["web"].role, endpoints["web"].interface) == ("provider", "http")
    assert (endpoints["host"].scope, endpoints["host"].limit) == ("container", 1)
    assert [peer.name for peer in charm.peers()] == ["cluster"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1G", 1024), ("1.5G", 1536), (1024, 1024), ("10M", 10), ("0.1M", 1), ("2T", 2 * 1024**2)],
)
def test_sizes_are_whole_mebibytes_rounded_up(size, expected):
    assert values.mebibytes(size) == expected
