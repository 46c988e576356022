#!/usr/bin/env python3
"""Watches over the OpenStack of its model and says what it lacks to be ready."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import logging
import os

import juju_credentials
import keystone_admin
import look
import ops
import provisioning
import readiness
import report
import tenants
from charms.openstack_coordinator.v0 import tick

logger = logging.getLogger(__name__)

PEERS = "cluster"
_KEY = "look"
_PROBLEM = "tenants-problem"
_STATUSES = {"blocked": ops.BlockedStatus, "waiting": ops.WaitingStatus, None: ops.ActiveStatus}


class OpenStackCoordinatorCharm(ops.CharmBase):
    """Gathers the model into one value, has it judged, and reports.

    The leader looks at the model in every tick and where its own inputs changed; every other
    event uses the last look, which the peer relation keeps.
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
        ):
            framework.observe(event, self._look_and_reconcile)
        cloud, admin = self.on[tenants.ENDPOINT], self.on["identity-admin"]
        for event in (
            self.on.start,
            cloud.relation_created,
            cloud.relation_changed,
            cloud.relation_broken,
            admin.relation_changed,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.secret_remove, self._on_secret_remove)
        framework.observe(self.on.stop, self._on_stop)
        framework.observe(self.on.collect_unit_status, self._on_collect_unit_status)
        framework.observe(self.on.collect_app_status, self._on_collect_app_status)
        framework.observe(self.on.show_cloud_action, self._on_show_cloud)
        framework.observe(self.on.rotate_credentials_action, self._on_rotate_credentials)

    # -- events -----------------------------------------------------------------------------

    def _look_and_reconcile(self, event: ops.EventBase) -> None:
        if self.unit.is_leader():
            self._keep(self._look())
        self._reconcile(event)

    def _reconcile(self, _: ops.EventBase) -> None:
        if not self.unit.is_leader():
            self._ticker.stop()
            return
        last = self._last_look()
        self._ticker.ensure(last.again if last else look.AGAIN_SETTLING)
        peers = self.model.get_relation(PEERS)
        if peers is not None:
            peers.data[self.app]["leader"] = self.unit.name
            self._serve_tenants(peers, last)

    def _on_stop(self, _: ops.StopEvent) -> None:
        self._ticker.stop()

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
        peers, last = self.model.get_relation(PEERS), self._last_look()
        if not self.unit.is_leader() or peers is None:
            event.fail(f"only the leader rotates: juju run {self.app.name}/leader ...")
            return
        served, now = tenants.Tenants(self, peers), datetime.datetime.now(datetime.timezone.utc)
        try:
            rotated = served.rotate(self._terms(last), now, event.params.get("application", ""))
        except (keystone_admin.NotThere, tenants.Unchanged) as error:
            event.fail(str(error))
        else:
            event.set_results({"rotated": ", ".join(sorted(rotated))})

    def _on_secret_remove(self, event: ops.SecretRemoveEvent) -> None:
        """Nobody reads this revision any more."""
        event.remove_revision()

    # -- looking ----------------------------------------------------------------------------

    def _look(self) -> readiness.Assessment | look.Problem:
        try:
            credentials = self._credentials()
        except juju_credentials.InvalidCredentials as error:
            return look.Problem("blocked", f"juju-credentials: {error}")
        model = str(self.config["model-uuid"]) or self.model.uuid
        # libjuju takes most of a second to import: only here, where it is needed.
        import juju_api

        try:
            return asyncio.run(self._assess(credentials, model))
        except juju_api.Unreachable as error:
            return look.Problem("waiting", f"cannot reach the Juju API, tries again: {error}")
        except juju_api.LoginRefused as error:
            return look.Problem("blocked", f"juju-credentials: Juju refused the login: {error}")
        except juju_api.RequestRefused as error:
            return look.Problem("blocked", f"juju-credentials: Juju refused a request: {error}")

    async def _assess(
        self, credentials: juju_credentials.Credentials, model_uuid: str
    ) -> readiness.Assessment:
        import cloud
        import juju_api
        import knowledge

        known = knowledge.load()
        async with juju_api.session(credentials, model_uuid) as model:
            status = await model.full_status()
            seen = cloud.from_full_status(status)
            with_options = [
                name
                for name, application in seen.applications.items()
                if application.charm in known.charms
            ]
            options = await model.options(with_options)
            retry = provisioning.to_retry(seen, self._ready_nodes())
            if retry:
                logger.info("the pool is ready for machines %s: provisioning again", retry)
                await model.retry_provisioning(retry)
        whole = cloud.from_full_status(status, options)
        assessment = readiness.assess(whole, known)
        return self._with_computes(assessment, readiness.hypervisor_units(whole, known))

    def _with_computes(
        self, assessment: readiness.Assessment, hypervisors: list[str]
    ) -> readiness.Assessment:
        """Where Juju shows nothing amiss, also what Nova says of its computes."""
        peers = self.model.get_relation(PEERS)
        if peers is None or not assessment.ready:
            return assessment
        try:
            account = self._admin()
        except keystone_admin.NotThere:
            return assessment
        import compute_look

        shared, now = peers.data[self.app], datetime.datetime.now(datetime.timezone.utc)
        found = compute_look.findings(shared, account, self._ca(), hypervisors, now)
        return dataclasses.replace(assessment, findings=found)

    def _extras(self) -> report.Extras:
        peers = self.model.get_relation(PEERS)
        left = tenants.Tenants(self, peers).left if peers else {}
        try:
            account = self._admin()
        except keystone_admin.NotThere:
            return report.Extras(left=left)
        import compute_look

        return report.Extras(compute_look.room(account, self._ca()), left)

    def _admin(self) -> keystone_admin.AdminAccount:
        relation = self.model.get_relation("identity-admin")
        if relation is None:
            relate = f"juju integrate {self.app.name}:identity-admin keystone"
            raise keystone_admin.NotThere(f"identity-admin is not related: {relate}")
        units = sorted(relation.units, key=lambda unit: unit.name)
        return keystone_admin.from_units(relation.data[unit] for unit in units)

    def _ca(self) -> str:
        return str(self.config.get("ca-certificate", "")).strip()

    def _credentials(self) -> juju_credentials.Credentials:
        secret_id = self.config.get("juju-credentials")
        if not secret_id:
            raise juju_credentials.InvalidCredentials(
                "not set: juju add-secret <name> username=... password=..., grant it to "
                f"{self.app.name}, and set the option to its URI"
            )
        try:
            secret = self.model.get_secret(id=str(secret_id))
            content = secret.get_content(refresh=True)
        except (ops.SecretNotFoundError, ops.ModelError) as error:
            raise juju_credentials.InvalidCredentials(
                f"the secret is gone or not granted: juju grant-secret <name> {self.app.name}"
            ) from error
        endpoints = os.environ.get("JUJU_API_ADDRESSES", "").split()
        return juju_credentials.from_secret(content, endpoints)

    def _ready_nodes(self) -> dict[str, int]:
        """Role -> machines of the pool that could be taken now."""
        relation = self.model.get_relation("node-pool")
        if relation is None or relation.app is None:
            return {}
        from charms.baremetal_inventory.v0 import node_pool

        pool = node_pool.read_pool(relation.data[relation.app])
        if pool.problem:
            logger.info("node-pool: %s", pool.problem)
        roles = {node.role for node in pool.nodes.values() if node.role}
        return {role: len(pool.ready(role)) for role in sorted(roles)}

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
        last, peers = self._last_look(), self.model.get_relation(PEERS)
        if last is None:
            return ops.WaitingStatus("has not looked at the model yet")
        if isinstance(last.outcome, look.Problem):
            return _STATUSES[last.outcome.severity](last.outcome.message)
        if last.ready and (problem := peers.data[self.app].get(_PROBLEM) if peers else ""):
            return ops.WaitingStatus(f"tenants: {problem}")
        return _STATUSES[last.outcome.severity](last.outcome.summary)

    def _leader(self) -> str:
        peers = self.model.get_relation(PEERS)
        return (peers.data[self.app].get("leader") if peers else None) or "not known yet"

    def _terms(self, last: look.Look | None) -> tenants.Terms:
        """What holds for tenants now; NotThere while Keystone's administrator is not known."""
        outcome = last.outcome if last is not None and last.ready else None
        return tenants.Terms(
            account=self._admin(),
            ca_certificate=self._ca(),
            release=outcome.release if isinstance(outcome, readiness.Assessment) else "",
            max_age=datetime.timedelta(days=int(self.config["credentials-max-age"])),
            ready=outcome is not None,
        )

    def _serve_tenants(self, peers: ops.Relation, last: look.Look | None) -> None:
        if not self.model.relations[tenants.ENDPOINT] and not tenants.served(peers, self.app):
            return
        served, problem = tenants.Tenants(self, peers), ""
        try:
            served.reconcile(self._terms(last), datetime.datetime.now(datetime.timezone.utc))
        except keystone_admin.NotThere as error:
            # The cloud itself is well: who wants a tenant is told what it waits for.
            served.refuse(str(error))
        except tenants.Unchanged as error:
            problem = str(error)
            served.refuse(problem)
        peers.data[self.app][_PROBLEM] = problem


if __name__ == "__main__":
    ops.main(OpenStackCoordinatorCharm)
