"""One decision from all that is known: roles, wishes and the pool. Pure."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from assignment import assign
from charms.baremetal_inventory.v0.node_pool import Claims, live_claims
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine, ObservedMachine
from desires import desires
from policy import Policy
from pool import Pool, survey


@dataclasses.dataclass(frozen=True)
class Decision:
    """What to ask of maas-bmc, and what to publish."""

    wished: Mapping[str, DesiredMachine]
    pool: Pool
    claim_problems: tuple[str, ...]


def decide(
    machines: Mapping[str, ObservedMachine],
    policy: Policy,
    before: Mapping[str, DesiredMachine],
    claims: Claims,
    now: datetime.datetime,
) -> Decision:
    """The decision; the same for the same input, and settled once it is carried out."""
    assignment = assign(machines, policy, before)
    wished = desires(assignment, machines, before)
    pool = survey(machines, policy, assignment, wished, live_claims(claims.claims, now))
    return Decision(wished, pool, claims.problems)
