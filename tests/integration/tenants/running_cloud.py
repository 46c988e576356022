"""A running OpenStack as the tests here use it: its administrator, and tenants on it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import pathlib
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import keystone_admin
import openstack
import openstack_api
import tenancy

from sandbox.home import Home
from sandbox.openstack import programs
from sandbox.openstack.layout import Layout

MODEL = "8f2a5c1e-4b7d-4c6f-9a2b-5d8e1c4f7a0b"
MAKER = f"made by openstack-coordinator of model {MODEL}"
NAMES = tenancy.Names(MODEL, "openstack-coordinator")
HOSTS = {"compute-1": "az1", "compute-2": "az2"}
PASSWORD = "open sesame, and leave it open"  # of users that live as long as a test


@dataclasses.dataclass
class OpenStack:
    """The running cloud, and its administrator."""

    home: Home
    admin: Any
    account: keystone_admin.AdminAccount

    @property
    def folder(self) -> pathlib.Path:
        return self.home.folder("openstack")

    def session(self, account: keystone_admin.AdminAccount | None = None) -> Any:
        return openstack_api.session(account or self.account, "", MAKER)

    def tenant(self, application: str, relation: int = 1, generation: int = 1) -> Tenant:
        now = datetime.datetime.now(datetime.timezone.utc)
        wanted = openstack_api.Wanted(
            domain=NAMES.domain,
            project=NAMES.project(application),
            user=NAMES.user(application, relation, generation),
            password=PASSWORD,
            expires=now + datetime.timedelta(days=1),
        )
        with self.session() as cloud:
            return Tenant(wanted, cloud.issue(wanted), self.account.auth_url)

    def servers(self, project: str) -> list[Any]:
        return list(self.admin.compute.servers(all_projects=True, project_id=project))

    def resources(self, project: str) -> set[str]:
        """Everything in a project, by kind and id."""
        neutron = self.admin.network
        volumes = self.admin.block_storage.volumes(all_projects=True)
        listed = {
            "server": self.servers(project),
            "volume": (one for one in volumes if one.project_id == project),
            "network": neutron.networks(project_id=project),
            "subnet": neutron.subnets(project_id=project),
            "router": neutron.routers(project_id=project),
            "port": neutron.ports(project_id=project),
            "floating IP": neutron.ips(project_id=project),
            "group": neutron.security_groups(project_id=project),
        }
        return {
            f"{kind} {one.id}"
            for kind, found in listed.items()
            for one in found
            if kind != "group" or one.name != "default"
        }

    def quota(self, project: str, **limits: int) -> None:
        self.admin.compute.update_quota_set(project, **limits)

    @contextlib.contextmanager
    def nova_failing(self) -> Iterator[None]:
        """Nova answers 500 to whatever is about servers or flavours: tables are missing."""
        tables = ("build_requests", "flavors", "instance_mappings")
        self._in_database(
            *(f"RENAME TABLE nova_api.{name} TO nova_api.{name}_away" for name in tables)
        )
        try:
            yield
        finally:
            self._in_database(
                *(f"RENAME TABLE nova_api.{name}_away TO nova_api.{name}" for name in tables)
            )

    def _in_database(self, *statements: str) -> None:
        layout = Layout.load(self.home)
        socket = f"--socket={programs.mariadb_socket(layout)}"
        subprocess.run(
            ["mariadb", "--no-defaults", socket, "--user=root", "--execute", ";".join(statements)],
            env={**os.environ, "MYSQL_PWD": layout.passwords["database"]},
            check=True,
        )

    @contextlib.contextmanager
    def zone_without_hosts(self, zone: str) -> Iterator[None]:
        """Every nova-compute of a zone is disabled, as before an upgrade of its host."""
        services = [
            service
            for service in self.admin.compute.services(binary="nova-compute")
            if HOSTS[service.host] == zone
        ]
        for service in services:
            self.admin.compute.disable_service(service, service.host, "nova-compute")
        until(lambda: not self._zones()[zone], 60, f"zone {zone} is without hosts")
        try:
            yield
        finally:
            for service in services:
                self.admin.compute.enable_service(service, service.host, "nova-compute")
            until(lambda: self._zones()[zone], 60, f"zone {zone} has hosts again")

    def _zones(self) -> dict[str, bool]:
        found = self.admin.compute.availability_zones()
        return {zone.name: zone.state["available"] for zone in found}

    def revoke(self, tenant: Tenant) -> None:
        """The user of one generation, and the application credential with it."""
        with self.session() as cloud:
            cloud.revoke(cloud.users(NAMES.domain)[tenant.wanted.user])

    def remove(self, project: str) -> None:
        with self.session() as cloud:
            for name, user in cloud.users(NAMES.domain).items():
                if name.startswith(project):
                    cloud.revoke(user)
            identity = cloud.projects(NAMES.domain).get(project)
            if identity is not None:
                cloud.delete_project(identity)


@dataclasses.dataclass(frozen=True)
class Tenant:
    """One generation of a tenant's credentials."""

    wanted: openstack_api.Wanted
    issued: openstack_api.Issued
    auth_url: str

    @property
    def attributes(self) -> dict[str, str]:
        """As Juju's openstack clouds take them."""
        return {
            "username": self.wanted.user,
            "password": self.wanted.password,
            "tenant-name": self.wanted.project,
            "user-domain-name": self.wanted.domain,
            "project-domain-name": self.wanted.domain,
        }

    def by_application_credential(self) -> Any:
        return openstack.connect(
            auth_type="v3applicationcredential",
            auth_url=self.auth_url,
            application_credential_id=self.issued.application_credential,
            application_credential_secret=self.issued.application_credential_secret,
            region_name="RegionOne",
        )


def until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)


def connect(home: Home) -> OpenStack:
    """The administrator's view of a cloud whose services are up."""
    file = home.folder("openstack") / "clouds.yaml"
    auth = json.loads(file.read_text())["clouds"]["sandbox"]["auth"]
    admin = openstack.connect(auth=auth, region_name="RegionOne")
    account = keystone_admin.AdminAccount(
        application="keystone",
        auth_url=auth["auth_url"],
        region="RegionOne",
        username=auth["username"],
        passwords=(auth["password"],),
        user_domain=auth["user_domain_name"],
        project=auth["project_name"],
        project_domain=auth["project_domain_name"],
    )
    return OpenStack(home, admin, account)


def offer(admin: Any) -> None:
    """Make what an operator offers tenants: images, flavours, a network, zones."""
    admin.image.create_image(
        name="noble",
        data=b"\0" * 4096,
        validate_checksum=False,
        disk_format="raw",
        container_format="bare",
        visibility="public",
        os_distro="ubuntu",
        os_version="24.04",
    )
    sizes = (("small", 1, 2048, 10), ("medium", 2, 4096, 10), ("huge", 1, 8192, 10**6))
    for name, vcpus, ram, disk in sizes:
        admin.compute.create_flavor(name=name, vcpus=vcpus, ram=ram, disk=disk)
    network = admin.network.create_network(name="shared", shared=True)
    admin.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.20.0.0/24")
    outside = admin.network.create_network(name="ext_net", is_router_external=True)
    admin.network.create_subnet(
        network_id=outside.id, ip_version=4, cidr="203.0.113.0/24", is_dhcp_enabled=False
    )
    until(lambda: len(list(admin.compute.hypervisors())) == 2, 90, "two hypervisors are mapped")
    for host, zone in HOSTS.items():
        aggregate = admin.compute.create_aggregate(name=zone, availability_zone=zone)
        admin.compute.add_host_to_aggregate(aggregate, host)
