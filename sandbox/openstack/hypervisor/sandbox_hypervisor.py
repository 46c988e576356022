"""Nova's fake driver, made good enough for a cloud that lives longer than one test.

It runs inside nova-compute, from a folder on its PYTHONPATH. What it adds: an identity that a
restart keeps, the size of its machine, guests that a restart keeps, no guest left at the source
of a live migration, and a port in the host's Open vSwitch for each of a guest's interfaces, so
that OVN binds it and neutron calls it ACTIVE.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import threading
from typing import Any

from nova import conf
from nova.virt import fake, node

CONF = conf.CONF


class SandboxDriver(fake.MediumFakeDriver):
    """The hypervisor of one nova-compute process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take the size of the machine that this stands for."""
        file = pathlib.Path(CONF.state_path) / "hardware.json"
        size = json.loads(file.read_text(encoding="ascii"))
        self.vcpus, self.memory_mb = size["vcpus"], size["memory_mb"]
        self.local_gb = size["local_gb"]
        self._remembering = threading.Lock()
        super().__init__(*args, **kwargs)

    def init_host(self, host: str) -> None:
        """Take up the guests that this host had before."""
        super().init_host(host)
        file = self._guests_file()
        if file.exists():
            for name, state, uuid in json.loads(file.read_text(encoding="utf-8")):
                self.instances[uuid] = fake.FakeInstance(name, state, uuid)

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        """The resources, under this host's own identity."""
        resources = super().get_available_resource(nodename)
        return {**resources, "uuid": node.get_local_node_uuid()}

    def get_host_uptime(self) -> str:
        """How long the machine runs, as libvirt's driver tells it."""
        return subprocess.run(["uptime"], check=True, capture_output=True, text=True).stdout

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        """This host has one node: itself."""
        return {node.get_local_node_uuid(): CONF.host}

    def spawn(self, *args: Any, **kwargs: Any) -> None:
        """Start a guest and connect its interfaces."""
        super().spawn(*args, **kwargs)
        self._remember()
        instance, network_info = args[1], kwargs.get("network_info")
        self.plug_vifs(instance, network_info or instance.get_network_info())

    def destroy(
        self, context: Any, instance: Any, network_info: Any, *args: Any, **kwargs: Any
    ) -> None:
        """End a guest and disconnect its interfaces."""
        super().destroy(context, instance, network_info, *args, **kwargs)
        self._forget(instance, network_info)

    def cleanup(
        self, context: Any, instance: Any, network_info: Any, *args: Any, **kwargs: Any
    ) -> None:
        """What is left after a guest moved away goes too."""
        self._forget(instance, network_info)
        super().cleanup(context, instance, network_info, *args, **kwargs)

    def power_on(self, *args: Any, **kwargs: Any) -> None:
        """Switch a guest on."""
        super().power_on(*args, **kwargs)
        self._remember()

    def power_off(self, *args: Any, **kwargs: Any) -> None:
        """Switch a guest off."""
        super().power_off(*args, **kwargs)
        self._remember()

    def pre_live_migration(
        self, context: Any, instance: Any, block_device_info: Any, network_info: Any, *more: Any
    ) -> Any:
        """Connect the interfaces of a guest that is on its way here."""
        self.plug_vifs(instance, network_info)
        return super().pre_live_migration(
            context, instance, block_device_info, network_info, *more
        )

    def post_live_migration_at_source(
        self, context: Any, instance: Any, network_info: Any
    ) -> None:
        """A guest that has left: the fake driver would keep it, and could not take it back."""
        self._forget(instance, network_info)

    def rollback_live_migration_at_destination(
        self, context: Any, instance: Any, network_info: Any, *args: Any, **kwargs: Any
    ) -> None:
        """A guest that does not come after all."""
        self._forget(instance, network_info)

    def attach_interface(self, context: Any, instance: Any, image_meta: Any, vif: Any) -> None:
        """Connect one more interface."""
        super().attach_interface(context, instance, image_meta, vif)
        self.plug_vifs(instance, [vif])

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        """Disconnect one interface."""
        super().detach_interface(context, instance, vif)
        self.unplug_vifs(instance, [vif])

    def plug_vifs(self, instance: Any, network_info: Any) -> None:
        """Give the host's switch a port for each interface: ovn-controller binds it."""
        for vif in network_info or ():
            self._switch(
                *("--may-exist", "add-port", "br-int", _port(vif), "--"),
                *("set", "Interface", _port(vif), "type=dummy"),
                f"external_ids:iface-id={vif['id']}",
            )

    def unplug_vifs(self, instance: Any, network_info: Any) -> None:
        """Take the ports of these interfaces out of the host's switch."""
        for vif in network_info or ():
            self._switch("--if-exists", "del-port", "br-int", _port(vif))

    def _switch(self, *words: str) -> None:
        # state_path is <home>/openstack/nova/<host>, its switch <home>/openstack/ovn/<host>.
        state = pathlib.Path(CONF.state_path)
        database = state.parent.parent / "ovn" / state.name / "db.sock"
        command = ["ovs-vsctl", "--no-wait", f"--db=unix:{database}", *words]
        subprocess.run(command, check=True, capture_output=True, timeout=30)

    def _forget(self, instance: Any, network_info: Any) -> None:
        self.unplug_vifs(instance, network_info)
        if self.instances.pop(instance.uuid, None) is not None:
            flavor = instance.flavor
            self.resources.release(vcpus=flavor.vcpus, mem=flavor.memory_mb, disk=flavor.root_gb)
        self._remember()

    def _remember(self) -> None:
        file = self._guests_file()
        part = file.with_suffix(".part")
        # Nova boots several guests at a time.
        with self._remembering:
            guests = [[g.name, int(g.state), g.uuid] for g in list(self.instances.values())]
            part.write_text(json.dumps(guests), encoding="utf-8")
            part.replace(file)

    def _guests_file(self) -> pathlib.Path:
        return pathlib.Path(CONF.state_path) / "guests.json"


def _port(vif: Any) -> str:
    """A name of at most 15 characters, as Linux has them for interfaces."""
    return f"tap{vif['id']}"[:14]
