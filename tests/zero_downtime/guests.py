"""The guests of the cloud: booted on every hypervisor, and watched for anything that touches them.

A guest is touched when it is anything but ACTIVE or MIGRATING, when Nova started it anew, or
when anything but its creation and live migrations was done to it.
"""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from typing import Any

import openstack.exceptions

PER_HYPERVISOR = 5
_BOOTED_WITHIN = 600.0
_LOOK = 5.0
_UNTOUCHED = frozenset({"ACTIVE", "MIGRATING"})
_HARMLESS = frozenset({"create", "live-migration"})


def boot(cloud: Any, per_hypervisor: int = PER_HYPERVISOR) -> list[str]:
    """Boot guests on every hypervisor that is up; returns their ids once they are all ACTIVE.

    Raises:
        TimeoutError: some are not; the message says how many are in which state.
    """
    compute, network = cloud.compute, cloud.network
    net = network.find_network("guests") or network.create_network(name="guests")
    if not network.find_subnet("guests"):
        network.create_subnet(name="guests", network_id=net.id, ip_version=4, cidr="10.77.0.0/22")
    project = cloud.current_project_id
    compute.update_quota_set(project, **dict.fromkeys(("instances", "cores", "ram"), -1))
    network.update_quota(project, ports=-1)
    image, flavor = compute.find_image("noble-amd64"), compute.find_flavor("m1.small")
    for service in list(compute.services(binary="nova-compute")):
        compute.create_server(
            name=f"guest-{service.host}",
            image_id=image.id,
            flavor_id=flavor.id,
            networks=[{"uuid": net.id}],
            availability_zone=f"{service.availability_zone}:{service.host}",
            min_count=per_hypervisor,
        )
    deadline = time.monotonic() + _BOOTED_WITHIN
    while True:
        found = list(compute.servers(all_projects=True))
        states = collections.Counter(server.status for server in found)
        if set(states) == {"ACTIVE"}:
            return sorted(server.id for server in found)
        if time.monotonic() > deadline or "ERROR" in states:
            raise TimeoutError(f"the guests did not boot: {dict(states)}")
        time.sleep(2)


class Watch(threading.Thread):
    """Looks at every guest, again and again, until it is told to stop."""

    def __init__(self, cloud: Any, guests: list[str]) -> None:
        super().__init__(daemon=True)
        self._cloud = cloud
        self._guests = set(guests)
        self._stopped = threading.Event()
        self._launched = self._launch_times()
        self.touched: set[str] = set()
        """What was seen, a line for each guest and reason."""
        self.looks = 0

    def run(self) -> None:
        """Look until `stop`; an API that does not answer is the probe's to tell."""
        while not self._stopped.wait(_LOOK):
            with contextlib.suppress(openstack.exceptions.SDKException):
                self._look()

    def stop(self) -> None:
        """Stop, and look a last time: at what was done to each guest as well."""
        self._stopped.set()
        self.join()
        self._look()
        for guest in sorted(self._guests):
            actions = {action.action for action in self._cloud.compute.server_actions(guest)}
            if other := actions - _HARMLESS:
                self.touched.add(f"{guest}: {', '.join(sorted(other))}")

    def _look(self) -> None:
        seen = {server.id: server for server in self._cloud.compute.servers(all_projects=True)}
        for guest in self._guests:
            server = seen.get(guest)
            if server is None:
                self.touched.add(f"{guest}: gone")
            elif server.status not in _UNTOUCHED:
                self.touched.add(f"{guest}: {server.status}")
            elif server.launched_at != self._launched[guest]:
                self.touched.add(f"{guest}: started anew")
        self.looks += 1

    def _launch_times(self) -> dict[str, str]:
        servers = self._cloud.compute.servers(all_projects=True)
        return {server.id: server.launched_at for server in servers if server.id in self._guests}


def hosts(cloud: Any) -> dict[str, int]:
    """How many guests each hypervisor holds."""
    counted: collections.Counter[str] = collections.Counter()
    counted.update(
        server.hypervisor_hostname for server in cloud.compute.servers(all_projects=True)
    )
    return dict(counted)
