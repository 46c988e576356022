"""The sandbox's Charmhub: what it has, what it refuses, and what its archives hold."""

from __future__ import annotations

import itertools
import string
import zipfile
from typing import Any

import pytest

from sandbox.charmhub import archives, descriptions
from sandbox.charmhub.catalog import Catalog, CharmNotFound, ReleaseNotFound, RevisionNotFound
from sandbox.charmhub.runtime import actions, assess
from sandbox.charmhub.runtime.world import World
from sandbox.home import Home
from sandbox.juju import charm_archive

CHARMS = sorted(descriptions.load())
TRACKS = {"keystone": "2024.1", "ceph-mon": "squid", "ovn-central": "24.03", "vault": "1.8"}
# What templates may name; `remote_` ones only in what is said on a relation.
NAMES = {
    "address",
    "unit",
    "slug",
    "application",
    "number",
    "model",
    "zone",
    "hostname",
    "release",
    "config",
    "port",
    "devices",
    "api_address",
    "admin_password",
    "admin_domain",
    "members",
    "member_count",
    "certificate_base64",
    "uuid",
    "key",
    "certificate",
    "password",
    "tolerance_text",
}
REMOTE_NAMES = NAMES | {
    "remote_application",
    "remote_units",
    "remote_count",
    "remote_unit",
    "remote_slug",
}


@pytest.fixture
def catalog(tmp_path) -> Catalog:
    return Catalog(Home(tmp_path, 26))


def names_in(template: str) -> set[str]:
    fields = (field for _, field, _, _ in string.Formatter().parse(template) if field)
    return {field.partition("[")[0] for field in fields}


@pytest.mark.parametrize("name", TRACKS)
def test_without_a_channel_the_newest_tracks_stable_is_found(catalog, name):
    found = catalog.resolve(name)
    assert found.channel == f"{TRACKS[name]}/stable"
    assert found.base == "ubuntu@24.04/stable"


def test_a_risk_alone_means_the_default_track_and_a_track_alone_means_stable(catalog):
    assert catalog.resolve("keystone", "candidate").channel == "2024.1/candidate"
    assert catalog.resolve("keystone", "zed").channel == "zed/stable"


def test_every_risk_has_a_revision_of_its_own_and_stable_an_older_one(catalog):
    heads = {risk: catalog.resolve("glance", f"2024.1/{risk}") for risk in descriptions.RISKS}
    assert len({head.revision for head in heads.values()}) == 4
    older = next(r for r in descriptions.load()["glance"].releases if r.channel == "2024.1/stable")
    assert older.revision < heads["stable"].revision
    asked = catalog.resolve("glance", "2024.1/stable", revision=older.revision)
    assert (asked.revision, asked.channel) == (older.revision, "2024.1/stable")


def test_the_path_of_a_release_upgrade_is_there_base_by_base(catalog):
    for track in ("yoga", "zed", "2023.1", "2023.2", "2024.1"):
        assert catalog.resolve("nova-compute", track, "ubuntu@22.04").base == "ubuntu@22.04/stable"
    revisions = [catalog.resolve("nova-compute", t).revision for t in ("yoga", "2023.2", "2024.1")]
    assert revisions == sorted(revisions)


def test_an_unknown_charm_is_named(catalog):
    with pytest.raises(CharmNotFound, match="No charm or bundle with name 'keystoned'"):
        catalog.resolve("keystoned")


def test_an_unknown_channel_or_base_is_refused_with_those_there_are(catalog):
    with pytest.raises(ReleaseNotFound) as refused:
        catalog.resolve("keystone", "2025.1/stable")
    assert 'charm or bundle not found for channel "2025.1/stable", base "amd64"' in str(
        refused.value
    )
    with pytest.raises(ReleaseNotFound) as refused:
        catalog.resolve("keystone", "2023.2/stable", "ubuntu@24.04/stable")
    told = str(refused.value)
    assert 'for channel "2023.2/stable", base "amd64/ubuntu/24.04"' in told
    assert 'channel "2024.1/stable": available bases are: ubuntu@22.04, ubuntu@24.04' in told


def test_an_unknown_revision_is_refused(catalog):
    with pytest.raises(RevisionNotFound, match="keystone 1"):
        catalog.resolve("keystone", revision=1)
    with pytest.raises(RevisionNotFound):
        catalog.archive("keystone", 1)


def test_no_revision_means_two_things():
    for description in descriptions.load().values():
        revisions = [release.revision for release in description.releases]
        assert len(revisions) == len(set(revisions)), description.name


@pytest.mark.parametrize("name", CHARMS)
def test_an_archive_is_a_charm_that_juju_reads(catalog, name):
    found = catalog.resolve(name)
    charm = charm_archive.read(catalog.archive(name, found.revision))
    assert charm.name == name
    assert {base["channel"] for base in charm.bases} == {
        base.partition("@")[2] for base in found.bases
    }
    for option, spec in charm.config.items():
        default = spec.get("default")
        kinds: dict[str, Any] = {"string": str, "int": int, "boolean": bool, "float": (int, float)}
        assert default is None or isinstance(default, kinds[spec["type"]]), option


def test_the_same_revision_is_the_same_bytes(tmp_path):
    one, other = (Catalog(Home(tmp_path / place, 26)) for place in ("one", "other"))
    revision = one.resolve("keystone").revision
    first = one.archive("keystone", revision).read_bytes()
    assert first == other.archive("keystone", revision).read_bytes()
    with zipfile.ZipFile(one.archive("keystone", revision)) as archive:
        for program in ("dispatch", "hooks/config-changed", "hooks/update-status"):
            assert archive.getinfo(program).external_attr >> 16 == 0o755


def test_building_drops_the_archives_of_an_older_catalogue(tmp_path, catalog):
    stale = tmp_path / "charmhub" / "0123456789ab"
    stale.mkdir(parents=True)
    kept = catalog.archive("keystone", catalog.resolve("keystone").revision)
    catalog.build()
    assert not stale.exists()
    assert kept.exists()


@pytest.mark.parametrize("name", CHARMS)
def test_a_description_names_only_endpoints_options_and_values_that_there_are(name):
    description = descriptions.load()[name]
    compiled = descriptions.compiled(description, description.releases[-1])
    endpoints = {endpoint for _, endpoint, _ in descriptions.endpoints_of(description.document)}
    status, cluster = compiled["status"], compiled["cluster"] or {}
    required = itertools.chain(*status.get("required", {}).values(), status.get("if-related", ()))
    assert {
        *required,
        *cluster.get("after", ()),
        *([cluster["peer"]] if cluster else []),
    } <= endpoints
    assert set(compiled["checks"]) <= set(description.options)
    for spoken in compiled["endpoints"].values():
        for template in (*spoken["says"].values(), *spoken["each"].values(), *spoken["each"]):
            assert names_in(template) <= REMOTE_NAMES, template
        assert isinstance(spoken["after"], str) or set(spoken["after"]) <= endpoints
    for template in (*cluster.get("says", {}).values(), *cluster.get("joined", {}).values()):
        assert names_in(template) <= NAMES, template
    results = [action.get("results", {}) for action in compiled["actions"].values()]
    for template in itertools.chain(*(found.values() for found in results)):
        assert names_in(str(template)) <= NAMES, template


@pytest.mark.parametrize("name", CHARMS)
def test_every_action_of_a_new_unit_has_results(name):
    description = descriptions.load()[name]
    compiled = descriptions.compiled(description, description.releases[-1])
    world = World(f"{name}/0", model="8c1b5b0e-0000-4000-8000-0000000000aa", address="127.0.0.2")
    world.release = compiled["release"]
    for action in archives.actions(description):
        results = actions.run(compiled, world, action)
        assert all(isinstance(value, str) for value in results.values()), action


@pytest.mark.parametrize("name", CHARMS)
def test_the_defaults_of_a_charm_are_valid(name):
    description = descriptions.load()[name]
    for release in description.releases:
        compiled = descriptions.compiled(description, release)
        options = archives.options(description, release)
        world = World(
            f"{name}/0", config={key: options[key].get("default") for key in compiled["reads"]}
        )
        assert assess.invalid_options(compiled, world) == [], release.channel
