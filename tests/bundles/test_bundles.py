"""The bundle and every combination of its overlays fit the charms that they deploy."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import pathlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from sandbox.charmhub import archives, descriptions
from sandbox.charmhub.catalog import Catalog
from sandbox.home import Home
from sandbox.juju import constraints
from sandbox.juju.bundles.bundle import Application, Bundle, bundle_of, read_bundle
from sandbox.juju.bundles.changes import AddMachine, AddUnit
from sandbox.juju.bundles.model_state import ModelState
from sandbox.juju.bundles.plan import Request, plan
from sandbox.juju.bundles.storage_constraints import parse_storage
from sandbox.juju.bundles.verify import verify

ROOT = pathlib.Path(__file__).parents[2]
OVERLAYS = sorted(path.name for path in (ROOT / "bundles" / "overlays").glob("*.yaml"))
COMBINATIONS = [
    combination
    for size in range(len(OVERLAYS) + 1)
    for combination in itertools.combinations(OVERLAYS, size)
    # An older release is laid over a highly available cloud, and on machines of its own base.
    if "jammy-2023.2.yaml" not in combination
    or ("ha.yaml" in combination and "small-lab.yaml" not in combination)
]
OPTION_TYPES = {"string": str, "int": int, "boolean": bool, "float": (int, float), "secret": str}


@dataclasses.dataclass(frozen=True)
class Charm:
    """What a charm says of itself."""

    metadata: Mapping[str, Any]
    options: Mapping[str, Any]
    required: tuple[tuple[str, ...], ...] = ()
    """Groups of endpoints, one of which must be related."""

    def endpoint(self, name: str) -> tuple[str, str]:
        """The role and interface of an endpoint, the implicit juju-info among them."""
        for role in ("provides", "requires", "peers"):
            if found := self.metadata.get(role, {}).get(name):
                return role, found["interface"]
        if name == "juju-info":
            return "provides", "juju-info"
        raise AssertionError(f"{self.metadata['name']} has no endpoint {name}")


def our_charm(name: str) -> Charm:
    """One of this repository's, from its charmcraft.yaml."""
    document = yaml.safe_load((ROOT / "charms" / name / "charmcraft.yaml").read_text("utf-8"))
    needed = [
        (endpoint,)
        for endpoint, spec in document.get("requires", {}).items()
        if not spec.get("optional")
    ]
    return Charm(document, document.get("config", {}).get("options", {}), tuple(needed))


def stand_in(name: str) -> Charm:
    """One of Charmhub's, from its description."""
    description = descriptions.load()[name]
    groups = description.document["status"].get("required", {}).values()
    return Charm(archives.metadata(description), description.options, tuple(map(tuple, groups)))


def charm_of(application: Application) -> Charm:
    if application.is_local:
        return our_charm(pathlib.Path(application.charm).parent.name)
    return stand_in(application.charm)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory) -> pathlib.Path:
    """The bundles beside charms that need not be packed for these tests."""
    root = tmp_path_factory.mktemp("bundles")
    shutil.copytree(ROOT / "bundles", root / "bundles")
    for source in (ROOT / "charms").glob("*/charmcraft.yaml"):
        name = source.parent.name
        packed = root / "charms" / name / f"{name}_amd64.charm"
        packed.parent.mkdir(parents=True)
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("metadata.yaml", source.read_text("utf-8"))
    return root / "bundles"


@pytest.fixture(params=COMBINATIONS, ids="+".join)
def bundle(bundles, request) -> Bundle:
    """The bundle with one combination of overlays, read and verified as `juju deploy` does."""
    overlays = [bundles / "overlays" / name for name in request.param]
    document = read_bundle(bundles / "full-stack.yaml", overlays)
    verify(document, bundles)
    return bundle_of(document)


def ends(bundle: Bundle) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    for one, other in bundle.relations:
        (a, _, b), (c, _, d) = one.partition(":"), other.partition(":")
        yield (a, b), (c, d)


def test_both_ends_of_every_relation_exist_and_speak_the_same_interface(bundle):
    for pair in ends(bundle):
        (one, interface), (other, its) = (
            charm_of(bundle.applications[application]).endpoint(endpoint)
            for application, endpoint in pair
        )
        assert {one, other} == {"provides", "requires"}, pair
        assert interface == its, pair


def test_no_relation_is_written_twice(bundle):
    counted = collections.Counter(frozenset(pair) for pair in ends(bundle))
    assert [pair for pair, times in counted.items() if times > 1] == []


def test_no_charm_lacks_a_relation_that_it_requires(bundle):
    related = {end for pair in ends(bundle) for end in pair}
    lacking = {
        (name, group)
        for name, application in bundle.applications.items()
        for group in charm_of(application).required
        if not any((name, endpoint) in related for endpoint in group)
    }
    assert lacking == set()


def test_no_limit_of_an_endpoint_is_exceeded(bundle):
    counted = collections.Counter(end for pair in ends(bundle) for end in pair)
    for (name, endpoint), times in counted.items():
        metadata = charm_of(bundle.applications[name]).metadata
        limit = metadata.get("requires", {}).get(endpoint, {}).get("limit")
        assert limit is None or times <= limit, f"{name}:{endpoint}"


def test_every_option_exists_and_has_the_charms_type(bundle):
    for name, application in bundle.applications.items():
        known = charm_of(application).options
        for option, value in application.options.items():
            assert option in known, f"{name} {option}"
            kind = OPTION_TYPES[known[option]["type"]]
            assert isinstance(value, kind), f"{name} {option}"


def test_every_charmhub_charm_is_there_for_the_bundles_base(bundle, tmp_path):
    catalog = Catalog(Home(tmp_path, 26))
    for application in bundle.applications.values():
        if not application.is_local:
            assert application.channel, application.charm
            base = application.base or bundle.default_base
            catalog.resolve(application.charm, application.channel, base)


def test_subordinates_have_no_units_and_principals_have_some(bundle):
    for name, application in bundle.applications.items():
        subordinate = bool(charm_of(application).metadata.get("subordinate"))
        assert subordinate == (application.units == 0), name
        assert not (subordinate and application.to), name


def test_constraints_placements_and_storage_are_juju_s(bundle):
    for application in bundle.applications.values():
        constraints.parse(application.constraints)
        assert len(application.to) in (0, application.units)
        storage = charm_of(application).metadata.get("storage", {})
        for name, text in application.storage.items():
            assert name in storage
            parse_storage(text)
    for machine in bundle.machines.values():
        constraints.parse(machine.constraints)


def test_each_cluster_has_a_member_on_each_controller(bundle):
    for application in bundle.applications.values():
        if application.units == 3 and application.to:
            hosts = {placement.rpartition(":")[2] for placement in application.to}
            assert hosts == set(bundle.machines), application.charm


def test_the_base_bundle_is_of_the_size_that_it_promises(bundles):
    steps = plan(Request(bundle_of(read_bundle(bundles / "full-stack.yaml")), ModelState()))
    units = [step for step in steps if isinstance(step, AddUnit)]
    machines = [step for step in steps if isinstance(step, AddMachine)]
    assert len(units) == 32
    # Three controllers and the containers on them; each other machine comes with its unit.
    assert len([step for step in machines if not step.container]) == 3


def test_high_availability_has_three_units_of_every_service(bundles):
    overlay = bundles / "overlays" / "ha.yaml"
    high = bundle_of(read_bundle(bundles / "full-stack.yaml", [overlay]))
    services = [app for app in high.applications.values() if app.units and not app.is_local]
    assert {app.charm: app.units for app in services if app.units != 3} == {}
    virtual = [app.options["vip"] for app in services if "vip" in app.options]
    assert len(virtual) == len(set(virtual)) == 9
    clustered = [app for app in high.applications.values() if app.charm == "hacluster"]
    assert [app.options["cluster_count"] for app in clustered] == [3] * 9


def test_the_older_cloud_is_all_of_its_release(bundles):
    overlays = [bundles / "overlays" / name for name in ("ha.yaml", "jammy-2023.2.yaml")]
    older = bundle_of(read_bundle(bundles / "full-stack.yaml", overlays))
    for name, app in older.applications.items():
        if app.is_local:
            continue
        assert app.base == "ubuntu@22.04/stable", name
        assert "2024.1" not in app.channel, name
        known = descriptions.load()[app.charm].options
        origins = {"openstack-origin", "source"} & set(known)
        named = {app.options.get(option) for option in origins}
        if app.charm not in ("mysql-innodb-cluster", "mysql-router", "rabbitmq-server"):
            assert named <= {"cloud:jammy-bobcat"}, name


def test_every_api_with_a_virtual_address_has_its_own_hacluster(bundles):
    overlay = bundles / "overlays" / "ha.yaml"
    high = bundle_of(read_bundle(bundles / "full-stack.yaml", [overlay]))
    partners = {one[0]: other[0] for one, other in ends(high) if one[1] == "ha"}
    with_address = {name for name, app in high.applications.items() if "vip" in app.options}
    assert set(partners) == with_address
    assert len(set(partners.values())) == len(partners)
