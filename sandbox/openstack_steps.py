"""The steps of `sandbox up` that are about OpenStack's own services."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from . import single
from .client import Juju
from .home import Home
from .openstack import bootstrap
from .openstack.layout import Layout

_UP_WITHIN = 1200.0
"""Seconds: the first time everything is downloaded and every database is made."""
_OFFERING = pathlib.Path(bootstrap.__file__).with_name("offering.py")

OFFER: dict[str, Any] = {
    "images": [
        {
            "name": "noble-amd64",
            "disk_format": "raw",
            "container_format": "bare",
            "visibility": "public",
            "architecture": "x86_64",
            "os_distro": "ubuntu",
            "os_version": "24.04",
        }
    ],
    "flavors": [
        {"name": "m1.small", "vcpus": 1, "ram": 2048, "disk": 20},
        {"name": "m1.medium", "vcpus": 2, "ram": 4096, "disk": 40},
        {"name": "m1.large", "vcpus": 4, "ram": 8192, "disk": 80},
        {"name": "m1.xlarge", "vcpus": 8, "ram": 16384, "disk": 160},
    ],
    "network": {
        "name": "ext_net",
        "provider_network_type": "flat",
        "provider_physical_network": "physnet1",
        "is_router_external": True,
    },
    # The space `external` of hardware.yaml.
    "subnet": {
        "name": "ext_subnet",
        "ip_version": 4,
        "cidr": "198.51.100.0/24",
        "gateway_ip": "198.51.100.1",
        "allocation_pools": [{"start": "198.51.100.100", "end": "198.51.100.250"}],
        "is_dhcp_enabled": False,
    },
}
"""What the cloud has for its tenants, by the names of the charm guide's examples."""


class OpenStackNotUp(Exception):
    """The services did not come up, or refused what was asked; the message says which."""


def state(home: Home) -> str:
    """What the services' daemon says that it is doing; `up` when they all run."""
    if single.holder(home.folder("run") / "openstack.pid") is None:
        return "starting"
    file = home.folder("openstack") / "state"
    return file.read_text(encoding="ascii") if file.exists() else "starting"


def wait(home: Home, tell: Callable[[str], None], abandoned: threading.Event) -> None:
    """Return when every service is up, or when `abandoned` is set.

    Raises:
        OpenStackNotUp: not in time.
    """
    deadline = time.monotonic() + _UP_WITHIN
    while (said := state(home)) != "up" and not abandoned.wait(0.5):
        tell(said)
        if time.monotonic() > deadline:
            log = home.folder("log") / "openstack.log"
            raise OpenStackNotUp(f"OpenStack's services are not up ({said}): see {log}")
    tell(_described(Layout.load(home)))


def _described(layout: Layout) -> str:
    return f"keystone, placement, glance, neutron, nova, cinder; {layout.folder / 'clouds.yaml'}"


def prepare(home: Home, juju: Juju) -> str:
    """Make images, flavours and the external network, and Nova's zones; returns what it did.

    Raises:
        OpenStackNotUp: an API refused, a hypervisor is not up, or the zones' action failed.
    """
    layout = Layout.load(home)
    hosts = sorted(file.name for file in layout.made("hypervisors").iterdir())
    done = subprocess.run(
        [layout.program("python"), _OFFERING],
        env={**os.environ, **bootstrap.admin_environment(layout)},
        input=json.dumps({**OFFER, "hosts": hosts}),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = done.stderr.strip().rpartition("\n")[2]
        raise OpenStackNotUp(f"the cloud could not be prepared for tenants: {said}")
    action = "sync-compute-availability-zones"
    (task,) = juju.json("run", "nova-cloud-controller/leader", action).values()
    if task["status"] != "completed":
        raise OpenStackNotUp(f"{action} {task['status']}: {task.get('message', '')}")
    made = done.stdout.split("\n")[:-1]
    return f"{len(hosts)} hypervisors in their zones; {', '.join(made) or 'all was there'}"
