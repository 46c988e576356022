"""Which computes cannot run guests, with what to do; and the room that there is."""

from __future__ import annotations

import datetime

import computes
from computes import Hypervisor, Seen, Service
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)
SECOND = datetime.timedelta(seconds=1)


def service(host: str, *, up: bool = True, silent: int = 5, **changes: object) -> Service:
    usual = {"binary": "nova-compute", "zone": "az1", "enabled": True}
    return Service(host=host, up=up, reported=NOW - silent * SECOND, **{**usual, **changes})  # pyright: ignore[reportArgumentType]


def hypervisor(host: str) -> Hypervisor:
    return Hypervisor(host, 16, 4, 65536, 8192, 500, 40, 2)


CONTROL = (
    service("ctl", binary="nova-scheduler", zone="internal"),
    service("ctl", binary="nova-conductor", zone="internal"),
)


def found(*services: Service, mapped: tuple[str, ...] = (), units: int = 0) -> list[str]:
    seen = Seen((*CONTROL, *services), tuple(map(hypervisor, mapped)))
    return [f"{f.severity}: {f}" for f in computes.findings(seen, units, NOW)]


def test_computes_that_are_up_and_mapped_are_no_finding() -> None:
    assert found(service("a"), service("b"), mapped=("a", "b"), units=2) == []


def test_a_compute_that_is_silent_for_long_needs_somebody_and_a_short_silence_passes() -> None:
    assert found(service("a", up=False, silent=100), mapped=("a",)) == [
        "waiting: compute a: its nova-compute is down"
    ]
    assert found(service("a", up=False, silent=1000), mapped=("a",)) == [
        "blocked: compute a: its nova-compute is down"
    ]


def test_a_compute_without_a_cell_is_named_with_the_command_that_maps_it() -> None:
    seen = Seen((*CONTROL, service("a")), ())
    (finding,) = computes.findings(seen, 1, NOW)
    assert finding.subject == "compute a"
    assert "nova-manage cell_v2 discover_hosts" in finding.remedy


def test_a_hypervisor_that_nova_has_not_heard_of_is_waited_for() -> None:
    assert found(service("a"), mapped=("a",), units=2) == [
        "waiting: nova: 2 hypervisors are active in Juju, 1 are registered in Nova"
    ]


def test_a_compute_that_somebody_disabled_is_no_finding() -> None:
    assert found(service("a", enabled=False), mapped=("a",)) == []


def test_without_a_scheduler_nothing_is_scheduled() -> None:
    seen = Seen((CONTROL[1], service("s", binary="nova-scheduler", up=False)), ())
    assert str(computes.findings(seen, 0, NOW)[0]) == "nova-scheduler: none of 1 is up"


def test_room_is_told_for_each_zone_and_for_all() -> None:
    seen = Seen((service("a"), service("b", zone="az2")), (hypervisor("a"), hypervisor("b")))
    rooms = {room.zone: room for room in computes.room(seen)}
    assert list(rooms) == ["az1", "az2", "all"]
    assert (rooms["all"].hypervisors, rooms["all"].vcpus, rooms["all"].guests) == (2, 32, 4)


JUDGED = st.builds(
    computes.Judged,
    st.datetimes(timezones=st.just(datetime.timezone.utc)),
    st.text(),
    st.just(()),
)


@given(JUDGED)
def test_a_judgement_is_read_back(judged: computes.Judged) -> None:
    assert computes.judged_from_json(judged.to_json()) == judged


def test_a_good_judgement_counts_for_a_while_and_a_bad_one_never() -> None:
    good = computes.Judged(NOW, "x", ())
    assert good.counts("x", NOW + SECOND)
    assert not good.counts("another unit", NOW + SECOND)
    assert not good.counts("x", NOW + computes.AGAIN)
    seen = Seen((*CONTROL, service("a", up=False)), ())
    bad = computes.Judged(NOW, "x", computes.findings(seen, 1, NOW))
    assert not bad.counts("x", NOW + SECOND)
