"""Neutron: the agents of hosts; over openstacksdk."""

from __future__ import annotations

from typing import Any

import openstack_api
from openstack_api import again


class Neutron:
    """Neutron, while the session of `openstack_api` lasts."""

    def __init__(self, cloud: openstack_api.Cloud) -> None:
        self._network: Any = cloud.connection.network

    @again
    def agents(self) -> tuple[str, ...]:
        """The hosts of which an agent is listed, sorted."""
        return tuple(sorted({agent.host for agent in self._network.agents()}))

    @again
    def delete_agents(self, host: str) -> None:
        """Delete the agents of a host that is gone, OVN's chassis with them.

        Raises:
            RequestRefused: an agent is alive: something of it still runs.
        """
        for agent in self._network.agents(host=host):
            self._network.delete_agent(agent, ignore_missing=True)
