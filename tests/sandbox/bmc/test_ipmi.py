"""The IPMI BMCs, as ipmitool and pyghmi see them."""

from __future__ import annotations

import subprocess

from pyghmi.ipmi import command

from sandbox.bmc import faults

from .conftest import Bmcs


def ipmitool(bmcs: Bmcs, *asked: str, password: str | None = None) -> tuple[int, str]:
    known = bmcs.credential("node03")
    done = subprocess.run(
        [
            *("ipmitool", "-I", "lanplus", "-H", bmcs.address("node03"), "-U", known.user),
            *("-E", "-C", "3", "-N", "1", "-R", "1"),
            *asked,
        ],
        env={"IPMI_PASSWORD": password or known.password, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def test_ipmitool_switches_the_chassis(bmcs: Bmcs):
    assert ipmitool(bmcs, "chassis", "power", "on")[0] == 0
    assert ipmitool(bmcs, "chassis", "power", "status") == (0, "Chassis Power is on")
    assert ipmitool(bmcs, "chassis", "power", "off")[0] == 0
    assert ipmitool(bmcs, "chassis", "power", "status") == (0, "Chassis Power is off")


def test_ipmitool_sets_the_boot_device(bmcs: Bmcs):
    assert ipmitool(bmcs, "chassis", "bootdev", "pxe") == (0, "Set Boot Device to pxe")


def test_the_wrong_password_gets_no_session(bmcs: Bmcs):
    code, text = ipmitool(bmcs, "chassis", "power", "status", password="wrong")
    assert code == 1
    assert "Unable to establish IPMI v2 / RMCP+ session" in text


def test_pyghmi_speaks_with_it_too(bmcs: Bmcs):
    known = bmcs.credential("node03")
    client = command.Command(
        bmc=bmcs.address("node03"), userid=known.user, password=known.password
    )
    assert client.set_power("on", wait=True)["powerstate"] == "on"
    assert client.set_power("off", wait=True)["powerstate"] == "off"


def test_power_outlives_the_bmc_process_even_when_it_is_killed(bmcs: Bmcs):
    ipmitool(bmcs, "chassis", "power", "on")
    bmcs.restart()
    assert ipmitool(bmcs, "chassis", "power", "status") == (0, "Chassis Power is on")
    ipmitool(bmcs, "chassis", "power", "off")


def test_a_changed_password_holds_at_once_and_a_dead_bmc_is_silent(bmcs: Bmcs):
    old = bmcs.credential("node03").password
    assert faults.change_password(bmcs.home, "node03")
    assert ipmitool(bmcs, "chassis", "power", "status", password=old)[0] == 1
    assert ipmitool(bmcs, "chassis", "power", "status")[0] == 0
    assert faults.kill(bmcs.home, "node03")
    assert ipmitool(bmcs, "chassis", "power", "status")[0] == 1
    assert faults.revive(bmcs.home, "node03")
    assert ipmitool(bmcs, "chassis", "power", "status")[0] == 0
