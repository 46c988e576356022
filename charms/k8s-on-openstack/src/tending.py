"""One short step in a cluster's life: look, think, and do what the plan asks for now."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

import juju_api
import life
import observation
import openstack_api
import ownership
import preflight
import record as records
from bundle import parse, render
from charms.openstack_coordinator.v0 import juju_session, rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan
from cluster import Cluster
from ground import Ground
from record import Record, State
from world import Model, World

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one look led to."""

    state: State
    cluster: Cluster
    world: World
    told: life.Told
    busy: bool
    """The plan is not at its end: look again soon."""


async def tend(
    ground: Ground, cluster: Cluster, state: State, *, now: float, holder: str
) -> Outcome:
    """Look at the cluster, and take the plan one step further.

    Args:
        ground: how to reach everything.
        cluster: what the options ask for.
        state: as it was persisted.
        now: seconds since the epoch.
        holder: this unit; it must lead.

    Raises:
        juju_session.JujuApiError, openstack_api.OpenStackError: there was nothing to see.
    """
    with openstack_api.project(ground.access) as project:
        async with juju_api.juju(ground.login, ground.place) as juju:
            world = _with_project(await juju.look(), project, cluster, state.record)
            record = life.noted(state.record, cluster, world)
            world = dataclasses.replace(world, kept=record.serves is not None)
            stuck = life.problem(cluster, record, world)
            wanted = life.wanted_plan(cluster, record)
            journal = life.journal_for(wanted, state.journal, world)
            if stuck is not None:
                return Outcome(State(record, state.journal), cluster, world, stuck, busy=False)
            world = _with_shortages(wanted, journal, world, project, cluster, record)
            seen = _seen(wanted, journal, world)
            journal, requests = rolling.advance(wanted, journal, seen, now=now, holder=holder)
            hands = _Hands(juju, project, cluster, world)
            refused = await hands.perform(requests)
    done = rolling.phase(wanted, journal) == "done"
    if done and record.intent == "deleted":
        left = ownership.foreign(world.resources or (), _claim(cluster, record))
        record = dataclasses.replace(record, foreign=tuple(map(str, left)))
    told = life.tell(cluster, record, wanted, journal, world)
    if refused and told.severity == "maintenance":
        told = life.Told("maintenance", f"{told.message}: {refused}, tries again")
    busy = not done and rolling.phase(wanted, journal) not in ("held", "waiting")
    return Outcome(State(record, journal), cluster, world, told, busy)


def check(ground: Ground, cluster: Cluster, record: Record) -> tuple[preflight.Shortage, ...]:
    """What the project lacks for the cluster.

    Raises:
        openstack_api.OpenStackError: there was nothing to see.
    """
    with openstack_api.project(ground.access) as project:
        return _shortages(project, cluster, record)


def _shortages(
    project: openstack_api.Project, cluster: Cluster, record: Record
) -> tuple[preflight.Shortage, ...]:
    whole = records.with_workers(cluster, record)
    facts = project.facts(_claim(cluster, record), cluster.tag)
    return preflight.check(whole, parse(render(whole)), facts)


def _claim(cluster: Cluster, record: Record) -> ownership.Claim:
    return ownership.Claim(cluster.owner, record.model)


def _with_project(
    world: World, project: openstack_api.Project, cluster: Cluster, record: Record
) -> World:
    if record.intent == "present":
        has_model = isinstance(world.model, Model)
        return dataclasses.replace(
            world,
            network=project.network(cluster.tag)[0],
            servers=project.servers(_claim(cluster, record)) if has_model else None,
        )
    resources, claim = project.resources(), _claim(cluster, record)
    return dataclasses.replace(
        world,
        resources=resources,
        owned=ownership.owned(resources, claim),
        unmarked=ownership.unmarked(resources, claim),
    )


def _with_shortages(
    wanted: Plan,
    journal: rolling.Journal,
    world: World,
    project: openstack_api.Project,
    cluster: Cluster,
    record: Record,
) -> World:
    """The world with what the project lacks, where something is to be begun that takes of it."""
    wave = rolling.current_wave(wanted, journal)
    if wave is None or not wave.gates:
        return world
    begun = [journal.records[step.id] for step in wave.steps if step.id in journal.records]
    if any(one.attempt and one.state in ("requested", "done") for one in begun):
        # It guards the beginning: what was begun takes of the quota that it looked at.
        return world
    if not observation.takes_room(wave.steps, world):
        return world
    return dataclasses.replace(world, shortages=_shortages(project, cluster, record))


def _seen(wanted: Plan, journal: rolling.Journal, world: World) -> rolling.Seen:
    wave = rolling.current_wave(wanted, journal)
    if wave is None:
        return rolling.Seen()
    closed = "; ".join(map(str, world.shortages))
    steps = observation.observe(wave.steps, world)
    return rolling.Seen(steps, {gate.key: closed for gate in wave.gates})


class _Hands:
    """Performs requests of the plan, each of which may be performed again."""

    def __init__(
        self,
        juju: juju_api.Juju,
        project: openstack_api.Project,
        cluster: Cluster,
        world: World,
    ) -> None:
        self._juju = juju
        self._project = project
        self._cluster = cluster
        self._world = world

    async def perform(self, requests: Sequence[rolling.Request]) -> str:
        """Perform each; returns why the first refused one was, or nothing.

        A request that failed is seen to have had no effect, and is repeated by the plan's rules.
        """
        refused = ""
        for request in requests:
            kind, arguments = request.step.do.kind, request.step.do.arguments
            logger.info("%s, attempt %d", request.step.id, request.attempt)
            try:
                await self._do(kind, dict(arguments))
            except (juju_session.JujuApiError, openstack_api.OpenStackError) as error:
                logger.warning("%s: %s", request.step.id, error)
                refused = refused or f"{request.step.id}: {error}"
        return refused

    async def _do(self, kind: str, arguments: dict[str, Any]) -> None:
        model = self._world.model
        if kind in ("network", "mark", "sweep"):
            self._do_in_project(kind, arguments)
        elif kind == "model":
            await self._make_model(arguments)
        elif isinstance(model, Model):
            await self._do_in_model(kind, arguments, model)
        else:
            await self._do_in_controller(kind)

    def _do_in_project(self, kind: str, arguments: dict[str, Any]) -> None:
        if kind == "network":
            name, tag, external = arguments["name"], arguments["tag"], arguments["external"]
            self._project.ensure_network(name, tag, external)
        elif kind == "mark":
            self._project.mark(self._world.unmarked or (), self._cluster.owner)
        else:
            self._project.delete(one for one in self._world.owned or () if not one.going)

    async def _make_model(self, arguments: dict[str, Any]) -> None:
        _, network = self._project.network(self._cluster.tag)
        external = self._project.external_network(arguments["external"])
        await self._juju.create_model(network, external)

    async def _do_in_controller(self, kind: str) -> None:
        does = {
            "cloud": self._juju.ensure_cloud,
            "credential": self._juju.ensure_credential,
            "remove-credential": self._juju.remove_credential,
            "remove-cloud": self._juju.remove_cloud,
        }
        await does[kind]()

    async def _do_in_model(self, kind: str, arguments: dict[str, Any], model: Model) -> None:
        if kind == "application":
            await self._juju.ensure_application(model, arguments)
        elif kind == "relation":
            await self._juju.relate(model, arguments["one"], arguments["other"])
        elif kind == "settled":
            await self._juju.retry_provisioning(model)
        elif kind == "kubeconfig":
            unit = observation.leader(self._world, arguments["application"])
            if unit is not None:
                await self._juju.fetch_kubeconfig(model, unit)
        elif kind == "destroy-model":
            await self._juju.destroy_model(model.uuid)
        else:
            await self._do_in_controller(kind)
