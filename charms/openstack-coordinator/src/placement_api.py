"""Placement: the room on every host that takes guests, in two requests; over openstacksdk."""

from __future__ import annotations

from typing import Any

import openstack.exceptions
import openstack_api
from openstack_api import again
from snapshot import Room

_VERSION = "1.36"
_LIMIT = 10_000
"""More hosts than a cell is made for."""

_NO_DISK = 1 << 40
"""Room in GiB on a host whose guests' disks are kept elsewhere: it has no inventory of disk."""


class Placement:
    """Placement, while the session of `openstack_api` lasts."""

    def __init__(self, cloud: openstack_api.Cloud) -> None:
        self._placement: Any = cloud.connection.placement

    @again
    def room(self) -> tuple[Room, ...]:
        """What is free on each host that takes guests now, by name.

        A disabled or full host takes none. What is free follows Placement: overcommit and what
        is reserved are counted in.
        """
        names = {
            provider["uuid"]: provider["name"]
            for provider in self._get("/resource_providers")["resource_providers"]
        }
        asked = f"resources=VCPU:1,MEMORY_MB:1&required=!COMPUTE_STATUS_DISABLED&limit={_LIMIT}"
        summaries = self._get(f"/allocation_candidates?{asked}")["provider_summaries"]
        found = [
            _room(names[uuid], summary["resources"])
            for uuid, summary in summaries.items()
            if uuid in names and "VCPU" in summary["resources"]
        ]
        return tuple(sorted(found, key=lambda room: room.host))

    @again
    def delete_provider(self, host: str) -> None:
        """Delete the resource provider of a host that is gone; one that is gone too is fine.

        Raises:
            RequestRefused: guests still have allocations on it.
        """
        for provider in self._get(f"/resource_providers?name={host}")["resource_providers"]:
            self._placement.delete_resource_provider(provider["uuid"], ignore_missing=True)

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._placement.get(path, microversion=_VERSION)
        openstack.exceptions.raise_from_response(answer)
        return answer.json()


def _room(host: str, resources: dict[str, Any]) -> Room:
    free = {kind: found["capacity"] - found["used"] for kind, found in resources.items()}
    return Room(host, free["VCPU"], free.get("MEMORY_MB", 0), free.get("DISK_GB", _NO_DISK))
