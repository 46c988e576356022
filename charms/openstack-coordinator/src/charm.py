#!/usr/bin/env python3
"""Watches over the OpenStack of its model and says what it lacks to be ready."""

from __future__ import annotations

import datetime

import eyes
import gathering
import inspection
import keystone_admin
import look
import looking
import operations
import ops
import readiness
import report
import serving
import tenants
from charms.openstack_coordinator.v0 import juju_login, tick

PEERS = "cluster"
_KEY = "look"
_STATUSES = {"blocked": ops.BlockedStatus, "waiting": ops.WaitingStatus, None: ops.ActiveStatus}


class OpenStackCoordinatorCharm(ops.CharmBase):
    """Gathers the model into one value, has it judged, and reports.

    The leader looks at the model in every tick and where its own inputs changed; every other
    event uses the last look, which the peer relation keeps. While a plan is at work, the tick
    carries it out.
    """

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        self._ticker = tick.Ticker(self)
        self._operations = operations.Operations(self, PEERS)
        self._inspection = inspection.Inspection(self)
        self._eyes = eyes.Eyes(self, self._operations)
        framework.observe(self._ticker.on.tick, self._on_tick)
        for event in (
            self.on.update_status,
            self.on.config_changed,
            self.on.secret_changed,
            self.on.leader_elected,
        ):
            framework.observe(event, self._look_and_reconcile)
        cloud, admin = self.on[tenants.ENDPOINT], self.on["identity-admin"]
        collector = self.on[eyes.ENDPOINT]
        for event in (
            self.on.start,
            cloud.relation_created,
            cloud.relation_changed,
            cloud.relation_broken,
            admin.relation_changed,
            collector.relation_joined,
            collector.relation_broken,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.secret_remove, self._on_secret_remove)
        framework.observe(self.on.stop, self._on_stop)
        framework.observe(self.on.collect_unit_status, self._on_collect_unit_status)
        framework.observe(self.on.collect_app_status, self._on_collect_app_status)
        framework.observe(self.on.show_cloud_action, self._on_show_cloud)
        framework.observe(self.on.rotate_credentials_action, self._on_rotate_credentials)

    # -- events -----------------------------------------------------------------------------

    def _on_tick(self, event: ops.EventBase) -> None:
        """While something of a plan is at work a tick is for the plan alone: it comes soon."""
        if self.unit.is_leader():
            self._operations.advance()
        if self._operations.interval is None:
            self._look_and_reconcile(event)
        else:
            self._reconcile(event)
        if self.unit.is_leader():
            self._eyes.show(self._last_look())

    def _look_and_reconcile(self, event: ops.EventBase) -> None:
        if self.unit.is_leader():
            self._keep(self._look())
            self._operations.take_in()
        self._reconcile(event)

    def _reconcile(self, _: ops.EventBase) -> None:
        self._eyes.reconcile(self._last_look())
        if not self.unit.is_leader():
            self._ticker.stop()
            return
        last = self._last_look()
        usual = last.again if last else look.AGAIN_SETTLING
        self._ticker.ensure(self._operations.interval or usual)
        peers = self.model.get_relation(PEERS)
        if peers is not None:
            peers.data[self.app]["leader"] = self.unit.name
            serving.serve(self, peers, last)

    def _on_stop(self, _: ops.StopEvent) -> None:
        self._ticker.stop()
        self._eyes.close()

    def _on_collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self.unit.is_leader():
            event.add_status(self._status())
        else:
            event.add_status(ops.ActiveStatus(f"standby, leader is {self._leader()}"))

    def _on_collect_app_status(self, event: ops.CollectStatusEvent) -> None:
        """The application says what its leader says: otherwise a standby may speak for it."""
        event.add_status(self._status())

    def _on_show_cloud(self, event: ops.ActionEvent) -> None:
        last = self._last_look()
        if self.unit.is_leader():
            last = self._keep(self._look())
        if last is None:
            event.fail("the leader has not looked at the model yet: try again in a minute")
        elif isinstance(last.outcome, look.Problem):
            event.fail(last.outcome.message)
        else:
            extras = self._extras() if self.unit.is_leader() else report.Extras()
            event.set_results(
                {
                    "cloud": report.render(last.outcome, extras, event.params["format"]),
                    "ready": str(last.ready).lower(),
                    "since": last.since.isoformat(timespec="seconds"),
                }
            )

    def _on_rotate_credentials(self, event: ops.ActionEvent) -> None:
        peers = self.model.get_relation(PEERS)
        if not self.unit.is_leader() or peers is None:
            event.fail(f"only the leader rotates: juju run {self.app.name}/leader ...")
            return
        serving.rotate(self, peers, self._last_look(), event)

    def _on_secret_remove(self, event: ops.SecretRemoveEvent) -> None:
        """Nobody reads this revision any more."""
        event.remove_revision()

    # -- looking ----------------------------------------------------------------------------

    def _look(self) -> readiness.Assessment | look.Problem:
        try:
            ground = gathering.gather(self)
        except juju_login.InvalidLogin as error:
            return look.Problem("blocked", f"juju-credentials: {error}")
        peers = self.model.get_relation(PEERS)
        return looking.assess(ground, peers.data[self.app] if peers else None)

    def _extras(self) -> report.Extras:
        peers = self.model.get_relation(PEERS)
        left = tenants.Tenants(self, peers).left if peers else {}
        try:
            account = gathering.account(self)
        except keystone_admin.NotThere:
            return report.Extras(left=left)
        import compute_look

        return report.Extras(compute_look.room(account, gathering.ca_certificate(self)), left)

    # -- sharing ----------------------------------------------------------------------------

    def _keep(self, outcome: readiness.Assessment | look.Problem) -> look.Look | None:
        """Share the outcome with the other units; an equal one keeps its time."""
        last = self._last_look()
        if last is not None and last.outcome == outcome:
            return last
        new = look.Look(datetime.datetime.now(datetime.timezone.utc), outcome)
        peers = self.model.get_relation(PEERS)
        if peers is not None:
            peers.data[self.app][_KEY] = new.to_json()
        return new

    def _last_look(self) -> look.Look | None:
        peers = self.model.get_relation(PEERS)
        return look.from_json(peers.data[self.app].get(_KEY, "")) if peers else None

    def _status(self) -> ops.StatusBase:
        """A plan's, while one is at work: what it takes down is no finding."""
        return self._operations.status() or self._status_of_look()

    def _status_of_look(self) -> ops.StatusBase:
        last, peers = self._last_look(), self.model.get_relation(PEERS)
        if last is None:
            return ops.WaitingStatus("has not looked at the model yet")
        if isinstance(last.outcome, look.Problem):
            return _STATUSES[last.outcome.severity](last.outcome.message)
        if last.ready and peers is not None and (problem := serving.problem(self, peers)):
            return ops.WaitingStatus(f"tenants: {problem}")
        return _STATUSES[last.outcome.severity](last.outcome.summary)

    def _leader(self) -> str:
        peers = self.model.get_relation(PEERS)
        return (peers.data[self.app].get("leader") if peers else None) or "not known yet"


if __name__ == "__main__":
    ops.main(OpenStackCoordinatorCharm)
