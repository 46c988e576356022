"""maas-bmc's adapters and rounds against a running MAAS and running BMCs."""

from __future__ import annotations

import dataclasses
import pathlib

import bmcs
import maas
import pytest
import rounds
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine
from configuration import Account, Accounts, ApiKey

from sandbox.authority import Authority
from sandbox.bmc import credentials, faults, hardware
from tests.integration.metal.conftest import Metal


def _wish(metal: Metal, hostname: str, **fields: object) -> DesiredMachine:
    machine = metal.named(hostname)
    return DesiredMachine.model_validate(
        {"system_id": machine.system_id, "generation": machine.carried_out + 1, **fields}
    )


def test_the_first_round_knows_every_machine_and_its_bmc(metal: Metal) -> None:
    machines = metal.ledger.machines.values()
    assert len(machines) == 24
    assert metal.ledger.sync.complete
    assert metal.ledger.zones[:3] == ("az1", "az2", "az3")
    assert {m.bmc.kind for m in machines} == {"redfish", "ipmi"}
    silent = [m.hostname for m in machines if not m.bmc.reachable]
    assert silent == ["node24"]
    assert "does not answer" in metal.named("node24").bmc.problem
    assert {m.bmc.power for m in machines if m.bmc.reachable} == {"off"}


def test_a_machine_is_commissioned_tagged_and_known(metal: Metal) -> None:
    wish = _wish(metal, "node11", commission=True, role="osd")
    metal.until(lambda: metal.named("node11").status == "Ready", wish)
    machine = metal.named("node11")
    assert machine.role == "osd"
    assert machine.carried_out == wish.generation
    assert (machine.cores, machine.memory_mib) == (24, 131072)
    assert [disk.by_id for disk in machine.disks if disk.boot] == ["wwn-0x55c7283e0ad84173"]
    assert sum(disk.kind == "nvme" for disk in machine.disks) == 3
    assert machine.serial == "CZJ584F8D4"
    assert ("metal",) in {nic.spaces for nic in machine.nics}


def test_a_disk_that_has_a_kernel_name_only_is_known_as_such(metal: Metal) -> None:
    wish = _wish(metal, "node23", commission=True)
    metal.until(lambda: metal.named("node23").status == "Ready", wish)
    assert [disk.name for disk in metal.named("node23").disks if not disk.by_id] == ["sdb"]


def test_a_dead_bmc_refuses_commissioning_with_its_reason(metal: Metal) -> None:
    metal.round(_wish(metal, "node24", commission=True))
    machine = metal.named("node24")
    assert machine.status == "New"
    assert machine.refusal.startswith("MAAS refused (5") or "BMC" in machine.refusal


def test_quarantine_takes_a_ready_machine_out_of_use_and_puts_it_back(metal: Metal) -> None:
    metal.until(lambda: metal.named("node11").status == "Ready", _wish(metal, "node11"))
    metal.round(_wish(metal, "node11", quarantine="bad disk"))
    machine = metal.named("node11")
    assert (machine.refusal, machine.status) == ("", "Broken")
    assert machine.message == "quarantine: bad disk"
    metal.round(_wish(metal, "node11", quarantine=""))
    assert metal.named("node11").status == "Ready"


@pytest.mark.parametrize("hostname", ["node01", "node03"])
def test_power_is_switched_over_the_bmc_and_maas_sees_it(metal: Metal, hostname: str) -> None:
    """node01 speaks Redfish, node03 IPMI."""
    wish = _wish(metal, hostname, power="on")
    metal.until(lambda: metal.named(hostname).bmc.power == "on", wish)
    assert metal.named(hostname).refusal == ""
    metal.until(lambda: metal.named(hostname).power == "on", wish)
    off = _wish(metal, hostname, power="off")
    metal.until(lambda: metal.named(hostname).bmc.power == "off", off)


@pytest.mark.parametrize("hostname", ["node02", "node07"])
def test_a_bmc_that_dies_and_returns_is_noticed(metal: Metal, hostname: str) -> None:
    """node02 speaks Redfish, node07 IPMI."""
    faults.kill(metal.home, hostname)
    metal.until(lambda: metal.named(hostname).bmc.reachable is False)
    faults.revive(metal.home, hostname)
    metal.until(lambda: metal.named(hostname).bmc.reachable is True)


def test_ill_health_that_a_bmc_reports_is_published(metal: Metal) -> None:
    faults.ail(metal.home, "node05", "Critical")
    metal.until(lambda: metal.named("node05").bmc.health == "critical")
    assert metal.named("node05").bmc.problem == "the BMC reports health Critical"
    faults.ail(metal.home, "node05", "OK")
    metal.until(lambda: metal.named("node05").bmc.health == "ok")


@pytest.mark.parametrize("hostname", ["node06", "node10"])
def test_a_password_that_maas_does_not_know_can_be_given_by_the_operator(
    metal: Metal, hostname: str
) -> None:
    """node06 speaks Redfish, node10 IPMI."""
    faults.change_password(metal.home, hostname, "another1secret")
    metal.until(lambda: metal.named(hostname).bmc.reachable is False)
    problem = metal.named(hostname).bmc.problem
    assert "maas" in problem
    assert "another1secret" not in problem
    # MAAS has the old one, too: it refuses this machine, and serves the others.
    outcome = metal.round(_wish(metal, hostname, commission=True))
    assert outcome.error is None
    assert metal.named(hostname).refusal.startswith("MAAS refused (500)")
    assert "another1secret" not in metal.named(hostname).refusal
    known = credentials.load(metal.home, hardware.load(metal.home))[hostname]
    metal.accounts = Accounts(by_hostname={hostname: Account(known.user, known.password)})
    metal.until(lambda: metal.named(hostname).bmc.reachable is True)


def test_a_bmc_whose_certificate_cannot_be_verified_is_not_used(
    metal: Metal, tmp_path: pathlib.Path
) -> None:
    other = bmcs.Network(Authority(tmp_path).certificate)
    endpoint = bmcs.Endpoint(
        "n1", "redfish", metal.home.bmc_address(1), "", Account("maas", "never sent")
    )
    reading = other.read([endpoint])["n1"]
    assert not reading.reachable
    assert "cannot be verified: add its CA to ca-bundle" in reading.problem


def test_a_wrong_key_is_refused_without_showing_any_key(
    metal: Metal, caplog: pytest.LogCaptureFixture
) -> None:
    """The real body of this answer holds the real secret."""
    caplog.set_level("DEBUG")
    wrong = dataclasses.replace(metal.key, secret="not-the-secret")
    with (
        maas.connect(metal.url, wrong, metal.ca_file) as region,
        pytest.raises(maas.Unauthorized) as refused,
    ):
        region.check_key()
    for text in (str(refused.value), caplog.text):
        assert metal.key.secret not in text
        assert "not-the-secret" not in text
    unknown = ApiKey("nobody", "knows", "this")
    with (
        maas.connect(metal.url, unknown, metal.ca_file) as region,
        pytest.raises(maas.Unauthorized),
    ):
        region.check_key()


def test_maas_that_is_killed_and_returns_loses_nothing(metal: Metal) -> None:
    before = dict(metal.ledger.machines)
    metal.stop("maas")
    outcome = metal.round(_wish(metal, "node12", commission=True))
    assert isinstance(outcome.error, maas.Unreachable)
    assert dict(outcome.ledger.machines) == before
    metal.start("maas")
    wish = _wish(metal, "node12", commission=True)
    metal.until(lambda: metal.named("node12").status == "Ready", wish)


def test_many_wishes_are_carried_out_side_by_side(metal: Metal) -> None:
    names = ("node13", "node14", "node15", "node16", "node17", "node18")
    wishes = [_wish(metal, name, commission=True, role="storage") for name in names]
    metal.round(*wishes)
    metal.until(lambda: all(metal.named(name).status == "Ready" for name in names), *wishes)
    assert {metal.named(name).role for name in names} == {"storage"}


def test_a_tag_that_was_changed_by_hand_is_found_by_reading_anew(metal: Metal) -> None:
    with maas.connect(metal.url, metal.key, metal.ca_file) as region:
        region.tag("by-hand", [metal.named("node20").system_id], [])
    metal.ledger = rounds.start_over(metal.ledger)
    metal.round()
    assert "by-hand" in metal.named("node20").tags
