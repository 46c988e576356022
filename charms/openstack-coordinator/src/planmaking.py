"""Making a plan: the cloud is read whole, and the planner asked."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import advancing
import asking
import knowledge
import plan_view
import planner
import reading
from charms.openstack_coordinator.v0 import juju_session
from ground import Ground
from ledger import Approval
from planning.outcome import Refused
from snapshot import Node, Snapshot

if TYPE_CHECKING:
    from charms.openstack_coordinator.v0.rolling import Journal


class NotPlanned(Exception):
    """There is no plan; the message says every reason, each with its remedy."""


class NothingToDo(NotPlanned):
    """All is as it was asked for."""


def make(
    asked: Mapping[str, Any],
    options: Mapping[str, Any],
    ground: Ground,
    nodes: Mapping[str, Node] | None,
) -> Approval:
    """The plan for a request, as the cloud is now.

    Args:
        asked: the parameters of the action `plan`.
        options: the charm's own.
        ground: how everything is reached.
        nodes: machines of the pool; None where it is not related.

    Raises:
        NotPlanned: it is refused, or the cloud could not be read.
        NothingToDo: all is as it was asked for.
    """
    try:
        request, terms = asking.request_of(asked), asking.terms_of(asked, options)
    except asking.WrongRequest as error:
        raise NotPlanned(str(error)) from error
    known = knowledge.load()
    try:
        seen = asyncio.run(look(ground, frozenset(known.charms), nodes))
    except juju_session.JujuApiError as error:
        raise NotPlanned(f"the model could not be read: {error}") from error
    outcome = planner.plan(seen, request, terms, known)
    if isinstance(outcome, Refused):
        why = NothingToDo if outcome.nothing_to_do else NotPlanned
        raise why(plan_view.refusal(outcome))
    return Approval(
        plan=outcome.plan,
        asked=dict(asked),
        seconds=outcome.seconds,
        each=dict(known.seconds),
        no_return=outcome.no_return,
        notes=outcome.notes,
        guests=dict(outcome.guests),
        made=time.time(),
    )


async def look(
    ground: Ground, charms: frozenset[str], nodes: Mapping[str, Node] | None
) -> Snapshot:
    """The whole cloud, as it is now. Where there is Ceph it takes some seconds.

    Raises:
        JujuApiError: the model could not be read.
    """
    import juju_api

    async with juju_api.session(ground.login, ground.model) as juju:
        if ground.account is None:
            seen = await reading.whole(juju, None, charms, nodes)
        else:
            import openstack_api

            with openstack_api.session(ground.account, ground.ca_certificate, "") as openstack:
                seen = await reading.whole(juju, openstack, charms, nodes)
        seen = dataclasses.replace(seen, ceph=await reading.ceph_soon(juju, seen))
    asked = endpoints(ground)
    if not asked:
        return seen
    return dataclasses.replace(seen, probe=advancing.first_probe(ground, asked, seen.at))


def endpoints(ground: Ground) -> dict[str, str]:
    """Service -> public URL, for the probe; empty where the catalogue cannot be read."""
    if ground.account is None:
        return {}
    import openstack_api

    try:
        with openstack_api.session(ground.account, ground.ca_certificate, "") as openstack:
            return openstack.endpoints()
    except openstack_api.OpenStackApiError:
        return {}


def view(approval: Approval, journal: Journal | None, form: str) -> str:
    """A plan for the eye, or as JSON."""
    if form == "json":
        return json.dumps(plan_view.document(approval), indent=2)
    if form == "mermaid":
        return plan_view.mermaid(approval.plan, journal)
    return plan_view.table(approval, journal)
