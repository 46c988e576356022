"""A release planned for 1,000 hypervisors in 10 zones and 63 applications, and a tick of it.

Measured is CPU time of this process, so that a busy machine does not matter; the reading of the
FullStatus counts, its way over the network does not.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys
import time
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

ROOT = pathlib.Path(__file__).parents[2]
CHARM = ROOT / "charms/openstack-coordinator"
sys.path[:0] = [str(CHARM / "src"), str(CHARM / "tests/unit")]

import cloud  # noqa: E402
import computes  # noqa: E402
import example_cloud  # noqa: E402
import full_status  # noqa: E402
import gates  # noqa: E402
import knowledge  # noqa: E402
import ledger  # noqa: E402
import metrics  # noqa: E402
import observing  # noqa: E402
import planner  # noqa: E402
import snapshot  # noqa: E402
from charms.openstack_coordinator.v0 import exposition, rolling  # noqa: E402
from planning import request  # noqa: E402
from planning.outcome import Planned  # noqa: E402

HYPERVISORS = 1000
ZONES = 10
APPLICATIONS = 63
GUESTS = 10

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Measured:
    """One line of the table."""

    what: str
    value: float
    limit: float
    unit: str

    @property
    def kept(self) -> bool:
        """The limit holds."""
        return self.value < self.limit


def measure() -> tuple[Measured, ...]:
    """All of it."""
    example = large_cloud()
    nova = large_nova(example)
    known = knowledge.load()
    read, reading = _timed(lambda: cloud.from_full_status(example.status, example.options))
    seen = snapshot.Snapshot(0.0, read, example.actions, nova, example.ceph)
    assert len(read.applications) == APPLICATIONS
    outcome, planning = _timed(
        lambda: planner.plan(seen, request.Release(), request.Terms(), known)
    )
    assert isinstance(outcome, Planned), outcome
    plan = outcome.plan
    (hash_, text), writing = _timed(lambda: (plan.hash, plan.to_json()))
    assert hash_
    journal = halfway(plan)
    tick, ticking = _timed(lambda: one_tick(plan, journal, seen))
    assert tick is not None
    running = ledger.Running(_approval(plan, outcome, known), journal, begun=0.0)
    shown, showing = _timed(lambda: exposition.text(metrics.of_leader(_view(running))))
    assert shown
    count = sum(len(wave.steps) for wave in plan.waves)
    whole = reading + planning + writing
    packed = len(zlib.compress(text.encode())) / 2**20
    return (
        Measured("model and options into a value", reading, 1.0, "s"),
        Measured(f"plan of {count} steps", planning, 1.0, "s"),
        Measured("its canonical JSON and hash", writing, 1.0, "s"),
        Measured("all of these together", whole, 1.0, "s"),
        Measured("the plan, compressed", packed, 1.0, "MiB"),
        Measured("its journal at the end", len(done(plan).to_json()) / 2**20, 1.0, "MiB"),
        Measured("one tick, halfway", ticking, 0.2, "s"),
        Measured("its metrics, with the time left", showing, 0.1, "s"),
    )


def _approval(plan: rolling.Plan, outcome: Planned, known: knowledge.Knowledge) -> ledger.Approval:
    figures, guests = dict(known.seconds), dict(outcome.guests)
    asked = {"request": "release"}
    return ledger.Approval(plan, asked, outcome.seconds, figures, "", (), 0.0, guests)


def _view(running: ledger.Running) -> metrics.View:
    return metrics.View(0.0, failed=False, ready=True, running=running)


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def large_cloud() -> example_cloud.Example:
    """The bundle under high availability, with more applications and hypervisors."""
    example = example_cloud.at_release("2023.2", hypervisors=3)
    units = example.application("nova-compute")["units"]
    version = units["nova-compute/0"]["workload-version"]
    for number in range(3, HYPERVISORS):
        id_ = str(1000 + number)
        example.status["machines"][id_] = full_status.machine(id_)
        agent = {**full_status.unit(""), "workload-version": version}
        units[f"nova-compute/{number}"] = {
            **full_status.unit(id_),
            "workload-version": version,
            "subordinates": {f"ovn-chassis/{number}": agent},
        }
    for number, unit in enumerate(units.values()):
        zone = f"az{number % ZONES:02}"
        machine = example.status["machines"][unit["machine"]]
        machine["hardware"] = f"arch=amd64 cores=64 mem=524288M availability-zone={zone}"
    _more_applications(example)
    return example


def _more_applications(example: example_cloud.Example) -> None:
    """More APIs like those of the bundle, each under its own name, until there are enough."""
    number = 0
    while len(example.status["applications"]) < APPLICATIONS:
        model = ("glance", "cinder", "keystone")[number % 3]
        name = f"{model}-{number}"
        copied: dict[str, Any] = {**example.application(model), "units": {}}
        for place in range(3):
            unit = {**full_status.unit("0"), "leader": place == 0}
            unit["workload-version"] = example.unit(f"{model}/{place}")["workload-version"]
            copied["units"][f"{name}/{place}"] = unit
        example.status["applications"][name] = copied
        example.options[name] = dict(example.options[model])
        example.actions[name] = example.actions[model]
        number += 1


def large_nova(example: example_cloud.Example) -> snapshot.Nova:
    """A compute for each hypervisor, with guests and the room for those of others."""
    services, hypervisors, guests, room = [], [], [], []
    for unit in example.application("nova-compute")["units"].values():
        machine = example.status["machines"][unit["machine"]]
        host, zone = machine["hostname"], machine["hardware"].rpartition("=")[2]
        services.append(
            computes.Service("nova-compute", host, zone, enabled=True, up=True, reported=None)
        )
        hypervisors.append(computes.Hypervisor(host, 64, 0, 524288, 0, 4000, 0, GUESTS))
        room.append(snapshot.Room(host, 32, 262144, 4000))
        guests += [
            snapshot.Guest(
                f"{host}-{n}", f"guest-{host}-{n}", host, "ACTIVE", "", 2, 8192, 0, "live"
            )
            for n in range(GUESTS)
        ]
    return snapshot.Nova(tuple(services), tuple(hypervisors), tuple(guests), (), tuple(room))


def done(plan: rolling.Plan) -> rolling.Journal:
    """The journal at the end, when it is longest."""
    now = 1_795_343_999.123
    records = {s.id: rolling.Record("done", now) for w in plan.waves for s in w.steps}
    return rolling.Journal(plan.hash, "coordinator/0", 3, records=records)


def halfway(plan: rolling.Plan) -> rolling.Journal:
    """The journal when half of the steps are done."""
    whole = done(plan)
    ids = [step.id for wave in plan.waves for step in wave.steps]
    kept = dict(list(whole.records.items())[: len(ids) // 2])
    return dataclasses.replace(whole, records=kept)


def one_tick(plan: rolling.Plan, journal: rolling.Journal, seen: snapshot.Snapshot) -> str:
    """What a tick computes: read the journal, look, judge, advance, write the journal."""
    journal = rolling.Journal.from_json(journal.to_json())
    watched = rolling.watch(plan, journal)
    wave = rolling.current_wave(plan, journal)
    barriers = [gate for step in watched for gate in step.gates] + list(wave.gates if wave else ())
    found = rolling.Seen(observing.observe(watched, journal, seen), gates.judge(barriers, seen))
    new, _ = rolling.advance(plan, journal, found, now=seen.at, holder="coordinator/0")
    rolling.phase(plan, new)
    return new.to_json()


def main() -> int:
    """Print the table; 1 when a limit is not kept."""
    print(f"{HYPERVISORS} hypervisors in {ZONES} zones, {APPLICATIONS} applications")  # noqa: T201
    lines = measure()
    for line in lines:
        verdict = "" if line.kept else "  TOO MUCH"
        print(  # noqa: T201
            f"  {line.what:<34} {line.value:>8.3f} {line.unit:<4} (< {line.limit:g}){verdict}"
        )
    return 0 if all(line.kept for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
