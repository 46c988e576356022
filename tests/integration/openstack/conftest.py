"""One OpenStack, with its charms in one model, for all of these tests."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import openstack.connection
import openstack.exceptions
import pytest
import rich.console

from sandbox import bringup, processes, progress
from sandbox.client import Juju, JujuFailed
from sandbox.home import Home
from tests.blocks import reserve

SANDBOX = pathlib.Path(sys.executable).with_name("sandbox")
_BUNDLE = pathlib.Path(__file__).with_name("small.yaml")
COORDINATOR = "openstack-coordinator"


class Cloud:
    """The running services, and the model whose charms front them."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.juju = Juju(home, f"{bringup.CONTROLLER}:{bringup.MODEL}")

    def sandbox(self, *arguments: str) -> None:
        """Run the `sandbox` command to its end."""
        environment = {**os.environ, **self.home.environment}
        subprocess.run([SANDBOX, *arguments], env=environment, check=True)

    def connect(self, **auth: str) -> Any:
        """A client of the cloud: the administrator, at the address that clients know."""
        file = self.home.folder("openstack") / "clouds.yaml"
        known = json.loads(file.read_text(encoding="ascii"))["clouds"]["sandbox"]
        region = known["region_name"]
        return openstack.connection.Connection(
            auth={**known["auth"], **auth}, region_name=region, identity_api_version="3"
        )

    def address(self, unit: str) -> str:
        return self.unit(unit)["public-address"]

    def unit(self, name: str) -> dict[str, Any]:
        application = name.partition("/")[0]
        return self.juju.json("status")["applications"][application]["units"][name]

    def guard(self, unit: str) -> str:
        """The hacluster unit beside a unit."""
        (name,) = self.unit(unit)["subordinates"]
        return name

    def host(self, unit: str) -> str:
        """The host name of a unit's machine."""
        status = self.juju.json("status")
        machine = status["applications"][unit.partition("/")[0]]["units"][unit]["machine"]
        return status["machines"][machine]["hostname"]

    def computes(self) -> dict[str, str]:
        """Every nova-compute that Nova knows, and its state."""
        found = self.connect().compute.services(binary="nova-compute")
        return {service.host: service.state for service in found}

    def run(self, unit: str, action: str, *parameters: str) -> dict[str, Any]:
        """Run an action of a unit to its end; returns the task."""
        (task,) = self.juju.json("run", unit, action, *parameters).values()
        return task

    def pids(self, service: str) -> list[int]:
        """The processes of one of the services."""
        return processes.matching(**self.home.environment, SANDBOX_DAEMON=f"openstack-{service}")

    def wait(self, what: str, done: Callable[[], Any], *, timeout: float = 90.0) -> Any:
        """Wait until `done()` is true; returns what it returned. No answer means not yet."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                found = done()
            except (JujuFailed, openstack.exceptions.SDKException, LookupError):
                found = None
            if found:
                return found
            if time.monotonic() > deadline:
                pytest.fail(f"after {timeout:.0f} s still not: {what}\n{self.juju('status')}")
            time.sleep(0.5)

    def wait_active(self, *applications: str) -> None:
        """Wait until these applications are active and their units idle."""

        def active() -> bool:
            known = self.juju.json("status")["applications"]
            found = [known[name] for name in applications]
            units = [unit for application in found for unit in application["units"].values()]
            return all(
                unit["workload-status"]["current"] == "active"
                and unit["juju-status"]["current"] == "idle"
                for unit in units
            )

        self.wait(f"{', '.join(applications)} active", active)


@pytest.fixture(scope="session")
def home() -> Iterator[Home]:
    """A folder and a block of addresses that nobody else has."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sandbox-openstack-"))
    home = Home(path, block=reserve("openstack"))
    yield home
    if os.environ.get("SANDBOX_KEEP"):
        return
    subprocess.run([SANDBOX, "down"], env={**os.environ, **home.environment}, check=True)
    left = processes.matching(**home.environment)
    shutil.rmtree(path, ignore_errors=True)
    assert not left, "`sandbox down` left processes"


@pytest.fixture(scope="session")
def cloud(home: Home) -> Cloud:
    """The services are up, the model is active, and tenants find an image and flavours."""
    # The coordinator misses what this model leaves out of OpenStack.
    may_wait = frozenset({COORDINATOR})
    request = bringup.Request(home, bundle=_BUNDLE, may_wait=may_wait, cluster=False)
    shown = progress.Progress(request.steps, rich.console.Console(stderr=True))
    bringup.bring_up(request, shown)
    cloud = Cloud(home)
    fronted = f"http://{cloud.address('nova-cloud-controller/0')}:8774/v2.1"
    cloud.wait("the catalogue", lambda: cloud.connect().compute.get_endpoint() == fronted)
    return cloud


@pytest.fixture(scope="session")
def network(cloud: Cloud) -> str:
    """The id of a tenant's network."""
    made = cloud.connect().network.create_network(name="tenant")
    client = cloud.connect().network
    client.create_subnet(name="tenant", network_id=made.id, ip_version=4, cidr="10.9.0.0/24")
    return made.id


@pytest.fixture
def tenant_charm(tmp_path: pathlib.Path) -> pathlib.Path:
    """A charm that asks keystone for the administrator's credentials, and does nothing."""
    file = tmp_path / "tenant.charm"
    metadata = {
        "name": "tenant",
        "summary": "asks for credentials",
        "description": "asks for credentials",
        "requires": {"identity-admin": {"interface": "keystone-admin"}},
    }
    base = {"name": "ubuntu", "channel": "24.04", "architectures": ["amd64"]}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.yaml", json.dumps(metadata))
        archive.writestr("manifest.yaml", json.dumps({"bases": [base]}))
        entry = zipfile.ZipInfo("dispatch")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, "#!/bin/sh\nexec true\n")
    return file
