"""Where one sandbox keeps its files, and the addresses that belong to it."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import pathlib

DEFAULT_BLOCK = 10


@dataclasses.dataclass(frozen=True)
class Home:
    """The folder of one sandbox and its block of loopback addresses.

    Linux answers on all of 127.0.0.0/8, so every node, container, BMC and server has an
    address of its own in 127.<block>.0.0/16 and may listen on its usual port there. Two
    sandboxes with different blocks run beside each other.
    """

    path: pathlib.Path
    block: int = DEFAULT_BLOCK
    """Second octet of every address, 2 to 254."""

    @classmethod
    def from_environment(cls) -> Home:
        """SANDBOX_HOME and SANDBOX_BLOCK, or `.sandbox` beside the source and block 10."""
        default = pathlib.Path(__file__).resolve().parent.parent / ".sandbox"
        path = pathlib.Path(os.environ.get("SANDBOX_HOME") or default)
        return cls(path.resolve(), int(os.environ.get("SANDBOX_BLOCK") or DEFAULT_BLOCK))

    @property
    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to find this sandbox."""
        return {"SANDBOX_HOME": str(self.path), "SANDBOX_BLOCK": str(self.block)}

    def folder(self, name: str) -> pathlib.Path:
        """A folder of the sandbox: juju, maas, bmc, charmhub, client, ca, log or run."""
        folder = self.path / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def node_address(self, number: int) -> str:
        """The address of bare-metal node `number` (1 to 254) on the metal network."""
        return self._address(0, number)

    def bmc_address(self, number: int) -> str:
        """The address of the BMC of node `number`."""
        return self._address(1, number)

    def container_address(self, number: int) -> str:
        """The address of container `number` (0 to 15,999) of the whole sandbox."""
        return self._address(2 + number // 250, 1 + number % 250)

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The whole block: 127.<block>.0.0/16."""
        return ipaddress.IPv4Network(f"127.{self.block}.0.0/16")

    @property
    def controller_address(self) -> str:
        """Where the Juju controller listens (port 17070)."""
        return self._address(255, 1)

    @property
    def region_address(self) -> str:
        """Where the MAAS region listens (port 5443)."""
        return self._address(255, 2)

    def service_address(self, number: int) -> str:
        """The address of server `number` of the sandbox's OpenStack."""
        return self._address(254, number)

    def virtual_address(self, number: int) -> str:
        """The virtual address `number` (1 to 254) that hacluster may keep for an API."""
        return self._address(253, number)

    def _address(self, third: int, fourth: int) -> str:
        return f"127.{self.block}.{third}.{fourth}"
