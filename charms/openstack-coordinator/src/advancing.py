"""One short step forward of the plan that runs: look, judge, ask, and note what became of it."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import draining
import gates
import holding
import needs
import observing
import pacing
import probing
import reading
from charms.openstack_coordinator.v0 import juju_session, rolling
from ground import Ground
from ledger import Refusal, Running
from performing import Outcome, Performer
from snapshot import Node, Probed, Snapshot

if TYPE_CHECKING:
    import openstack_api
    from charms.openstack_coordinator.v0.rolling_plan import Gate, Step

logger = logging.getLogger(__name__)


class NotSeen(Exception):
    """The model could not be read: nothing was decided, and the next tick tries again."""


@dataclasses.dataclass(frozen=True)
class Way:
    """How this unit goes about it."""

    ground: Ground
    nodes: Mapping[str, Node] | None
    """Machines of the pool; None where `node-pool` is not related."""
    maker: str
    """The description of what is made in OpenStack."""
    canary_image: str
    holder: str
    """This unit."""
    leads: Callable[[], bool]
    """Whether this unit leads still: asked again before anything is changed."""


async def advance(running: Running, way: Way) -> Running:
    """Take the plan one step further, and return what to persist.

    Raises:
        NotSeen: the model could not be read.
    """
    import juju_api

    plan, journal = running.plan, running.journal
    wave = rolling.current_wave(plan, journal)
    watched = rolling.watch(plan, journal)
    barriers = list(_gates(watched, wave.gates if wave else ()))
    wanted = needs.of(watched, barriers)
    probed = _probe(running, way)
    with contextlib.ExitStack() as stack:
        openstack = _openstack(way, stack) if wanted.nova else None
        try:
            async with juju_api.session(way.ground.login, way.ground.model) as juju:
                seen = await reading.for_tick(juju, openstack, wanted, way.nodes)
                seen = dataclasses.replace(
                    seen, probe=probing.add(running.probed, probed, seen.at) if probed else None
                )
                steps = _with_refusals(observing.observe(watched, journal, seen), running)
                found = rolling.Seen(steps, gates.judge(barriers, seen))
                new, requests = rolling.advance(
                    plan, journal, found, now=seen.at, holder=way.holder
                )
                if not way.leads():
                    logger.warning("plan: leadership was lost: nothing is asked for")
                    return running
                performer = Performer(juju, openstack, seen, canary_image=way.canary_image)
                untaken = await performer.perform(requests)
                await _go_on(running, new, seen, performer)
        except juju_session.JujuApiError as error:
            raise NotSeen(str(error)) from error
    kept = _taken_back(new, journal, untaken)
    return dataclasses.replace(
        running,
        journal=kept,
        pace=pacing.learned(running.pace, plan, journal, kept, running.approval.guests),
        refused=_refusals(running, new, requests, untaken),
        probed=seen.probe or running.probed,
        leaving=_leaving(watched, kept, seen),
    )


def _leaving(
    watched: tuple[Step, ...], journal: rolling.Journal, seen: Snapshot
) -> dict[str, int]:
    """Host -> guests and migrations left on it, of the drains at work."""
    if seen.nova is None:
        return {}
    records = journal.records
    drains = [s for s in watched if s.do.kind == "drain-host" and s.id in records]
    return {
        step.do.arguments["host"]: draining.look(
            step.do.arguments, seen.nova, records[step.id].since
        ).left
        for step in drains
        if records[step.id].state == "requested"
    }


def _gates(watched: tuple[Step, ...], of_wave: tuple[Gate, ...]) -> Iterator[Gate]:
    yield from of_wave
    for step in watched:
        yield from step.gates


def _openstack(way: Way, stack: contextlib.ExitStack) -> openstack_api.Cloud | None:
    if way.ground.account is None:
        logger.warning("plan: Keystone's administrator is not known: relate identity-admin")
        return None
    import openstack_api

    opened = openstack_api.session(way.ground.account, way.ground.ca_certificate, way.maker)
    try:
        return stack.enter_context(opened)
    except openstack_api.OpenStackApiError as error:
        logger.warning("plan: %s", error)
        return None


def _probe(running: Running, way: Way) -> Mapping[str, str]:
    if not running.endpoints:
        return {}
    with trusted(way.ground.ca_certificate) as ca:
        return probing.ask(running.endpoints, ca)


@contextlib.contextmanager
def trusted(ca_certificate: str) -> Iterator[str | bool]:
    """A file of the CA to trust while this lasts; True for those of the system."""
    if not ca_certificate:
        yield True
        return
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "ca.pem"
        file.write_text(ca_certificate, encoding="ascii")
        yield str(file)


async def _go_on(
    running: Running, new: rolling.Journal, seen: Snapshot, performer: Performer
) -> None:
    """Go on with what an earlier tick asked for, unless the plan is stopped: drains, and holds."""
    stopped = new.mode != "running" or new.hold or seen.at < new.not_before
    if stopped or new.holder != running.journal.holder:
        return
    wave = rolling.current_wave(running.plan, new)
    if wave is not None:
        await performer.hold(holding.again(wave, new, seen))
    for step in wave.steps if wave else ():
        record, before = new.records.get(step.id), running.journal.records.get(step.id)
        asked_for = record is not None and record == before and record.state == "requested"
        if record is not None and asked_for and step.do.kind == "drain-host":
            await performer.drain(step.do.arguments, record.since)


def _with_refusals(
    found: Mapping[str, rolling.Observation], running: Running
) -> dict[str, rolling.Observation]:
    """What was refused is known to have failed, also where nothing can be seen of it."""
    known = dict(found)
    for id_, refusal in running.refused.items():
        record = running.journal.records.get(id_)
        seen = known.get(id_)
        if record is None or record.attempt != refusal.attempt or record.state != "requested":
            continue
        if seen is None or seen.state in ("absent", "working"):
            known[id_] = rolling.Observation("failed", refusal.attempt, refusal.reason)
    return known


def _taken_back(
    new: rolling.Journal, old: rolling.Journal, untaken: Mapping[str, Outcome]
) -> rolling.Journal:
    """The journal in which a request that nobody answered was not made."""
    records = dict(new.records)
    for id_, outcome in untaken.items():
        if outcome.passing:
            records[id_] = old.records[id_]
    return dataclasses.replace(new, records=records)


def _refusals(
    running: Running,
    new: rolling.Journal,
    requests: tuple[rolling.Request, ...],
    untaken: Mapping[str, Outcome],
) -> dict[str, Refusal]:
    attempts = {request.step.id: request.attempt for request in requests}
    kept = {
        id_: refusal
        for id_, refusal in running.refused.items()
        if (record := new.records.get(id_)) is not None and record.state == "requested"
    }
    for id_, outcome in untaken.items():
        if not outcome.passing:
            kept[id_] = Refusal(attempts[id_], outcome.reason)
    return kept


def first_probe(ground: Ground, endpoints: Mapping[str, str], now: float) -> tuple[Probed, ...]:
    """What one round of the probe sees."""
    with trusted(ground.ca_certificate) as ca:
        return probing.add((), probing.ask(endpoints, ca), now)
