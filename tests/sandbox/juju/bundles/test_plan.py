"""A plan asks for what the model lacks, in Juju's order and words, and for nothing else."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.juju import constraints
from sandbox.juju.bundles import changes as steps
from sandbox.juju.bundles.bundle import Application, Bundle, Exposure, Machine, bundle_of
from sandbox.juju.bundles.charms import Resolved
from sandbox.juju.bundles.errors import BundleError
from sandbox.juju.bundles.merge import normalized
from sandbox.juju.bundles.model_state import (
    ModelState,
    PresentApplication,
    PresentMachine,
    parent,
)
from sandbox.juju.bundles.plan import Request, plan
from sandbox.juju.bundles.source import parse_parts
from sandbox.juju.bundles.units import with_bound_spaces

BASE = "ubuntu@24.04/stable"


def bundle(text: str) -> Bundle:
    return bundle_of(normalized(parse_parts(text)[0].data))


def told(request: Request) -> list[str]:
    return [line for change in plan(request) for line in change.told()]


def applied(model: ModelState, changes: list[steps.Change], request: Request) -> ModelState:
    """The model after a plan was carried out, by the rules of the controller."""
    made: dict[str, str] = {}
    apps, machines = dict(model.applications), dict(model.machines)
    relations = set(model.relations)

    def outcome(reference: str) -> str:
        if not reference.startswith("$"):
            return reference
        name, colon, endpoint = reference[1:].partition(":")
        return made[name] + (f":{endpoint}" if colon else "")

    def machine_of(reference: str) -> str:
        name = outcome(reference)
        return next((a.units[name] for a in apps.values() if name in a.units), name)

    def next_machine() -> str:
        return str(1 + max((int(m) for m in machines if "/" not in m), default=-1))

    def container(kind: str, host: str) -> str:
        count = sum(m.startswith(f"{host}/{kind}/") for m in machines)
        return f"{host}/{kind}/{count}"

    for change in changes:
        if isinstance(change, steps.AddCharm):
            made[change.id] = change.charm
        elif isinstance(change, steps.Deploy):
            made[change.id] = change.application
            apps[change.application] = PresentApplication(
                charm=change.charm_url,
                revision=request.resolved.get(change.application, Resolved()).revision,
                channel=change.channel or "latest/stable",
                base=change.base,
                options=change.options,
                constraints={**constraints.parse(change.constraints), "arch": "amd64"},
            )
        elif isinstance(change, steps.AddMachine):
            number = next_machine()
            if change.container:
                host = machine_of(change.host) if change.host else number
                host = parent(host) or host
                machines.setdefault(host, PresentMachine(change.base))
                number = container(change.container, host)
            machines[number] = PresentMachine(change.base)
            made[change.id] = number
        elif isinstance(change, steps.AddUnit):
            name = outcome(change.application)
            app = apps[name]
            unit = f"{name}/{len(app.units)}"
            assert unit == change.unit
            kind, _, reference = change.to.rpartition(":")
            where = machine_of(reference) if reference else next_machine()
            where = container(kind, where) if kind else where
            machines.setdefault(where, PresentMachine(app.base))
            apps[name] = dataclasses.replace(app, units={**app.units, unit: where})
            made[change.id] = unit if not change.to else where
        elif isinstance(change, steps.AddRelation):
            ends = [outcome(change.endpoint1), outcome(change.endpoint2)]
            relations.add(frozenset((e.partition(":")[0], e.partition(":")[2]) for e in ends))
        elif isinstance(change, steps.SetAnnotations):
            entity = outcome(change.entity)
            if change.kind == "machine":
                have = machines[entity]
                notes = {**have.annotations, **change.annotations}
                machines[entity] = dataclasses.replace(have, annotations=notes)
            else:
                notes = {**apps[entity].annotations, **change.annotations}
                apps[entity] = dataclasses.replace(apps[entity], annotations=notes)
        elif isinstance(change, steps.Expose):
            name = outcome(change.application)
            apps[name] = dataclasses.replace(
                apps[name], exposed=True, exposed_endpoints=change.endpoints
            )
        elif isinstance(change, steps.SetOptions):
            app = apps[change.application]
            options = {**app.options, **change.options}
            apps[change.application] = dataclasses.replace(app, options=options)
        elif isinstance(change, steps.SetConstraints):
            limits = {**constraints.parse(change.constraints), "arch": "amd64"}
            app = apps[change.application]
            apps[change.application] = dataclasses.replace(app, constraints=limits)
        else:
            raise AssertionError(f"unexpected {change}")
    return ModelState(apps, machines, frozenset(relations))


CLOUD = bundle(
    """
default-base: ubuntu@24.04/stable
machines:
  "0": {constraints: tags=openstack-control, annotations: {rack: a}}
  "1":
applications:
  keystone:
    charm: keystone
    channel: 2024.1/stable
    num_units: 2
    to: ["lxd:0", "lxd:1"]
    options: {debug: true}
  mysql: {charm: mysql-innodb-cluster, channel: 8.0/stable, num_units: 2, to: [0, 1]}
  nova-compute: {charm: nova-compute, channel: 2024.1/stable, num_units: 1, expose: true}
  router: {charm: mysql-router, channel: 8.0/stable}
relations:
- [keystone:shared-db, router:shared-db]
- [router:db-router, mysql:db-router]
"""
)


def test_a_fresh_deployment_is_told_as_juju_tells_it():
    assert told(Request(CLOUD, ModelState())) == [
        "upload charm keystone from charm-hub for base ubuntu@24.04/stable from channel "
        "2024.1/stable with architecture=amd64",
        "deploy application keystone from charm-hub on ubuntu@24.04/stable with 2024.1/stable",
        "upload charm mysql-innodb-cluster from charm-hub for base ubuntu@24.04/stable from "
        "channel 8.0/stable with architecture=amd64",
        "deploy application mysql from charm-hub on ubuntu@24.04/stable with 8.0/stable using "
        "mysql-innodb-cluster",
        "upload charm nova-compute from charm-hub for base ubuntu@24.04/stable from channel "
        "2024.1/stable with architecture=amd64",
        "deploy application nova-compute from charm-hub on ubuntu@24.04/stable with 2024.1/stable",
        "expose all endpoints of nova-compute and allow access from CIDRs 0.0.0.0/0 and ::/0",
        "upload charm mysql-router from charm-hub for base ubuntu@24.04/stable from channel "
        "8.0/stable with architecture=amd64",
        "deploy application router from charm-hub on ubuntu@24.04/stable with 8.0/stable using "
        "mysql-router",
        "add new machine 0",
        "set annotations for new machine 0",
        "add new machine 1",
        "add relation keystone:shared-db - router:shared-db",
        "add relation router:db-router - mysql:db-router",
        "add unit mysql/0 to new machine 0",
        "add unit mysql/1 to new machine 1",
        "add unit nova-compute/0 to new machine 2",
        "add lxd container 0/lxd/0 on new machine 0",
        "add lxd container 1/lxd/0 on new machine 1",
        "add unit keystone/0 to 0/lxd/0",
        "add unit keystone/1 to 1/lxd/0",
    ]


def test_the_same_bundle_again_asks_for_nothing():
    request = Request(CLOUD, ModelState())
    after = applied(ModelState(), plan(request), request)
    assert plan(dataclasses.replace(request, model=after)) == []


def test_only_what_differs_is_changed():
    request = Request(CLOUD, ModelState())
    after = applied(ModelState(), plan(request), request)
    changed = bundle(
        """
default-base: ubuntu@24.04/stable
applications:
  keystone:
    charm: keystone
    channel: 2024.1/stable
    num_units: 3
    options: {debug: false, verbose: true}
    constraints: mem=4G
"""
    )
    assert told(Request(changed, after)) == [
        "set application options for keystone",
        'set constraints for keystone to "mem=4G"',
        "add unit keystone/2 to new machine 3",
    ]


def test_a_newer_revision_upgrades_and_an_older_is_refused():
    request = Request(CLOUD, ModelState(), {"keystone": Resolved("2024.1/stable", 700, BASE)})
    after = applied(ModelState(), plan(request), request)
    newer = {"keystone": Resolved("2024.1/stable", 701, BASE)}
    assert told(Request(CLOUD, after, newer)) == [
        "upload charm keystone from charm-hub for base ubuntu@24.04/stable from channel "
        "2024.1/stable with architecture=amd64",
        "upgrade keystone from charm-hub using charm keystone for base ubuntu@24.04/stable from "
        "channel 2024.1/stable",
    ]
    older = {"keystone": Resolved("2024.1/stable", 699, BASE)}
    with pytest.raises(BundleError, match="downgrades are not currently supported"):
        plan(Request(CLOUD, after, older))


def test_another_channel_needs_force():
    request = Request(CLOUD, ModelState(), {"keystone": Resolved("2024.1/stable", 700, BASE)})
    after = applied(ModelState(), plan(request), request)
    other = bundle("applications: {keystone: {charm: keystone, channel: 2024.1/edge}}")
    resolved = {"keystone": Resolved("2024.1/edge", 800, BASE)}
    with pytest.raises(BundleError, match=r"not supported across channels \(existing: "):
        plan(Request(other, after, resolved))
    assert any(
        line.startswith("upgrade keystone")
        for line in told(Request(other, after, resolved, force=True))
    )


def test_units_beside_units_share_their_machines_or_get_containers_there():
    request = Request(
        bundle(
            """
applications:
  host: {charm: host, num_units: 2}
  beside: {charm: beside, num_units: 2, to: [host]}
  inside: {charm: inside, num_units: 1, to: ["lxd:host/1"]}
"""
        ),
        ModelState(),
    )
    assert [line for line in told(request) if line.startswith("add")] == [
        "add unit host/0 to new machine 0",
        "add unit host/1 to new machine 1",
        "add lxd container 1/lxd/0 on new machine 1",
        "add unit beside/0 to new machine 0 to satisfy [host]",
        "add unit beside/1 to new machine 1 to satisfy [host]",
        "add unit inside/0 to 1/lxd/0 to satisfy [lxd:host/1]",
    ]


def test_applications_placed_beside_each_other_in_a_circle_are_refused():
    circle = bundle(
        "applications:\n"
        "  a: {charm: a, num_units: 1, to: [b]}\n"
        "  b: {charm: b, num_units: 1, to: [a]}\n"
    )
    with pytest.raises(BundleError, match="cycle in placement directives for: a, b"):
        plan(Request(circle, ModelState()))


def test_machines_that_nothing_goes_to_any_more_need_a_mapping():
    request = Request(CLOUD, ModelState())
    after = applied(ModelState(), plan(request), request)
    more = dataclasses.replace(CLOUD, machines={**CLOUD.machines, "5": Machine()})
    with pytest.raises(BundleError, match='need an explicit entry mapping bundle machine "5"'):
        plan(Request(more, after))
    assert plan(Request(more, after, machine_map={"5": "2"})) == []


def test_a_local_charm_that_is_there_stays_as_it_is():
    present = PresentApplication("local:maas-bmc-0", 0, "", BASE)
    local = Bundle({"maas-bmc": Application("local:maas-bmc-0")})
    assert plan(Request(local, ModelState({"maas-bmc": present}))) == []


def test_endpoints_with_the_same_exposure_are_told_together():
    spec = Exposure(cidrs=("10.0.0.0/8",))
    exposed = Bundle(
        {"web": Application("web", exposed_endpoints={"b": spec, "a": spec, "": Exposure()})}
    )
    assert told(Request(exposed, ModelState()))[2:] == [
        "expose all endpoints of web and allow access from CIDRs 0.0.0.0/0 and ::/0",
        "override expose settings for endpoints a,b of web and allow access from CIDR 10.0.0.0/8",
    ]


def test_bound_spaces_become_constraints_of_the_machines_made_for_them():
    assert with_bound_spaces("mem=4G spaces=a,^b", {"": "c"}) == "spaces=^b,a,c mem=4G"
    with pytest.raises(BundleError, match='space "b" is required but it\'s forbidden'):
        with_bound_spaces("spaces=^b", {"": "b"})


NAMES = ("alpha", "beta", "gamma", "delta")


@st.composite
def bundles(draw: st.DrawFn) -> Bundle:
    """Bundles with machines, containers, co-location, relations, options and annotations."""
    names = NAMES[: draw(st.integers(1, 4))]
    machine_count = draw(st.integers(0, 3))
    apps: dict[str, Application] = {}
    unused = [str(number) for number in range(machine_count)]
    for position, name in enumerate(names):
        units = draw(st.integers(0, 3))
        places = ["new", "lxd:new"]
        for other in names[:position]:
            places += [other, f"lxd:{other}"]
            places += [f"{k}{other}/{u}" for u in range(apps[other].units) for k in ("", "lxd:")]
        to = draw(st.lists(st.sampled_from(places), max_size=units))
        # Every machine must be used: the first applications with room take them.
        while unused and len(to) < units:
            to.append(draw(st.sampled_from(["", "lxd:"])) + unused.pop(0))
        apps[name] = Application(
            charm=name,
            channel="latest/stable",
            units=units,
            to=tuple(to),
            options=draw(st.dictionaries(st.sampled_from("xy"), st.integers(0, 2))),
            annotations=draw(st.dictionaries(st.sampled_from("xy"), st.sampled_from("12"))),
            constraints=draw(st.sampled_from(["", "mem=4G", "arch=amd64 cores=2"])),
            expose=draw(st.booleans()),
        )
    used = {p for app in apps.values() for p in app.to}
    machines = {
        str(number): Machine(annotations=draw(st.dictionaries(st.just("k"), st.just("v"))))
        for number in range(machine_count)
        if {str(number), f"lxd:{number}"} & used
    }
    pairs = [(f"{a}:r{i}", f"{b}:p{i}") for i, a in enumerate(names) for b in names[i + 1 :]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return Bundle(apps, machines, tuple(chosen), default_base=BASE)


@given(bundles())
@settings(deadline=None, max_examples=60)
def test_a_plan_carried_out_leaves_nothing_to_plan(wanted: Bundle):
    request = Request(wanted, ModelState())
    after = applied(ModelState(), plan(request), request)
    assert {n: len(a.units) for n, a in after.applications.items()} == {
        n: a.units for n, a in wanted.applications.items()
    }
    assert plan(dataclasses.replace(request, model=after)) == []


@given(bundles())
@settings(deadline=None, max_examples=60)
def test_every_change_comes_after_what_it_requires(wanted: Bundle):
    done: set[str] = set()
    for change in plan(Request(wanted, ModelState())):
        assert set(change.requires) <= done
        done.add(change.id)


@given(bundles(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_the_plan_does_not_depend_on_the_order_of_the_file(wanted: Bundle, random):
    names = list(wanted.applications)
    random.shuffle(names)
    shuffled = dataclasses.replace(
        wanted, applications={name: wanted.applications[name] for name in names}
    )
    assert plan(Request(wanted, ModelState())) == plan(Request(shuffled, ModelState()))
