"""Why a plan waits: each gate names what keeps it closed, and silence keeps it closed, too."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from typing import Any

import cloud
import computes
import full_status
import gates
import pytest
import snapshot
import steps
from charms.openstack_coordinator.v0.rolling_plan import Gate
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000.0
MODEL = cloud.from_full_status(
    full_status.of_bundle(full_status.HA),
    full_status.options(full_status.bundle(full_status.HA)),
)


def closed(gate: Gate, model: cloud.Cloud = MODEL, **changed: Any) -> str:
    return gates.closed(gate, dataclasses.replace(snapshot.Snapshot(NOW, model), **changed))


def with_unit(name: str, **changed: Any) -> cloud.Cloud:
    application = MODEL.applications[name.partition("/")[0]]
    units = tuple(
        dataclasses.replace(unit, **changed) if unit.name == name else unit
        for unit in application.units
    )
    changed_one = dataclasses.replace(application, units=units)
    return dataclasses.replace(
        MODEL, applications={**MODEL.applications, application.name: changed_one}
    )


def service(host: str, zone: str = "az1", **changed: Any) -> computes.Service:
    made = computes.Service("nova-compute", host, zone, enabled=True, up=True, reported=None)
    return dataclasses.replace(made, **changed)


def guest(id_: str = "g1", **changed: Any) -> snapshot.Guest:
    made = snapshot.Guest(id_, f"web-{id_}", "a", "ACTIVE", "", 2, 2048, 10, "live")
    return dataclasses.replace(made, **changed)


def nova(*services: computes.Service, **changed: Any) -> snapshot.Nova:
    return dataclasses.replace(snapshot.Nova(services, (), (), (), ()), **changed)


# -- the model ------------------------------------------------------------------------------


def test_quorum_counts_the_units_that_would_be_left_serving() -> None:
    gate = steps.quorum("keystone", ["keystone/0"], 2)
    assert closed(gate) == ""
    lost = with_unit("keystone/1", agent="lost")
    assert closed(gate, lost) == (
        "without keystone/0 only 1 of 3 units of keystone would serve, and 2 are needed"
    )
    assert closed(gate, with_unit("keystone/0", agent="lost")) == "", "it is to go anyway"


def test_health_names_the_unwell_but_for_what_the_plan_took_down() -> None:
    broken = with_unit("glance/1", workload="blocked", message="no image store")
    assert closed(steps.healthy(["glance"]), broken) == "glance/1 is blocked: no image store"
    assert closed(steps.healthy(["keystone"]), broken) == ""
    assert "glance/1" in closed(steps.healthy([]), broken)
    assert closed(steps.healthy([], ["glance/1"]), broken) == ""


def test_subordinates_of_what_the_plan_took_down_count_with_it() -> None:
    agent = next(
        u
        for a in MODEL.applications.values()
        for u in a.units
        if u.principal == "keystone/0" and a.charm == "hacluster"
    )
    down = with_unit(agent.name, workload="maintenance", message="Paused")
    gate = steps.healthy([agent.application], ["keystone/0"])
    assert closed(gate, down) == ""


def test_versions_agree_by_whole_components() -> None:
    assert closed(steps.versions_agree("keystone", "29")) == ""
    other = with_unit("keystone/2", version="28.1.0")
    assert closed(steps.versions_agree("keystone", "29"), other) == (
        "keystone/2 has 28.1.0, not 29"
    )


def test_a_virtual_address_is_away_when_its_cluster_has_it_elsewhere_for_good() -> None:
    gate = steps.vip_away("keystone/0", "ha")
    machine = MODEL.machines[MODEL.applications["keystone"].units[0].machine].hostname
    assert closed(gate) == "ha has not told yet where the virtual addresses are"

    def told(node: str, *away: str) -> tuple[snapshot.Virtual, ...]:
        return (snapshot.Virtual("ha", frozenset(away), {"res_vip": node}),)

    still = f"res_vip is still on keystone/0 ({machine})"
    assert closed(gate, virtual=told(machine, machine)) == still
    back = "ha may still move an address to keystone/0: it is not in standby"
    assert closed(gate, virtual=told("elsewhere")) == back
    assert closed(gate, virtual=told("", machine)) == "ha has res_vip on no node"
    assert closed(gate, virtual=told("elsewhere", machine)) == ""


# -- probe and Ceph -------------------------------------------------------------------------


def test_the_probe_keeps_to_its_budget_and_must_be_fresh() -> None:
    gate = steps.api_probe(1)
    well = snapshot.Probed("nova", 100, 1, NOW - 10, answered=True)
    assert closed(gate) == "no probe of the APIs is at work"
    assert closed(gate, probe=(well,)) == ""
    spent = dataclasses.replace(well, failures=2)
    assert "2 requests failed: nova 2 of 100" in closed(gate, probe=(spent,))
    down = dataclasses.replace(well, answered=False, reason="503")
    assert closed(gate, probe=(down,)) == "nova does not answer: 503"
    old = dataclasses.replace(well, at=NOW - 500)
    assert closed(gate, probe=(old,)) == "nova was probed 500 s ago"


def test_ceph_may_warn_of_what_the_plan_itself_did() -> None:
    gate = steps.ceph_health("ceph-mon", ["OSDMAP_FLAGS"])
    osd = snapshot.Osd(3, "node-1", "az1", up=True, inside=True)
    well = snapshot.Ceph("ceph-mon", "HEALTH_WARN", ("OSDMAP_FLAGS",), ("noout",), (osd,))
    assert closed(gate) == "the health of ceph-mon could not be read"
    assert closed(gate, ceph=(well,)) == ""
    worse = dataclasses.replace(well, checks=("OSDMAP_FLAGS", "PG_DEGRADED"))
    assert closed(gate, ceph=(worse,)) == "ceph-mon: HEALTH_WARN: PG_DEGRADED"
    down = dataclasses.replace(well, osds=(dataclasses.replace(osd, up=False),))
    assert closed(gate, ceph=(down,)) == "not up and in: osd.3 on node-1"


# -- hypervisors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gate",
    [
        steps.capacity(["a"]),
        steps.empty("a"),
        steps.other_zones_up("az1"),
        steps.down_in_zone("az1", 1, "a"),
        steps.ceph_health("ceph-mon"),
        steps.api_probe(0),
        steps.pool(["x"]),
        steps.bmc(["x"]),
    ],
    ids=lambda gate: gate.kind,
)
def test_what_cannot_be_read_keeps_a_gate_closed(gate: Gate) -> None:
    assert closed(gate)


def test_guests_must_fit_on_the_hosts_of_their_zone() -> None:
    both = (service("a"), service("b"), service("c", "az2"))
    room = (snapshot.Room("b", 2, 2048, 10), snapshot.Room("c", 64, 65536, 1000))
    gate = steps.capacity(["a"])
    one = nova(*both, guests=(guest(),), room=room)
    assert closed(gate, nova=one) == ""
    two = nova(*both, guests=(guest(), guest("g2")), room=room)
    assert "web-g2" in closed(gate, nova=two)
    disabled = dataclasses.replace(both[1], enabled=False)
    gone = nova(both[0], disabled, both[2], guests=(guest(),), room=room)
    assert "web-g1" in closed(gate, nova=gone)


def test_a_host_is_empty_only_while_nothing_can_come() -> None:
    gate, off = steps.empty("a"), service("a", enabled=False)
    assert closed(gate, nova=nova(off)) == ""
    assert "enabled" in closed(gate, nova=nova(service("a")))
    assert closed(gate, nova=nova(off, guests=(guest(),))) == "a has 1 guests and 0 migrations"
    coming = (snapshot.Migration("g9", "b", "a", "running"),)
    assert closed(gate, nova=nova(off, migrations=coming)) == "a has 0 guests and 1 migrations"


def test_one_zone_at_a_time_and_the_operators_own_do_not_count() -> None:
    gate = steps.other_zones_up("az1")
    ours = service("c", "az2", enabled=False, disabled_reason=f"{steps.MARK}upgrade")
    theirs = service("d", "az2", enabled=False, disabled_reason="spare")
    assert closed(gate, nova=nova(service("a"), theirs)) == ""
    assert "c of zone az2 is disabled" in closed(gate, nova=nova(service("a"), ours))
    down = service("e", "az3", up=False)
    assert closed(gate, nova=nova(down)) == "e of zone az3 is down"


def test_so_many_of_a_zone_and_no_more() -> None:
    ours = service("b", enabled=False, disabled_reason=f"{steps.MARK}upgrade")
    seen = nova(service("a"), ours, service("c", "az2", up=False))
    assert closed(steps.down_in_zone("az1", 2, "a"), nova=seen) == ""
    assert "1 of at most 1 hosts" in closed(steps.down_in_zone("az1", 1, "a"), nova=seen)
    assert closed(steps.down_in_zone("az1", 1, "b"), nova=seen) == ""


# -- metal ----------------------------------------------------------------------------------


def test_metal_that_is_unfit_is_named_with_its_reason() -> None:
    well = snapshot.Node("x", "node-1", "az1", "compute", "ready")
    fan = dataclasses.replace(well, system_id="y", state="unfit", reasons=("BMC: fan 2 failed",))
    seen = {"x": well, "y": fan}
    assert closed(steps.pool(["x"]), nodes=seen) == ""
    assert closed(steps.pool(["x", "y"]), nodes=seen) == "node-1 is unfit: BMC: fan 2 failed"
    assert closed(steps.pool(["z"]), nodes=seen) == "z is not in the pool"
    assert closed(steps.bmc(["x", "z"]), nodes=seen) == ""
    assert closed(steps.bmc(["y"]), nodes=seen) == "node-1: BMC: fan 2 failed"


# -- time -----------------------------------------------------------------------------------

ROME = zoneinfo.ZoneInfo("Europe/Rome")


def at(*moment: int, fold: int = 0) -> float:
    return datetime.datetime(*moment, tzinfo=ROME, fold=fold).timestamp()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (at(2026, 11, 28, 21, 59), False),
        (at(2026, 11, 28, 22, 0), True),
        (at(2026, 11, 29, 1, 59), True),
        (at(2026, 11, 29, 2, 0), False),
        (at(2026, 11, 27, 23, 0), False),
    ],
)
def test_a_window_is_open_for_its_hours_from_each_beginning(
    moment: float, *, is_open: bool
) -> None:
    saturdays = steps.window("0 22 * * 6", 4, "Europe/Rome")
    reason = gates.closed(saturdays, snapshot.Snapshot(moment, MODEL))
    assert (reason == "") is is_open
    if not is_open:
        assert "T22:00" in reason
        assert "Europe/Rome" in reason


def test_a_window_is_as_long_as_said_when_the_clocks_change() -> None:
    """On 25 October 2026 the hour from two to three comes twice in Rome."""
    night = steps.window("0 1 * * *", 3, "Europe/Rome")
    before = snapshot.Snapshot(at(2026, 10, 25, 2, 59, fold=1), MODEL)
    after = snapshot.Snapshot(at(2026, 10, 25, 3, 0), MODEL)
    assert gates.closed(night, before) == ""
    assert gates.closed(night, after)


@given(
    st.floats(0, 4e9), st.integers(1, 23), st.sampled_from(["Europe/Rome", "UTC", "Asia/Tokyo"])
)
def test_a_daily_window_is_open_so_many_hours_a_day(moment: float, hours: int, zone: str) -> None:
    daily = steps.window("0 0 * * *", hours, zone)
    reason = gates.closed(daily, snapshot.Snapshot(moment, MODEL))
    here = datetime.datetime.fromtimestamp(moment, zoneinfo.ZoneInfo(zone))
    if here.utcoffset() == (here - datetime.timedelta(hours=25)).utcoffset():
        assert (reason == "") is (here.hour < hours)
