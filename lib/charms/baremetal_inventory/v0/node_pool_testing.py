"""Ready `ops.testing` relations of the `node_pool` interface, for the tests of charms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from charms.baremetal_inventory.v0.node_pool import (
    DEFAULT_ENDPOINT,
    Claim,
    PoolNode,
    RoleCount,
    claims_databag,
    pool_databag,
)
from ops import testing

LIBID = "906b4c0b430e4338924345d98aa79298"
LIBAPI = 0
LIBPATCH = 1


def provider_relation(
    nodes: Iterable[PoolNode] = (),
    *,
    wanted: Mapping[tuple[str, str], int] | None = None,
    claims: Iterable[Claim] = (),
    endpoint: str = DEFAULT_ENDPOINT,
) -> testing.Relation:
    """As a requirer sees it: baremetal-inventory published `nodes`.

    `wanted` maps (role, zone) to a number; without it, what is there is what is wanted.
    """
    nodes = tuple(nodes)
    return testing.Relation(
        endpoint,
        interface="node_pool",
        remote_app_name="baremetal-inventory",
        remote_app_data=pool_databag(_counts(nodes, wanted), nodes),
        local_app_data=claims_databag(claims),
    )


def requirer_relation(
    claims: Iterable[Claim] = (),
    *,
    app: str = "openstack-coordinator",
    endpoint: str = DEFAULT_ENDPOINT,
) -> testing.Relation:
    """As the inventory sees it: `app` claims machines."""
    return testing.Relation(
        endpoint,
        interface="node_pool",
        remote_app_name=app,
        remote_app_data=claims_databag(claims),
    )


def _counts(
    nodes: tuple[PoolNode, ...], wanted: Mapping[tuple[str, str], int] | None
) -> list[RoleCount]:
    seen = Counter((node.role, node.zone, node.state) for node in nodes if node.role)
    places = {(role, zone) for role, zone, _ in seen} | set(wanted or {})
    return [
        RoleCount(
            role=role,
            zone=zone,
            ready=seen[role, zone, "ready"],
            claimed=seen[role, zone, "claimed"],
            preparing=seen[role, zone, "preparing"],
            unfit=seen[role, zone, "unfit"],
            wanted=(
                wanted.get((role, zone), 0)
                if wanted is not None
                else sum(n for (r, z, _), n in seen.items() if (r, z) == (role, zone))
            ),
        )
        for role, zone in sorted(places)
    ]
