"""The charm's side of serving tenants: what holds for them now, and what stands in the way."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import gathering
import keystone_admin
import ops
import readiness
import tenants

if TYPE_CHECKING:
    import look

_PROBLEM = "tenants-problem"


def serve(charm: ops.CharmBase, peers: ops.Relation, last: look.Look | None) -> None:
    """Make, rotate, revoke and end the tenants' credentials as is due. For the leader only."""
    if not charm.model.relations[tenants.ENDPOINT] and not tenants.served(peers, charm.app):
        return
    served, trouble = tenants.Tenants(charm, peers), ""
    try:
        served.reconcile(_terms(charm, last), datetime.datetime.now(datetime.timezone.utc))
    except keystone_admin.NotThere as error:
        # The cloud itself is well: who wants a tenant is told what it waits for.
        served.refuse(str(error))
    except tenants.Unchanged as error:
        trouble = str(error)
        served.refuse(trouble)
    peers.data[charm.app][_PROBLEM] = trouble


def problem(charm: ops.CharmBase, peers: ops.Relation) -> str:
    """Why tenants could not be served the last time; empty when they could."""
    return peers.data[charm.app].get(_PROBLEM, "")


def rotate(
    charm: ops.CharmBase, peers: ops.Relation, last: look.Look | None, event: ops.ActionEvent
) -> None:
    """The action `rotate-credentials`. For the leader only."""
    served, now = tenants.Tenants(charm, peers), datetime.datetime.now(datetime.timezone.utc)
    try:
        rotated = served.rotate(_terms(charm, last), now, event.params.get("application", ""))
    except (keystone_admin.NotThere, tenants.Unchanged) as error:
        event.fail(str(error))
    else:
        event.set_results({"rotated": ", ".join(sorted(rotated))})


def _terms(charm: ops.CharmBase, last: look.Look | None) -> tenants.Terms:
    """What holds for tenants now; NotThere while Keystone's administrator is not known."""
    outcome = last.outcome if last is not None and last.ready else None
    return tenants.Terms(
        account=gathering.account(charm),
        ca_certificate=gathering.ca_certificate(charm),
        release=outcome.release if isinstance(outcome, readiness.Assessment) else "",
        max_age=datetime.timedelta(days=int(charm.config["credentials-max-age"])),
        ready=outcome is not None,
    )
