"""What is seen of a cluster that is not as it is wanted, and what an operator is told of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import bundle
import juju_model
import life
import observation
import plan
import pytest
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Step
from cluster import Cluster
from preflight import Shortage
from record import Record
from world import Application, Model, Server, Unit, World

CLUSTER = Cluster(
    name="edge",
    owner="edge.8c1b5b0e",
    channel="1.32/stable",
    cni="calico",
    control_planes=1,
    workers=2,
    control_plane_flavour="m1.medium",
    worker_flavour="m1.large",
    services_flavour="m1.small",
    zones=("az1", "az2"),
)
PLAN = plan.create(CLUSTER, bundle.parse(bundle.render(CLUSTER)))
STEPS = {step.id: step for wave in PLAN.waves for step in wave.steps}
WORKERS = Application(
    {"kubernetes-worker/0": Unit("active"), "kubernetes-worker/1": Unit("active")},
    options=STEPS["kubernetes-worker"].do.arguments["options"],
    constraints={"instance-type": "m1.large", "zones": "az1,az2", "arch": "amd64"},
    exposed=True,
)


def seen(application: Application, step: Step = STEPS["kubernetes-worker"]) -> str:
    world = World(model=Model("uuid", applications={"kubernetes-worker": application}))
    return observation.observe([step], world)[step.id].reason


def test_constraints_of_machines_to_come_follow_the_options_and_leave_jujus_own_alone() -> None:
    assert seen(WORKERS) == ""
    small = {**WORKERS.constraints, "instance-type": "m1.small"}
    assert seen(dataclasses.replace(WORKERS, constraints=small)) == (
        "its machines to come have instance-type m1.small"
    )
    pinned = {**WORKERS.constraints, "image-id": "1f0c"}
    assert seen(dataclasses.replace(WORKERS, constraints=pinned)) == (
        "its machines to come have image-id 1f0c"
    )


def test_a_status_document_tells_constraints_as_text_and_which_server_a_machine_is() -> None:
    status: dict[str, Any] = {
        "model": {"name": "k8s-edge"},
        "applications": {"easyrsa": {"units": {}}},
        "machines": {
            "0": {"instance-id": "s0"},
            "1": {"instance-id": "pending"},
            "2": {"instance-id": "", "instance-status": {"status": "provisioning error"}},
        },
    }
    zoned = {"easyrsa": {"zones": ["az1", "az2"], "mem": 2048}}
    model = juju_model.from_full_status("uuid", status, {}, zoned)
    assert model.name == "k8s-edge"
    assert model.instances == {"0": "s0"}
    assert model.failed_machines == {"2": "provisioning error"}
    assert model.applications["easyrsa"].constraints == {"zones": "az1,az2", "mem": "2048"}


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ((Server("s0", "ACTIVE"),), []),
        ((Server("s0", "REBOOT"),), []),
        (
            (Server("s0", "ERROR", "No valid host was found"),),
            [
                "machine 0: its server s0 is ERROR (No valid host was found): mend it in Nova, or "
                "juju remove-machine -m k8s-edge 0 --force has another one made"
            ],
        ),
        (
            (Server("of another machine", "ACTIVE"),),
            [
                "machine 0: its server s0 is gone from Nova: "
                "juju remove-machine -m k8s-edge 0 --force has another one made"
            ],
        ),
        (None, []),
    ],
)
def test_a_server_that_does_not_run_is_told_with_what_to_do(
    servers: tuple[Server, ...] | None, told: list[str]
) -> None:
    model = Model("uuid", name="k8s-edge", instances={"0": "s0"})
    assert observation.unwell(World(model=model, servers=servers)) == told


def test_only_what_makes_machines_or_a_network_takes_room() -> None:
    steps = [STEPS["kubernetes-worker"]]

    def takes(application: Application | None) -> bool:
        applications = {"kubernetes-worker": application} if application else {}
        return observation.takes_room(steps, World(model=Model("uuid", applications=applications)))

    assert takes(None)
    assert not takes(dataclasses.replace(WORKERS, options={}))
    one = {"kubernetes-worker/0": Unit("active")}
    assert takes(dataclasses.replace(WORKERS, units=one))
    ground = [STEPS["network"], STEPS["credential"], STEPS["model"]]
    assert observation.takes_room(ground, World(network="absent"))
    assert not observation.takes_room(ground, World(network="current", model=Model("uuid")))


def test_a_preflight_that_only_waits_for_a_service_is_no_business_of_the_operators() -> None:
    down = Shortage("image", "does not answer: HTTP 503", "it is tried again", passing=True)
    quota = Shortage("quota of cores", "edge needs 4, 1 of 5 are free", "have it raised")
    journal = dataclasses.replace(
        rolling.begin(PLAN), closed={"preflight": rolling.Closed(0.0, "why")}
    )
    for shortages, severity in (((down,), "waiting"), ((down, quota), "blocked")):
        told = life.tell(CLUSTER, Record(), PLAN, journal, World(shortages=shortages))
        assert (told.severity, told.message) == (severity, "preflight: why")


def test_what_is_undone_in_the_middle_begins_the_plan_anew_unless_it_holds() -> None:
    done = rolling.Record("done", 0.0)
    journal = dataclasses.replace(rolling.begin(PLAN), records={"credential": done}, holder="e/0")
    world = World(cloud="current", credential="other", network="current", model=Model("uuid"))
    assert life.journal_for(PLAN, journal, world).records == {}
    assert life.journal_for(PLAN, journal, world).holder == "e/0"
    current = dataclasses.replace(world, credential="current")
    assert life.journal_for(PLAN, journal, current) == journal
    held = dataclasses.replace(journal, hold="kubeconfig: it failed")
    assert life.journal_for(PLAN, held, world) == held
