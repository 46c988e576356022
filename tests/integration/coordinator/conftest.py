"""Puts openstack-coordinator's modules on the path, and runs a controller's API for them."""

from __future__ import annotations

import pathlib
import sys
import zipfile
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.authority import Authority
from sandbox.home import Home
from sandbox.juju import placement, release
from sandbox.juju.api.server import ApiServer
from sandbox.juju.state import accounts, applications, charms, clouds, machines, models, statuses
from sandbox.juju.state.store import Store
from tests.blocks import reserve

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "charms" / "openstack-coordinator" / "src"))

PASSWORD = "open sesame"
BASE = "ubuntu@24.04/stable"
NO_MATCH = "failed to acquire node: No available machine matches constraints: [('tags', ['x'])]"

CHARM = {
    "metadata.yaml": "name: keystone\nsummary: s\ndescription: d\n",
    "config.yaml": (
        "options:\n"
        "  openstack-origin: {type: string, default: distro}\n"
        "  vip: {type: string, default: ''}\n"
    ),
    "manifest.yaml": "bases: [{name: ubuntu, channel: 24.04/stable, architectures: [amd64]}]\n",
    "dispatch": "#!/bin/sh\n",
}


class Controller:
    """A controller with one model: keystone on machine 0, and machine 1 that found no metal."""

    def __init__(self, path: pathlib.Path, juju: release.Release) -> None:
        self.home = Home(path, reserve("api"))
        self.ca = Authority(self.home.folder("ca")).pem
        self.endpoint = f"{self.home.controller_address}:17070"
        self.store = Store(self.home.folder("juju") / "state.db")
        with self.store.transaction() as tx:
            tx.insert("controller", key="version", value=juju.version)
        self.server = ApiServer(self.home, self.store)
        archive = path / "keystone.charm"
        with zipfile.ZipFile(archive, "w") as opened:
            for name, text in CHARM.items():
                opened.writestr(name, text)
        with self.store.transaction() as tx:
            for user in ("writer", "reader", "owner"):
                accounts.add_user(tx, user, PASSWORD)
            clouds.add(tx, "metal", "manual", {"auth-types": ["empty"]})
            self.model = models.add_model(tx, "openstack", "admin", "metal").uuid
            models.set_access(tx, self.model, "writer", "write")
            models.set_access(tx, self.model, "reader", "read")
            models.set_access(tx, self.model, "owner", "admin")
            charm = charms.add_local(tx, self.model, archive, self.home.folder("juju"))
            machine = machines.add_machine(tx, self.model, base=BASE)
            machines.set_instance(
                tx,
                self.model,
                machine.id,
                instance_id="abc123",
                hostname="node-1",
                hardware={"cores": 4},
            )
            request = applications.Request(
                base=BASE,
                config={"vip": "10.0.0.5"},
                placement=[placement.Placement("#", machine.id)],
            )
            applications.deploy(tx, self.model, "keystone", charm, request)
            stuck = machines.add_machine(tx, self.model, base=BASE)
            statuses.set_status(
                tx, self.model, "instance", stuck.id, "provisioning error", NO_MATCH
            )


@pytest_asyncio.fixture(params=release.RELEASES)
async def controller(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path
) -> AsyncIterator[Controller]:
    """A controller of each release of Juju that charms meet."""
    running = Controller(tmp_path, release.named(request.param))
    await running.server.start()
    yield running
    await running.server.stop()
    running.store.close()
