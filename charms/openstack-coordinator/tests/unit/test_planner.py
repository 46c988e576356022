"""What any plan must hold to, whatever the cloud, and what is refused with a remedy."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import random
import subprocess
import sys
from typing import Any

import full_status
import knowledge
import planner
import pytest
import snapshot
import steps
from example_cloud import Example, at_release
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import request
from planning.outcome import Planned, Refused
from plans import KNOWN, TERMS, every, planned, refused

RELEASES = ("yoga", "zed", "2023.1", "2023.2")
SEEDS = st.integers(0, 2**32)


def application(unit: str) -> str:
    return unit.partition("/")[0]


# -- any cloud ------------------------------------------------------------------------------


@st.composite
def clouds(draw: st.DrawFn) -> Example:
    """At any release, in any shape, and left by another tool at any point."""
    release = draw(st.sampled_from(RELEASES))
    example = at_release(
        release,
        ha=draw(st.booleans()),
        ceph=draw(st.booleans()),
        hypervisors=draw(st.sampled_from([6, 9])),
        guests=draw(st.integers(0, 2)),
    )
    luck = random.Random(draw(SEEDS))  # noqa: S311
    target = KNOWN.releases[RELEASES.index(release) + 1]
    for name, facts in example.status["applications"].items():
        charm = facts["charm"].rpartition("/")[2].rpartition("-")[0]
        upgrade = KNOWN.upgrades.get(charm)
        if upgrade and upgrade.way == "managed" and upgrade.workload and luck.random() < 0.3:
            _take_some(example, name, charm, target, luck)
    return example


def _take_some(
    example: Example, name: str, charm: str, target: knowledge.Release, luck: random.Random
) -> None:
    if KNOWN.roles[KNOWN.charms[charm].role].hypervisor:
        return
    example.application(name)["charm-channel"] = f"{target.tracks['openstack'][0]}/stable"
    example.options[name]["openstack-origin"] = target.origins["ubuntu@22.04"][-1]
    workload = KNOWN.upgrades[charm].workload
    for unit, state in example.application(name)["units"].items():
        if luck.random() < 0.5 and workload:
            state["workload-version"] = f"{target.versions[workload]}.9"
        elif luck.random() < 0.2:
            example.pause(unit)


@settings(max_examples=25, deadline=None)
@given(clouds())
def test_a_plan_upgrades_every_unit_that_is_behind_once_and_no_other(example: Example) -> None:
    seen, plan = example.look(), planned(example)
    upgraded = [step.do.arguments["unit"] for step in every(plan, "upgrade-unit")]
    assert len(upgraded) == len(set(upgraded))
    for step in every(plan, "upgrade-unit"):
        unit = seen.unit(step.do.arguments["unit"])
        assert unit is not None
        assert not snapshot.at_least(unit.version, step.do.arguments["version"])


@settings(max_examples=25, deadline=None)
@given(clouds())
def test_one_unit_of_an_application_is_out_of_service_at_a_time(example: Example) -> None:
    for wave in planned(example).waves:
        if wave.name.startswith(("hypervisors", "first", "left")):
            continue
        out: dict[str, set[str]] = {}
        for step in wave.steps:
            unit = str(step.do.arguments.get("unit", ""))
            if step.do.kind == "pause-unit":
                out.setdefault(application(unit), set()).add(unit)
            elif step.do.kind == "resume-unit":
                out.get(application(unit), set()).discard(unit)
            assert all(len(units) <= 1 for units in out.values())
        assert not any(out.values()), "what is paused is resumed"


@settings(max_examples=25, deadline=None)
@given(clouds())
def test_the_leader_goes_first_and_its_agent_before_it(example: Example) -> None:
    seen = example.look()
    first: dict[str, str] = {}
    for step in every(planned(example), "upgrade-unit"):
        unit = step.do.arguments["unit"]
        first.setdefault(application(unit), unit)
    behind = {step.do.arguments["unit"] for step in every(planned(example), "upgrade-unit")}
    for name, unit in first.items():
        leader = next(u for u in seen.cloud.applications[name].units if u.leader)
        if name != "nova-compute" and leader.name in behind:
            assert unit == leader.name
    order = [step.id for step in every(planned(example))]
    for one in seen.cloud.applications.values():
        for agent in one.units:
            pause = f"{agent.name} pause"
            if agent.principal and pause in order and f"{agent.principal} pause" in order:
                principal = order.index(f"{agent.principal} pause")
                assert order.index(pause) < principal
                assert order.index(f"{agent.principal} resume") < order.index(
                    f"{agent.name} resume"
                )


@settings(max_examples=25, deadline=None)
@given(clouds())
def test_hypervisors_are_touched_only_while_they_are_proven_empty(example: Example) -> None:
    want = ["disable-host", "drain-host", "pause-unit", "upgrade-unit", "tell-version"]
    agents = ["run-action", "await-units"]
    back = ["resume-unit", "boot-canary", "remove-canary", "enable-host"]
    lanes: dict[str, list[str]] = {}
    for wave in planned(example).waves:
        if wave.name.startswith(("hypervisors", "first hypervisor")):
            for step in wave.steps:
                lanes.setdefault(step.lane, []).append(step.do.kind)
                if step.do.kind in ("pause-unit", "upgrade-unit", "run-action"):
                    assert [gate.kind for gate in step.gates] == ["empty"]
    assert lanes
    assert all(kinds in ([*want, *agents, *back], [*want, *back]) for kinds in lanes.values())


@settings(max_examples=25, deadline=None)
@given(clouds())
def test_the_order_is_the_fields(example: Example) -> None:
    """The control plane, hypervisors zone by zone, then OVN's and Neutron's centre and disks."""
    names = [wave.name for wave in planned(example).waves]
    hosts = [place for place, name in enumerate(names) if "hypervisor" in name]
    zones = [name.rpartition(" ")[2] for name in names if "hypervisor" in name]
    assert zones == sorted(zones)
    for name in ("ovn-central", "neutron-api", "ceph-osd"):
        if name in names:
            assert names.index(name) > max(hosts)
    for name in ("keystone", "glance", "cinder", "nova-cloud-controller", "ceph-mon"):
        if name in names:
            assert names.index(name) < min(hosts)


@settings(max_examples=25, deadline=None)
@given(clouds())
def test_agents_that_are_held_are_released_in_the_same_wave(example: Example) -> None:
    for wave in planned(example).waves:
        held: set[str] = set()
        for step in wave.steps:
            if step.do.kind == "hold-agent":
                held.add(step.do.arguments["unit"])
            elif step.do.kind == "release-agent":
                held.remove(step.do.arguments["unit"])
        assert not held


@settings(max_examples=20, deadline=None)
@given(clouds(), SEEDS)
def test_the_plan_is_the_same_whatever_the_order_of_the_input(example: Example, seed: int) -> None:
    luck = random.Random(seed)  # noqa: S311
    other = dataclasses.replace(example, status=shuffled(example.status, luck))
    assert example.nova is not None
    nova = example.nova
    other.nova = snapshot.Nova(
        tuple(luck.sample(nova.services, len(nova.services))),
        nova.hypervisors[::-1],
        tuple(luck.sample(nova.guests, len(nova.guests))),
        (),
        nova.room[::-1],
    )
    assert planned(other).to_json() == planned(example).to_json()


def shuffled(value: Any, luck: random.Random) -> Any:
    if isinstance(value, dict):
        keys = luck.sample(list(value), len(value))
        return {key: shuffled(value[key], luck) for key in keys}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [shuffled(item, luck) for item in luck.sample(value, len(value))]
    return value


def test_the_plan_is_the_same_whatever_the_hash_seed() -> None:
    here = pathlib.Path(__file__).parent
    code = (
        "import example_cloud, knowledge, planner; from planning import request\n"
        "seen = example_cloud.at_release('2023.2', hypervisors=9).look()\n"
        "print(planner.plan(seen, request.Release(), request.Terms(), knowledge.load()).plan.hash)"
    )
    paths = [str(here), str(here.parents[1] / "src"), *sys.path]
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(hashes) == 1


# -- refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request.Release("2024.1"), "release: zed to 2024.1 leaves out 2023.1"),
        (request.Release("2042.1"), "release: 2042.1 is not known"),
        (request.Release("yoga"), "release: the cloud runs zed already"),
        (request.Restart(("swift",)), "swift: is no application of OpenStack in this model"),
        (request.Drain(("node-999",)), "compute node-999: is no hypervisor of this model"),
        (request.Drain(("node-6", "node-7")), "hosts: the hosts are in az1, az2: one zone at a"),
        (request.ScaleOut(count=1), "pool: is not known: node-pool is not related"),
        (request.ScaleOut(), "hypervisors: all are in service already"),
        (request.ScaleIn(("keystone/0",)), "keystone/0: is no hypervisor that Nova knows"),
        (request.Refresh(revision=7), "revision: is of one application's charm"),
        (request.Refresh(), "refresh: nothing is left to do"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(asked: request.Request, reason: str) -> None:
    assert any(found.startswith(reason) for found in refused(at_release("zed"), asked))


def test_without_nova_no_hypervisor_is_planned() -> None:
    example = at_release("zed")
    example.nova = None
    assert "nova: it cannot be read, so that no guest can be protected" in refused(example)


def test_a_guest_that_cannot_move_needs_the_operators_word() -> None:
    example = at_release("zed")
    assert example.nova is not None
    why = "it has a GPU"
    guests = [dataclasses.replace(g, movable="cold", why=why) for g in example.nova.guests[:1]]
    example.nova = dataclasses.replace(example.nova, guests=(*guests, *example.nova.guests[1:]))
    stuck = guests[0]
    assert any(
        f"guest {stuck.name} ({stuck.id})" in text and why in text for text in refused(example)
    )
    plan = planned(example, words={stuck.id: "cold"})
    drains = {s.do.arguments["host"]: s.do.arguments for s in every(plan, "drain-host")}
    assert drains[stuck.host]["words"] == {stuck.id: "cold"}
    assert planned(example, cannot="cold").hash != plan.hash


def test_a_hypervisor_ahead_of_the_control_plane_is_refused() -> None:
    example = at_release("zed")
    example.unit("nova-compute/0")["workload-version"] = "27.0.0"
    assert "nova-compute/0: runs 2023.1, ahead of the control plane" in refused(example)


def test_swift_is_refused_unless_it_is_left_out() -> None:
    example = at_release("zed")
    example.status["applications"]["swift"] = {
        **example.application("glance"),
        "charm": "ch:amd64/swift-proxy-100",
        "units": {},
    }
    assert any(text.startswith("swift: rings") for text in refused(example))
    assert planned(example, request.Release(skip=("swift",)))


@pytest.mark.parametrize(
    ("name", "option", "value", "problem"),
    [
        ("ovn-central", "enable-version-pinning", True, "pinned OVN agents"),
        ("ovn-central", "enable-auto-restarts", False, "restarts are put off"),
        ("nova-cloud-controller", "scheduler-default-filters", "A,AvailabilityZoneFilter", "Nova"),
    ],
)
def test_what_must_be_changed_before_is_told_with_its_option(
    name: str, option: str, value: object, problem: str
) -> None:
    example = at_release("2023.1")
    example.options[name][option] = value
    assert [text for text in refused(example) if text.startswith(f"{name}: {option}: {problem}")]
    example.options[name][option] = {"scheduler-default-filters": "A,B"}.get(option, not value)
    assert planned(example)


def test_an_ovn_that_is_too_old_is_refused() -> None:
    example = at_release("yoga")
    example.unit("ovn-central/1")["workload-version"] = "20.03.2"
    assert any(
        text.startswith("ovn-central: ovn-central/1 runs 20.03.2") for text in refused(example)
    )


def test_a_base_without_the_release_is_refused() -> None:
    example = at_release("2023.1")
    example.application("glance")["base"] = {"name": "ubuntu", "channel": "24.04/stable"}
    text = "glance: runs on ubuntu@24.04, which has no OpenStack 2023.2"
    assert text in refused(example)


def test_a_model_at_work_is_waited_for_and_a_lost_unit_is_named() -> None:
    example = at_release("zed")
    example.unit("glance/0")["agent-status"] = full_status.status("executing")
    example.unit("keystone/1")["agent-status"] = full_status.status("lost")
    assert refused(example) == [
        "keystone/1: its agent does not answer",
        "glance/0: its agent is at work",
    ]


def test_what_an_aborted_plan_left_held_or_paused_is_put_right_first() -> None:
    example = at_release("zed")
    for number in (0, 1):
        name = f"glance/{number}"
        example.unit(name)["agent-status"] = full_status.status("executing")
    example.pause("keystone/1")
    command = {"command": steps.HELD.format(seconds=60.0)}
    tasks = tuple(
        snapshot.Task(str(n), f"glance/{n}", "juju-exec", command, "running", 0.0) for n in (0, 1)
    )
    found = planner.plan(example.look(tasks=tasks), request.Release(), TERMS, KNOWN)
    assert isinstance(found, Planned)
    assert [wave.name for wave in found.plan.waves[:2]] == ["left paused", "left held"]
    kinds = [step.do.kind for step in found.plan.waves[1].steps]
    assert kinds == ["release-agent", "await-units"] * 2
    assert "glance/0: its agent was left held, and is released first" in found.notes
    other = planner.plan(example.look(), request.Release(), TERMS, KNOWN)
    assert isinstance(other, Refused), "an agent may be at work on something else"


def test_a_dead_compute_without_guests_is_removed_first() -> None:
    example = at_release("zed")
    assert example.nova is not None
    dead = dataclasses.replace(example.nova.services[0], host="gone-1", up=False)
    example.nova = dataclasses.replace(example.nova, services=(*example.nova.services, dead))
    plan = planned(example)
    assert [s.id for s in every(plan, "remove-compute-service")] == ["gone-1 remove service"]
    ghost = dataclasses.replace(example.nova.guests[0], id="ghost", host="gone-1")
    example.nova = dataclasses.replace(example.nova, guests=(*example.nova.guests, ghost))
    assert any("1 guests are recorded on it" in text for text in refused(example))


# -- what a plan is made of -----------------------------------------------------------------


def test_disks_are_upgraded_host_by_host_and_ceph_is_well_between_two() -> None:
    """The charm has each wait for the one before, by its host's name, but not for very long."""
    example = at_release("2023.2")
    machines = example.status["machines"]
    units = example.application("ceph-osd")["units"]
    names = {}
    for number, (unit, facts) in enumerate(sorted(units.items())):
        names[unit] = machines[facts["machine"]]["hostname"] = f"disks-{9 - number}"
    wave = next(wave for wave in planned(example).waves if wave.name == "ceph-osd")
    kinds = [step.do.kind for step in wave.steps]
    at_work = kinds[kinds.index("hold-agent") : kinds.index("unset-noout")]
    count = len(units)
    assert at_work == [
        *["hold-agent"] * count,
        "set-noout",
        "set-options",
        *["release-agent", "await-units"] * count,
    ]
    released = [s for s in wave.steps if s.do.kind == "release-agent"]
    hosts = [names[s.do.arguments["unit"]] for s in released]
    assert hosts == sorted(hosts)
    for step in released:
        (health,) = (gate for gate in step.gates if gate.kind == "ceph-health")
        assert health.arguments["allow"] == ["OSDMAP_FLAGS"]
    assert kinds[-1] == "require-osd-release"
    assert [gate.kind for gate in wave.steps[-1].gates] == ["versions-agree", "ceph-health"]
    (unset,) = (step for step in wave.steps if step.do.kind == "unset-noout")
    assert [gate.kind for gate in unset.gates] == ["ceph-health"], "no disk is given up"


@pytest.mark.parametrize("release", ["2023.2", "2024.1"])
def test_disks_that_an_aborted_plan_left_held_are_released_in_the_order_of_their_hosts(
    release: str,
) -> None:
    """Whatever of the cloud is of the next release already: disks are the last."""
    example = at_release(release)
    units = sorted(example.application("ceph-osd")["units"])
    for unit in units:
        example.application("ceph-osd")["units"][unit]["workload-version"] = "18.2.4"
    example.application("ceph-osd")["units"][units[0]]["workload-version"] = "19.2.0"
    tasks = []
    for number, unit in enumerate(units[:0:-1]):
        example.unit(unit)["agent-status"] = full_status.status("executing")
        command = {"command": steps.HELD.format(seconds=3600.0)}
        tasks.append(snapshot.Task(str(number), unit, "juju-exec", command, "running", 0.0))
    assert example.ceph
    flagged = {"health": "HEALTH_WARN", "checks": ("OSDMAP_FLAGS",), "flags": ("noout",)}
    example.ceph = (dataclasses.replace(example.ceph[0], **flagged),)
    found = planner.plan(example.look(tasks=tuple(tasks)), request.Release(), TERMS, KNOWN)
    assert isinstance(found, Planned), found
    left = next(wave for wave in found.plan.waves if wave.name == "left held")
    released = [s.do.arguments["unit"] for s in left.steps if s.do.kind == "release-agent"]
    assert released == units[1:]
    assert left.steps[-1].do == steps.unset_noout("ceph-mon")
    (other,) = (r for r in refused(example) if "noout" in r)
    assert other == "ceph-mon: noout is set", "where nobody holds a disk somebody else set it"


def test_osds_are_required_to_be_of_their_release_where_an_earlier_upgrade_left_it_out() -> None:
    example = at_release("2023.2")
    assert example.ceph
    told = {"health": "HEALTH_WARN", "checks": ("OSD_UPGRADE_FINISHED",)}
    example.ceph = (dataclasses.replace(example.ceph[0], required_release="quincy", **told),)
    first = next(w for w in planned(example).waves if w.name == "ceph-mon").steps[0]
    assert first.do == steps.require_osd_release("ceph-mon", "reef")
    (health,) = (gate for gate in first.gates if gate.kind == "ceph-health")
    assert health.arguments["allow"] == ["OSD_UPGRADE_FINISHED"], "which it cures"


def test_what_was_left_out_of_the_newest_release_is_made_good_by_asking_for_a_release() -> None:
    example = at_release("2024.1")
    assert any("the newest that is known" in text for text in refused(example))
    assert example.ceph
    told = {"health": "HEALTH_WARN", "checks": ("OSD_UPGRADE_FINISHED",)}
    example.ceph = (dataclasses.replace(example.ceph[0], required_release="quincy", **told),)
    wave = planned(example).waves[-1]
    assert [step.do.kind for step in wave.steps] == ["require-osd-release"]


def test_gates_bar_the_way_down_and_never_the_way_back() -> None:
    example = at_release("2023.2")
    window = request.Window("0 22 * * *", 4, "UTC")
    probe = (snapshot.Probed("keystone", 1, 0, 0.0, answered=True),)
    terms = dataclasses.replace(TERMS, window=window)
    found = planner.plan(example.look(probe=probe), request.Release(), terms, KNOWN)
    assert isinstance(found, Planned)
    for step in every(found.plan, "resume-unit", "enable-host", "remove-canary"):
        assert not step.gates
    for step in every(found.plan, "disable-host", "drain-host"):
        assert "api-probe" in {gate.kind for gate in step.gates}
    for wave in found.plan.waves:
        first = wave.steps[0]
        kinds = {gate.kind for gate in first.gates}
        assert wave.name == "soak" or wave.name.endswith(" as a whole") or "window" in kinds


def test_what_is_begun_in_a_window_does_not_wait_for_the_next_one() -> None:
    """Agents that are held, a host that is out, Ceph without rebalancing: none for a whole day."""
    window = request.Window("0 22 * * *", 4, "UTC")
    for wave in planned(at_release("2023.2"), window=window).waves:
        open_: set[str] = set()
        for step in wave.steps:
            kind, asked = step.do.kind, step.do.arguments
            if "window" in {gate.kind for gate in step.gates}:
                assert not open_ or wave.name.startswith("hypervisors")
            if kind in ("hold-agent", "set-noout", "pause-unit"):
                open_.add(str(asked.get("unit", "noout")))
            elif kind in ("release-agent", "unset-noout", "resume-unit"):
                open_.discard(str(asked.get("unit", "noout")))
        assert not open_
    hosts = every(planned(at_release("2023.2"), window=window), "drain-host", "pause-unit")
    assert all(
        "window" not in {gate.kind for gate in step.gates}
        for step in hosts
        if step.lane.startswith("node-")
    )


def test_what_an_operator_disabled_stays_disabled() -> None:
    example = at_release("zed")
    assert example.nova is not None
    first = dataclasses.replace(example.nova.services[0], enabled=False, disabled_reason="Ann")
    example.nova = dataclasses.replace(example.nova, services=(first, *example.nova.services[1:]))
    example.nova = dataclasses.replace(
        example.nova, guests=tuple(g for g in example.nova.guests if g.host != "node-103")
    )
    plan = planned(example)
    assert first.host not in {s.do.arguments["host"] for s in every(plan, "enable-host")}
    assert first.host in {s.do.arguments["host"] for s in every(plan, "drain-host")}
