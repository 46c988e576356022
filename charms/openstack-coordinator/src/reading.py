"""A snapshot of the cloud, read from Juju and OpenStack: whole for a plan, in part for a tick.

What of OpenStack does not answer is None in the snapshot: gates on it stay closed, and steps on
it wait. Without Juju there is no snapshot.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ceph
import cloud as clouds
import virtual
from charms.openstack_coordinator.v0 import juju_session
from charms.openstack_coordinator.v0.juju_tasks import EXEC
from needs import Needs
from snapshot import Ceph, Node, Nova, Snapshot, Task, Virtual, settled

if TYPE_CHECKING:
    import computes
    import juju_api
    import openstack_api

logger = logging.getLogger(__name__)

_MONITORS = "storage-monitor"
"""The role of Ceph's monitors."""

_BUSY = "executing"
"""The status of an agent at work: a plan that was aborted may still hold it."""

_PATIENCE = 15
"""Seconds to wait for Ceph's answer when an operator waits, too."""


async def for_tick(
    juju: juju_api.Model,
    openstack: openstack_api.Cloud | None,
    needs: Needs,
    nodes: Mapping[str, Node] | None,
) -> Snapshot:
    """What some steps and gates need, but for the probe.

    Args:
        juju: the model.
        openstack: the cloud; None where it cannot be reached.
        needs: see needs.py.
        nodes: machines of the pool, as the relation has them.

    Raises:
        JujuApiError: the model could not be read.
    """
    status = await juju.full_status()
    options = await juju.options(needs.options) if needs.options else {}
    model = clouds.from_full_status(status, options)
    now = moment(status)
    return Snapshot(
        at=now,
        cloud=model,
        nova=_nova(openstack, needs) if needs.nova else None,
        ceph=await _ceph(juju, model, needs, now) if needs.ceph else None,
        virtual=await _virtual(juju, model, needs, now),
        nodes=nodes if needs.pool else None,
        tasks=await _tasks(juju, model, needs),
    )


async def whole(
    juju: juju_api.Model,
    openstack: openstack_api.Cloud | None,
    applications: frozenset[str],
    nodes: Mapping[str, Node] | None,
) -> Snapshot:
    """Everything that a plan is made from, but for the probe.

    Args:
        juju: the model.
        openstack: the cloud; None where it cannot be reached.
        applications: the charms that the knowledge knows.
        nodes: machines of the pool, as the relation has them.

    Raises:
        JujuApiError: the model could not be read.
    """
    status = await juju.full_status()
    bare = clouds.from_full_status(status)
    known = [name for name, found in bare.applications.items() if found.charm in applications]
    model = clouds.from_full_status(status, await juju.options(known))
    actions = await juju.actions(known)
    now = moment(status)
    busy = [u.name for name in known for u in model.applications[name].units if u.agent == _BUSY]
    return Snapshot(
        at=now,
        cloud=model,
        tasks=await juju.tasks(busy, [EXEC]),
        actions={name: frozenset(found) for name, found in actions.items()},
        nova=_nova(openstack, None),
        nodes=nodes,
    )


async def ceph_soon(juju: juju_api.Model, seen: Snapshot) -> tuple[Ceph, ...]:
    """The clusters of the model, waited for: asking takes a task. Those that answer.

    Raises:
        JujuApiError: the model could not be read.
    """
    import knowledge

    charms = knowledge.load().charms
    monitors = {
        name
        for name, found in seen.cloud.applications.items()
        if found.charm in charms and charms[found.charm].role == _MONITORS
    }
    wanted, found, now = Needs(ceph=frozenset(monitors)), (), seen.at
    for _ in range(_PATIENCE):
        try:
            found = await _ceph(juju, seen.cloud, wanted, now)
        except juju_session.RequestRefused as error:
            # The account may not run commands: who asks is told that nothing was read.
            logger.warning("Ceph could not be read: %s", error)
            return ()
        if len(found) == len(monitors):
            break
        await asyncio.sleep(1)
        now += 1
    return found


def moment(status: Mapping[str, Any]) -> float:
    """The controller's time of a FullStatus, in seconds since the epoch."""
    text = status["controller-timestamp"]
    # Go writes up to nine digits of a second, Python before 3.11 reads three or six.
    whole_seconds, _, rest = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole_seconds).replace(tzinfo=datetime.timezone.utc)
    return at.timestamp() + float(f"0.{rest[:6] or 0}")


# -- OpenStack ------------------------------------------------------------------------------


def _nova(openstack: openstack_api.Cloud | None, needs: Needs | None) -> Nova | None:
    """Nova, Placement and Neutron; all of it for None. None where one does not answer."""
    if openstack is None:
        return None
    import neutron
    import nova
    import openstack_api
    import placement_api

    compute, hosts = nova.Nova(openstack), needs.guests if needs else None
    try:
        with openstack_api.told(openstack.auth_url):
            seen = compute.computes()
            hosts = _as_named(seen, hosts)
            going, failed = compute.migrations(hosts)
            room = placement_api.Placement(openstack).room() if not needs or needs.room else ()
            agents = neutron.Neutron(openstack).agents() if not needs or needs.agents else ()
            guests = compute.guests(hosts)
    except openstack_api.OpenStackApiError as error:
        logger.warning("OpenStack could not be read: %s", error)
        return None
    return Nova(seen.services, seen.hypervisors, guests, going, room, agents, failed)


def _as_named(seen: computes.Seen, hosts: frozenset[str] | None) -> frozenset[str] | None:
    """Hosts that steps name, as Nova does."""
    if hosts is None:
        return None
    known = Nova(seen.services, seen.hypervisors, (), (), ())
    return frozenset(map(known.named, hosts))


# -- Juju's record of actions ---------------------------------------------------------------


async def _tasks(juju: juju_api.Model, model: clouds.Cloud, needs: Needs) -> tuple[Task, ...]:
    units: set[str] = set()
    for name, _ in needs.tasks:
        application, _, number = name.partition("/")
        known = model.applications.get(application)
        if number != "leader":
            units.add(name)
        elif known is not None:
            units.update(unit.name for unit in known.units)
    return await juju.tasks(units, {action for _, action in needs.tasks})


async def _ceph(
    juju: juju_api.Model, model: clouds.Cloud, needs: Needs, now: float
) -> tuple[Ceph, ...]:
    """The clusters whose health is fresh. Asks for the next answer where that is due."""
    found: list[Ceph] = []
    for name in sorted(needs.ceph):
        application = model.applications.get(name)
        # Not one whose agent is at work: it may be held for long.
        ready = sorted(application.units, key=_readiness) if application else ()
        if application is None or not ready:
            continue
        runs = await juju.answers([unit.name for unit in application.units], [EXEC])
        read = ceph.read(name, runs, now)
        if read is not None:
            found.append(read)
        if settled(ready[0]) and ceph.due(runs, now):
            await juju.run_command(ready[0].name, ceph.LOOK, ceph.TIMEOUT)
    return tuple(found)


async def _virtual(
    juju: juju_api.Model, model: clouds.Cloud, needs: Needs, now: float
) -> tuple[Virtual, ...]:
    """Where the virtual addresses are. Asks for the next answer where that is due."""
    found: list[Virtual] = []
    for name in sorted(needs.virtual):
        application = model.applications.get(name)
        ready = sorted(application.units, key=_readiness) if application else ()
        if not ready:
            continue
        runs = await juju.answers([unit.name for unit in ready], [virtual.LOOK])
        read = virtual.read(name, runs, now)
        if read is not None:
            found.append(read)
        if virtual.due(runs, now):
            await juju.run_action(ready[0].name, virtual.LOOK, {})
    return tuple(found)


def _readiness(unit: clouds.Unit) -> tuple[bool, bool]:
    """Orders units by whether they can answer now, the leader first."""
    return not settled(unit), not unit.leader
