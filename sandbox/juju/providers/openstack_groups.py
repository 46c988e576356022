"""The security groups of a model on OpenStack: one for all its machines, one for each."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

from sandbox.juju.providers.openstack_client import Failed, OpenStackClient

_DESCRIPTION = "juju group"
_ATTEMPTS = 30
"""How often, a second apart, Juju tries to delete a group that is still in use."""


class SecurityGroups:
    """The groups of one model, named after the controller, the model and the machine."""

    def __init__(self, client: OpenStackClient, model: str) -> None:
        self._client = client
        self._model = model
        # Two machines that start at once must not make the model's group twice.
        self._making = asyncio.Lock()

    async def ensure(self, machine: str, tags: Mapping[str, str]) -> list[str]:
        """The names of the groups of a machine, made if absent.

        In the model's group, its machines reach each other; the machine's own is for what a
        unit opens.
        """
        async with self._making:
            model = self._name(tags)
            group = await self._ensure(model)
            await self._allow_each_other(group)
            own = f"{model}-{machine}"
            await self._ensure(own)
            return [model, own]

    async def delete(self, machine: str, tags: Mapping[str, str]) -> None:
        """Delete a machine's own group."""
        await self._delete(f"{self._name(tags)}-{machine}")

    async def delete_model(self, tags: Mapping[str, str]) -> None:
        """Delete the model's group, when its last machine is gone."""
        async with self._making:
            await self._delete(self._name(tags))

    def _name(self, tags: Mapping[str, str]) -> str:
        return f"juju-{tags.get('juju-controller-uuid', '')}-{self._model}"

    async def _ensure(self, name: str) -> dict[str, Any]:
        for group in await self._named(name):
            return group
        wanted = {"name": name, "description": _DESCRIPTION}
        made = await self._client.post(
            "network", "/v2.0/security-groups", {"security_group": wanted}
        )
        return made["security_group"]

    async def _allow_each_other(self, group: Mapping[str, Any]) -> None:
        present = {
            (rule["protocol"], rule["ethertype"])
            for rule in group["security_group_rules"]
            if rule["remote_group_id"] == group["id"]
        }
        for protocol, family in itertools.product(("tcp", "udp", "icmp"), ("IPv4", "IPv6")):
            if (protocol, family) in present:
                continue
            rule = {
                "security_group_id": group["id"],
                "remote_group_id": group["id"],
                "direction": "ingress",
                "ethertype": family,
                "protocol": protocol,
            }
            if protocol != "icmp":
                rule |= {"port_range_min": 1, "port_range_max": 65535}
            try:
                await self._client.post(
                    "network", "/v2.0/security-group-rules", {"security_group_rule": rule}
                )
            except Failed as error:
                # 409: somebody else made it meanwhile.
                if error.status != 409:
                    raise

    async def _delete(self, name: str) -> None:
        for group in await self._named(name):
            for _ in range(_ATTEMPTS):
                try:
                    await self._client.delete("network", f"/v2.0/security-groups/{group['id']}")
                    break
                except Failed as error:
                    if error.status != 409:
                        raise
                await asyncio.sleep(1)

    async def _named(self, name: str) -> list[dict[str, Any]]:
        found = await self._client.get("network", "/v2.0/security-groups", name=name)
        return found["security_groups"]
