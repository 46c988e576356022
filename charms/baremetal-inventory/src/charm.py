#!/usr/bin/env python3
"""The baremetal-inventory charm: the policy of bare metal."""

from __future__ import annotations

import datetime
import json
from typing import TYPE_CHECKING

import ops

if TYPE_CHECKING:
    from decision import Decision

# What needs pydantic is imported where the leader uses it: the hook of a unit that stands by
# costs no more than ops itself.

NODES = "baremetal-nodes"
POOL = "node-pool"


class BaremetalInventoryCharm(ops.CharmBase):
    """Judges machines, gives them roles, and publishes the pool."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self._status: ops.StatusBase | None = None
        for event in (
            self.on.start,
            self.on.upgrade_charm,
            self.on.config_changed,
            self.on.leader_elected,
            self.on.update_status,
            self.on[NODES].relation_created,
            self.on[NODES].relation_changed,
            self.on[NODES].relation_broken,
            self.on[POOL].relation_created,
            self.on[POOL].relation_changed,
            self.on[POOL].relation_broken,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.collect_unit_status, self._on_collect_status)
        framework.observe(self.on.list_nodes_action, self._on_list_nodes)
        framework.observe(self.on.show_pool_action, self._on_show_pool)

    def _reconcile(self, _: ops.EventBase) -> None:
        if self.unit.is_leader():
            self._status = self._decide()
        else:
            self._status = ops.ActiveStatus("stands by for the leader")

    def _on_collect_status(self, event: ops.CollectStatusEvent) -> None:
        if self._status is not None:
            event.add_status(self._status)

    def _decide(self) -> ops.StatusBase:
        """Decide, ask and publish, for the leader; returns the status."""
        from charms.baremetal_inventory.v0.node_pool import NodePoolProvider
        from charms.maas_bmc.v0.baremetal_nodes import BaremetalNodesRequirer

        decision = self._decision()
        if isinstance(decision, ops.StatusBase):
            return decision
        BaremetalNodesRequirer(self, NODES).request(decision.wished.values())
        NodePoolProvider(self, POOL).publish(decision.pool.counts, decision.pool.nodes.values())
        return _status(decision)

    def _decision(self) -> Decision | ops.StatusBase:
        """What is to be done by what is known now, or the status that says why nothing can be."""
        from charms.baremetal_inventory.v0.node_pool import NodePoolProvider
        from charms.maas_bmc.v0.baremetal_nodes import BaremetalNodesRequirer
        from decision import decide
        from policy import PolicyError, parse

        try:
            policy = parse(str(self.config.get("policy", "")))
        except PolicyError as error:
            return ops.BlockedStatus(str(error))
        requirer = BaremetalNodesRequirer(self, NODES)
        observation = requirer.observation()
        if not observation.related:
            return ops.BlockedStatus(f"no relation: integrate {self.app.name} with maas-bmc")
        if observation.problem:
            return ops.WaitingStatus(f"{NODES}: {observation.problem}")
        if not observation.sync.complete:
            unread = observation.sync.unread
            return ops.WaitingStatus(f"maas-bmc is still to read {unread} machines")
        return decide(
            observation.machines,
            policy,
            requirer.desires(),
            NodePoolProvider(self, POOL).claims(),
            datetime.datetime.now(datetime.timezone.utc),
        )

    def _on_list_nodes(self, event: ops.ActionEvent) -> None:
        decision = self._asked(event)
        if decision is None:
            return
        role, state = event.params.get("role"), event.params.get("state")
        nodes = [
            node.model_dump(mode="json", exclude_defaults=True)
            for node in decision.pool.nodes.values()
            if role in (None, node.role) and state in (None, node.state)
        ]
        event.set_results({"count": len(nodes), "nodes": json.dumps(nodes)})

    def _on_show_pool(self, event: ops.ActionEvent) -> None:
        decision = self._asked(event)
        if decision is None:
            return
        counts = [count.model_dump(mode="json") for count in decision.pool.counts]
        shortfalls = [str(shortfall) for shortfall in decision.pool.shortfalls]
        event.set_results({"roles": json.dumps(counts), "shortfalls": json.dumps(shortfalls)})

    def _asked(self, event: ops.ActionEvent) -> Decision | None:
        """The decision that an action reports; None when there is none, and why."""
        if not self.unit.is_leader():
            event.fail(f"only the leader knows: run it on {self.app.name}/leader")
            return None
        decision = self._decision()
        if isinstance(decision, ops.StatusBase):
            event.fail(decision.message)
            return None
        return decision


def _status(decision: Decision) -> ops.StatusBase:
    """The status after a decision."""
    if decision.claim_problems:
        return ops.BlockedStatus(f"{POOL}: {decision.claim_problems[0]}")
    shortfalls = decision.pool.shortfalls
    hopeless = [each for each in shortfalls if each.have + each.coming < each.need]
    if hopeless:
        return ops.BlockedStatus("; ".join(str(each) for each in hopeless))
    if shortfalls:
        return ops.WaitingStatus(
            "machines are being prepared: "
            + ", ".join(f"{each.role} has {each.have} of {each.need}" for each in shortfalls)
        )
    return ops.ActiveStatus(", ".join(decision.pool.summary()))


if __name__ == "__main__":
    ops.main(BaremetalInventoryCharm)
