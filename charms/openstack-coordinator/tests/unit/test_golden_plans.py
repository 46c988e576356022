"""Plans for whole clouds, written out and reviewed line by line: none changes unnoticed.

After a change that is meant, write them anew and review the difference:

    REWRITE_GOLDEN=1 pytest charms/openstack-coordinator/tests/unit/test_golden_plans.py
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import Any

import full_status
import knowledge
import plan_view
import planner
import pytest
import snapshot
import yaml
from example_cloud import Example, at_release
from planning import request
from planning.outcome import Refused

FOLDER = pathlib.Path(__file__).with_name("golden")
TERMS = request.Terms()

Case = tuple[Example, request.Request, request.Terms]


def yoga_to_zed() -> Case:
    """One unit of each API, with Ceph."""
    return at_release("yoga", ha=False), request.Release(), TERMS


def zed_to_2023_1() -> Case:
    """One unit of each API, without Ceph, the release named."""
    return at_release("zed", ha=False, ceph=False), request.Release("2023.1"), TERMS


def antelope_to_bobcat() -> Case:
    """Vault still follows a track that was given up, and the cloud has no Ceph."""
    example = at_release("2023.1", ha=True, ceph=False)
    example.application("vault")["charm-channel"] = "1.7/stable"
    return example, request.Release(), TERMS


def bobcat_to_caracal() -> Case:
    """High availability, six hypervisors, two at a time, in a window, machines' packages too.

    The last unit of Keystone leads, its cluster agents have other numbers than their units, and
    where its packages come from is left to the default of its charm.
    """
    example = at_release("2023.2")
    units = example.application("keystone")["units"]
    agents = [unit["subordinates"] for unit in units.values()]
    for (name, unit), beside in zip(units.items(), reversed(agents), strict=True):
        unit.update(leader=name == "keystone/2", subordinates=beside)
    example.options["keystone"]["openstack-origin"] = "bobcat"
    window = request.Window("0 22 * * 1-5", 6.0, "Europe/Rome")
    terms = dataclasses.replace(TERMS, window=window, max_unavailable=2)
    return example, request.Release(packages=True, unattended=True), terms


def mixed_revisions() -> Case:
    """Charms behind the head of their channel, one application ahead already, an agent on a track
    that was given up, and one that follows candidates."""
    example = at_release("2023.2", ha=True, ceph=False)
    example.application("nova-hacluster")["charm-channel"] = "2.0.3/stable"
    example.application("cinder")["charm-channel"] = "2023.2/candidate"
    for name in ("keystone", "mysql-innodb-cluster", "keystone-mysql-router"):
        charm = example.application(name)["charm"].rpartition("-")[0]
        example.application(name)["can-upgrade-to"] = f"{charm}-707"
    _upgraded(example, "glance", "28.0.1", "2024.1/stable")
    return example, request.Release(), TERMS


def half_finished() -> Case:
    """Another tool took the control plane, stopped in the midst of Nova's API, and left a unit
    and its agent paused, and a hypervisor disabled by hand."""
    example = at_release("2023.2", ha=True, ceph=False, hypervisors=9)
    for name, version in (
        ("keystone", "25.0.0"),
        ("cinder", "24.0.0"),
        ("glance", "28.0.1"),
        ("placement", "11.0.0"),
    ):
        _upgraded(example, name, version, "2024.1/stable")
    nova = example.application("nova-cloud-controller")
    nova["charm-channel"] = "2024.1/stable"
    example.options["nova-cloud-controller"].update(
        {"openstack-origin": "cloud:jammy-caracal", "action-managed-upgrade": True}
    )
    for unit in ("nova-cloud-controller/0", "nova-cloud-controller/1"):
        nova["units"][unit]["workload-version"] = "29.2.0"
    example.pause("nova-cloud-controller/1")
    example.pause("nova-hacluster/1")
    assert example.nova is not None
    services = list(example.nova.services)
    services[0] = dataclasses.replace(services[0], enabled=False, disabled_reason="disk swap, Ann")
    example.nova = dataclasses.replace(example.nova, services=tuple(services))
    return example, request.Release(), TERMS


def broken_units() -> Case:
    """All that speaks against an upgrade is told at once."""
    example = at_release("2023.1", ha=True, hypervisors=4, guests=3)
    failed = full_status.status("error", 'hook failed: "config-changed"')
    example.unit("glance/1")["workload-status"] = failed
    example.unit("vault/0")["workload-status"] = full_status.status("blocked", "Unit is sealed")
    example.unit("cinder/2")["agent-status"] = full_status.status("executing")
    filters = "AvailabilityZoneFilter,ComputeFilter"
    example.options["nova-cloud-controller"]["scheduler-default-filters"] = filters
    example.options["ovn-central"]["enable-auto-restarts"] = False
    example.options["nova-compute"]["enable-live-migration"] = False
    example.ceph = (
        snapshot.Ceph("ceph-mon", "HEALTH_WARN", ("OSD_DOWN", "OSDMAP_FLAGS"), ("noout",)),
    )
    assert example.nova is not None
    guests = list(example.nova.guests)
    why = "its disk is on the host and it has a GPU"
    guests[0] = dataclasses.replace(guests[0], movable="cold", why=why)
    room = tuple(dataclasses.replace(r, memory_mb=1024) for r in example.nova.room)
    example.nova = dataclasses.replace(example.nova, guests=tuple(guests), room=room)
    return example, request.Release(), TERMS


def colocated() -> Case:
    """Disks beside the hypervisors, and a part of the control plane on one of them."""
    example = at_release("2023.2", ha=False)
    computes = example.application("nova-compute")["units"].values()
    machines = [unit["machine"] for unit in computes]
    osds = example.application("ceph-osd")["units"].values()
    for unit, machine in zip(osds, machines, strict=False):
        unit["machine"] = machine
    example.unit("placement/0")["machine"] = f"{machines[0]}"
    return example, request.Release(), TERMS


def refresh_of_all() -> Case:
    """A newer revision of every charm, under high availability."""
    example = at_release("2024.1", ha=True)
    for application in example.status["applications"].values():
        if application["charm"].startswith("ch:"):
            charm = application["charm"].rpartition("-")[0]
            application["can-upgrade-to"] = f"{charm}-710"
    return example, request.Refresh(), TERMS


def all_in_one() -> Case:
    """The strategy that tests compare with: every unit of an application at once."""
    example = at_release("2023.2", ha=True, ceph=False)
    return example, request.Release(strategy="all-in-one", errands=()), TERMS


def maintenance() -> Case:
    """Two hypervisors out of service, with disks on one of them."""
    example = at_release("2024.1", ha=True, hypervisors=9)
    machine = example.unit("nova-compute/3")["machine"]
    example.unit("ceph-osd/0")["machine"] = machine
    hosts = [example.status["machines"][m]["hostname"] for m in (machine, "6")]
    return example, request.Drain(tuple(hosts)), TERMS


def growth() -> Case:
    """Three machines of the pool, for a cloud that has more hypervisors in one zone."""
    example = at_release("2024.1", ha=False, ceph=False, hypervisors=4)
    return example, request.ScaleOut(count=3), TERMS


def shrinking() -> Case:
    """One hypervisor less, its machine given back."""
    example = at_release("2024.1", ha=False, ceph=False)
    return example, request.ScaleIn(("nova-compute/5",)), TERMS


CASES: tuple[Callable[[], Case], ...] = (
    yoga_to_zed,
    zed_to_2023_1,
    antelope_to_bobcat,
    bobcat_to_caracal,
    mixed_revisions,
    half_finished,
    broken_units,
    colocated,
    refresh_of_all,
    all_in_one,
    maintenance,
    growth,
    shrinking,
)


def _upgraded(example: Example, name: str, version: str, channel: str) -> None:
    application = example.application(name)
    application["charm-channel"] = channel
    example.options[name]["openstack-origin"] = "cloud:jammy-caracal"
    for unit in application["units"].values():
        unit["workload-version"] = version


def _nodes() -> dict[str, snapshot.Node]:
    zones = ("az1", "az1", "az2", "az2", "az3", "az3")
    return {
        f"sys{n}": snapshot.Node(f"sys{n}", f"spare-{n}", zone, "compute", "ready")
        for n, zone in enumerate(zones)
    }


def _written(case: Callable[[], Case]) -> dict[str, Any]:
    example, asked, terms = case()
    nodes = _nodes() if isinstance(asked, request.ScaleOut) else None
    outcome = planner.plan(example.look(nodes=nodes), asked, terms, knowledge.load())
    if isinstance(outcome, Refused):
        return {"refused": [{str(r): r.remedy} for r in outcome.reasons]}
    return {
        "title": outcome.plan.title,
        "takes": plan_view.duration(outcome.seconds),
        "no way back from": outcome.no_return,
        "notes": list(outcome.notes),
        "waves": [
            {
                f"{wave.name}, {wave.parallel} at a time": [
                    plan_view.line(step) for step in wave.steps
                ]
            }
            for wave in outcome.plan.waves
        ],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_plan_is_the_one_that_was_reviewed(case: Callable[[], Case]) -> None:
    path = FOLDER / f"{case.__name__.replace('_', '-')}.yaml"
    written = _written(case)
    if os.environ.get("REWRITE_GOLDEN"):
        about = (case.__doc__ or case.__name__.replace("_", " ")).strip()
        comment = "\n".join(f"# {text.strip()}" for text in about.splitlines())
        path.parent.mkdir(exist_ok=True)
        text = yaml.safe_dump(written, sort_keys=False, width=200, allow_unicode=True)
        path.write_text(f"{comment}\n{text}", encoding="utf-8")
    assert written == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_every_golden_plan_has_a_case() -> None:
    names = {f"{case.__name__.replace('_', '-')}.yaml" for case in CASES}
    assert {path.name for path in FOLDER.glob("*.yaml")} == names
