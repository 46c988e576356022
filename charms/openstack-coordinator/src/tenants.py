"""The applications that live on this OpenStack: their credentials made, rotated and revoked.

The leader compares the relations with its records, which the peer relation keeps, and only where
they differ does it turn to Keystone. What it does there, the secret, the document of the relation
and the record are committed by Juju together when the hook ends; where the hook dies, the next one
finds the same difference and does the same again.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import secrets
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import ops
import tenancy

if TYPE_CHECKING:
    import openstack_api
    from charms.openstack_coordinator.v0 import openstack_cloud
    from keystone_admin import AdminAccount

ENDPOINT = "openstack-cloud"
_RECORDS = "tenants"

logger = logging.getLogger(__name__)


class Unchanged(Exception):
    """The tenants could not be served now; the message says why, and the next tick tries again."""


@dataclasses.dataclass(frozen=True)
class Terms:
    """What holds for every tenant now."""

    account: AdminAccount
    ca_certificate: str
    release: str
    max_age: datetime.timedelta
    ready: bool
    """Whether OpenStack can take new tenants; else only revokes and ends."""


def served(peers: ops.Relation, app: ops.Application) -> bool:
    """Whether anything was ever made for a tenant that is not all gone."""
    return bool(tenancy.from_json(peers.data[app].get(_RECORDS, "")))


class Tenants:
    """Serves the relations of `openstack-cloud`. For the leader only."""

    def __init__(self, charm: ops.CharmBase, peers: ops.Relation) -> None:
        from charms.openstack_coordinator.v0 import openstack_cloud

        self._charm = charm
        self._own = peers.data[charm.app]
        self._provider = openstack_cloud.OpenStackCloudProvider(charm, ENDPOINT)
        self._names = tenancy.Names(charm.model.uuid, charm.app.name)
        self._relations = {r.id: r for r in self._provider.relations() if r.app is not None}

    @property
    def records(self) -> dict[int, tenancy.Record]:
        """What was made, by relation."""
        return tenancy.from_json(self._own.get(_RECORDS, ""))

    @property
    def left(self) -> dict[str, tuple[str, ...]]:
        """Former tenant -> what its project still holds."""
        return {
            record.application: record.left
            for relation, record in self.records.items()
            if relation not in self._relations and record.left
        }

    def refuse(self, reason: str) -> None:
        """Tell the tenants that have no credentials yet why."""
        from charms.openstack_coordinator.v0 import openstack_cloud

        records = self.records
        for id_, relation in self._relations.items():
            if id_ not in records:
                told = openstack_cloud.OpenStackCloud(ready=False, reason=reason)
                self._provider.publish(relation, told)

    def rotate(self, terms: Terms, now: datetime.datetime, application: str = "") -> set[str]:
        """Replace the credentials of one tenant, or of all; returns whose were replaced.

        Raises:
            Unchanged: some cannot be replaced now; those that can were.
        """
        tenants, records = self._tenants(), self.records
        chosen = {
            id_: tenant
            for id_, tenant in tenants.items()
            if id_ in records and application in ("", tenant.application)
        }
        if application and not chosen:
            raise Unchanged(f"{application} has no credentials")
        ready = {id_ for id_, t in chosen.items() if tenancy.rotatable(records[id_], t, now)}
        if not terms.ready:
            raise Unchanged("OpenStack is not ready")
        self.reconcile(terms, now, ready)
        late = ", ".join(sorted(t.application for i, t in chosen.items() if i not in ready))
        if late:
            raise Unchanged(
                f"{late}: the latest credentials were not taken yet, and the ones before stay "
                "valid until they are"
            )
        return {chosen[id_].application for id_ in ready}

    def reconcile(
        self, terms: Terms, now: datetime.datetime, rotate: Collection[int] = ()
    ) -> None:
        """Make, rotate, revoke and end what is due; `rotate` names relations.

        Raises:
            Unchanged: Keystone did not do it; nothing is recorded.
        """
        tenants, records = self._tenants(), self.records
        due = tenancy.due(tenants, records, now=now, max_age=terms.max_age, rotate=rotate)
        if not terms.ready:
            self.refuse("OpenStack is not ready")
            due = dataclasses.replace(due, issue={})
        if not due:
            return
        import openstack_api

        maker = f"made by {self._charm.app.name} of model {self._names.model}"
        try:
            with openstack_api.session(terms.account, terms.ca_certificate, maker) as cloud:
                self._carry_out(cloud, due, records, terms, now)
        except openstack_api.OpenStackApiError as error:
            raise Unchanged(f"cannot serve tenants, tries again: {error}") from error
        self._own[_RECORDS] = tenancy.to_json(records)

    def _tenants(self) -> dict[int, tenancy.Tenant]:
        return {
            id_: tenancy.Tenant(relation.app.name, self._provider.acknowledged(relation))
            for id_, relation in self._relations.items()
        }

    def _carry_out(
        self,
        cloud: openstack_api.Cloud,
        due: tenancy.Due,
        records: dict[int, tenancy.Record],
        terms: Terms,
        now: datetime.datetime,
    ) -> None:
        """Do what is due, and change the records accordingly."""
        for relation, generation in due.issue.items():
            records[relation] = self._issue(cloud, relation, generation, records, terms, now)
        for relation, revoked in due.revoke.items():
            records[relation] = dataclasses.replace(records[relation], revoked=revoked)
            logger.info("tenant %s: generations to %d revoked", relation, revoked)
        self._sweep_users(cloud, records)
        for relation in due.end:
            self._end(cloud, relation, records, now)

    def _issue(
        self,
        cloud: openstack_api.Cloud,
        relation: int,
        generation: int,
        records: Mapping[int, tenancy.Record],
        terms: Terms,
        now: datetime.datetime,
    ) -> tenancy.Record:
        import openstack_api
        import pydantic
        from charms.openstack_coordinator.v0 import openstack_cloud

        names, application = self._names, self._relations[relation].app.name
        wanted = openstack_api.Wanted(
            domain=names.domain,
            project=names.project(application),
            user=names.user(application, relation, generation),
            password=secrets.token_urlsafe(32),
            expires=tenancy.expiry(now, terms.max_age),
        )
        issued = cloud.issue(wanted)
        credentials = openstack_cloud.TenantCredentials(
            generation=generation,
            project_id=issued.project,
            project_name=wanted.project,
            project_domain_name=wanted.domain,
            username=wanted.user,
            password=pydantic.SecretStr(wanted.password),
            user_domain_name=wanted.domain,
            application_credential_id=issued.application_credential,
            application_credential_secret=pydantic.SecretStr(issued.application_credential_secret),
            expires_at=wanted.expires,
        )
        old = records.get(relation)
        secret = self._hand_over(relation, credentials, old.secret if old else None)
        document = openstack_cloud.OpenStackCloud(
            ready=True,
            release=terms.release,
            region=terms.account.region,
            auth_url=terms.account.auth_url,
            ca_certificate=terms.ca_certificate,
            endpoints=cloud.endpoints(),
            credentials=secret,
            generation=generation,
        )
        self._provider.publish(self._relations[relation], document)
        logger.info("tenant %s: generation %d issued", application, generation)
        revoked = old.revoked if old else 0
        return tenancy.Record(application, generation, now, wanted.expires, secret, revoked)

    def _hand_over(
        self,
        relation: int,
        credentials: openstack_cloud.TenantCredentials,
        known: str | None,
    ) -> str:
        """Put the credentials into the secret of a relation, and return its id."""
        if known is not None:
            self._charm.model.get_secret(id=known).set_content(credentials.to_content())
            return known
        secret = self._charm.app.add_secret(
            credentials.to_content(), description="a project of this OpenStack"
        )
        secret.grant(self._relations[relation])
        return secret.id or secret.get_info().id

    def _sweep_users(
        self, cloud: openstack_api.Cloud, records: Mapping[int, tenancy.Record]
    ) -> None:
        """Delete the users that no record allows, hooks that died having made some of them."""
        users = cloud.users(self._names.domain)
        for name in tenancy.doomed_users(self._names, users, records, self._relations):
            cloud.revoke(users[name])

    def _end(
        self,
        cloud: openstack_api.Cloud,
        relation: int,
        records: dict[int, tenancy.Record],
        now: datetime.datetime,
    ) -> None:
        """Delete the project of a former tenant, or note what is left in it."""
        record = records[relation]
        self._withdraw(record)
        name = self._names.project(record.application)
        project = cloud.projects(self._names.domain).get(name)
        again = any(r.app.name == record.application for r in self._relations.values())
        left = [] if project is None or again else cloud.left_in(project)
        if left:
            records[relation] = dataclasses.replace(
                record, left=tuple(left), looked=now, secret="", revoked=record.generation
            )
            return
        if project is not None and not again:
            cloud.delete_project(project)
        del records[relation]
        logger.info("former tenant %s: nothing is left of it", record.application)

    def _withdraw(self, record: tenancy.Record) -> None:
        if record.secret:
            try:
                self._charm.model.get_secret(id=record.secret).remove_all_revisions()
            except ops.SecretNotFoundError:
                logger.debug("the secret of %s was removed already", record.application)
