"""The running cloud: starts the services in order, follows the hypervisors, stops everything."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import uuid

from .. import processes
from ..programs import keep_running
from . import bootstrap, configuration, programs
from .layout import REGION, Endpoint, Layout

_UP_WITHIN = 120.0
"""Seconds in which a service must answer."""
_STORES = frozenset({"mariadb", "rabbitmq", "epmd"})
_FOLLOW = 0.5
"""Seconds between two looks at which hypervisors there should be."""


class ServiceDown(Exception):
    """A service did not come up; the message names its log."""


class Cloud:
    """One sandbox's OpenStack.

    Which hypervisors there are is said by the files of `<home>/openstack/hypervisors`: one for
    each, named after its host, holding the host's address.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._stopping: dict[str, asyncio.Event] = {}
        self._kept: dict[str, asyncio.Task[None]] = {}
        self._order: list[str] = []

    async def run(self) -> None:
        """Bring the cloud up, then start and stop hypervisors as they come and go.

        Raises:
            ServiceDown, bootstrap.BootstrapError: it did not come up.
        """
        self._end_leftovers()
        self._say("data")
        await self._ensure_data()
        layout = self._layout
        configuration.write_all(layout)
        self._write_clouds()
        self._say("services")
        await self._up(programs.epmd(layout))
        behind = (programs.mariadb(layout), programs.rabbitmq(layout), *programs.ovn(layout))
        await asyncio.gather(*(self._up(service) for service in behind))
        # keystone first, the APIs by twos: together they would only wait for the processor.
        await self._up(programs.keystone(layout))
        await asyncio.gather(*(self._up(service) for service in programs.apis(layout)))
        await asyncio.gather(*(self._up(service) for service in programs.workers(layout)))
        self._say("up")
        hosts: set[str] = set()
        while True:
            wanted = {file.name for file in self._hypervisors().iterdir()}
            for host in sorted(wanted - hosts):
                await self._start_hypervisor(host)
            for host in sorted(hosts - wanted):
                await self._stop_hypervisor(host)
            hosts = wanted
            await asyncio.sleep(_FOLLOW)

    async def stop(self) -> None:
        """Stop every program: first those that use the database and the queue."""
        users = [name for name in self._order if name not in _STORES]
        await asyncio.gather(*(self._down(name) for name in users))
        await asyncio.gather(*(self._down(name) for name in self._order.copy()))
        self._end_leftovers()
        self._say("down")

    def _end_leftovers(self) -> None:
        """Programs of a cloud that was killed hold its ports and its files."""
        mine = self._layout.home.environment
        left = processes.matching(**mine)
        processes.end([pid for pid in left if _is_service(pid)])

    async def _ensure_data(self) -> None:
        layout = self._layout
        complete = layout.data / "complete"
        if complete.exists():
            return
        key = await bootstrap.cache_key()
        if bootstrap.restore(layout, key):
            self._layout = Layout.load(layout.home)
            return
        await bootstrap.make(layout, self._up)
        await self.stop()
        complete.touch()
        bootstrap.keep(layout, key)

    async def _start_hypervisor(self, host: str) -> None:
        layout = self._layout
        folder = layout.made("ovn", host)
        if not (folder / "conf.db").exists():
            schema = "/usr/share/openvswitch/vswitch.ovsschema"
            await _command("ovsdb-tool", "create", str(folder / "conf.db"), schema)
        await self._up(programs.chassis_database(layout, host))
        await self._describe_chassis(host)
        for service in programs.chassis(layout, host):
            await self._up(service)
        # A hypervisor that comes back under another identity is refused by nova.
        identity = layout.made("nova", host) / "compute_id"
        if not identity.exists():
            identity.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        file = layout.configuration(f"compute-{host}") / "nova.conf"
        configuration.write(file, configuration.nova(layout, host))
        await self._up(programs.nova_compute(layout, host))

    async def _describe_chassis(self, host: str) -> None:
        layout = self._layout
        database = f"--db=unix:{layout.made('ovn', host)}/db.sock"
        values = {
            "system-id": host,
            "hostname": host,
            "ovn-remote": f"tcp:{layout.ovn_southbound}",
            "ovn-encap-type": "geneve",
            # OVN tells chassis apart by it.
            "ovn-encap-ip": (self._hypervisors() / host).read_text(encoding="ascii").strip(),
            "ovn-bridge-mappings": "physnet1:br-ex",
            "ovn-cms-options": "enable-chassis-as-gw",
        }
        await _command("ovs-vsctl", "--no-wait", database, "init")
        bridges = ("--may-exist", "add-br", "br-int", "--", "--may-exist", "add-br", "br-ex")
        settings = [f"external-ids:{name}={value}" for name, value in values.items()]
        words = (*bridges, "--", "set", "Open_vSwitch", ".", *settings)
        await _command("ovs-vsctl", "--no-wait", database, *words)

    async def _stop_hypervisor(self, host: str) -> None:
        for name in (f"nova-compute-{host}", f"ovn-controller-{host}", f"ovs-{host}"):
            await self._down(name)
        await self._down(f"ovsdb-{host}")

    async def _up(self, service: programs.Service) -> None:
        program = service.program
        stopping = self._stopping[program.name] = asyncio.Event()
        if isinstance(service.ready, pathlib.Path):
            service.ready.unlink(missing_ok=True)
        self._kept[program.name] = asyncio.ensure_future(keep_running(program, stopping))
        self._order.append(program.name)
        deadline = asyncio.get_running_loop().time() + _UP_WITHIN
        while not await _answers(service.ready):
            if asyncio.get_running_loop().time() > deadline:
                raise ServiceDown(
                    f"{program.name} does not answer at {service.ready}: see {program.log}"
                )
            await asyncio.sleep(0.1)

    async def _down(self, name: str) -> None:
        self._order.remove(name)
        self._stopping.pop(name).set()
        await self._kept.pop(name)

    def _hypervisors(self) -> pathlib.Path:
        return self._layout.made("hypervisors")

    def _say(self, state: str) -> None:
        (self._layout.folder / "state").write_text(state, encoding="ascii")

    def _write_clouds(self) -> None:
        auth = {
            "auth_url": self._layout.identity_url,
            "username": "admin",
            "password": self._layout.passwords["admin"],
            "project_name": "admin",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
        cloud = {"auth": auth, "region_name": REGION, "identity_api_version": 3}
        file = self._layout.folder / "clouds.yaml"
        file.touch(mode=0o600)
        # JSON is YAML.
        file.write_text(json.dumps({"clouds": {"sandbox": cloud}}, indent=2), encoding="ascii")


def _is_service(pid: int) -> bool:
    name = processes.environment_of(pid).get("SANDBOX_DAEMON", "")
    return name.startswith("openstack-")


async def _answers(ready: Endpoint | pathlib.Path | None) -> bool:
    if not isinstance(ready, Endpoint):
        return ready is None or os.access(ready, os.F_OK)
    try:
        _, writer = await asyncio.open_connection(ready.host, ready.port)
    except OSError:
        return False
    writer.close()
    return True


async def _command(*words: str) -> None:
    process = await asyncio.create_subprocess_exec(*words, env=os.environ)
    if await process.wait():
        raise ServiceDown(f"{' '.join(words)} failed with {process.returncode}")
