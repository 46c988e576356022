"""Nova: its services and hypervisors, guests and their migrations, canaries; over openstacksdk.

A canary is a small guest that proves a hypervisor: it is forced onto the host, and boots with a
port of its own network. Every canary and that network carry the coordinator's mark, and no other
guest or network is ever deleted here.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import computes
import openstack.exceptions
import openstack_api
from openstack_api import again
from snapshot import Guest, Migration
from steps import CANARY

# Newer versions of Nova's API leave out the sizes of hypervisors.
_WITH_SIZES = "2.53"
# Forcing a host by the zone's name, embedded flavours, migrations with UUIDs: since Stein.
_MODERN = "2.72"
_COMPUTE = "nova-compute"
_MARK = "made-by"
_NETWORK = "openstack-coordinator-canary"
_SUBNET = "192.0.2.0/24"
"""Nova boots on no network without a subnet. RFC 5737 keeps this one for examples."""

_OF_THE_HOST = frozenset({"direct", "direct-physical", "macvtap", "vdpa", "accelerator-direct"})
"""Kinds of ports that are a device of the host."""

_UNDER_WAY = frozenset(
    {
        *("accepted", "queued", "preparing", "pre-migrating", "migrating", "running"),
        *("post-migrating", "confirming", "reverting", "finished"),
    }
)
"""Of Nova's migrations. A cold one that is `finished` still waits to be confirmed."""

_FAILED = frozenset({"error", "failed", "cancelled"})
_DISABLED = "COMPUTE_STATUS_DISABLED"
"""The trait by which Placement keeps guests from a disabled compute (compute_status_filter)."""


class NoImage(openstack_api.RequestRefused):
    """There is nothing that a canary could boot from."""


class Nova:
    """Nova, while the session of `openstack_api` lasts."""

    def __init__(self, cloud: openstack_api.Cloud) -> None:
        self._connection = cloud.connection
        self._compute: Any = cloud.connection.compute
        self._mark = cloud.maker

    # -- computes ---------------------------------------------------------------------------

    @again
    def computes(self) -> computes.Seen:
        """Nova's services, and the hypervisors that belong to a cell."""
        listed = self._get("/os-services", "services")
        sized = self._get("/os-hypervisors/detail", "hypervisors")
        return computes.Seen(tuple(map(_service, listed)), tuple(map(_hypervisor, sized)))

    def enable(self, host: str) -> None:
        """Let new guests onto a host.

        Raises:
            RequestRefused: Nova knows no compute on it.
        """
        self._update_service(host, {"status": "enabled"})

    def disable(self, host: str, reason: str) -> None:
        """Keep new guests from a host; those that run there stay.

        Raises:
            RequestRefused: Nova knows no compute on it.
        """
        self._update_service(host, {"status": "disabled", "disabled_reason": reason[:255]})

    @again
    def remove_service(self, host: str) -> None:
        """Have Nova forget the compute of a host, and its resource provider; gone is fine."""
        for service in self._services(host):
            self._compute.delete_service(service["id"], ignore_missing=True)

    @again
    def _update_service(self, host: str, change: dict[str, str]) -> None:
        found = self._services(host)
        if not found:
            raise openstack_api.RequestRefused(f"Nova knows no {_COMPUTE} on {host}")
        for service in found:
            answer = self._compute.put(
                f"/os-services/{service['id']}", json=change, microversion=_WITH_SIZES
            )
            openstack.exceptions.raise_from_response(answer)

    def _services(self, host: str) -> list[dict[str, Any]]:
        return self._get(f"/os-services?host={host}&binary={_COMPUTE}", "services")

    # -- zones ------------------------------------------------------------------------------

    @again
    def join_zone(self, host: str, zone: str) -> None:
        """Put a host into the aggregate that makes an availability zone.

        A zone that is new to Nova gets one, named as nova-cloud-controller's action
        sync-compute-availability-zones names it: a host in it is the first of the zone.

        Raises:
            RequestRefused: the host is in another zone.
        """
        making = [a for a in self._compute.aggregates() if a.availability_zone == zone]
        if not making:
            named = {"name": f"{zone}_az", "availability_zone": zone}
            making = [self._compute.create_aggregate(**named)]
        if not any(host in (aggregate.hosts or ()) for aggregate in making):
            self._compute.add_host_to_aggregate(making[0], host)

    @again
    def leave_zones(self, host: str) -> None:
        """Take a host out of every aggregate."""
        for aggregate in self._compute.aggregates():
            if host in (aggregate.hosts or ()):
                self._compute.remove_host_from_aggregate(aggregate, host)

    # -- guests -----------------------------------------------------------------------------

    @again
    def guests(self, hosts: Iterable[str] | None) -> tuple[Guest, ...]:
        """The guests of these hosts, or of all; canaries are among them.

        Raises:
            OpenStackApiError: Nova, or Neutron where the hosts are named, does not tell.
        """
        if hosts is None:
            bound = self._ports_of_the_host()
            listed = self._servers("all_tenants=1")
            return tuple(_guest(raw, bound.get(raw["id"], {})) for raw in listed)
        found: list[Guest] = []
        for host in sorted(set(hosts)):
            ports = self._ports(host)
            listed = self._servers(f"all_tenants=1&host={host}")
            found += [_guest(raw, ports.get(raw["id"], {})) for raw in listed]
        return tuple(found)

    def _servers(self, query: str) -> list[dict[str, Any]]:
        return self._get(f"/servers/detail?{query}&limit=500&sort_key=uuid", "servers", _MODERN)

    def _ports_of_the_host(self) -> dict[str, dict[str, str]]:
        """Guest -> kinds of its ports that are devices of a host, of all that have any."""
        network: Any = self._connection.network
        found: dict[str, dict[str, str]] = {}
        # Neutron takes no filter by kind: 400 "invalid attribute for filtering".
        for port in network.ports(fields=["device_id", "status", "binding:vnic_type"]):
            if port.binding_vnic_type in _OF_THE_HOST:
                found.setdefault(port.device_id, {})[port.binding_vnic_type] = port.status
        return found

    def _ports(self, host: str) -> dict[str, dict[str, str]]:
        """Guest -> kind of each of its ports on a host -> whether such a port is not bound yet."""
        network: Any = self._connection.network
        found: dict[str, dict[str, str]] = {}
        for port in network.ports(**{"binding:host_id": host}):
            ports = found.setdefault(port.device_id, {})
            ports[port.binding_vnic_type or "normal"] = port.status
        return found

    @again
    def migrations(self, hosts: Iterable[str] | None) -> tuple[tuple[Migration, ...], ...]:
        """The migrations into and out of these hosts or all that go on, and those that failed.

        Both oldest first. Of all hosts, only what goes on.
        """
        raw: dict[int, dict[str, Any]] = {}
        if hosts is None:
            queries = [f"status={status}" for status in sorted(_UNDER_WAY)]
        else:
            queries = [f"host={host}" for host in sorted(set(hosts))]
        for query in queries:
            listed = self._get(f"/os-migrations?{query}", "migrations", _MODERN)
            raw |= {int(one["id"]): one for one in listed}
        found = [raw[id_] for id_ in sorted(raw)]
        return (
            tuple(_migration(one) for one in found if one["status"] in _UNDER_WAY),
            tuple(_migration(one) for one in found if one["status"] in _FAILED),
        )

    def live_migrate(self, guest: str, host: str = "") -> None:
        """Move a running guest to a host, or to one that the scheduler chooses.

        Raises:
            RequestRefused: it cannot be moved so, or there is no room.
        """
        body = {"os-migrateLive": {"host": host or None, "block_migration": "auto"}}
        self._act(guest, body)

    def cold_migrate(self, guest: str) -> None:
        """Move a guest that does not run, or may be stopped for it; then `confirm` it.

        Raises:
            RequestRefused: it cannot be moved, or there is no room.
        """
        self._act(guest, {"migrate": None})

    def confirm(self, guest: str) -> None:
        """Let go of the source of a cold migration.

        Raises:
            RequestRefused: it is not at that point.
        """
        self._act(guest, {"confirmResize": None})

    def _act(self, guest: str, body: dict[str, Any]) -> None:
        answer = self._compute.post(f"/servers/{guest}/action", json=body, microversion=_MODERN)
        openstack.exceptions.raise_from_response(answer)

    # -- canaries ---------------------------------------------------------------------------

    def _canaries(self, host: str) -> list[str]:
        """The ids of the canaries that were made for a host, wherever they are."""
        query = f"all_tenants=1&name=^{CANARY}{re.escape(host)}$"
        return [raw["id"] for raw in self._servers(query) if self._is_ours(raw)]

    def _is_ours(self, raw: dict[str, Any]) -> bool:
        return (raw.get("metadata") or {}).get(_MARK) == self._mark

    def boot_canary(self, host: str, image: str) -> None:
        """Boot a canary on a host, which may be disabled, in place of any that is there.

        Args:
            host: the host to prove.
            image: name or id of the image to boot; empty for the smallest that is public.

        Raises:
            NoImage: there is none.
            RequestRefused: Nova refused it.
        """
        self._delete_servers(self._canaries(host))
        zone = next((s.get("zone") for s in self._services(host)), "") or "nova"
        self._open_to_forced(host)
        body = {
            "name": f"{CANARY}{host}",
            "imageRef": self._image(image),
            "flavorRef": self._flavor(),
            # The zone's name with a host forces the host: no filter of the scheduler is asked.
            "availability_zone": f"{zone}:{host}",
            "networks": [{"uuid": self._network()}],
            "metadata": {_MARK: self._mark},
        }
        answer = self._compute.post("/servers", json={"server": body}, microversion=_MODERN)
        openstack.exceptions.raise_from_response(answer)

    def _open_to_forced(self, host: str) -> None:
        """Let a forced guest onto a disabled host, and nobody else.

        Placement leaves out hosts with this trait even where the host is forced. Without it the
        scheduler's ComputeFilter still keeps everybody else away, because the service is
        disabled. The compute itself puts the trait back within a minute.
        """
        placement: Any = self._connection.placement
        for provider in placement.resource_providers(name=host):
            path = f"/resource_providers/{provider.id}/traits"
            found = placement.get(path, microversion="1.6").json()
            if _DISABLED in found["traits"]:
                found["traits"].remove(_DISABLED)
                answer = placement.put(path, json=found, microversion="1.6")
                openstack.exceptions.raise_from_response(answer)

    @again
    def delete_canary(self, host: str) -> None:
        """Delete the canaries of a host, and their network with the last of all."""
        self._delete_servers(self._canaries(host))
        network: Any = self._connection.network
        for mine in network.networks(name=_NETWORK, description=self._mark):
            with contextlib.suppress(openstack.exceptions.ConflictException):
                network.delete_network(mine.id, ignore_missing=True)

    def _delete_servers(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self._compute.delete_server(id_, ignore_missing=True)

    def _image(self, wanted: str) -> str:
        if wanted:
            found = self._connection.image.find_image(wanted)
            if found is None:
                raise NoImage(f"canary-image: Glance has no image {wanted}")
            return found.id
        listed = self._connection.image.images(status="active", visibility="public")
        images = sorted(listed, key=lambda image: (image.min_disk or 0, image.size or 0))
        if not images:
            raise NoImage("Glance has no public image to boot a canary from: set canary-image")
        return images[0].id

    def _flavor(self) -> str:
        """The smallest flavour that is public and needs nothing special."""
        plain = [f for f in self._compute.flavors(get_extra_specs=True) if not f.extra_specs]
        if not plain:
            raise NoImage("Nova has no public flavour without extra specs to boot a canary with")
        return min(plain, key=lambda f: (f.ram, f.vcpus, f.disk, f.id)).id

    def _network(self) -> str:
        """A network of the canaries' own, which leads nowhere."""
        network: Any = self._connection.network
        mine = next(network.networks(name=_NETWORK, description=self._mark), None)
        if mine is None:
            mine = network.create_network(name=_NETWORK, description=self._mark)
        if not mine.subnet_ids:
            network.create_subnet(
                network_id=mine.id,
                ip_version=4,
                cidr=_SUBNET,
                gateway_ip=None,
                is_dhcp_enabled=False,
                description=self._mark,
            )
        return mine.id

    # -- the wire ---------------------------------------------------------------------------

    def _get(self, path: str, key: str, version: str = _WITH_SIZES) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        url: str | None = path
        while url is not None:
            answer = self._compute.get(url, microversion=version)
            openstack.exceptions.raise_from_response(answer)
            page = answer.json()
            items += page[key]
            links = page.get(f"{key}_links", [])
            url = next((link["href"] for link in links if link["rel"] == "next"), None)
        return items


def _service(raw: dict[str, Any]) -> computes.Service:
    return computes.Service(
        binary=raw["binary"],
        host=raw["host"],
        zone=raw.get("zone") or "",
        enabled=raw["status"] == "enabled",
        up=raw["state"] == "up",
        reported=_moment(raw.get("updated_at")),
        id=str(raw.get("id", "")),
        disabled_reason=raw.get("disabled_reason") or "",
    )


def _hypervisor(raw: dict[str, Any]) -> computes.Hypervisor:
    return computes.Hypervisor(
        host=raw["service"]["host"],
        vcpus=raw["vcpus"],
        vcpus_used=raw["vcpus_used"],
        memory_mb=raw["memory_mb"],
        memory_mb_used=raw["memory_mb_used"],
        disk_gb=raw["local_gb"],
        disk_gb_used=raw["local_gb_used"],
        guests=raw["running_vms"],
    )


def _guest(raw: dict[str, Any], ports: dict[str, str]) -> Guest:
    flavor = raw.get("flavor") or {}
    movable, why = _movable(raw["status"], flavor.get("extra_specs") or {}, ports)
    name, task = raw.get("name") or "", raw.get("OS-EXT-STS:task_state") or ""
    if name.startswith(CANARY) and raw["status"] == "ACTIVE" and not task:
        task = "" if ports and set(ports.values()) == {"ACTIVE"} else "its port is not bound"
    return Guest(
        id=raw["id"],
        name=name,
        host=raw.get("OS-EXT-SRV-ATTR:host") or "",
        status=raw["status"],
        task=task,
        vcpus=int(flavor.get("vcpus") or 0),
        memory_mb=int(flavor.get("ram") or 0),
        # Booted from a volume, it takes no disk of the host.
        disk_gb=int(flavor.get("disk") or 0) if raw.get("image") else 0,
        movable=movable,
        why=why,
    )


def _movable(
    status: str, specs: Mapping[str, str], ports: Iterable[str]
) -> tuple[Literal["live", "cold", "no"], str]:
    """How a guest can leave its host, and why not live.

    The rules are those of Nova's documentation on live migration: devices of the host do not
    move, and only what runs can be moved running.
    """
    devices = sorted(set(ports) & _OF_THE_HOST)
    if devices:
        return "cold", f"it has a port of the kind {devices[0]}"
    if "pci_passthrough:alias" in specs:
        return "cold", "its flavor asks for a PCI device"
    if any(key.startswith("resources") and "VGPU" in key for key in specs):
        return "cold", "its flavor asks for a virtual GPU"
    if status in ("ACTIVE", "PAUSED"):
        return "live", ""
    if status == "SHUTOFF":
        return "cold", "it is shut off"
    if status in ("RESIZE", "VERIFY_RESIZE", "MIGRATING", "REBOOT", "HARD_REBOOT", "BUILD"):
        return "live", ""
    return "no", f"its status is {status}"


def _migration(raw: dict[str, Any]) -> Migration:
    begun = _moment(raw.get("created_at"))
    return Migration(
        guest=raw["instance_uuid"],
        source=raw.get("source_compute") or "",
        target=raw.get("dest_compute") or "",
        status=raw["status"],
        at=begun.timestamp() if begun else 0.0,
        kind=raw.get("migration_type") or "",
    )


def _moment(text: str | None) -> datetime.datetime | None:
    """A time of Nova's, which is UTC and does not say so."""
    if not text:
        return None
    moment = datetime.datetime.fromisoformat(text.partition(".")[0])
    return moment.replace(tzinfo=datetime.timezone.utc)
