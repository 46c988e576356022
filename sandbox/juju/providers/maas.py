"""Machines from MAAS: allocated by constraints, deployed, released, as Juju's provider does."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from sandbox.juju import constraints
from sandbox.juju.providers.maas_client import MaasClient, ServerError, field
from sandbox.juju.providers.provider import (
    Disk,
    Instance,
    NoMatch,
    ProviderError,
    Refused,
    StartRequest,
    State,
)

_SERIES = {"20.04": "focal", "22.04": "jammy", "24.04": "noble"}
_COMMENT = "Released by Juju MAAS provider"


class MaasProvider:
    """One MAAS region for one model, whose UUID is the agent name of what it claims."""

    def __init__(self, client: MaasClient, model: str) -> None:
        self._client = client
        self._model = model

    async def zones(self) -> list[str]:
        """The names of the region's availability zones, sorted."""
        return sorted(zone["name"] for zone in await self._client.get("zones/"))

    async def spaces(self) -> dict[str, list[dict[str, Any]]]:
        """The region's spaces and their subnets."""
        found = await self._client.get("spaces/")
        return {
            space["name"]: [_subnet(subnet) for subnet in space["subnets"]]
            for space in found
            if space["name"] != "undefined"
        }

    async def start(self, request: StartRequest) -> Instance:
        """Allocate a machine and begin to deploy it; a machine that cannot deploy is released."""
        machine = await self._allocate(request)
        system_id = machine["system_id"]
        try:
            # Tagged before anything else: whoever finds it knows for which machine it is.
            await self._client.post(
                f"machines/{system_id}/", "set_workload_annotations", field(request.owner_data)
            )
            series = _series(request.base)
            deployed = await self._client.post(
                f"machines/{system_id}/", "deploy", field({"distro_series": series})
            )
        except ServerError as error:
            await self.stop(system_id)
            raise Refused(str(error)) from None
        return _instance(deployed, _disks(request.disks, machine))

    async def settled(self, instance: Instance, request: StartRequest) -> Instance:
        """What MAAS deploys is recorded at once: nothing to wait for."""
        return instance

    async def instances(self, ids: Collection[str]) -> dict[str, Instance]:
        """Those of these machines that the region knows."""
        machines = await self._client.get("machines/", [("id", i) for i in ids]) if ids else []
        return {machine["system_id"]: _instance(machine) for machine in machines}

    async def claimed(self) -> list[Instance]:
        """Every machine whose agent name is the model's UUID."""
        machines = await self._client.get("machines/", [("agent_name", self._model)])
        return [_instance(machine) for machine in machines]

    async def stop(self, instance: str) -> None:
        """Release a machine; one that is released, releasing or gone already is no error."""
        parameters = field({"machines": instance, "comment": _COMMENT})
        try:
            await self._client.post("machines/", "release", parameters)
        except ServerError as error:
            # 409: in no state to be released, so it is no longer ours. 400 and 404: not there.
            if error.status not in (400, 404, 409):
                raise ProviderError(f"cannot release nodes: {error}") from None

    async def close(self) -> None:
        """Close the connections to the region."""
        await self._client.close()

    async def _allocate(self, request: StartRequest) -> dict[str, Any]:
        parameters = allocation(request, self._model)
        try:
            return await self._client.post("machines/", "allocate", field(parameters))
        except ServerError as error:
            if error.status == 409:
                raise NoMatch(error.body) from None
            raise Refused(f"failed to acquire node: unexpected: {error}") from None


def allocation(request: StartRequest, agent_name: str) -> dict[str, Any]:
    """The parameters of `allocate` that a request means; those without a value are empty.

    Raises:
        Refused: a placement directive that MAAS does not have, or a space both wanted and not.
    """
    wanted = request.constraints
    zone, name, system_id = _placement(request)
    bound = {*request.spaces, *constraints.included(wanted.get("spaces"))} - {"", "alpha"}
    refused = constraints.excluded(wanted.get("spaces"))
    for space in refused:
        if space in bound:
            raise Refused(
                f'negative space "{space}" from constraints clashes with required spaces'
                " for instance NICs"
            )
    return {
        "agent_name": agent_name,
        "arch": wanted.get("arch"),
        "cpu_count": wanted.get("cores"),
        "mem": wanted.get("mem"),
        "tags": ",".join(constraints.included(wanted.get("tags"))),
        "not_tags": ",".join(constraints.excluded(wanted.get("tags"))),
        "zone": zone,
        "name": name,
        "system_id": system_id,
        "interfaces": ";".join(f"{space}:space={space}" for space in sorted(bound)),
        "not_subnets": [f"space:{space}" for space in refused],
        "storage": _storage(wanted, request.disks),
    }


def _placement(request: StartRequest) -> tuple[str, str, str]:
    """Zone, machine name and system id that are asked for."""
    key, equals, value = request.placement.partition("=")
    if not request.placement:
        return request.zone, "", ""
    if not equals:
        return "", request.placement, ""
    if key == "zone":
        return value, "", ""
    if key == "system-id":
        return "", "", value
    raise Refused(f"unknown placement directive: {request.placement}")


def _storage(wanted: Mapping[str, Any], disks: Collection[Disk]) -> str:
    root = wanted.get("root-disk") or 0
    if not root and not disks:
        return ""
    parts = [f"root:{_gigabytes(root)}"]
    for index, disk in enumerate(disks):
        tags = f"({','.join(disk.tags)})" if disk.tags else ""
        parts.append(f"{index}:{_gigabytes(disk.size)}{tags}")
    return ",".join(parts)


def _gigabytes(mebibytes: int) -> int:
    """As Juju's provider counts: whole GiB, told to MAAS as GB."""
    return math.ceil(mebibytes / 1024)


def _disks(disks: Collection[Disk], machine: Mapping[str, Any]) -> dict[str, str]:
    """The path of the disk that MAAS chose for each storage instance."""
    chosen = (machine.get("constraints_by_type") or {}).get("storage") or {}
    paths = {d["id"]: d["id_path"] or d["path"] for d in machine["physicalblockdevice_set"]}
    return {disk.storage: paths[chosen[str(index)][0]] for index, disk in enumerate(disks)}


def _series(base: str) -> str:
    track = base.partition("@")[2].partition("/")[0]
    return _SERIES.get(track, track)


def _subnet(subnet: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cidr": subnet["cidr"],
        "provider-id": str(subnet["id"]),
        "vlan-tag": subnet["vlan"]["vid"],
        "zones": [],
    }


def _instance(machine: Mapping[str, Any], disks: dict[str, str] | None = None) -> Instance:
    state, message = _state(machine)
    return Instance(
        id=machine["system_id"],
        hostname=machine["hostname"],
        state=state,
        message=message,
        hardware={
            "arch": machine["architecture"].partition("/")[0],
            "cores": machine["cpu_count"],
            "mem": machine["memory"],
            "availability-zone": machine["zone"]["name"],
            "tags": machine["tag_names"],
        },
        addresses=_addresses(machine),
        disks=disks or {},
        owner_data=machine.get("owner_data") or {},
    )


def _state(machine: Mapping[str, Any]) -> tuple[State, str]:
    """Juju's instance status: internal/provider/maas/instance.go."""
    name, detail = machine["status_name"], machine["status_message"]
    told = f"{name}: {detail}" if detail else name
    if name == "Deployed":
        return "running", name
    if name == "Failed deployment":
        return "failed", told
    if name == "Allocated":
        return "claimed", told
    return "allocating", told


def _addresses(machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "value": link["ip_address"],
            "type": "ipv4",
            "scope": "local-cloud",
            "space": link["subnet"]["space"].replace("undefined", "alpha"),
            "cidr": link["subnet"]["cidr"],
            "device": nic["name"],
            "mac": nic["mac_address"],
        }
        for nic in machine["interface_set"]
        for link in nic["links"]
        if link.get("ip_address") and "subnet" in link
    ]
