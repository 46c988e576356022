#!/usr/bin/env python3
"""The life of one Kubernetes cluster on OpenStack."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import time
from typing import TYPE_CHECKING

import ops
from charms.openstack_coordinator.v0 import tick

if TYPE_CHECKING:
    from cluster import Cluster
    from ground import Ground
    from peer_state import PeerState
    from tending import Outcome

logger = logging.getLogger(__name__)

BUSY_INTERVAL = 2.0
"""Seconds between two ticks while a plan is on its way."""

_STATUSES = {
    "blocked": ops.BlockedStatus,
    "waiting": ops.WaitingStatus,
    "maintenance": ops.MaintenanceStatus,
    "active": ops.ActiveStatus,
}


class Unready(Exception):
    """Something that only somebody else can bring is missing: a status and its words."""

    def __init__(self, severity: str, message: str) -> None:
        super().__init__(message)
        self.severity = severity


class K8sOnOpenStackCharm(ops.CharmBase):
    """Gathers what the cluster stands on, has it tended, and reports.

    The leader alone acts, one short step in each event. What it knows is in the peer relation.
    """

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self._ticker = tick.Ticker(self)
        for event in (
            self._ticker.on.tick,
            self.on.update_status,
            self.on.config_changed,
            self.on.secret_changed,
            self.on.leader_elected,
            self.on["openstack-cloud"].relation_changed,
            self.on["openstack-cloud"].relation_broken,
            self.on["kubernetes-cluster"].relation_created,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.stop, self._on_stop)
        framework.observe(self.on.collect_unit_status, self._on_collect_unit_status)
        framework.observe(self.on.collect_app_status, self._on_collect_app_status)
        for action, handler in (
            (self.on.preflight_action, self._on_preflight),
            (self.on.get_kubeconfig_action, self._on_get_kubeconfig),
            (self.on.show_cluster_action, self._on_show_cluster),
            (self.on.scale_workers_action, self._on_scale_workers),
            (self.on.resume_action, self._on_resume),
            (self.on.delete_cluster_action, self._on_delete_cluster),
        ):
            framework.observe(action, handler)

    # -- events -----------------------------------------------------------------------------

    def _reconcile(self, _: ops.EventBase) -> None:
        if not self.unit.is_leader():
            self._ticker.stop()
            return
        try:
            outcome = self._tend()
        except Unready as error:
            self._ticker.ensure()
            self._memory.tell(error.severity, str(error))
            self._publish(None)
            return
        self._memory.keep(outcome.state)
        self._memory.tell(outcome.told.severity, outcome.told.message)
        self._publish(outcome)
        self._ticker.ensure(BUSY_INTERVAL if outcome.busy else tick.IDLE_INTERVAL)

    def _on_stop(self, _: ops.StopEvent) -> None:
        self._ticker.stop()

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self.unit.is_leader():
            event.add_status(self._status())
        else:
            event.add_status(ops.ActiveStatus("standby, another unit leads"))

    def _on_collect_app_status(self, event: ops.CollectStatusEvent) -> None:
        event.add_status(self._status())

    def _status(self) -> ops.StatusBase:
        severity, message = self._memory.read().record.told
        return _STATUSES[severity](message)

    # -- tending ----------------------------------------------------------------------------

    def _tend(self) -> Outcome:
        state = self._memory.read()
        cluster = self._cluster()
        ground, generation = self._ground(cluster, alive=bool(state.record.model))
        # Both SDKs take most of a second to import: only here, where they are needed.
        import openstack_api
        import tending
        from charms.openstack_coordinator.v0 import juju_session, openstack_cloud

        try:
            outcome = asyncio.run(
                tending.tend(ground, cluster, state, now=time.time(), holder=self.unit.name)
            )
        except juju_session.Unreachable as error:
            raise Unready("waiting", f"cannot reach the Juju API, tries again: {error}") from error
        except juju_session.JujuApiError as error:
            raise Unready("blocked", f"juju-credentials: Juju refused: {error}") from error
        except openstack_api.CredentialRefused as error:
            raise Unready(
                "blocked",
                f"OpenStack refuses the credential of openstack-cloud: {error}: "
                "run rotate-credentials on openstack-coordinator",
            ) from error
        except openstack_api.OpenStackError as error:
            raise Unready("waiting", f"cannot reach OpenStack, tries again: {error}") from error
        if outcome.world.credential != "other":
            # Juju has none of an older generation any more.
            openstack_cloud.OpenStackCloudRequirer(self).acknowledge(generation)
        return outcome

    def _cluster(self) -> Cluster:
        import cluster
        import cluster_options

        try:
            options = cluster_options.read(self.config)
        except cluster_options.InvalidOption as error:
            raise Unready("blocked", str(error)) from error
        return cluster.desired(options, self.app.name, self.model.uuid)

    def _ground(self, cluster: Cluster, *, alive: bool) -> tuple[Ground, int]:
        """How Juju and the project are reached, and which credentials those are."""
        import gathering

        try:
            return gathering.gather(self, cluster)
        except gathering.Missing as error:
            lives = f", and cluster {cluster.name} still lives there" if alive else ""
            raise Unready(error.severity, f"{error}{lives}") from error

    def _publish(self, outcome: Outcome | None) -> None:
        """Keep a kubeconfig that has come, and tell the cluster's users where it is."""
        if outcome is None and not self.model.relations["kubernetes-cluster"]:
            return
        import serving

        if outcome is not None:
            served = serving.take(self, outcome.state.record, outcome.world)
            if served is not None:
                self._memory.change(served=served)
        seen = (outcome.cluster, outcome.world) if outcome else None
        serving.publish(self, self._memory.read().record, seen)

    # -- actions ----------------------------------------------------------------------------

    def _on_preflight(self, event: ops.ActionEvent) -> None:
        if not self._leads(event):
            return
        try:
            cluster = self._cluster()
            ground, _ = self._ground(cluster, alive=False)
        except Unready as error:
            event.fail(str(error))
            return
        import openstack_api
        import tending

        try:
            shortages = tending.check(ground, cluster, self._memory.read().record)
        except openstack_api.OpenStackError as error:
            event.fail(f"OpenStack: {error}")
            return
        event.set_results({"ready": str(not shortages).lower(), "shortages": _lines(shortages)})

    def _on_get_kubeconfig(self, event: ops.ActionEvent) -> None:
        if not self._leads(event):
            return
        record = self._memory.read().record
        if record.serves is None:
            event.fail(f"there is no kubeconfig yet: {record.told[1]}")
            return
        event.set_results({"secret": record.serves.secret, "api-endpoint": record.serves.endpoint})

    def _on_show_cluster(self, event: ops.ActionEvent) -> None:
        if not self._leads(event):
            return
        import report

        shown = report.describe(self.app.name, self._memory.read())
        event.set_results({"cluster": report.render(shown, event.params["format"])})

    def _on_scale_workers(self, event: ops.ActionEvent) -> None:
        if not self._leads(event):
            return
        count = event.params["count"]
        if self._memory.read().record.intent == "deleted":
            event.fail(f"cluster {self.app.name} is deleted: deploy another application")
        else:
            self._change(workers=(count, int(self.config["worker-count"])))
            event.set_results({"result": f"the plan leads to {count} workers: see show-cluster"})

    def _on_resume(self, event: ops.ActionEvent) -> None:
        if not self._leads(event):
            return
        from charms.openstack_coordinator.v0 import rolling

        state = self._memory.read()
        if state.record.intent == "present":
            # Whatever model there is, or will be made, is the cluster's from now on.
            self._change(model="")
        if state.journal is not None:
            resumed = dataclasses.replace(
                self._memory.read(), journal=rolling.resume(state.journal)
            )
            self._memory.keep(resumed)
        event.set_results({"result": "it goes on: see show-cluster"})

    def _on_delete_cluster(self, event: ops.ActionEvent) -> None:
        if event.params["confirm"] != self.app.name:
            event.fail(f"nothing was deleted: confirm={self.app.name} is needed")
        elif self._leads(event):
            self._change(intent="deleted")
            event.set_results({"result": "the deletion begins: see show-cluster"})

    def _leads(self, event: ops.ActionEvent) -> bool:
        if not self.unit.is_leader():
            event.fail(f"run it on the leader: juju run {self.app.name}/leader ...")
        return self.unit.is_leader()

    def _change(self, **changes: object) -> None:
        self._memory.change(**changes)
        self._ticker.ensure(BUSY_INTERVAL)

    @functools.cached_property
    def _memory(self) -> PeerState:
        # It brings pydantic, which costs a hook as much as ops does: a standby goes without.
        import peer_state

        return peer_state.PeerState(self)


def _lines(told: tuple[object, ...]) -> str:
    return "\n".join(map(str, told)) or "none"


if __name__ == "__main__":
    ops.main(K8sOnOpenStackCharm)
