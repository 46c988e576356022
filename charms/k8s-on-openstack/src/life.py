"""The life of a cluster, one look at a time: which plan holds, and what is told of it. Pure."""

from __future__ import annotations

import dataclasses
import functools
from typing import Literal

import bundle
import observation
import plan
import record as records
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan, Wave
from cluster import Cluster
from record import Record
from world import Model, World

Severity = Literal["blocked", "waiting", "maintenance", "active"]


@dataclasses.dataclass(frozen=True)
class Told:
    """What the operator is told."""

    severity: Severity
    message: str


def wanted_plan(cluster: Cluster, record: Record) -> Plan:
    """The plan that leads to what the operator wants."""
    if record.intent == "deleted":
        return plan.delete(cluster)
    return _creation(records.with_workers(cluster, record))


@functools.lru_cache(maxsize=4)
def _creation(cluster: Cluster) -> Plan:
    return plan.create(cluster, bundle.parse(bundle.render(cluster)))


def problem(cluster: Cluster, record: Record, world: World) -> Told | None:
    """Why nothing may be done without the operator; None when something may."""
    if record.intent == "deleted":
        return None
    if world.taken:
        return Told(
            "blocked",
            f"{world.taken}: two clusters of the same name cannot live on one controller: "
            "deploy this one under another name",
        )
    if lost(record, world):
        return Told(
            "blocked",
            f"the Juju model {cluster.place} is gone, and the cluster with it: run resume to make "
            "a new one, or delete-cluster to clean up",
        )
    changed = records.unchangeable(cluster, record)
    return Told("blocked", changed) if changed else None


def lost(record: Record, world: World) -> bool:
    """Whether somebody destroyed the model behind the charm's back."""
    if not record.model or world.model is None:
        return False
    if isinstance(world.model, Model):
        return world.model.uuid != record.model or world.model.dying
    return True


def journal_for(wanted: Plan, journal: rolling.Journal | None, world: World) -> rolling.Journal:
    """The journal to go on with.

    Another plan begins anew, and so does one of which something was done and is not any more:
    every step checks before it does anything. Who leads, and since when, stays.
    """
    fresh = rolling.begin(wanted)
    if journal is None:
        return fresh
    fresh = dataclasses.replace(
        fresh, holder=journal.holder, term=journal.term, not_before=journal.not_before
    )
    if journal.plan != wanted.hash:
        return fresh
    if journal.hold:
        return journal
    undone = observation.drift(wanted, world)
    finished = (id_ for id_, one in journal.records.items() if one.finished)
    return journal if undone.keys().isdisjoint(finished) else fresh


def noted(record: Record, cluster: Cluster, world: World) -> Record:
    """The record with what was seen."""
    if record.workers is not None and record.workers[1] != cluster.workers:
        # The option counts from now on, also when it is set back.
        record = dataclasses.replace(record, workers=None)
    if isinstance(world.model, Model) and not world.taken:
        made_with = record.made_with or records.frozen(cluster)
        return dataclasses.replace(record, model=world.model.uuid, made_with=made_with)
    if record.intent == "deleted" and world.model == "absent":
        # The model's UUID is still needed: it proves what the model left behind.
        return dataclasses.replace(record, made_with=None, served=None)
    return record


def tell(
    cluster: Cluster, record: Record, wanted: Plan, journal: rolling.Journal, world: World
) -> Told:
    """What the operator is told of a plan on its way."""
    phase = rolling.phase(wanted, journal)
    if phase == "done":
        return _tell_done(cluster, record, world)
    if phase == "held":
        return Told("blocked", f"{wanted.title}: {journal.hold}: mend it and run resume")
    closed = next(iter(journal.closed.values()), None)
    if phase == "waiting" and closed:
        passing = world.shortages and all(one.passing for one in world.shortages)
        return Told("waiting" if passing else "blocked", f"preflight: {closed.reason}")
    wave = rolling.current_wave(wanted, journal)
    return Told(
        "maintenance", f"{wanted.title}: {_progress(wave, journal, world) if wave else ''}"
    )


def _progress(wave: Wave, journal: rolling.Journal, world: World) -> str:
    if len(wave.steps) > 1:
        done = [one for one in wave.steps if one.id in journal.records]
        done = [one for one in done if journal.records[one.id].finished]
        return f"{wave.name} {len(done)} of {len(wave.steps)}"
    seen = observation.observe(wave.steps, world)
    reason = next((found.reason for found in seen.values() if found.reason), "")
    return f"{wave.name}: {reason}" if reason else wave.name


def _tell_done(cluster: Cluster, record: Record, world: World) -> Told:
    if record.intent == "deleted":
        if not record.foreign:
            return Told(
                "blocked", "the cluster is deleted, nothing was left: remove this application"
            )
        return Told(
            "blocked",
            f"the cluster is deleted; {len(record.foreign)} things that are not its own were left "
            "alone, see show-cluster: remove this application",
        )
    unwell = observation.unwell(world)
    if unwell:
        more = f" and {len(unwell) - 1} more" if len(unwell) > 1 else ""
        return Told("waiting", f"not well: {unwell[0]}{more}")
    whole = records.with_workers(cluster, record)
    running = version(world) or cluster.channel
    return Told(
        "active",
        f"Kubernetes {running}, {cluster.cni}, {whole.control_planes} + {whole.workers} nodes",
    )


def version(world: World) -> str:
    """The version of Kubernetes that runs; empty before one does."""
    if not isinstance(world.model, Model):
        return ""
    application = world.model.applications.get("kubernetes-control-plane")
    return application.version if application else ""
