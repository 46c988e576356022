"""Rounds, against a small MAAS in memory that can fail at any request."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import hypothesis.strategies as st
import ledger as ledgers
import pytest
import rounds
from bmcs import BmcError, Endpoint, Reading
from charms.maas_bmc.v0.baremetal_nodes import DesiredMachine
from configuration import Account, Accounts
from hypothesis import given, settings
from ledger import Ledger
from maas import MaasError, Refused, Unreachable

URL = "https://maas.example:5443/MAAS"
TRANSITIONS = {"Commissioning": "Testing", "Testing": "Ready", "Releasing": "Ready"}


class MemoryMaas:
    """The machines of a MAAS. Request `fail_at` gets no answer, before or after its deed."""

    def __init__(self, count: int = 6) -> None:
        self.known = {f"m{n:03}": self._new(n) for n in range(count)}
        self.events: list[tuple[int, str]] = []
        self.requests: Counter[str] = Counter()
        self.commissioned: Counter[str] = Counter()
        self.read: Counter[str] = Counter()
        self.fail_at = -1
        self.fail_after = False
        self.refuse: dict[str, str] = {}
        for system_id in self.known:
            self.event(system_id)

    def event(self, system_id: str) -> None:
        self.events.append((len(self.events) + 1, system_id))

    def pass_time(self) -> None:
        for system_id, machine in self.known.items():
            if machine["status_name"] in TRANSITIONS:
                self.set(system_id, status_name=TRANSITIONS[machine["status_name"]])

    def set(self, system_id: str, **changes: Any) -> None:
        self.known[system_id].update(changes)
        self.event(system_id)

    def check_key(self) -> None:
        self._request("check_key")

    def newest_event(self) -> int:
        self._request("newest_event")
        return len(self.events)

    def events_after(self, cursor: int) -> tuple[set[str], int]:
        self._request("events_after")
        return {each for number, each in self.events if number > cursor}, len(self.events)

    def system_ids(self) -> list[str]:
        self._request("system_ids")
        return sorted(self.known)

    def zones(self) -> list[str]:
        self._request("zones")
        return ["az1"]

    def machines(self, system_ids: Sequence[str]) -> list[dict[str, Any]]:
        self._request("machines")
        self.read.update(system_ids)
        return [dict(self.known[each]) for each in system_ids if each in self.known]

    def power_parameters(self, system_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        self._request("power_parameters")
        return {
            each: {"power_address": f"bmc-{each}", "power_user": "maas", "power_pass": "p"}
            for each in system_ids
        }

    def commission(self, system_id: str) -> None:
        self._request("commission", before_end=lambda: self._commission(system_id))

    def tag(self, name: str, add: Sequence[str], remove: Sequence[str]) -> None:
        self._request("tag", before_end=lambda: self._tag(name, add, remove))

    def move(self, system_id: str, pool: str) -> None:
        self._request("move")
        self.set(system_id, pool={"name": pool})

    def release(self, system_id: str, comment: str) -> None:
        self._request("release")
        self.set(system_id, status_name="Releasing")

    def quarantine(self, system_id: str, comment: str) -> None:
        self._request("quarantine")
        self.set(system_id, status_name="Broken", error_description=comment)

    def mark_fixed(self, system_id: str) -> None:
        self._request("mark_fixed")
        self.set(system_id, status_name="Ready", error_description="")

    def query_power(self, system_id: str) -> None:
        self._request("query_power")

    def _commission(self, system_id: str) -> None:
        if system_id in self.refuse:
            raise Refused(409, self.refuse[system_id])
        self.commissioned[system_id] += 1
        self.set(system_id, status_name="Commissioning", owner="admin")

    def _tag(self, name: str, add: Sequence[str], remove: Sequence[str]) -> None:
        # As in MAAS, no event says that a tag changed.
        for system_id in add:
            tags = self.known[system_id]["tag_names"]
            self.known[system_id]["tag_names"] = sorted({*tags, name})
        for system_id in remove:
            tags = self.known[system_id]["tag_names"]
            self.known[system_id]["tag_names"] = [tag for tag in tags if tag != name]

    def _request(self, name: str, before_end: Any = None) -> None:
        number = self.requests.total()
        self.requests[name] += 1
        if number == self.fail_at and not self.fail_after:
            raise Unreachable("cannot reach MAAS")
        if before_end is not None:
            before_end()
        if number == self.fail_at:
            raise Unreachable("MAAS does not answer in time")

    @staticmethod
    def _new(number: int) -> dict[str, Any]:
        return {
            "system_id": f"m{number:03}",
            "hostname": f"node{number:03}",
            "status_name": "New",
            "power_type": "redfish",
            "tag_names": [],
            "pool": {"name": "default"},
        }


class MemoryBmcs:
    def __init__(self) -> None:
        self.asked: list[Endpoint] = []
        self.switched: list[tuple[str, str]] = []
        self.dead: set[str] = set()

    def read(self, endpoints: Iterable[Endpoint]) -> dict[str, Reading]:
        endpoints = list(endpoints)
        self.asked += endpoints
        return {each.system_id: self._reading(each) for each in endpoints}

    def switch(self, endpoint: Endpoint, power: Literal["on", "off"]) -> None:
        if endpoint.system_id in self.dead:
            raise BmcError("the BMC does not answer")
        self.switched.append((endpoint.system_id, power))

    def _reading(self, endpoint: Endpoint) -> Reading:
        if endpoint.system_id in self.dead:
            return Reading(reachable=False, problem="does not answer")
        return Reading(reachable=True, health="ok", power="off")


def _wishes(**wishes: dict[str, Any]) -> dict[str, DesiredMachine]:
    return {
        key: DesiredMachine.model_validate({"system_id": key, "generation": 1, **fields})
        for key, fields in wishes.items()
    }


def _round(
    ledger: Ledger,
    maas: MemoryMaas,
    desired: Mapping[str, DesiredMachine] | None = None,
    bmcs: MemoryBmcs | None = None,
    accounts: Accounts | None = None,
) -> rounds.Outcome:
    return rounds.run(
        ledger,
        desired or {},
        maas,
        bmcs or MemoryBmcs(),
        accounts or Accounts(),
        random.Random(1),  # noqa: S311
    )


def test_the_first_round_reads_every_machine_and_asks_every_bmc() -> None:
    maas = MemoryMaas()
    outcome = _round(Ledger(URL), maas)
    assert outcome.error is None
    assert outcome.ledger.sync.complete
    assert list(outcome.ledger.machines) == sorted(maas.known)
    assert {each.bmc.reachable for each in outcome.ledger.machines.values()} == {True}


def test_later_rounds_read_what_changed_and_a_few_more() -> None:
    maas = MemoryMaas(count=100)
    first = _round(Ledger(URL), maas)
    maas.read.clear()
    maas.set("m042", status_name="Ready")
    second = _round(first.ledger, maas)
    assert second.ledger.machines["m042"].status == "Ready"
    assert maas.read.total() <= 1 + rounds.PATROL
    assert maas.requests["system_ids"] == 1


def test_many_machines_are_read_over_several_rounds() -> None:
    maas = MemoryMaas(count=rounds.MOST_READ * 2 + 1)
    outcome = _round(Ledger(URL), maas)
    assert not outcome.ledger.sync.complete
    assert outcome.busy
    seen = [len(outcome.ledger.machines)]
    while not outcome.ledger.sync.complete:
        outcome = _round(outcome.ledger, maas)
        seen.append(len(outcome.ledger.machines))
    assert seen[0] == rounds.MOST_READ
    assert seen[-1] == len(maas.known)
    assert maas.requests["system_ids"] == 1


def test_events_that_change_nothing_wake_nobody() -> None:
    maas = MemoryMaas()
    first = _round(Ledger(URL), maas)
    maas.event("m001")
    second = _round(first.ledger, maas)
    assert second.ledger == first.ledger
    for _ in range(rounds.MOST_BEHIND):
        maas.event("m001")
    third = _round(second.ledger, maas)
    assert third.ledger.cursor == len(maas.events)


def test_a_machine_that_was_deleted_in_maas_is_forgotten() -> None:
    maas = MemoryMaas()
    first = _round(Ledger(URL), maas)
    del maas.known["m003"]
    maas.event("m003")
    assert "m003" not in _round(first.ledger, maas).ledger.machines


def test_a_machine_that_is_enlisted_later_is_found_by_its_event() -> None:
    maas = MemoryMaas(count=2)
    first = _round(Ledger(URL), maas)
    maas.known["m777"] = maas._new(777)
    maas.event("m777")
    assert "m777" in _round(first.ledger, maas).ledger.machines


def test_a_tag_that_changes_without_an_event_is_seen_in_time() -> None:
    maas = MemoryMaas(count=20)
    ledger = _round(Ledger(URL), maas).ledger
    maas.known["m013"]["tag_names"] = ["openstack-control"]
    chance = random.Random(1)  # noqa: S311
    for _ in range(40):
        ledger = rounds.run(ledger, {}, maas, MemoryBmcs(), Accounts(), chance).ledger
    assert ledger.machines["m013"].role == "control"


def test_a_wish_is_carried_out_and_booked() -> None:
    maas = MemoryMaas()
    wishes = _wishes(m001={"commission": True}, m002={"role": "compute"})
    outcome = _round(Ledger(URL), maas, wishes)
    machines = outcome.ledger.machines
    assert (machines["m001"].status, machines["m001"].carried_out) == ("Commissioning", 1)
    assert machines["m002"].role == "compute"
    assert outcome.busy


def test_a_refusal_of_maas_is_booked_and_not_repeated() -> None:
    maas = MemoryMaas()
    maas.refuse["m001"] = "No rack controllers can access the BMC of node node001"
    wishes = _wishes(m001={"commission": True})
    outcome = _round(_round(Ledger(URL), maas, wishes).ledger, maas, wishes)
    machine = outcome.ledger.machines["m001"]
    assert machine.carried_out == 1
    assert maas.requests["commission"] == 1
    assert not outcome.busy
    first = _round(Ledger(URL), maas, wishes).ledger.machines["m001"]
    assert "No rack controllers can access the BMC" in first.refusal


def test_power_goes_through_the_bmc_with_the_operators_account() -> None:
    maas, bmcs = MemoryMaas(), MemoryBmcs()
    accounts = Accounts(Account("root", "common"), {"node001": Account("admin", "own")})
    outcome = _round(Ledger(URL), maas, _wishes(m001={"power": "on"}), bmcs, accounts)
    assert bmcs.switched == [("m001", "on")]
    assert outcome.ledger.machines["m001"].refusal == ""
    assert {each.account.user for each in bmcs.asked} == {"root", "admin"}


def test_maas_is_told_to_look_where_a_bmc_says_another_power() -> None:
    maas = MemoryMaas(count=1)
    maas.set("m000", status_name="Ready", power_state="on")
    ledger = _round(Ledger(URL), maas).ledger
    assert maas.requests["query_power"] == 1
    maas.known["m000"]["power_state"] = "off"
    ledger = _round(ledger, maas).ledger
    assert ledger.machines["m000"].power == "off"
    before = maas.requests["query_power"]
    _round(ledger, maas)
    assert maas.requests["query_power"] == before


def test_a_bmc_that_does_not_switch_is_booked() -> None:
    maas, bmcs = MemoryMaas(), MemoryBmcs()
    bmcs.dead.add("m001")
    outcome = _round(Ledger(URL), maas, _wishes(m001={"power": "on"}), bmcs)
    assert outcome.ledger.machines["m001"].refusal == "the BMC does not answer"
    assert outcome.ledger.machines["m001"].bmc.reachable is False


def test_pool_release_and_quarantine_are_carried_out() -> None:
    maas = MemoryMaas()
    maas.set("m001", status_name="Ready")
    maas.set("m002", status_name="Allocated", owner="admin")
    wishes = _wishes(
        m000={"pool": "cloud"}, m001={"quarantine": "bad disk"}, m002={"release": True}
    )
    machines = _round(Ledger(URL), maas, wishes).ledger.machines
    assert machines["m000"].pool == "cloud"
    assert (machines["m001"].status, machines["m001"].message) == (
        "Broken",
        "quarantine: bad disk",
    )
    assert machines["m002"].status == "Releasing"
    lifted = _wishes(m001={"quarantine": ""})
    machines = _round(Ledger(URL), maas, lifted).ledger.machines
    assert machines["m001"].status == "Ready"


def test_one_round_does_a_bounded_number_of_operations() -> None:
    maas = MemoryMaas(count=rounds.MOST_OPERATIONS + 5)
    wishes = _wishes(**{each: {"commission": True} for each in maas.known})
    outcome = _round(Ledger(URL), maas, wishes)
    assert maas.requests["commission"] == rounds.MOST_OPERATIONS
    assert outcome.busy
    _round(outcome.ledger, maas, wishes)
    assert set(maas.commissioned.values()) == {1}
    assert len(maas.commissioned) == len(maas.known)


def test_reading_anew_finds_what_no_event_told() -> None:
    maas = MemoryMaas(count=60)
    ledger = _round(Ledger(URL), maas).ledger
    for machine in maas.known.values():
        machine["tag_names"] = ["virtual"]
    ledger = _round(rounds.start_over(ledger), maas).ledger
    assert {each.tags for each in ledger.machines.values()} == {("virtual",)}


def test_the_next_leader_goes_on_where_the_last_one_was() -> None:
    maas = MemoryMaas()
    databag: dict[str, str] = {}
    ledgers.save(databag, _round(Ledger(URL), maas).ledger)
    assert _round(ledgers.load(databag, URL), maas).error is None
    assert maas.requests["system_ids"] == 1


@pytest.mark.parametrize("key", ["version", "head", "observed-00"])
def test_a_ledger_that_cannot_be_read_is_begun_anew(key: str) -> None:
    databag: dict[str, str] = {}
    ledgers.save(databag, _round(Ledger(URL), MemoryMaas()).ledger)
    assert ledgers.load({**databag, key: "?"}, URL) == Ledger(URL)


def test_of_another_region_nothing_is_known() -> None:
    databag: dict[str, str] = {}
    ledgers.save(databag, _round(Ledger(URL), MemoryMaas()).ledger)
    assert ledgers.load(databag, "https://other/MAAS") == Ledger("https://other/MAAS")


@settings(max_examples=60, deadline=None)
@given(
    failures=st.lists(st.tuples(st.integers(0, 14), st.booleans()), max_size=8),
    lost=st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_whatever_fails_all_is_done_once_in_the_end(
    failures: list[tuple[int, bool]], lost: list[bool]
) -> None:
    """Requests fail before or after their deed, and hooks lose their writes."""
    maas = MemoryMaas(count=4)
    wishes = _wishes(m000={"commission": True}, m001={"commission": True}, m002={"role": "osd"})
    ledger = Ledger(URL)
    for (at, after), is_lost in zip(failures, lost, strict=False):
        maas.fail_at, maas.fail_after = maas.requests.total() + at, after
        outcome = _round(ledger, maas, wishes)
        assert outcome.error is None or isinstance(outcome.error, MaasError)
        ledger = ledger if is_lost else outcome.ledger
        maas.pass_time()
    maas.fail_at = -1
    for _ in range(4):
        ledger = _round(ledger, maas, wishes).ledger
        maas.pass_time()
    assert maas.commissioned == {"m000": 1, "m001": 1}
    assert [ledger.machines[each].status for each in ("m000", "m001")] == ["Ready", "Ready"]
    assert ledger.machines["m002"].role == "osd"
    assert all(ledger.machines[each].carried_out == 1 for each in wishes)
