"""Makes what a cloud offers its tenants: run by the services' own Python, as an operator would.

Standard input holds what is wanted, as JSON: images, flavours, the external network, and the
hosts that must be up as hypervisors first. The administrator's credentials come in the usual
OS_* variables. Running it again changes nothing. It prints one line for each thing that it made.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import openstack

_HYPERVISORS_WITHIN = 180.0


def wait_for_hypervisors(compute: Any, hosts: list[str]) -> None:
    """Return when a nova-compute is up on each of these hosts.

    Raises:
        SystemExit: not in time; the message names those that are not.
    """
    deadline = time.monotonic() + _HYPERVISORS_WITHIN
    while True:
        up = {s.host for s in compute.services(binary="nova-compute") if s.state == "up"}
        mapped = {hypervisor.name for hypervisor in compute.hypervisors()}
        missing = sorted(set(hosts) - (up & mapped))
        if not missing:
            return
        if time.monotonic() > deadline:
            sys.exit(f"not up as hypervisors: {', '.join(missing)}")
        time.sleep(1)


def make(cloud: Any, wanted: dict[str, Any]) -> None:
    """Make what is not there yet."""
    for image in wanted["images"]:
        if not cloud.image.find_image(image["name"]):
            # A hypervisor without guests' memory boots nothing: the image has no content.
            cloud.image.create_image(**image, data=b"\0" * 4096, validate_checksum=False)
            _tell("image", image)
    for flavor in wanted["flavors"]:
        if not cloud.compute.find_flavor(flavor["name"]):
            cloud.compute.create_flavor(**flavor)
            _tell("flavour", flavor)
    network, subnet = wanted["network"], wanted["subnet"]
    found = cloud.network.find_network(network["name"])
    if not found:
        found = cloud.network.create_network(**network)
        _tell("network", network)
    if not cloud.network.find_subnet(subnet["name"]):
        cloud.network.create_subnet(network_id=found.id, **subnet)
        _tell("subnet", subnet)


def _tell(kind: str, thing: dict[str, Any]) -> None:
    print(f"{kind} {thing['name']}")  # noqa: T201


if __name__ == "__main__":
    connection = openstack.connect()
    described = json.load(sys.stdin)
    make(connection, described)
    wait_for_hypervisors(connection.compute, described["hosts"])
