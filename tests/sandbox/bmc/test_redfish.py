"""The Redfish BMCs, as sushy and plain HTTP see them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import requests
import sushy
from sushy import auth
from sushy.resources.system.system import System

from sandbox.bmc import faults

from .conftest import Bmcs


@pytest.fixture
def session(bmcs: Bmcs) -> Iterator[requests.Session]:
    """A session with the BMC of node01, with the right password."""
    known = bmcs.credential("node01")
    with requests.Session() as made:
        made.trust_env = False
        made.verify = bmcs.ca
        made.auth = (known.user, known.password)
        yield made


def url(bmcs: Bmcs, path: str, node: str = "node01") -> str:
    return f"https://{bmcs.address(node)}{path}"


def system_of(bmcs: Bmcs, name: str = "node01") -> System:
    known = bmcs.credential(name)
    root = sushy.Sushy(
        url(bmcs, "/redfish/v1", name),
        verify=bmcs.ca,  # pyright: ignore[reportArgumentType] a path is fine
        auth=auth.BasicAuth(known.user, known.password),
        server_side_retries=0,
    )
    return root.get_system_collection().get_members()[0]


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sushy_reads_the_inventory_of_the_node(bmcs: Bmcs):
    node, system = bmcs.node("node01"), system_of(bmcs)
    assert system.uuid == node.uuid
    assert system.manufacturer == node.system.vendor
    assert system.serial_number == node.system.serial
    assert system.bios_version == node.system.firmware
    assert system.memory_summary.size_gib == node.memory // 1024
    assert system.status.health == sushy.HEALTH_OK
    nics = system.ethernet_interfaces.get_members()
    assert {nic.mac_address.lower() for nic in nics} == {nic.mac for nic in node.nics}
    [storage] = system.storage.get_members()
    assert [drive.capacity_bytes for drive in storage.drives] == [d.size for d in node.disks]


def test_a_bmc_shows_its_own_node_and_no_other(bmcs: Bmcs, session: requests.Session):
    systems = session.get(url(bmcs, "/redfish/v1/Systems")).json()
    assert [member["@odata.id"] for member in systems["Members"]] == [
        f"/redfish/v1/Systems/{bmcs.node('node01').uuid}"
    ]
    other = session.get(url(bmcs, f"/redfish/v1/Systems/{bmcs.node('node02').uuid}"))
    assert other.status_code == 404


def test_managers_chassis_and_temperatures_are_there(bmcs: Bmcs, session: requests.Session):
    uuid = bmcs.node("node01").uuid
    manager = session.get(url(bmcs, f"/redfish/v1/Managers/{uuid}")).json()
    chassis = session.get(url(bmcs, f"/redfish/v1/Chassis/{uuid}")).json()
    thermal = session.get(url(bmcs, f"/redfish/v1/Chassis/{uuid}/Thermal")).json()
    assert manager["FirmwareVersion"] == bmcs.node("node01").bmc.firmware
    assert chassis["SerialNumber"] == bmcs.node("node01").system.serial
    assert thermal["Temperatures"][0]["Status"]["Health"] == "OK"


def test_power_goes_on_and_off(bmcs: Bmcs):
    system = system_of(bmcs)
    system.reset_system(sushy.RESET_TYPE_ON)
    eventually(lambda: _power(system) == sushy.POWER_STATE_ON)
    system.reset_system(sushy.RESET_TYPE_FORCE_OFF)
    eventually(lambda: _power(system) == sushy.POWER_STATE_OFF)


def _power(system: System) -> object:
    system.refresh(force=True)
    return system.power_state


def test_a_boot_override_holds_for_the_next_boot(bmcs: Bmcs):
    system = system_of(bmcs)
    system.set_system_boot_options(
        target=sushy.BOOT_SOURCE_TARGET_PXE, enabled=sushy.BOOT_SOURCE_ENABLED_ONCE
    )
    system.refresh(force=True)
    assert system.boot["target"] == sushy.BOOT_SOURCE_TARGET_PXE
    assert system.boot["enabled"] == sushy.BOOT_SOURCE_ENABLED_ONCE


def test_a_change_made_over_an_outdated_tag_is_refused(bmcs: Bmcs, session: requests.Session):
    path = url(bmcs, f"/redfish/v1/Systems/{bmcs.node('node01').uuid}")
    boot = {"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}
    tag = session.get(path).headers["ETag"]
    assert session.patch(path, json=boot, headers={"If-Match": tag}).status_code == 204
    assert session.patch(path, json=boot, headers={"If-Match": 'W/"old"'}).status_code == 412


def test_the_wrong_password_and_that_of_another_node_are_refused(bmcs: Bmcs):
    other = bmcs.credential("node02")
    for secret in ("wrong", other.password):
        answer = requests.get(
            url(bmcs, "/redfish/v1/Systems"),
            auth=(other.user, secret),
            verify=bmcs.ca,
            timeout=5,
        )
        assert answer.status_code == 401
        assert bmcs.credential("node01").password not in answer.text


def test_the_root_needs_no_password_and_the_rest_does(bmcs: Bmcs):
    assert requests.get(url(bmcs, "/redfish/v1/"), verify=bmcs.ca, timeout=5).ok
    systems = requests.get(url(bmcs, "/redfish/v1/Systems"), verify=bmcs.ca, timeout=5)
    assert systems.status_code == 401


def test_the_certificate_is_for_this_address_by_the_sandbox_ca(
    bmcs: Bmcs, session: requests.Session
):
    session.verify = True
    with pytest.raises(requests.exceptions.SSLError):
        session.get(url(bmcs, "/redfish/v1/"))


def test_a_session_works_until_it_is_deleted(bmcs: Bmcs):
    known = bmcs.credential("node01")
    sessions = url(bmcs, "/redfish/v1/SessionService/Sessions")
    asked = {"UserName": known.user, "Password": known.password}
    made = requests.post(sessions, json=asked, verify=bmcs.ca, timeout=5)
    headers = {"X-Auth-Token": made.headers["X-Auth-Token"]}
    systems = url(bmcs, "/redfish/v1/Systems")
    assert requests.get(systems, headers=headers, verify=bmcs.ca, timeout=5).ok
    location = url(bmcs, made.headers["Location"])
    assert requests.delete(location, headers=headers, verify=bmcs.ca, timeout=5).ok
    after = requests.get(systems, headers=headers, verify=bmcs.ca, timeout=5)
    assert after.status_code == 401


def test_sushy_logs_in_with_a_session_and_there_is_room_for_few(bmcs: Bmcs):
    known = bmcs.credential("node02")
    sessions = url(bmcs, "/redfish/v1/SessionService/Sessions", "node02")
    asked = {"UserName": known.user, "Password": known.password}
    made = [requests.post(sessions, json=asked, verify=bmcs.ca, timeout=5) for _ in range(9)]
    assert [answer.status_code for answer in made] == [201] * 8 + [503]
    for answer in made[:8]:
        token = {"X-Auth-Token": answer.headers["X-Auth-Token"]}
        location = url(bmcs, answer.headers["Location"], "node02")
        requests.delete(location, headers=token, verify=bmcs.ca, timeout=5)
    root = sushy.Sushy(
        url(bmcs, "/redfish/v1", "node02"),
        verify=bmcs.ca,  # pyright: ignore[reportArgumentType] a path is fine
        auth=auth.SessionAuth(known.user, known.password),
    )
    assert root.get_system_collection().get_members()


def test_a_dead_bmc_does_not_answer_until_it_is_revived(bmcs: Bmcs):
    assert faults.kill(bmcs.home, "node02")
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(url(bmcs, "/redfish/v1/", "node02"), verify=bmcs.ca, timeout=5)
    assert faults.revive(bmcs.home, "node02")
    assert system_of(bmcs, "node02").uuid == bmcs.node("node02").uuid


def test_a_busy_bmc_answers_503_a_slow_one_late_and_an_ill_machine_shows(
    bmcs: Bmcs, session: requests.Session
):
    path = url(bmcs, f"/redfish/v1/Systems/{bmcs.node('node01').uuid}")
    assert faults.busy(bmcs.home, "node01")
    assert session.get(path).status_code == 503
    assert faults.revive(bmcs.home, "node01")
    assert faults.slow(bmcs.home, "node01", 0.4)
    began = time.monotonic()
    assert session.get(path).ok
    assert time.monotonic() - began >= 0.4
    assert faults.revive(bmcs.home, "node01")
    assert faults.ail(bmcs.home, "node01", "Critical")
    assert session.get(path).json()["Status"]["Health"] == "Critical"
    assert faults.revive(bmcs.home, "node01")


def test_after_a_change_of_the_password_only_the_new_one_works(
    bmcs: Bmcs, session: requests.Session
):
    systems = url(bmcs, "/redfish/v1/Systems")
    assert faults.change_password(bmcs.home, "node01")
    assert session.get(systems).status_code == 401
    known = bmcs.credential("node01")
    session.auth = (known.user, known.password)
    assert session.get(systems).ok


def test_a_fault_of_an_unknown_node_or_that_ipmi_cannot_have_is_refused(bmcs: Bmcs):
    with pytest.raises(LookupError, match="no node 'node99'"):
        faults.kill(bmcs.home, "node99")
    with pytest.raises(ValueError, match="node03 has an IPMI BMC"):
        faults.slow(bmcs.home, "node03", 1)
