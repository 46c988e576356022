"""A machine's life over the API, switched through its BMC."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

from sandbox.bmc import faults, hardware

from .conftest import Client, Metal


def test_commissioning_finds_out_what_the_machine_is(metal: Metal, client: Client, ready: str):
    machine = client.machine(ready)
    node = hardware.load(metal.home).node(machine["hostname"])
    assert (machine["cpu_count"], machine["memory"]) == (node.cpu.cores, node.memory)
    assert machine["hardware_uuid"] == node.uuid
    assert machine["hardware_info"]["system_serial"] == node.system.serial
    disks = machine["physicalblockdevice_set"]
    assert [(disk["serial"], disk["size"]) for disk in disks] == [
        (disk.serial, disk.size) for disk in node.disks
    ]
    assert disks[0]["id_path"].startswith("/dev/disk/by-id/")
    assert {nic["mac_address"] for nic in machine["interface_set"]} == {
        nic.mac for nic in node.nics
    }
    assert machine["owner"] is None
    assert (machine["commissioning_status_name"], machine["testing_status_name"]) == (
        *("Passed", "Passed"),
    )


def test_an_ipmi_machine_is_commissioned_too_and_a_kernel_named_disk_shows_as_such(
    client: Client,
):
    for name in ("node18", "node23"):
        system_id = client.named(name)["system_id"]
        assert client.on(system_id, "commission").status_code == 200
        assert client.until_status(system_id, "Ready")["cpu_count"] > 0
    assert client.named("node23")["blockdevice_set"][1]["id_path"] == "/dev/sdb"


def test_deploy_gives_the_machine_its_address_and_release_takes_it_back(
    metal: Metal, client: Client, ready: str
):
    taken = client.post("machines/", "allocate", system_id=ready, agent_name="model").json()
    assert (taken["status_name"], taken["owner"]) == ("Allocated", "admin")
    client.on(ready, "set_workload_annotations", unit="mysql/0")
    assert client.on(ready, "deploy", distro_series="jammy").json()["status_name"] == "Deploying"
    # The machine may report that it is up before its BMC has answered MAAS that it is on.
    deployed = client.until(
        ready, lambda m: m["status_name"] == "Deployed" and m["power_state"] == "on"
    )
    number = int(deployed["hostname"].removeprefix("node"))
    assert deployed["ip_addresses"] == [metal.home.node_address(number)]
    assert (deployed["osystem"], deployed["distro_series"]) == ("ubuntu", "jammy")
    assert deployed["owner_data"] == {"unit": "mysql/0"}
    assert client.get("machines/", agent_name="model").json()[0]["system_id"] == ready
    client.on(ready, "release", comment="done")
    back = client.until_status(ready, "Ready")
    assert (back["owner"], back["owner_data"], back["ip_addresses"]) == (None, {}, [])
    assert back["power_state"] == "off"


def test_of_sixteen_that_want_one_machine_one_gets_it(metal: Metal, ready: str):
    def claim(number: int) -> int:
        answer = metal.client().post("machines/", "allocate", system_id=ready)
        if answer.status_code != 200:
            assert answer.text == f"No machine with system ID {ready} available."
        return answer.status_code

    with concurrent.futures.ThreadPoolExecutor(16) as racers:
        codes = sorted(racers.map(claim, range(16)))
    assert codes == [200] + [409] * 15


def test_allocation_takes_the_smallest_that_fits_and_says_why_none_does(
    client: Client, ready: str
):
    client.post("tags/", name="only")
    client.post("tags/only/", "update_nodes", add=ready)
    dry = client.post("machines/", "allocate", tags="only", dry_run="true").json()
    assert (dry["system_id"], dry["status_name"]) == (ready, "Ready")
    assert client.machine(ready)["status_name"] == "Ready"
    too_much = client.post("machines/", "allocate", tags="only", mem=10**9)
    assert too_much.status_code == 409
    assert too_much.text == (
        "No available machine matches constraints: [('tags', ['only']), "
        "('mem', ['1000000000'])] (resolved to \"mem=1000000000.0 tags=only\")"
    )
    got = client.post(
        "machines/", "allocate", tags="only", interfaces="0:space=metal", storage="root:8"
    ).json()
    assert got["system_id"] == ready
    assert set(got["constraints_by_type"]) == {"interfaces", "storage"}
    unknown = client.post("machines/", "allocate", tags="never-made")
    assert unknown.json() == {"tags": ["No such tag(s): 'never-made'."]}


def test_a_locked_machine_is_not_released(client: Client, ready: str):
    client.on(ready, "deploy")
    client.until_status(ready, "Deployed")
    assert client.on(ready, "lock").json()["locked"]
    refused = client.on(ready, "release")
    assert (refused.status_code, refused.text) == (403, "")
    assert client.on(ready, "lock").text == "Machine is already locked"
    assert not client.on(ready, "unlock").json()["locked"]
    assert client.on(ready, "release").status_code == 200
    client.until_status(ready, "Ready")


def test_a_broken_machine_is_out_of_service_until_it_is_fixed(client: Client, ready: str):
    assert client.on(ready, "mark_broken").status_code == 403  # nobody owns it
    client.post("machines/", "allocate", system_id=ready)
    broken = client.on(ready, "mark_broken", comment="smoke").json()
    assert (broken["status_name"], broken["error_description"]) == ("Broken", "smoke")
    assert client.post("machines/", "allocate", system_id=ready).status_code == 409
    assert client.on(ready, "mark_fixed").json()["status_name"] == "Ready"
    assert client.on(ready, "mark_fixed").text == "Can't mark a non-broken node as 'Ready'."


def test_power_is_the_bmcs(client: Client, ready: str):
    refused = client.on(ready, "power_on")
    assert (refused.status_code, refused.text) == (
        409,
        "Can't start node: it hasn't been allocated.",
    )
    client.on(ready, "deploy")
    client.until_status(ready, "Deployed")
    assert client.on(ready, "power_off").json()["power_state"] == "off"
    state = client.get(f"machines/{ready}/", op="query_power_state").json()
    assert state == {"state": "off"}
    assert client.on(ready, "power_on").json()["power_state"] == "on"
    client.on(ready, "release")
    client.until_status(ready, "Ready")


def test_a_deployment_is_aborted(metal: Metal, client: Client, ready: str):
    name = client.machine(ready)["hostname"]
    assert faults.slow(metal.home, name, 1)  # so that it is not over before it is aborted
    client.on(ready, "deploy")
    aborted = client.on(ready, "abort").json()
    assert (aborted["status_name"], aborted["power_state"]) == ("Allocated", "off")
    assert faults.revive(metal.home, name)
    client.on(ready, "release")
    client.until_status(ready, "Ready")


def test_a_dead_bmc_puts_the_machine_back_to_new_with_a_message(client: Client):
    machine = client.named("node24")
    refused = client.on(machine["system_id"], "commission")
    assert (refused.status_code, refused.text) == (
        503,
        "No rack controllers can access the BMC of node node24",
    )
    after = client.machine(machine["system_id"])
    assert after["status_name"] == "New"
    assert after["status_message"] == (
        "Failed to query node's BMC - (admin) - Aborting COMMISSIONING and reverting to NEW. "
        "Unable to power control the node. Please check power credentials."
    )
    query = {"op": "query", "id": machine["system_id"], "level": "ERROR"}
    [error] = client.get("events/", **query).json()["events"]
    assert error["type"] == "Failed to power on node"
    assert "Cannot connect" in error["description"]


def test_a_changed_bmc_password_fails_until_maas_is_told(
    metal: Metal, client: Client, new: Callable[[], str]
):
    system_id = new()
    name = client.machine(system_id)["hostname"]
    assert faults.change_password(metal.home, name, "AnotherSecret1")
    refused = client.on(system_id, "commission")
    assert refused.status_code == 500
    assert "AnotherSecret1" not in refused.text
    assert client.get(f"machines/{system_id}/", op="query_power_state").json() == {
        "state": "error"
    }
    client.put(f"machines/{system_id}/", power_parameters_power_pass="AnotherSecret1")
    assert client.on(system_id, "commission").status_code == 200
    client.until_status(system_id, "Ready")


def test_a_machine_that_fails_its_tests_is_used_only_when_that_is_overridden(
    metal: Metal, client: Client, new: Callable[[], str]
):
    system_id = new()
    faults.break_disk(metal.home, client.machine(system_id)["hostname"])
    client.on(system_id, "commission")
    failed = client.until_status(system_id, "Failed testing")
    assert failed["testing_status_name"] == "Failed"
    assert client.post("machines/", "allocate", system_id=system_id).status_code == 409
    overridden = client.on(system_id, "override_failed_testing").json()
    assert overridden["status_name"] == "Ready"


def test_what_a_status_does_not_allow_is_refused(client: Client, new: Callable[[], str]):
    system_id = new()
    for op, code in (("deploy", 409), ("release", 409), ("abort", 409), ("lock", 409)):
        assert client.on(system_id, op).status_code == code
    many = client.post("machines/", "release", machines=[system_id])
    assert (many.status_code, many.text) == (
        409,
        f"Machine(s) cannot be released in their current state: {system_id} ('New').",
    )
    unknown = client.post("machines/", "release", machines=["nobody"])
    assert (unknown.status_code, unknown.text) == (400, "Unknown machine(s): nobody.")
