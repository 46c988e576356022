"""A cloud of this host alone: machines that run at once, each with an address of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sandbox.juju.providers.provider import Instance, StartRequest


class LocalhostProvider:
    """Machines as LXD on this host would make them, with nothing to wait for."""

    def __init__(
        self, prefix: str, known: Callable[[], list[str]], address: Callable[[str], dict[str, Any]]
    ) -> None:
        """`prefix` begins instance ids; `known` tells those recorded; `address` is a machine's."""
        self._prefix = prefix
        self._known = known
        self._address = address

    async def zones(self) -> list[str]:
        """None: one host is one zone."""
        return []

    async def spaces(self) -> dict[str, list[dict[str, Any]]]:
        """None: there is one network."""
        return {}

    async def start(self, request: StartRequest) -> Instance:
        """A machine that runs."""
        name = f"{self._prefix}-{request.machine}"
        wanted = request.constraints
        hardware = {
            "arch": wanted.get("arch") or "amd64",
            "cores": wanted.get("cores") or 2,
            "mem": wanted.get("mem") or 4096,
        }
        return Instance(
            id=name,
            hostname=name,
            state="running",
            message="Running",
            hardware=hardware,
            addresses=[self._address(request.machine)],
        )

    async def settled(self, instance: Instance, request: StartRequest) -> Instance:
        """It ran from the start."""
        return instance

    async def instances(self, ids: Collection[str]) -> dict[str, Instance]:
        """All of them, running."""
        return {i: Instance(id=i, hostname=i, state="running", message="Running") for i in ids}

    async def claimed(self) -> list[Instance]:
        """Those that the model recorded: no others can exist."""
        return list((await self.instances(self._known())).values())

    async def stop(self, instance: str) -> None:
        """Nothing is left of it once the controller forgets it."""

    async def close(self) -> None:
        """There is no connection."""
