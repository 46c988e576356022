"""The OpenStack project that a cluster lives in, over openstacksdk.

Importing openstacksdk takes most of a second, so this module is imported only where a look at
the project is due.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import openstack
import tenacity
from cluster import TAG
from ground import Access
from keystoneauth1 import exceptions as keystone
from openstack import exceptions
from ownership import Claim, Resource
from preflight import Facts, Flavour, Network, Quota
from world import Presence, Server

REQUEST_TIMEOUT = 20
"""Seconds for one answer."""

ATTEMPTS = 3
CIDR = "172.31.240.0/22"
"""The addresses of a cluster's machines: apart from the ranges that Calico (192.168.0.0/16),
Cilium (10.0.0.0/8) and Kubernetes' services (10.152.183.0/24) take by default."""

_T = TypeVar("_T")


class OpenStackError(Exception):
    """The project could not be read or changed."""


class Unreachable(OpenStackError):
    """No answer in time, or the service failed: it may pass by itself."""


class CredentialRefused(OpenStackError):
    """Keystone does not accept the credential any more."""


class RequestRefused(OpenStackError):
    """A service refused one request."""


@dataclasses.dataclass(frozen=True)
class Project:
    """A project, while the session lasts."""

    _cloud: Any

    # -- reading ----------------------------------------------------------------------------

    def resources(self) -> tuple[Resource, ...]:
        """Everything in the project that a cluster may leave behind.

        Raises:
            Unreachable, CredentialRefused, RequestRefused: a service did not tell.
        """
        readers = (_servers, _volumes, _networking, _balancers, _server_groups)
        return tuple(
            resource
            for read in readers
            for resource in _tried(lambda read=read: read(self._cloud))
        )

    def servers(self, claim: Claim) -> tuple[Server, ...]:
        """The servers of a cluster.

        Raises:
            Unreachable, CredentialRefused, RequestRefused: Nova did not tell.
        """
        return _tried(
            lambda: tuple(
                Server(one.id, one.status, (one.fault or {}).get("message") or "")
                for one in _servers_of(self._cloud, claim)
            )
        )

    def network(self, tag: str) -> tuple[Presence, str]:
        """Whether the cluster's network is there and routed, and its id.

        Raises:
            Unreachable, CredentialRefused, RequestRefused: Neutron did not tell.
        """
        return _tried(lambda: _network(self._cloud, tag))

    def external_network(self, name: str) -> str:
        """The id of an external network by name or id; of the only one without a name.

        Raises:
            RequestRefused: there is none, or several.
            Unreachable, CredentialRefused: Neutron did not tell.
        """
        found = _tried(lambda: _external_networks(self._cloud))
        matching = [one.id for one in found if not name or name in (one.name, one.id)]
        if len(matching) != 1:
            raise RequestRefused(f"there are {len(matching)} external networks {name}".rstrip())
        return matching[0]

    def facts(self, claim: Claim, tag: str) -> Facts:
        """What the project has. A service that does not answer is named in it.

        Raises:
            CredentialRefused: Keystone refuses the credential, so that nothing can be told.
        """
        unreachable: dict[str, str] = {}

        def ask(service: str, read: Callable[[Any], _T], otherwise: _T) -> _T:
            try:
                return _tried(lambda: read(self._cloud))
            except (Unreachable, RequestRefused) as error:
                unreachable[service] = str(error)
                return otherwise

        compute: dict[str, Quota] = ask("compute", _compute_quotas, {})
        flavours: dict[str, Flavour] = ask("compute", _flavours, {})
        zones: frozenset[str] = ask("compute", _zones, frozenset())
        present: dict[str, int] = ask("compute", lambda cloud: _present(cloud, claim), {})
        images: frozenset[str] = ask("image", _images, frozenset())
        networks: tuple[Network, ...] = ask("network", _external_networks, ())
        network: Presence = ask("network", lambda cloud: _network(cloud, tag)[0], "absent")
        routed: dict[str, Quota] = ask("network", _network_quotas, {})
        ask("block-storage", lambda cloud: list(cloud.block_storage.volumes(limit=1)), [])
        return Facts(
            unreachable=unreachable,
            quotas={**compute, **routed},
            flavours=flavours,
            images=images,
            zones=zones,
            external_networks=networks,
            present=present,
            has_network=network != "absent",
        )

    # -- changing ---------------------------------------------------------------------------

    def ensure_network(self, name: str, tag: str, external: str) -> None:
        """Have the cluster's network, with a subnet and a router to the outside.

        It may be called again after it was interrupted anywhere: the tag is in the description,
        which is written with the thing itself.

        Raises:
            Unreachable, CredentialRefused, RequestRefused: Neutron did not do it.
        """
        outside = self.external_network(external)
        with _translated():
            neutron = self._cloud.network
            network = next(_own(neutron.networks, self._cloud, tag), None)
            network = network or neutron.create_network(name=name, description=tag)
            subnet = next(iter(neutron.subnets(network_id=network.id)), None)
            subnet = subnet or neutron.create_subnet(
                network_id=network.id, name=name, cidr=CIDR, ip_version=4, description=tag
            )
            router = next(_own(neutron.routers, self._cloud, tag), None)
            router = router or neutron.create_router(
                name=name, description=tag, external_gateway_info={"network_id": outside}
            )
            if not _is_routed(neutron, network, router):
                neutron.add_interface_to_router(router, subnet_id=subnet.id)
            for made in (network, subnet, router):
                if tag not in (made.tags or ()):
                    neutron.set_tags(made, [*(made.tags or ()), tag])

    def mark(self, volumes: Iterable[str], owner: str) -> None:
        """Write the cluster's tag on volumes.

        Raises:
            Unreachable, CredentialRefused, RequestRefused: Cinder did not do it.
        """
        with _translated():
            for volume in volumes:
                self._cloud.block_storage.set_volume_metadata(volume, **{TAG: owner})

    def delete(self, resources: Iterable[Resource]) -> None:
        """Ask for the deletion of each, in this order; one that is in use stays for next time.

        Raises:
            Unreachable, CredentialRefused, RequestRefused: a service did not do it.
        """
        for resource in resources:
            with _translated(), contextlib.suppress(exceptions.ConflictException):
                _DELETERS[resource.kind](self._cloud, resource.id)


@contextlib.contextmanager
def project(access: Access) -> Iterator[Project]:
    """A session with a project, closed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, Any] = {}
        if access.ca_certificate:
            file = pathlib.Path(folder) / "ca.pem"
            file.write_text(access.ca_certificate, encoding="ascii")
            options["cacert"] = str(file)
        cloud = openstack.connect(
            # Nothing of the unit's environment or files may lead elsewhere.
            load_envvars=False,
            load_yaml_config=False,
            auth_type="v3applicationcredential",
            auth={
                "auth_url": access.auth_url,
                "application_credential_id": access.credential_id,
                "application_credential_secret": access.credential_secret,
            },
            region_name=access.region,
            api_timeout=REQUEST_TIMEOUT,
            app_name="k8s-on-openstack",
            **options,
        )
        try:
            yield Project(cloud)
        finally:
            cloud.close()


# -- errors ---------------------------------------------------------------------------------


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Errors of the SDK as those of this module; their text holds no secret."""
    try:
        yield
    except (keystone.Unauthorized, keystone.NotFound) as error:
        # Keystone answers 404 for an application credential that is gone.
        raise CredentialRefused(_reason(error)) from None
    except keystone.ClientException as error:
        raise Unreachable(_reason(error)) from None
    except exceptions.ConflictException:
        raise
    except exceptions.HttpException as error:
        status = error.status_code or 500
        if status == 401:
            raise CredentialRefused(_reason(error)) from None
        if status >= 500 or status == 429:
            raise Unreachable(f"HTTP {status} from {error.url}: {_reason(error)}") from None
        raise RequestRefused(_reason(error)) from None
    except exceptions.SDKException as error:
        raise Unreachable(_reason(error)) from None


def _tried(read: Callable[[], _T]) -> _T:
    """Read, again where it may pass by itself."""

    def once() -> _T:
        with _translated():
            return read()

    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Unreachable),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=2.0),
        reraise=True,
    )
    return attempts(once)


def _reason(error: Exception) -> str:
    details = getattr(error, "details", "") or getattr(error, "message", "") or str(error)
    return str(details).splitlines()[0] if details else type(error).__name__


# -- what is there --------------------------------------------------------------------------


def _servers(cloud: Any) -> list[Resource]:
    return [
        Resource(
            "server",
            server.id,
            server.name,
            metadata=dict(server.metadata or {}),
            going=server.task_state == "deleting",
        )
        for server in cloud.compute.servers()
    ]


def _servers_of(cloud: Any, claim: Claim) -> Iterator[Any]:
    for server in cloud.compute.servers():
        if claim.proves(Resource("server", server.id, metadata=dict(server.metadata or {}))):
            yield server


def _volumes(cloud: Any) -> list[Resource]:
    return [
        Resource(
            "volume",
            volume.id,
            volume.name or "",
            metadata=dict(volume.metadata or {}),
            of=tuple(attached["server_id"] for attached in volume.attachments or ()),
            going=volume.status == "deleting",
        )
        for volume in cloud.block_storage.volumes()
    ]


def _networking(cloud: Any) -> list[Resource]:
    neutron, project_id = cloud.network, cloud.current_project_id
    found = [_routed("network", one) for one in neutron.networks(project_id=project_id)]
    found += [_routed("router", one) for one in neutron.routers(project_id=project_id)]
    found += [
        _routed("port", port, of=(port.device_id or port.network_id,))
        for port in neutron.ports(project_id=project_id)
        # These come and go with their router or network.
        if not (port.device_owner or "").startswith("network:")
    ]
    found += [
        _routed("floating IP", address, of=(address.port_id,) if address.port_id else ())
        for address in neutron.ips(project_id=project_id)
    ]
    found += [
        _routed("security group", group)
        for group in neutron.security_groups(project_id=project_id)
        if group.name != "default"
    ]
    return found


def _routed(kind: str, thing: Any, of: tuple[str, ...] = ()) -> Resource:
    tags = frozenset((*(thing.tags or ()), thing.description or ""))
    return Resource(kind, thing.id, getattr(thing, "name", "") or "", tags=tags, of=of)


def _balancers(cloud: Any) -> list[Resource]:
    if not cloud.has_service("load-balancer"):
        return []
    return [
        Resource(
            "load balancer",
            one.id,
            one.name or "",
            tags=frozenset(one.tags or ()),
            of=(one.vip_network_id,),
            going=one.provisioning_status == "PENDING_DELETE",
        )
        for one in cloud.load_balancer.load_balancers(project_id=cloud.current_project_id)
    ]


def _server_groups(cloud: Any) -> list[Resource]:
    return [
        Resource("server group", group.id, group.name) for group in cloud.compute.server_groups()
    ]


def _own(listing: Callable[..., Iterable[Any]], cloud: Any, tag: str) -> Iterator[Any]:
    for one in listing(project_id=cloud.current_project_id):
        if one.description == tag or tag in (one.tags or ()):
            yield one


def _network(cloud: Any, tag: str) -> tuple[Presence, str]:
    network = next(_own(cloud.network.networks, cloud, tag), None)
    if network is None:
        return "absent", ""
    router = next(_own(cloud.network.routers, cloud, tag), None)
    routed = (
        router is not None
        and router.external_gateway_info
        and _is_routed(cloud.network, network, router)
    )
    return ("current" if routed else "other"), network.id


def _is_routed(neutron: Any, network: Any, router: Any) -> bool:
    ports = neutron.ports(network_id=network.id, device_id=router.id)
    return any(True for _ in ports)


# -- what there is to have ------------------------------------------------------------------


def _compute_quotas(cloud: Any) -> dict[str, Quota]:
    limits = cloud.compute.get_limits().absolute
    return {
        "instances": Quota(limits.instances, limits.instances_used),
        "cores": Quota(limits.total_cores, limits.total_cores_used),
        "ram": Quota(limits.total_ram, limits.total_ram_used),
    }


def _network_quotas(cloud: Any) -> dict[str, Quota]:
    quotas = cloud.network.get_quota(cloud.current_project_id, details=True)
    named = {
        "networks": quotas.networks,
        "subnets": quotas.subnets,
        "routers": quotas.routers,
        "ports": quotas.ports,
        "security_groups": quotas.security_groups,
    }
    return {
        name: Quota(found["limit"], found["used"])
        for name, found in named.items()
        if isinstance(found, Mapping)
    }


def _flavours(cloud: Any) -> dict[str, Flavour]:
    return {one.name: Flavour(one.vcpus, one.ram) for one in cloud.compute.flavors()}


def _zones(cloud: Any) -> frozenset[str]:
    zones = cloud.compute.availability_zones()
    return frozenset(zone.name for zone in zones if zone.state.get("available"))


def _present(cloud: Any, claim: Claim) -> dict[str, int]:
    present: dict[str, int] = {}
    for server in _servers_of(cloud, claim):
        name = (server.flavor or {}).get("original_name") or ""
        present[name] = present.get(name, 0) + 1
    return present


def _images(cloud: Any) -> frozenset[str]:
    return frozenset(image.id for image in cloud.image.images(status="active"))


def _external_networks(cloud: Any) -> tuple[Network, ...]:
    found = cloud.network.networks(is_router_external=True)
    return tuple(sorted((Network(one.id, one.name) for one in found), key=lambda one: one.name))


# -- what goes ------------------------------------------------------------------------------


def _delete_router(cloud: Any, id_: str) -> None:
    for port in cloud.network.ports(device_id=id_):
        if port.device_owner in (
            "network:router_interface",
            "network:router_interface_distributed",
        ):
            cloud.network.remove_interface_from_router(id_, port_id=port.id)
    cloud.network.delete_router(id_)


_DELETERS: Mapping[str, Callable[[Any, str], object]] = {
    "load balancer": lambda cloud, id_: cloud.load_balancer.delete_load_balancer(
        id_, cascade=True
    ),
    "server": lambda cloud, id_: cloud.compute.delete_server(id_),
    "volume": lambda cloud, id_: cloud.block_storage.delete_volume(id_),
    "floating IP": lambda cloud, id_: cloud.network.delete_ip(id_),
    "router": _delete_router,
    "port": lambda cloud, id_: cloud.network.delete_port(id_),
    "network": lambda cloud, id_: cloud.network.delete_network(id_),
    "security group": lambda cloud, id_: cloud.network.delete_security_group(id_),
    "server group": lambda cloud, id_: cloud.compute.delete_server_group(id_),
}
