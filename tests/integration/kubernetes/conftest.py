"""OpenStack's real services and a controller, for the charm's own steps as processes."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import openstack
import pytest

from sandbox.home import Home
from sandbox.juju.client.store import register
from tests.blocks import reserve

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from living_cluster import ROOT, Sandbox, until

SIZES = (("m1.small", 1, 2048), ("m1.medium", 2, 4096), ("m1.large", 4, 8192))


def _start(home: Home, module: str) -> subprocess.Popen[bytes]:
    output = (home.folder("run") / f"{module}.log").open("wb")
    environment = {**os.environ, **home.environment}
    command = [sys.executable, "-m", module]
    with output:
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)


def _offer(admin: Any) -> None:
    """What an operator offers tenants: sizes, an image, a way out."""
    for name, cores, memory in SIZES:
        admin.compute.create_flavor(name=name, vcpus=cores, ram=memory, disk=20)
    admin.image.create_image(
        name="noble",
        data=b"\0" * 4096,
        validate_checksum=False,
        disk_format="raw",
        container_format="bare",
        visibility="public",
        os_distro="ubuntu",
        os_version="24.04",
    )
    network = admin.network.create_network(name="ext_net", is_router_external=True)
    admin.network.create_subnet(
        network_id=network.id, ip_version=4, cidr="203.0.113.0/24", is_dhcp_enabled=False
    )
    until(lambda: list(admin.compute.hypervisors()), 90, "a hypervisor is mapped")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    home = Home(tmp_path_factory.mktemp("kubernetes"), reserve("kubernetes"))
    hypervisors = home.folder("openstack") / "hypervisors"
    hypervisors.mkdir()
    (hypervisors / "compute-1").write_text(home.node_address(1), encoding="ascii")
    started = [_start(home, "sandbox.openstack"), _start(home, "sandbox.juju.controller")]
    try:
        state = home.folder("openstack") / "state"
        until(lambda: state.exists() and state.read_text() == "up", 300, "the services are up")
        controller = home.folder("juju") / "controller.json"
        until(controller.exists, 60, "the controller is up")
        known = json.loads(controller.read_text())
        register(home)
        clouds = json.loads((home.folder("openstack") / "clouds.yaml").read_text())
        auth = clouds["clouds"]["sandbox"]["auth"]
        admin = openstack.connect(auth=auth, region_name="RegionOne", load_envvars=False)
        _offer(admin)
        login = {
            "username": known["user"],
            "password": known["password"],
            "endpoints": known["addresses"],
            "ca_certificate": known["ca_cert"],
        }
        yield Sandbox(home, admin, auth, login)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)
