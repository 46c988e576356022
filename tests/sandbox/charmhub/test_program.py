"""A stand-in's hooks and actions, run as processes as Juju runs them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from typing import Any

import pytest

from sandbox.charmhub import descriptions
from sandbox.charmhub.catalog import Catalog
from sandbox.home import Home

TOOLS = (
    "state-get state-set state-delete config-get network-get is-leader relation-get relation-set "
    "status-set application-version-set action-set open-port"
)
BLOCK = 26


class Unit:
    """One unit: its unpacked charm, and the folder that its hook tools work on."""

    def __init__(self, folder: pathlib.Path, name: str, number: int, channel: str | None) -> None:
        self.name = f"{name}/0"
        self.folder = folder
        self.tools = folder / "tools"
        self.bin = folder / "bin"
        self.charm = folder / "charm"
        for made in (self.tools, self.bin):
            made.mkdir()
        tool = pathlib.Path(__file__).with_name("hook_tool.py")
        for tool_name in TOOLS.split():
            (self.bin / tool_name).write_bytes(tool.read_bytes())
            (self.bin / tool_name).chmod(0o755)
        self.address = f"127.{BLOCK}.9.{number}"
        self.write("unit", {"address": self.address, "leader": True})
        self.refresh(Catalog(Home(folder / "home", BLOCK)), name, channel)

    def refresh(self, catalog: Catalog, name: str, channel: str | None) -> None:
        """Lay out the charm of a channel, with its default configuration."""
        resolved = catalog.resolve(name, channel=channel)
        with zipfile.ZipFile(catalog.archive(name, resolved.revision)) as archive:
            archive.extractall(self.charm)
        (self.charm / "dispatch").chmod(0o755)
        description = descriptions.load()[name]
        release = next(r for r in description.releases if r.revision == resolved.revision)
        self.defaults = {
            key: release.workload
            if option.get("default") == "{release}"
            else option.get("default")
            for key, option in description.options.items()
        }
        self.configure()

    def configure(self, **options: Any) -> None:
        """What config-get shall answer; underscores stand for dashes."""
        named = {key.replace("_", "-"): value for key, value in options.items()}
        self.write("config", {**self.defaults, **named})

    def run(self, path: str, **environment: str) -> None:
        """Run one hook or action to its end; it must succeed."""
        subprocess.run(
            [str(self.charm / "dispatch")],
            cwd=self.charm,
            env={
                "PATH": f"{self.bin}:/usr/bin:/bin",
                "HOOK_TOOLS": str(self.tools),
                "JUJU_CHARM_DIR": str(self.charm),
                "JUJU_DISPATCH_PATH": path,
                "JUJU_UNIT_NAME": self.name,
                "JUJU_MODEL_UUID": "8c1b5b0e-0000-4000-8000-0000000000aa",
                **environment,
            },
            check=True,
            timeout=20,
        )

    def relate(self, endpoint: str, remote: str, data: dict[str, str], number: int) -> None:
        """Another unit joins with this databag: relation-created, joined and changed."""
        key = f"{endpoint}:{number}"
        self.write("relations", {**self.read("relations"), key: {remote: data}})
        relation = {
            "JUJU_RELATION": endpoint,
            "JUJU_RELATION_ID": key,
            "JUJU_REMOTE_APP": remote.partition("/")[0],
        }
        self.run(f"hooks/{endpoint}-relation-created", **relation)
        for event in ("joined", "changed"):
            self.run(f"hooks/{endpoint}-relation-{event}", **relation, JUJU_REMOTE_UNIT=remote)

    def start(self) -> None:
        """The hooks of a new unit."""
        for hook in ("install", "leader-elected", "config-changed", "start"):
            self.run(f"hooks/{hook}")

    @property
    def status(self) -> tuple[str, str]:
        shown = self.read("status")
        return shown["status"], shown["message"]

    @property
    def version(self) -> str:
        return self.read("version")["version"]

    def calls(self) -> list[str]:
        """The tools called since the last look."""
        path = self.tools / "calls"
        called = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return called

    def get(self, port: int, path: str = "/healthcheck") -> dict[str, Any] | None:
        """What the health endpoint answers; None when nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{port}{path}", timeout=2) as got:
                return json.load(got)
        except urllib.error.HTTPError:
            raise
        except OSError:
            return None

    def wait_for(self, port: int, *, serving: bool) -> dict[str, Any] | None:
        """The health answer once it is there, or is gone."""
        for _ in range(100):
            found = self.get(port)
            if (found is not None) == serving:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{self.address}:{port} serving is not {serving}")

    def read(self, name: str) -> dict[str, Any]:
        path = self.tools / f"{name}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def write(self, name: str, document: dict[str, Any]) -> None:
        (self.tools / f"{name}.json").write_text(json.dumps(document))


@pytest.fixture
def unit(tmp_path):
    """Make units; their servers end with the test."""
    made: list[Unit] = []

    def make(name: str, channel: str | None = None) -> Unit:
        folder = tmp_path / f"unit-{len(made)}"
        folder.mkdir()
        made.append(Unit(folder, name, os.getpid() % 200 + 10 + len(made), channel))
        return made[-1]

    yield make
    for each in made:
        each.run("hooks/stop")


DATABASE = {"db_host": "127.0.0.1", "password": "p", "allowed_units": "keystone/0"}


def test_an_api_waits_for_its_database_then_serves_on_its_port(unit):
    keystone = unit("keystone")
    keystone.start()
    assert keystone.status == ("blocked", "Missing relations: database")
    assert keystone.version == "25.0.0"
    assert keystone.get(5000) is None
    keystone.relate("shared-db", "router/0", DATABASE, 4)
    assert keystone.status == ("active", "Unit is ready")
    answer = keystone.wait_for(5000, serving=True)
    assert answer is not None
    assert (answer["service"], answer["unit"]) == ("keystone", "keystone/0")
    assert keystone.get(5000, "/") == answer
    assert keystone.read("ports") == {"5000/tcp": True}


def test_a_request_of_a_client_is_answered_once_the_service_is_ready(unit):
    keystone = unit("keystone")
    keystone.start()
    asking = {"service": "glance", "region": "RegionOne", "public_url": "http://10.0.0.1:9292"}
    keystone.relate("identity-service", "glance/0", asking, 7)
    assert "identity-service:7" not in keystone.read("said")
    keystone.relate("shared-db", "router/0", DATABASE, 4)
    answer = keystone.read("said")["identity-service:7"]
    assert answer["service_host"] == keystone.address
    assert answer["service_username"] == "glance"
    assert answer["service_password"]


def test_pause_stops_the_api_and_resume_starts_it(unit):
    keystone = unit("keystone")
    keystone.start()
    keystone.relate("shared-db", "router/0", DATABASE, 4)
    keystone.wait_for(5000, serving=True)
    keystone.run("actions/pause")
    keystone.wait_for(5000, serving=False)
    assert keystone.status == (
        "maintenance",
        "Paused. Use 'resume' action to resume normal service.",
    )
    keystone.run("hooks/update-status")
    assert keystone.get(5000) is None
    keystone.run("actions/resume")
    assert keystone.wait_for(5000, serving=True)
    assert keystone.status == ("active", "Unit is ready")


def test_a_killed_api_is_back_after_the_next_update_status(unit):
    keystone = unit("keystone")
    keystone.start()
    keystone.relate("shared-db", "router/0", DATABASE, 4)
    answer = keystone.wait_for(5000, serving=True)
    assert answer is not None
    os.kill(answer["pid"], 9)
    keystone.wait_for(5000, serving=False)
    keystone.run("hooks/update-status")
    again = keystone.wait_for(5000, serving=True)
    assert again is not None
    assert again["pid"] != answer["pid"]


def test_a_removed_unit_leaves_no_server_behind(unit):
    keystone = unit("keystone")
    keystone.start()
    keystone.relate("shared-db", "router/0", DATABASE, 4)
    keystone.wait_for(5000, serving=True)
    keystone.run("hooks/stop")
    keystone.wait_for(5000, serving=False)
    keystone.run("hooks/remove")
    assert keystone.get(5000) is None


def test_a_managed_upgrade_waits_for_its_action(unit):
    keystone = unit("keystone", "2023.2/stable")
    keystone.start()
    assert keystone.version == "24.0.0"
    keystone.configure(action_managed_upgrade=True, openstack_origin="cloud:jammy-caracal")
    keystone.run("hooks/config-changed")
    assert keystone.version == "24.0.0"
    keystone.run("actions/openstack-upgrade")
    assert keystone.version == "25.0.0"
    assert keystone.read("results") == {"outcome": "success, upgrade completed."}
    keystone.run("actions/openstack-upgrade")
    assert keystone.read("results") == {"outcome": "no upgrade available."}


def test_an_unmanaged_upgrade_follows_the_origin_at_once(unit):
    keystone = unit("keystone", "2023.2/stable")
    keystone.start()
    keystone.configure(openstack_origin="cloud:jammy-caracal")
    keystone.run("actions/openstack-upgrade")
    assert keystone.version == "24.0.0"
    keystone.run("hooks/config-changed")
    assert keystone.version == "25.0.0"


def test_a_refresh_of_the_charm_leaves_the_workload_alone(unit):
    keystone = unit("keystone", "2023.1/stable")
    keystone.start()
    keystone.refresh(Catalog(Home(keystone.folder / "home", BLOCK)), "keystone", "2023.2/stable")
    keystone.configure(action_managed_upgrade=True)
    for hook in ("upgrade-charm", "config-changed"):
        keystone.run(f"hooks/{hook}")
    assert keystone.version == "23.0.2"


def test_a_wrong_option_blocks_and_is_named(unit):
    keystone = unit("keystone")
    keystone.start()
    keystone.configure(vip="10.0.0.300")
    keystone.run("hooks/config-changed")
    assert keystone.status == (
        "blocked",
        "Invalid configuration: 'vip' must be IP addresses, not '10.0.0.300'",
    )


def test_each_device_is_an_osd(unit):
    osd = unit("ceph-osd")
    for number in range(2):
        osd.run("hooks/osd-devices-storage-attached", JUJU_STORAGE_ID=f"osd-devices/{number}")
    osd.start()
    assert osd.status == ("blocked", "Missing relation: monitor")
    monitor = dict.fromkeys(
        ("auth", "fsid", "ceph-public-address", "osd_bootstrap_key", "osd_upgrade_key"), "x"
    )
    osd.relate("mon", "ceph-mon/0", monitor, 3)
    assert osd.status == ("active", "Unit is ready (2 OSD)")
    assert osd.read("said")["mon:3"]["bootstrapped-osds"] == "2"


def test_a_hook_that_changes_nothing_calls_few_tools(unit):
    keystone = unit("keystone")
    keystone.start()
    keystone.relate("shared-db", "router/0", DATABASE, 4)
    keystone.calls()
    relation = {
        "JUJU_RELATION": "shared-db",
        "JUJU_RELATION_ID": "shared-db:4",
        "JUJU_REMOTE_APP": "router",
        "JUJU_REMOTE_UNIT": "router/0",
    }
    keystone.run("hooks/shared-db-relation-changed", **relation)
    assert keystone.calls() == ["state-get", "relation-get"]


def test_a_hook_costs_little_more_than_starting_python(unit):
    keystone = unit("keystone")
    keystone.start()

    def seconds(*command: str, **environment: str) -> float:
        best = 1.0
        for _ in range(5):
            begun = time.perf_counter()
            subprocess.run(command, check=True, env=environment, cwd=keystone.charm)
            best = min(best, time.perf_counter() - begun)
        return best

    bare = seconds("/usr/bin/python3", "-SE", "-c", "pass")
    imports = seconds(
        "/usr/bin/python3",
        "-SE",
        "-c",
        "import sys; sys.path[0] = 'src'; from runtime import program",
    )
    assert imports - bare < 0.015
