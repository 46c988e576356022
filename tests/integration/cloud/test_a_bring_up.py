"""The whole cloud comes up, though its servers were killed on the way."""

from __future__ import annotations

import collections
import json
import pathlib

import yaml

from sandbox import bringup, credential_steps, packing, progress
from sandbox.juju.state.store import Store
from tests.integration.cloud.cloud import Cloud


def _bundle() -> dict[str, dict]:
    text = (packing.ROOT / "bundles" / "full-stack.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["applications"]


def test_every_application_is_active(cloud: Cloud):
    states = {
        name: application["application-status"]["current"]
        for name, application in cloud.status()["applications"].items()
    }

    assert set(_bundle()) <= set(states)
    waiting = {name for name, state in states.items() if state != "active"}
    assert waiting <= bringup.MAY_WAIT


def test_nothing_was_done_twice(cloud: Cloud):
    """Each application has the units that the bundle asks for, each machine one MAAS node."""
    status = cloud.status()
    for name, wanted in _bundle().items():
        if "num_units" in wanted:
            units = status["applications"][name]["units"]
            assert sorted(units) == [f"{name}/{n}" for n in range(wanted["num_units"])]
    instances = [machine["instance-id"] for machine in status["machines"].values()]
    deployed = [m["system_id"] for m in cloud.region().machines() if m["owner"]]
    assert sorted(instances) == sorted(deployed)


def test_each_unit_was_installed_once(cloud: Cloud):
    """A hook that was killed ran again; one that had succeeded did not."""
    store = Store(cloud.home.folder("juju") / "juju.db")
    with store.transaction() as tx:
        rows = tx.all("SELECT unit FROM runs WHERE kind = 'install' AND exit_code = 0")
    store.close()

    installed = collections.Counter(row["unit"] for row in rows)
    assert installed
    assert set(installed.values()) == {1}


def test_up_again_changes_nothing(cloud: Cloud):
    before = progress.read_status(cloud.status(), may_wait=bringup.MAY_WAIT)

    again = cloud.sandbox("up", "--without-openstack")

    assert again.returncode == 0, again.stdout
    after = progress.read_status(cloud.status(), may_wait=bringup.MAY_WAIT)
    assert (after.machines, after.units) == (before.machines, before.units)


def test_the_nodes_that_play_a_role_have_its_tag(cloud: Cloud):
    tags = {machine["hostname"]: machine["tag_names"] for machine in cloud.region().machines()}

    roles = collections.Counter(tag for names in tags.values() for tag in names)
    assert roles["openstack-control"] == 3
    assert roles["openstack-compute"] >= 3
    assert roles["openstack-osd"] >= 3


def test_a_node_with_a_dead_bmc_is_left_out_with_the_reason(cloud: Cloud):
    (task,) = json.loads(
        cloud.juju("run", "baremetal-inventory/leader", "list-nodes", "--format", "json")
    ).values()

    nodes = {node["hostname"]: node for node in json.loads(task["results"]["nodes"])}
    assert nodes["node24"]["state"] == "unfit"
    assert "BMC" in str(nodes["node24"]["reasons"])
    dead = next(m for m in cloud.region().machines() if m["hostname"] == "node24")
    assert not any(tag.startswith("openstack-") for tag in dead["tag_names"])


def test_the_coordinator_says_that_openstack_is_ready(cloud: Cloud):
    state, message = cloud.application("openstack-coordinator")

    assert state == "active"
    assert "2024.1" in message


def test_the_maas_secret_is_nowhere_to_be_read(cloud: Cloud):
    """Not in a status, a databag, a log or an action's result."""
    secret = credential_steps.maas_key(cloud.home).rpartition(":")[2]
    cloud.juju("run", "maas-bmc/leader", "list-nodes")

    status = json.dumps(cloud.status())
    log = cloud.juju("debug-log", "--replay", "--no-tail", "--level", "TRACE")
    units = cloud.juju("show-unit", "maas-bmc/0", "baremetal-inventory/0")
    assert secret not in status + log + units
    for file in pathlib.Path(cloud.home.folder("log")).iterdir():
        assert secret not in file.read_text(encoding="utf-8", errors="replace"), file.name
    store = Store(cloud.home.folder("juju") / "juju.db")
    with store.transaction() as tx:
        tables = ("relation_endpoints", "relation_units", "tasks", "log", "status_history")
        kept = [str(tuple(row)) for table in tables for row in tx.all(f"SELECT * FROM {table}")]
    store.close()
    assert not [row for row in kept if secret in row]
