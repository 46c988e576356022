"""Machines as Nova servers, made and deleted as Juju's openstack provider does.

Source of names, groups, tags and messages: internal/provider/openstack. Juju makes no server
groups: it spreads the machines of an application over availability zones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sandbox.juju.providers import openstack_choice as choice
from sandbox.juju.providers.openstack_client import Failed, OpenStackClient
from sandbox.juju.providers.openstack_groups import SecurityGroups
from sandbox.juju.providers.provider import (
    Instance,
    NoHost,
    ProviderError,
    Refused,
    StartRequest,
    State,
)

_ACTIVE_WITHIN = 300.0
"""Seconds that Juju gives a server to become ACTIVE."""
_GONE_WITHIN = 60.0
_LOOK_EVERY = 1.0
_ROOT_DISK = 30 * 1024
"""MiB of a volume for the root disk where no constraint tells its size."""

Settings = Callable[[], Mapping[str, Any]]
"""Reads the model's configuration: network, external-network, use-default-secgroup."""


class OpenStackProvider:
    """One region for one model, with one project's credential."""

    def __init__(
        self,
        client: OpenStackClient,
        *,
        region: str,
        model: str,
        name: str,
        settings: Settings,
        address: Callable[[str], dict[str, Any]],
    ) -> None:
        """`model` is the UUID and `name` the model's; `address` is a machine's own here."""
        self._client = client
        self._region = region
        self._model = model
        self._name = name
        self._settings = settings
        self._address = address
        self._groups = SecurityGroups(client, model)

    async def zones(self) -> list[str]:
        """The availability zones that take servers."""
        found = await self._client.get("compute", "/os-availability-zone")
        zones = found["availabilityZoneInfo"]
        return sorted(z["zoneName"] for z in zones if z["zoneState"]["available"])

    async def spaces(self) -> dict[str, list[dict[str, Any]]]:
        """None: Neutron has no spaces, and Juju discovers none on OpenStack."""
        return {}

    async def start(self, request: StartRequest) -> Instance:
        """Have Nova make a server; `settled` tells what came of it."""
        try:
            document = await self._document(request)
            made = await self._made_already(document["name"]) or (
                await self._client.post("compute", "/servers", {"server": document})
            )
        except Failed as error:
            await self._forget_groups(request.machine, request.owner_data)
            raise Refused(f"cannot run instance: {error}") from None
        server = await self._server(made["server"]["id"])
        if server is None:
            raise Refused("cannot run instance: it was deleted at once")
        return await self._instance(server)

    async def settled(self, instance: Instance, request: StartRequest) -> Instance:
        """Wait until a server is ACTIVE; one that fails is deleted, and Nova's fault is told."""
        deadline = asyncio.get_running_loop().time() + _ACTIVE_WITHIN
        server = await self._server(instance.id)
        while server is not None and server["status"] == "BUILD":
            if asyncio.get_running_loop().time() > deadline:
                await self.stop(instance.id)
                raise Refused(f'cannot run instance: instance "{instance.id}" has status BUILD')
            await asyncio.sleep(_LOOK_EVERY)
            server = await self._server(instance.id)
        if server is None:
            raise Refused(f'cannot run instance: instance "{instance.id}" was deleted')
        if server["status"] == "ERROR":
            fault = (server.get("fault") or {}).get("message") or "unknown"
            await self.stop(instance.id)
            told = f'cannot run instance:  with fault "{fault}"'
            # Another zone may have a host; anything else is the same everywhere.
            raise NoHost(told) if "No valid host was found" in fault else Refused(told)
        if request.constraints.get("allocate-public-ip"):
            await self._assign_public_address(server)
            server = await self._server(instance.id) or server
        return await self._instance(server)

    async def instances(self, ids: Collection[str]) -> dict[str, Instance]:
        """Those of these servers that there are."""
        wanted = set(ids)
        return {i.id: i for i in await self.claimed() if i.id in wanted} if wanted else {}

    async def claimed(self) -> list[Instance]:
        """Every server whose metadata names the model."""
        found = await self._client.get("compute", "/servers/detail", name="^juju-")
        return [await self._instance(server) for server in found["servers"] if self._ours(server)]

    async def stop(self, instance: str) -> None:
        """Delete a server, and its security group when it is gone."""
        server = await self._server(instance)
        if server is None:
            return
        await self._client.delete("compute", f"/servers/{instance}")
        await self._until_gone(instance)
        await self._forget_groups(_machine(server), server["metadata"])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _made_already(self, name: str) -> dict[str, Any] | None:
        """The server of an earlier attempt whose answer was lost on the way; None without one."""
        found = await self._client.get("compute", "/servers/detail", name=f"^{name}$")
        ours = [server for server in found["servers"] if self._ours(server)]
        return next(({"server": one} for one in ours if one["status"] != "ERROR"), None)

    async def _forget_groups(self, machine: str, tags: Mapping[str, str]) -> None:
        """Delete the groups that a machine without a server had, and the model's with its last."""
        await self._groups.delete(machine, tags)
        if not await self.claimed():
            await self._groups.delete_model(tags)

    # -- making a server --------------------------------------------------------------------

    async def _document(self, request: StartRequest) -> dict[str, Any]:
        wanted = request.constraints
        zone = _zone(request)
        flavours = (await self._client.get("compute", "/flavors/detail"))["flavors"]
        flavour = choice.flavour(flavours, wanted, self._region)
        image = await self._image(request)
        networks = await self._networks()
        groups = await self._groups.ensure(request.machine, request.owner_data)
        if self._settings().get("use-default-secgroup"):
            groups = [*groups, "default"]
        root = _root_disk(wanted, image)
        document = {
            # As a namespace of Juju writes it: juju-<end of the UUID>-<model>-<machine>.
            "name": f"juju-{self._model[-6:]}-{self._name}-{request.machine}",
            "flavorRef": flavour["id"],
            "imageRef": image if root["destination_type"] == "local" else "",
            "metadata": dict(request.owner_data),
            "security_groups": [{"name": group} for group in groups],
            "block_device_mapping_v2": [root],
        }
        if networks:
            document["networks"] = [{"uuid": network} for network in networks]
        if zone:
            document["availability_zone"] = zone
        return document

    async def _image(self, request: StartRequest) -> str:
        wanted = request.constraints
        if wanted.get("image-id"):
            return wanted["image-id"]
        listed = await self._client.get("image", "/v2/images", status="active", limit="1000")
        arch = wanted.get("arch") or "amd64"
        return choice.image(listed["images"], request.base, arch, self._region)["id"]

    async def _networks(self) -> list[str]:
        """The ids of the networks that the model's configuration names."""
        names = [n.strip() for n in str(self._settings().get("network") or "").split(",")]
        if names == [""]:
            return []
        found = [network["id"] for name in names for network in await self._named(name)]
        if not found:
            listed = " ".join(names)
            raise Refused(f"unable to determine networks for configured list: [{listed}]")
        return list(dict.fromkeys(found))

    async def _named(self, name: str, **also: str) -> list[dict[str, Any]]:
        by_name = await self._client.get("network", "/v2.0/networks", name=name, **also)
        by_id = await self._client.get("network", "/v2.0/networks", id=name, **also)
        return [*by_name["networks"], *by_id["networks"]]

    async def _assign_public_address(self, server: dict[str, Any]) -> None:
        """Give the server a floating IP: an unused one of the project, else a new one."""
        try:
            await self._assign(server["id"])
        except ProviderError as error:
            await self.stop(server["id"])
            raise Refused(f"cannot allocate a public IP as needed: {error}") from None

    async def _assign(self, server: str) -> None:
        ports = await self._client.get("network", "/v2.0/ports", device_id=server)
        external = await self._external_network()
        query = {"status": "DOWN", "floating_network_id": external}
        free = await self._client.get("network", "/v2.0/floatingips", **query)
        unused = [ip for ip in free["floatingips"] if not ip["port_id"]]
        port = ports["ports"][0]["id"]
        if unused:
            path = f"/v2.0/floatingips/{unused[0]['id']}"
            await self._client.put("network", path, {"floatingip": {"port_id": port}})
            return
        wanted = {"floating_network_id": external, "port_id": port}
        await self._client.post("network", "/v2.0/floatingips", {"floatingip": wanted})

    async def _external_network(self) -> str:
        name = str(self._settings().get("external-network") or "")
        outside = {"router:external": "true"}
        if name:
            found = await self._named(name, **outside)
        else:
            found = (await self._client.get("network", "/v2.0/networks", **outside))["networks"]
        if not found:
            raise Refused(f'unable to find an external network "{name}"')
        return found[0]["id"]

    # -- reading servers --------------------------------------------------------------------

    async def _server(self, identity: str) -> dict[str, Any] | None:
        try:
            return (await self._client.get("compute", f"/servers/{identity}"))["server"]
        except Failed as error:
            if error.status == 404:
                return None
            raise

    async def _until_gone(self, identity: str) -> None:
        """A security group can be deleted only when no port uses it."""
        deadline = asyncio.get_running_loop().time() + _GONE_WITHIN
        while await self._server(identity) is not None:
            if asyncio.get_running_loop().time() > deadline:
                raise ProviderError(f'instance "{identity}" does not go away')
            await asyncio.sleep(_LOOK_EVERY)

    def _ours(self, server: Mapping[str, Any]) -> bool:
        return server["metadata"].get("juju-model-uuid") == self._model

    async def _instance(self, server: Mapping[str, Any]) -> Instance:
        machine = _machine(server)
        return Instance(
            id=server["id"],
            hostname=server["name"],
            state=_STATES.get(server["status"], "allocating"),
            message=_message(server),
            hardware=await self._hardware(server),
            # Processes of this machine listen on its address here; Neutron's is how the
            # cloud knows it.
            addresses=[self._address(machine), *_addresses(server["addresses"])],
            owner_data=dict(server["metadata"]),
        )

    async def _hardware(self, server: Mapping[str, Any]) -> dict[str, Any]:
        hardware: dict[str, Any] = {"arch": "amd64"}
        zone = server.get("OS-EXT-AZ:availability_zone")
        if zone:
            hardware["availability-zone"] = zone
        try:
            path = f"/flavors/{server['flavor']['id']}"
            flavour = (await self._client.get("compute", path))["flavor"]
        except Failed:
            # The flavour was deleted: what it was is not known any more.
            return hardware
        hardware.update({"cores": flavour["vcpus"], "mem": flavour["ram"]})
        if flavour["disk"]:
            hardware["root-disk"] = flavour["disk"] * 1024
        return hardware


_STATES: Mapping[str, State] = {"ACTIVE": "running", "ERROR": "failed", "BUILD": "building"}


def _message(server: Mapping[str, Any]) -> str:
    fault = (server.get("fault") or {}).get("message")
    return f"{server['status']}: {fault}" if fault else server["status"]


def _machine(server: Mapping[str, Any]) -> str:
    """The machine that a server was made for, by its metadata."""
    return server["metadata"].get("juju-machine-id", "").rpartition("-machine-")[2]


def _zone(request: StartRequest) -> str:
    key, equals, value = request.placement.partition("=")
    if not request.placement:
        return request.zone
    if not equals or key != "zone":
        raise Refused(f"unknown placement directive: {request.placement}")
    return value


def _root_disk(wanted: Mapping[str, Any], image: str) -> dict[str, Any]:
    source = wanted.get("root-disk-source") or "local"
    if source not in ("local", "volume"):
        raise Refused(f"invalid root-disk-source {source}")
    mapping: dict[str, Any] = {
        "boot_index": 0,
        "uuid": image,
        "source_type": "image",
        "destination_type": source,
        "delete_on_termination": True,
    }
    if source == "volume":
        mapping["volume_size"] = -(-(wanted.get("root-disk") or _ROOT_DISK) // 1024)
    return mapping


def _addresses(networks: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    return [
        {
            "value": address["addr"],
            "type": f"ipv{address['version']}",
            "scope": "public"
            if network == "public" or address.get("OS-EXT-IPS:type") == "floating"
            else "local-cloud",
            "space": "alpha",
            "cidr": "",
        }
        for network, addresses in networks.items()
        for address in addresses
    ]
