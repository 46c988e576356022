"""OpenStack as its administrator sees it, over openstacksdk: the session, and tenants in Keystone.

Importing openstacksdk takes most of a second, so this module is imported only where something is
to be asked or changed. Whatever it makes in Keystone carries a description that says who made it,
and it changes and deletes nothing that does not. See nova.py for computes and guests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import openstack.connection
import openstack.exceptions
import tenacity
from keystone_admin import AdminAccount
from keystoneauth1 import exceptions as failures
from keystoneauth1 import session as sessions
from keystoneauth1.identity import v3

TIMEOUT = 20.0
"""Seconds for one answer."""

ATTEMPTS = 3

_ROLE = "member"
_OPTIONAL_ROLES = ("load-balancer_member",)
"""Roles that a Kubernetes cluster needs where the service that knows them is there: Octavia."""

_PASSING = frozenset({429, 500, 502, 503, 504})

logger = logging.getLogger(__name__)


class OpenStackApiError(Exception):
    """OpenStack could not be read or changed."""


class Unreachable(OpenStackApiError):
    """An API did not answer, or cannot serve now: it may pass by itself."""


class LoginRefused(OpenStackApiError):
    """Keystone does not accept the account."""


class RequestRefused(OpenStackApiError):
    """An API refused one request."""


@dataclasses.dataclass(frozen=True)
class Issued:
    """One generation of a tenant's credentials."""

    project: str
    """Its id."""
    application_credential: str
    """Its id."""
    application_credential_secret: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The credentials to make."""

    domain: str
    project: str
    user: str
    password: str = dataclasses.field(repr=False)
    expires: datetime.datetime


@contextlib.contextmanager
def session(account: AdminAccount, ca_certificate: str, maker: str) -> Iterator[Cloud]:
    """OpenStack as its administrator.

    Args:
        account: the administrator.
        ca_certificate: PEM; empty to trust the CAs of the system.
        maker: the description of what is made here; what carries it is ours.

    Raises:
        OpenStackApiError: one of its kinds, from the body as well.
    """
    with tempfile.TemporaryDirectory() as folder, told(account.auth_url):
        verify: bool | str = True
        if ca_certificate:
            file = pathlib.Path(folder) / "ca.pem"
            file.write_text(ca_certificate, encoding="ascii")
            verify = str(file)
        auth = _admitted(account, verify)
        yield Cloud(_connection(auth, verify, account.region), account, verify, maker)


def _admitted(account: AdminAccount, verify: bool | str) -> v3.Password:
    """The login with the password that Keystone takes; the last one is not tried here."""
    *others, last = account.passwords
    for password in others:
        auth = _login(account, password)
        try:
            auth.get_access(sessions.Session(verify=verify, timeout=TIMEOUT))
        except failures.Unauthorized:
            logger.info(
                "%s refuses a password that a unit of Keystone tells: it was rotated",
                account.auth_url,
            )
        except failures.ClientException:
            # Not a matter of the password: whoever asks first is told.
            return auth
        else:
            return auth
    return _login(account, last)


def _login(account: AdminAccount, password: str) -> v3.Password:
    return v3.Password(
        auth_url=account.auth_url,
        username=account.username,
        password=password,
        user_domain_name=account.user_domain,
        project_name=account.project,
        project_domain_name=account.project_domain,
    )


def _connection(auth: Any, verify: bool | str, region: str) -> openstack.connection.Connection:
    asking = sessions.Session(auth=auth, verify=verify, timeout=TIMEOUT)
    return openstack.connection.Connection(session=asking, region_name=region)


@contextlib.contextmanager
def told(auth_url: str) -> Iterator[None]:
    """Turn failures into ours. Their texts name URLs and reasons, never credentials.

    Raises:
        OpenStackApiError: one of its kinds, for what openstacksdk and keystoneauth raise.
    """
    try:
        yield
    except (failures.Unauthorized, openstack.exceptions.ForbiddenException) as error:
        raise LoginRefused(f"{auth_url}: {_reason(error)}") from None
    except (failures.ConnectionError, failures.RetriableConnectionFailure) as error:
        raise Unreachable(_reason(error)) from None
    except openstack.exceptions.HttpException as error:
        kind = Unreachable if error.status_code in _PASSING else RequestRefused
        raise kind(f"{error.url or auth_url}: {_reason(error)}") from None
    except (openstack.exceptions.SDKException, failures.ClientException) as error:
        raise RequestRefused(f"{auth_url}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _passes(error: BaseException) -> bool:
    if isinstance(error, openstack.exceptions.HttpException):
        return error.status_code in _PASSING
    return isinstance(error, failures.RetriableConnectionFailure)


again = tenacity.retry(
    retry=tenacity.retry_if_exception(_passes),
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    wait=tenacity.wait_exponential(0.5, max=4),
    reraise=True,
)
"""For what may be done twice."""


class Cloud:
    """One OpenStack, while the session lasts."""

    def __init__(
        self,
        connection: openstack.connection.Connection,
        account: AdminAccount,
        verify: bool | str,
        maker: str,
    ) -> None:
        self.connection = connection
        self._account = account
        self.verify = verify
        """The file of the CA to trust; True for those of the system."""
        self.maker = maker
        """The description of what is made here."""
        self._keystone: Any = connection.identity

    @property
    def auth_url(self) -> str:
        """Keystone's endpoint with its version."""
        return self._account.auth_url

    # -- tenants ----------------------------------------------------------------------------

    @again
    def endpoints(self) -> dict[str, str]:
        """Service type -> public URL in the account's region."""
        session: Any = self.connection.session
        catalogue = session.auth.get_access(session).service_catalog
        region = self._account.region
        found = catalogue.get_endpoints_data(interface="public", region_name=region)
        return {kind: listed[0].url for kind, listed in found.items() if listed}

    @again
    def users(self, domain: str) -> dict[str, str]:
        """Name -> id of the users in a domain that were made here."""
        return self._made(self._keystone.users, domain)

    @again
    def projects(self, domain: str) -> dict[str, str]:
        """Name -> id of the projects in a domain that were made here."""
        return self._made(self._keystone.projects, domain)

    def _made(self, kind: Any, domain: str) -> dict[str, str]:
        found = self._domain(domain)
        if found is None:
            return {}
        listed = kind(domain_id=found.id)
        return {item.name: item.id for item in listed if item.description == self.maker}

    def _domain(self, name: str) -> Any:
        return next(self._keystone.domains(name=name), None)

    @again
    def issue(self, wanted: Wanted) -> Issued:
        """Make a user with a role in the tenant's project, and an application credential of his.

        A user of that name is one whose password nobody was told: he is replaced.
        """
        identity = self._keystone
        domain = self._domain(wanted.domain) or identity.create_domain(
            name=wanted.domain, description=self.maker
        )
        mine: dict[str, Any] = {"domain_id": domain.id, "description": self.maker}
        projects = identity.projects(name=wanted.project, domain_id=domain.id)
        project = next(projects, None) or identity.create_project(name=wanted.project, **mine)
        for stray in identity.users(name=wanted.user, domain_id=domain.id):
            identity.delete_user(stray.id)
        user = identity.create_user(name=wanted.user, password=wanted.password, **mine)
        for role in self._roles():
            identity.assign_project_role_to_user(project, user, role)
        credential = self._as(user.id, wanted.password, project.id).create_application_credential(
            user=user.id,
            name=wanted.user,
            expires_at=_keystone_time(wanted.expires),
        )
        return Issued(project.id, credential.id, credential.secret)

    def _roles(self) -> list[Any]:
        """Raises RequestRefused where the role that every tenant needs is not there."""
        roles = {role.name: role for role in self._keystone.roles()}
        if _ROLE not in roles:
            raise RequestRefused(f"Keystone has no role {_ROLE!r}: openstack role create {_ROLE}")
        return [roles[_ROLE], *(roles[name] for name in _OPTIONAL_ROLES if name in roles)]

    def _as(self, user: str, password: str, project: str) -> Any:
        auth = v3.Password(
            auth_url=self._account.auth_url, user_id=user, password=password, project_id=project
        )
        return _connection(auth, self.verify, self._account.region).identity

    @again
    def revoke(self, user: str) -> None:
        """Delete a user by id, and so his application credentials; one that is gone is fine."""
        self._keystone.delete_user(user, ignore_missing=True)

    @again
    def left_in(self, project: str) -> list[str]:
        """What a project still holds, as `kind name (id)`, sorted; nothing of it is changed."""
        found: list[str] = []
        for kind, listed in self._listings(project):
            found += [f"{kind} {item.name or '-'} ({item.id})" for item in listed]
        return sorted(found)

    def _listings(self, project: str) -> Iterator[tuple[str, Any]]:
        network: Any = self.connection.network
        owned = {"project_id": project}
        everywhere = {"all_projects": True, **owned}
        yield "server", self.connection.compute.servers(details=False, **everywhere)
        yield "floating IP", network.ips(**owned)
        yield "router", network.routers(**owned)
        yield "network", network.networks(**owned)
        groups = network.security_groups(**owned)
        yield "security group", (group for group in groups if group.name != "default")
        yield "image", self.connection.image.images(owner=project)
        catalogue = self.endpoints()
        if "volumev3" in catalogue or "block-storage" in catalogue:
            storage: Any = self.connection.block_storage
            yield "volume", storage.volumes(details=False, **everywhere)
            yield "snapshot", storage.snapshots(details=False, **everywhere)
        if "load-balancer" in catalogue:
            yield "load balancer", self.connection.load_balancer.load_balancers(**owned)

    @again
    def delete_project(self, project: str) -> None:
        """Delete an empty project by id, with the security group that Neutron made for it."""
        network: Any = self.connection.network
        for group in network.security_groups(project_id=project, name="default"):
            network.delete_security_group(group.id, ignore_missing=True)
        self._keystone.delete_project(project, ignore_missing=True)


def _keystone_time(moment: datetime.datetime) -> str:
    """UTC without a zone, as Keystone wants it."""
    utc = moment.astimezone(datetime.timezone.utc)
    return utc.replace(tzinfo=None).isoformat(timespec="seconds")
