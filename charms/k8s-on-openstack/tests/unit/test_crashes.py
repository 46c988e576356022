"""Whatever is killed, and whenever: a cluster is made once, mended, grown and taken away once."""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import life
import observation
import pytest
import record as records
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan
from cluster import Cluster
from hypothesis import given, settings
from hypothesis import strategies as st
from ownership import Claim, Resource, owned, unmarked
from record import Record, State
from world import Application, Fetched, Model, Unit, World

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
)
FOREIGN = Resource("volume", "v-foreign", "somebody's")


class Crash(Exception):
    """The unit was killed."""


class Cloud:
    """Juju and a project, as far as the plan sees them. Everything is done at once but units."""

    def __init__(self) -> None:
        self.cloud = self.credential = self.network = False
        self.model: dict[str, dict[str, Any]] | None = None
        self.relations: set[frozenset[str]] = set()
        self.fetched = "none"
        self.dying = False
        self.resources = {FOREIGN.id: FOREIGN}
        self.effects: Counter[str] = Counter()

    def look(self, *, kept: bool, record: Record) -> World:
        presence = {True: "current", False: "absent"}
        resources = tuple(self.resources.values())
        claim = Claim(CLUSTER.owner, record.model)
        return World(
            cloud=presence[self.cloud],  # type: ignore[arg-type]
            credential=presence[self.credential],  # type: ignore[arg-type]
            model="absent" if self.model is None else self._model(),
            network=presence[self.network],  # type: ignore[arg-type]
            fetched=None if self.model is None else Fetched(self.fetched),  # type: ignore[arg-type]
            kept=kept,
            resources=resources,
            owned=owned(resources, claim),
            unmarked=unmarked(resources, claim),
        )

    def _model(self) -> Model:
        assert self.model is not None
        return Model(
            "uuid",
            dying=self.dying,
            applications={
                name: Application(
                    {
                        f"{name}/{number}": Unit("active", leader=number == 0)
                        for number in range(described["units"] or 1)
                    },
                    options=described["options"],
                    constraints=described["constraints"],
                    exposed=described["exposed"],
                )
                for name, described in self.model.items()
            },
            relations=frozenset(self.relations),
        )

    def perform(self, request: rolling.Request) -> None:
        kind, arguments = request.step.do.kind, request.step.do.arguments
        self.effects[f"{kind} {arguments.get('name', '')}".strip()] += 1
        does: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "network": self._make_network,
            "cloud": lambda _: setattr(self, "cloud", True),
            "credential": lambda _: setattr(self, "credential", True),
            "model": lambda _: setattr(self, "model", {}),
            "application": self._deploy,
            "relation": lambda ends: self.relations.add(frozenset((ends["one"], ends["other"]))),
            "kubeconfig": lambda _: setattr(self, "fetched", "completed"),
            "mark": self._mark,
            "destroy-model": lambda _: setattr(self, "dying", True),
            "remove-credential": lambda _: setattr(self, "credential", False),
            "remove-cloud": lambda _: setattr(self, "cloud", False),
            "sweep": self._sweep,
        }
        does[kind](arguments)

    def _make_network(self, arguments: Mapping[str, Any]) -> None:
        assert not self.network, "a second network"
        self.network = True
        tags = frozenset({arguments["tag"]})
        self.resources["net"] = Resource("network", "net", tags=tags)

    def _deploy(self, arguments: Mapping[str, Any]) -> None:
        assert self.model is not None
        self.model[arguments["name"]] = json.loads(json.dumps(arguments))

    def _mark(self, _: Mapping[str, Any]) -> None:
        for id_ in unmarked(self.resources.values(), Claim(CLUSTER.owner, "uuid")):
            found = self.resources[id_]
            metadata = {**found.metadata, "k8s-cluster": CLUSTER.owner}
            self.resources[id_] = dataclasses.replace(found, metadata=metadata)

    def _sweep(self, _: Mapping[str, Any]) -> None:
        for one in owned(self.resources.values(), Claim(CLUSTER.owner, "uuid")):
            del self.resources[one.id]
        self.network = False

    def pass_time(self) -> None:
        if self.dying:
            self.model, self.dying = None, False
            self.resources.pop("server", None)


@dataclasses.dataclass
class Life:
    """One unit's hooks, each of which may be killed before anything of it is persisted."""

    cloud: Cloud = dataclasses.field(default_factory=Cloud)
    cluster: Cluster = CLUSTER
    persisted: tuple[str, str] = ("", "")
    now: float = 0.0

    @property
    def state(self) -> State:
        journal = self.persisted[1]
        return State(
            records.from_json(self.persisted[0]),
            rolling.Journal.from_json(journal) if journal else None,
        )

    def hook(self, die: Callable[[], bool] = lambda: False) -> bool:
        """One hook; whether the plan is done after it."""
        self.now += 61.0
        self.cloud.pass_time()
        try:
            state, plan = self._tend(die)
            if die():
                raise Crash
        except Crash:
            return False
        assert state.journal is not None
        self.persisted = (state.record.to_json(), state.journal.to_json())
        return rolling.phase(plan, state.journal) == "done"

    def _tend(self, die: Callable[[], bool]) -> tuple[State, Plan]:
        state = self.state
        served = state.record.served
        world = self.cloud.look(kept=served is not None, record=state.record)
        record = life.noted(state.record, self.cluster, world)
        wanted = life.wanted_plan(self.cluster, record)
        journal = life.journal_for(wanted, state.journal, world)
        steps = observation.observe((step for wave in wanted.waves for step in wave.steps), world)
        gates = {gate.key: "" for wave in wanted.waves for gate in wave.gates}
        seen = rolling.Seen(steps, gates)
        journal, requests = rolling.advance(wanted, journal, seen, now=self.now, holder="edge/0")
        for request in requests:
            if die():
                raise Crash
            self.cloud.perform(request)
        if world.fetched and world.fetched.state == "completed" and record.served is None:
            served = records.Served("uuid", "secret:1", "https://10.0.0.1:443", "PEM")
            record = dataclasses.replace(record, served=served)
        return State(record, journal), wanted

    def until_done(self, die: Callable[[], bool] = lambda: False) -> int:
        """Hooks until the plan is done; how many of them."""
        for hooks in range(1, 2000):
            if self.hook(die):
                return hooks
        pytest.fail(f"the plan did not end: {self.state.journal}")

    def until_settled(self, die: Callable[[], bool]) -> None:
        """Hooks until the plan is done and stays so: drift is seen in the look after."""
        self.until_done(die)
        self.until_done(die)

    def change(self, **changes: Any) -> None:
        record = dataclasses.replace(self.state.record, **changes)
        self.persisted = (record.to_json(), self.persisted[1])


def made() -> Life:
    lived = Life()
    lived.until_done()
    return lived


def dying_once(at: int) -> Callable[[], bool]:
    """Kills the unit at its nth chance to die, and never again."""
    chances = iter(range(10**9))
    return lambda: next(chances) == at


def ending(cloud: Cloud) -> tuple[Any, ...]:
    return cloud.cloud, cloud.credential, cloud.model, cloud.relations, set(cloud.resources)


def test_a_cluster_is_made_from_nothing_and_each_thing_is_asked_for_once() -> None:
    lived = made()
    counts = {count for what, count in lived.cloud.effects.items() if what != "relation"}
    assert counts == {1}
    assert lived.cloud.effects["relation"] == 20
    assert lived.state.record.served is not None


def scaled() -> Life:
    lived = made()
    lived.change(workers=(5, 2))
    return lived


def damaged() -> Life:
    lived = made()
    assert lived.cloud.model is not None
    lived.cloud.model["kubernetes-worker"]["units"] = 1
    lived.cloud.model["cinder-csi"]["options"]["storage-class-default"] = False
    lived.cloud.credential = False
    lived.cloud.relations.pop()
    return lived


def to_be_deleted() -> Life:
    lived = made()
    server = Resource("server", "server", metadata={"juju-model-uuid": "uuid"})
    csi = {"cinder.csi.openstack.org/cluster": "kubernetes-1"}
    volume = Resource("volume", "v1", metadata=csi, of=("server",))
    lived.cloud.resources.update({"server": server, "v1": volume})
    lived.change(intent="deleted")
    return lived


def interrupted() -> Life:
    """Its credential is replaced while it is half made."""
    lived = Life()
    while not (lived.cloud.model and lived.cloud.relations):
        assert not lived.hook()
    lived.cloud.credential = False
    return lived


@pytest.mark.parametrize(
    "begin", [Life, scaled, damaged, to_be_deleted, interrupted], ids=lambda begin: begin.__name__
)
def test_killed_at_any_point_of_its_life_it_ends_the_same(begin: Callable[[], Life]) -> None:
    lived, chances = begin(), 0

    def count() -> bool:
        nonlocal chances
        chances += 1
        return False

    lived.until_settled(count)
    whole, usual = ending(lived.cloud), lived.cloud.effects
    assert chances > 5
    for at in range(chances):
        lived = begin()
        lived.until_settled(dying_once(at))
        assert ending(lived.cloud) == whole, f"killed at chance {at}"
        effects = lived.cloud.effects
        # What cannot be repeated without harm is done once. The rest is asked for again where
        # the unit died between the request and its record.
        for kind in ("network edge", "model k8s-edge", "destroy-model k8s-edge"):
            assert effects[kind] == usual[kind]
        assert (effects - usual).total() <= len(whole[3]) + len(whole[2] or ()) + 2


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.3, 0.6]))
def test_killed_again_and_again_it_is_made_and_taken_away_the_same(
    seed: int, chance: float
) -> None:
    luck = random.Random(seed)  # noqa: S311
    lived = Life()
    lived.until_done(lambda: luck.random() < chance)
    assert ending(lived.cloud) == ending(made().cloud)
    lived.change(intent="deleted")
    lived.until_done(lambda: luck.random() < chance)
    assert ending(lived.cloud)[:3] == (False, False, None)
    assert set(lived.cloud.resources) == {FOREIGN.id}


def test_a_cluster_that_is_well_is_left_alone() -> None:
    lived = made()
    before = lived.cloud.effects.copy()
    for _ in range(5):
        assert lived.hook()
    assert lived.cloud.effects == before


def test_drift_is_repaired_and_nothing_else_is_touched() -> None:
    lived = made()
    before = lived.cloud.effects.copy()
    assert lived.cloud.model is not None
    lived.cloud.model["kubernetes-worker"]["units"] = 1
    lived.cloud.model["cinder-csi"]["options"]["storage-class-default"] = False
    lived.cloud.relations.pop()
    lived.until_done()
    lived.until_done()
    assert lived.cloud.model["kubernetes-worker"]["units"] == 2
    assert lived.cloud.model["cinder-csi"]["options"]["storage-class-default"] is True
    repaired = lived.cloud.effects - before
    assert set(repaired) == {
        "application kubernetes-worker",
        "application cinder-csi",
        "relation",
    }


def test_workers_asked_for_by_the_action_hold_until_the_option_changes() -> None:
    lived = made()
    lived.change(workers=(5, 2))
    lived.until_done()
    assert lived.cloud.model is not None
    assert lived.cloud.model["kubernetes-worker"]["units"] == 5
    lived.cluster = dataclasses.replace(CLUSTER, workers=3)
    lived.until_done()
    assert lived.cloud.model["kubernetes-worker"]["units"] == 3
    lived.cluster = CLUSTER
    lived.until_done()
    assert lived.cloud.model["kubernetes-worker"]["units"] == 2, "the option counts from then on"


def test_a_deletion_takes_the_volumes_of_the_csi_driver_and_leaves_what_is_foreign() -> None:
    lived = made()
    csi = {"cinder.csi.openstack.org/cluster": "kubernetes-1"}
    lived.cloud.resources.update(
        {
            "server": Resource("server", "server", metadata={"juju-model-uuid": "uuid"}),
            "v1": Resource("volume", "v1", metadata=csi, of=("server",)),
            "v2": Resource("volume", "v2", metadata=csi),
            "borrowed": Resource("volume", "borrowed", of=("server",)),
            "v3": Resource(
                "volume", "v3", metadata={"cinder.csi.openstack.org/cluster": "kubernetes-2"}
            ),
        }
    )
    lived.change(intent="deleted")
    lived.until_done()
    assert set(lived.cloud.resources) == {FOREIGN.id, "borrowed", "v3"}


def test_a_model_that_was_destroyed_behind_its_back_is_told_and_not_made_anew() -> None:
    lived = made()
    lived.cloud.model = None
    record = lived.state.record
    told = life.problem(CLUSTER, record, lived.cloud.look(kept=True, record=record))
    assert told is not None
    assert told.severity == "blocked"
    assert "the Juju model k8s-edge is gone, and the cluster with it: run resume" in told.message


def test_options_that_ask_for_another_cluster_are_refused_while_this_one_lives() -> None:
    record = made().state.record
    other = dataclasses.replace(CLUSTER, cni="cilium")
    told = life.problem(other, record, World())
    assert told is not None
    assert told.message == (
        "cni is 'cilium', but cluster edge was made with 'calico': set it back, "
        "or run delete-cluster first"
    )


def test_two_clusters_of_the_same_name_are_told_apart() -> None:
    taken = World(taken="the Juju model k8s-edge is not this application's")
    told = life.problem(CLUSTER, Record(), taken)
    assert told is not None
    assert "two clusters of the same name" in told.message
    assert (
        observation.observe(
            life.wanted_plan(CLUSTER, Record(intent="deleted")).waves[1].steps, taken
        )["model"].state
        == "done"
    ), "it is not ours to destroy"
