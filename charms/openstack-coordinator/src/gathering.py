"""What the charm works with, gathered from its options, relations and secrets."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import keystone_admin
import ops
from charms.openstack_coordinator.v0 import juju_login
from ground import Ground

if TYPE_CHECKING:
    from charms.baremetal_inventory.v0 import node_pool
    from snapshot import Node

logger = logging.getLogger(__name__)


def gather(charm: ops.CharmBase) -> Ground:
    """How everything outside is reached.

    Raises:
        InvalidLogin: the charm has no usable Juju account.
    """
    try:
        known = account(charm)
    except keystone_admin.NotThere:
        known = None
    model = str(charm.config["model-uuid"]) or charm.model.uuid
    return Ground(_login(charm), model, known, ca_certificate(charm), _ready_nodes(charm))


def account(charm: ops.CharmBase) -> keystone_admin.AdminAccount:
    """Keystone's administrator.

    Raises:
        NotThere: it is not known; the message says why.
    """
    relation = charm.model.get_relation("identity-admin")
    if relation is None:
        relate = f"juju integrate {charm.app.name}:identity-admin keystone"
        raise keystone_admin.NotThere(f"identity-admin is not related: {relate}")
    units = sorted(relation.units, key=lambda unit: unit.name)
    return keystone_admin.from_units(relation.app.name, [relation.data[unit] for unit in units])


def ca_certificate(charm: ops.CharmBase) -> str:
    """The CA of OpenStack's endpoints in PEM; empty to trust those of the system."""
    return str(charm.config.get("ca-certificate", "")).strip()


def _login(charm: ops.CharmBase) -> juju_login.Login:
    secret_id = charm.config.get("juju-credentials")
    if not secret_id:
        raise juju_login.InvalidLogin(
            "not set: juju add-secret <name> username=... password=..., grant it to "
            f"{charm.app.name}, and set the option to its URI"
        )
    try:
        content = charm.model.get_secret(id=str(secret_id)).get_content(refresh=True)
    except (ops.SecretNotFoundError, ops.ModelError) as error:
        raise juju_login.InvalidLogin(
            f"the secret is gone or not granted: juju grant-secret <name> {charm.app.name}"
        ) from error
    return juju_login.from_secret(content, os.environ.get("JUJU_API_ADDRESSES", "").split())


def nodes(charm: ops.CharmBase) -> dict[str, Node] | None:
    """System id -> machine of the pool; None where there is no pool that can be read."""
    pool = _pool(charm)
    if pool is None or pool.problem:
        return None
    from snapshot import Node

    return {
        id_: Node(id_, node.hostname, node.zone, node.role, node.state, node.reasons)
        for id_, node in pool.nodes.items()
    }


def _ready_nodes(charm: ops.CharmBase) -> dict[str, int]:
    pool = _pool(charm)
    if pool is None:
        return {}
    roles = {node.role for node in pool.nodes.values() if node.role}
    return {role: len(pool.ready(role)) for role in sorted(roles)}


def _pool(charm: ops.CharmBase) -> node_pool.Pool | None:
    relation = charm.model.get_relation("node-pool")
    if relation is None or relation.app is None:
        return None
    from charms.baremetal_inventory.v0 import node_pool

    pool = node_pool.read_pool(relation.data[relation.app])
    if pool.problem:
        logger.info("node-pool: %s", pool.problem)
    return pool
