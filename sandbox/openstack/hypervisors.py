"""The hypervisors: a nova-compute and an OVN chassis for each file that asks for one.

`<home>/openstack/hypervisors/<host>` holds the host's address, and behind it the word `paused`
while its nova-compute must not run. `<home>/openstack/computing/<host>` is there while it does.
"""

from __future__ import annotations

import asyncio
import json
import uuid

from ..bmc import hardware
from . import configuration, programs
from .layout import Layout
from .services import ServiceDown, Services

_SWITCH_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Hypervisors:
    """Those that run now."""

    def __init__(self, layout: Layout, services: Services) -> None:
        self._layout = layout
        self._services = services
        self._chassis: set[str] = set()
        self._computing: set[str] = set()
        for file in layout.made("computing").iterdir():
            file.unlink()

    async def follow(self) -> None:
        """Start and stop what the files ask for since the last look.

        Raises:
            ServiceDown: a part of a hypervisor did not come up.
        """
        wanted = self._wanted()
        awake = {host for host, (_, paused) in wanted.items() if not paused}
        await asyncio.gather(*(self._stop_compute(host) for host in self._computing - awake))
        await asyncio.gather(*(self._stop_chassis(host) for host in self._chassis - set(wanted)))
        addresses = {host: wanted[host][0] for host in set(wanted) - self._chassis}
        await asyncio.gather(*(self._start_chassis(*entry) for entry in addresses.items()))
        starting = awake - self._computing
        await asyncio.gather(*(self._start_compute(host, wanted[host][0]) for host in starting))

    def _wanted(self) -> dict[str, tuple[str, bool]]:
        """By host: its address, and whether it is paused."""
        wanted = {}
        for file in self._layout.made("hypervisors").iterdir():
            address, _, state = file.read_text(encoding="ascii").strip().partition(" ")
            if address:
                wanted[file.name] = (address, state == "paused")
        return wanted

    async def _start_chassis(self, host: str, address: str) -> None:
        layout = self._layout
        folder = layout.made("ovn", host)
        database = folder / "conf.db"
        if not database.exists():
            part = folder / "conf.part"
            part.unlink(missing_ok=True)
            await _command("ovsdb-tool", "create", str(part), _SWITCH_SCHEMA)
            part.rename(database)
        await self._services.up(programs.chassis_database(layout, host))
        await self._describe_chassis(host, address)
        for service in programs.chassis(layout, host):
            await self._services.up(service)
        self._chassis.add(host)

    async def _describe_chassis(self, host: str, address: str) -> None:
        layout = self._layout
        database = f"--db=unix:{layout.made('ovn', host)}/db.sock"
        values = {
            "system-id": host,
            "hostname": host,
            "ovn-remote": f"tcp:{layout.ovn_southbound}",
            "ovn-encap-type": "geneve",
            # OVN tells chassis apart by it.
            "ovn-encap-ip": address,
            "ovn-bridge-mappings": "physnet1:br-ex",
            "ovn-cms-options": "enable-chassis-as-gw",
        }
        await _command("ovs-vsctl", "--no-wait", database, "init")
        bridges = ("--may-exist", "add-br", "br-int", "--", "--may-exist", "add-br", "br-ex")
        settings = [f"external-ids:{name}={value}" for name, value in values.items()]
        words = (*bridges, "--", "set", "Open_vSwitch", ".", *settings)
        await _command("ovs-vsctl", "--no-wait", database, *words)

    async def _start_compute(self, host: str, address: str) -> None:
        layout = self._layout
        state = layout.made("nova", host)
        # A hypervisor that comes back under another identity is refused by nova.
        identity = state / "compute_id"
        if not identity.exists() or not identity.read_text(encoding="ascii"):
            identity.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        (state / "hardware.json").write_text(json.dumps(self._hardware(host)), encoding="ascii")
        file = layout.configuration(f"compute-{host}") / "nova.conf"
        configuration.write(file, configuration.nova(layout, host, address))
        await self._services.up(programs.nova_compute(layout, host))
        (layout.made("computing") / host).touch()
        self._computing.add(host)

    def _hardware(self, host: str) -> dict[str, int]:
        """The size of the bare-metal node of this name; of no node, that of a small server."""
        try:
            node = hardware.load(self._layout.home).node(host)
        except LookupError:
            return {"vcpus": 16, "memory_mb": 65536, "local_gb": 1024}
        disk = max(disk.size for disk in node.disks) // 2**30
        return {"vcpus": node.cpu.cores, "memory_mb": node.memory, "local_gb": disk}

    async def _stop_compute(self, host: str) -> None:
        await self._services.down(f"nova-compute-{host}")
        (self._layout.made("computing") / host).unlink(missing_ok=True)
        self._computing.discard(host)

    async def _stop_chassis(self, host: str) -> None:
        await self._services.down(f"ovn-controller-{host}", f"ovs-{host}")
        await self._services.down(f"ovsdb-{host}")
        self._chassis.discard(host)


async def _command(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(*words)
    if await process.wait():
        raise ServiceDown(f"{' '.join(words)} failed with {process.returncode}")
