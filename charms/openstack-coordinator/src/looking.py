"""One look at the model, and at Nova where Juju shows nothing amiss."""

from __future__ import annotations

import dataclasses
import datetime
import logging
from collections.abc import MutableMapping

import look
import provisioning
import readiness
from ground import Ground

logger = logging.getLogger(__name__)


def assess(
    ground: Ground, shared: MutableMapping[str, str] | None
) -> readiness.Assessment | look.Problem:
    """Judge what is there now. Machines that the pool can serve by now are provisioned again.

    `shared` is the databag that keeps the judgement of Nova's computes, and which hypervisors
    there are; None: they are let be.
    """
    # libjuju takes most of a second to import: only here, where it is needed.
    import asyncio

    from charms.openstack_coordinator.v0 import juju_session

    try:
        assessment, hypervisors = asyncio.run(_assess(ground))
    except juju_session.Unreachable as error:
        return look.Problem("waiting", f"cannot reach the Juju API, tries again: {error}")
    except juju_session.LoginRefused as error:
        return look.Problem("blocked", f"juju-credentials: Juju refused the login: {error}")
    except juju_session.RequestRefused as error:
        return look.Problem("blocked", f"juju-credentials: Juju refused a request: {error}")
    if shared is None or ground.account is None:
        return assessment
    if assessment.settled:
        import arrivals

        arrivals.note(shared, hypervisors)
    if not assessment.ready:
        return assessment
    import compute_look

    now = datetime.datetime.now(datetime.timezone.utc)
    found = compute_look.findings(shared, ground.account, ground.ca_certificate, hypervisors, now)
    return dataclasses.replace(assessment, findings=found)


async def _assess(ground: Ground) -> tuple[readiness.Assessment, dict[str, str]]:
    import cloud
    import juju_api
    import knowledge

    known = knowledge.load()
    async with juju_api.session(ground.login, ground.model) as model:
        status = await model.full_status()
        seen = cloud.from_full_status(status)
        with_options = [
            name
            for name, application in seen.applications.items()
            if application.charm in known.charms
        ]
        options = await model.options(with_options)
        retry = provisioning.to_retry(seen, ground.ready)
        if retry:
            logger.info("the pool is ready for machines %s: provisioning again", retry)
            await model.retry_provisioning(retry)
    whole = cloud.from_full_status(status, options)
    return readiness.assess(whole, known), readiness.hypervisor_hosts(whole, known)
