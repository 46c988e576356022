"""One history: a plan from its first tick to its end, with everything that goes wrong on the way.

What is real: the planner, the engine, the observers, the gates, the arithmetic of drains. What is
modelled: the cloud, the charm that drives the engine (its order is that of advancing.py: look,
judge, perform, persist), crashes at any point of it, new leaders, and an operator.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Literal

import gates
import holding
import observing
import planner
import snapshot
from charms.openstack_coordinator.v0 import rolling
from charms.openstack_coordinator.v0.rolling_plan import Plan, Wave
from planning import back as planned_back
from planning import request
from planning.outcome import Planned

from simulation import clouds, misfortune
from simulation.agents import SimUnit
from simulation.invariants import Wrong
from simulation.world import KNOWN, Luck

Ending = Literal["done", "held", "aborted", "rolled back", "refused"]

TICK = 15.0
LONGEST = 30 * 86400.0
"""Seconds after which a history must have ended."""

MOST_TICKS = 40_000
_DRAINS = ("drain-host", "requested")

PATIENCE = 5
"""How often the operator goes on with a plan that holds."""


class Crash(Exception):
    """The unit was killed."""


@dataclasses.dataclass(frozen=True)
class History:
    """How it went."""

    seed: int
    asked: str
    ending: Ending
    ticks: int
    hours: float
    holds: int
    interfered: bool


def run(seed: int) -> History:
    """Live one history.

    Raises:
        Wrong: an invariant was broken; the seed replays it.
    """
    try:
        return _Life(seed).live()
    except AssertionError as error:
        raise Wrong(f"seed {seed}: {error}") from error


class _Life:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.luck = random.Random(seed)  # noqa: S311
        bad = self.luck.choice((0.0, 0.5, 2.0))
        self.chances = misfortune.of(bad)
        fails = Luck(0.03 * bad, 0.005 * bad, 0.02 * bad, 0.1 * bad)
        self.lucky = not bad
        self.world = clouds.make(self.luck, fails)
        if self.luck.random() < 0.6:
            self.world.probed = ()
        self.asked = self._ask()
        self.holder = "coordinator/0"
        self.holds = 0
        self.skipped = False
        self.ticks = 0

    def _ask(self) -> request.Request:
        names = tuple(self.world.applications)
        hosts = list(self.world.hosts.hosts)
        units = list(self.world.applications["nova-compute"].units)
        packages, unattended = self.luck.random() < 0.2, self.luck.random() < 0.2
        release = request.Release(packages=packages, unattended=unattended)
        choices: list[request.Request] = [release] * 5
        choices += [request.Refresh()] * 2
        choices.append(request.Restart((self.luck.choice(names[:1]),)))
        choices.append(request.Drain((self.luck.choice(hosts),)))
        choices.append(request.ScaleIn((self.luck.choice(units),)))
        if self.world.nodes:
            choices.append(request.ScaleOut(count=self.luck.randint(1, 3)))
            choices.append(request.ScaleOut())
        chosen = self.luck.choice(choices)
        if chosen == request.ScaleOut():
            self._add_by_hand()
        return chosen

    def _add_by_hand(self) -> None:
        """`juju add-unit nova-compute`, before the coordinator is asked to take it in."""
        world = self.world
        free = [node for node in world.nodes.values() if node.state == "ready"]
        for node in free[: self.luck.randint(1, 2)]:
            world.add_hypervisor(world.applications["nova-compute"], node)
        world.timeline.go_to(world.timeline.now + 1800)

    def live(self) -> History:
        terms = request.Terms(
            window=request.Window("0 22 * * *", 8, "Europe/Rome")
            if self.luck.random() < 0.1
            else None,
            failures=self.luck.choice((0, 0, 5)),
            max_unavailable=self.luck.choice((1, 1, 2)),
            soak=600.0,
            cannot=self.luck.choice(("hold", "cold")),
        )
        self.world.most_down = terms.max_unavailable
        outcome = planner.plan(self.world.look(), self.asked, terms, KNOWN)
        if not isinstance(outcome, Planned):
            return self._told("refused")
        if isinstance(self.asked, request.Release):
            # Asked once more, it is for the same release.
            to = outcome.plan.title.removeprefix("OpenStack ")
            self.asked = dataclasses.replace(self.asked, to=to)
        before = self._state()
        ending, journal = self._carry_out(outcome.plan)
        if ending == "rolled back":
            back = planned_back.rollback(outcome.plan, journal)
            ending, _ = self._carry_out(back, rolling_back=True)
            if ending == "done":
                ending = "rolled back"
                if not (self.world.interfered or self.skipped):
                    other = [now for now in self._state() if now not in before]
                    assert not other, f"it was not rolled back to where it began: {other}"
        elif ending == "aborted":
            ending = self._once_more(terms)
        if ending == "done" and isinstance(self.asked, request.Drain) and self.luck.random() < 0.7:
            self._is_complete(terms)
            self.asked = request.Undrain(self.asked.hosts)
            ending = self._once_more(terms)
        if ending == "done" and not (self.world.interfered or self.skipped):
            self._is_complete(terms)
        return self._told(ending)

    def _once_more(self, terms: request.Terms) -> Ending:
        """The operator mends what is broken, and has the rest planned."""
        timeline = self.world.timeline
        for _ in range(50):
            self._mend()
            timeline.go_to(timeline.now + 1800)
            outcome = planner.plan(self.world.look(), self.asked, terms, KNOWN)
            if isinstance(outcome, Planned):
                return self._carry_out(outcome.plan)[0]
        return "aborted"

    def _told(self, ending: Ending) -> History:
        hours = (self.world.timeline.now - 1_800_000_000.0) / 3600
        kind = type(self.asked).__name__
        interfered = self.world.interfered
        return History(self.seed, kind, ending, self.ticks, hours, self.holds, interfered)

    def _state(self) -> list[tuple[object, ...]]:
        """What a rollback must bring back."""
        applications = self.world.applications.values()
        hosts = self.world.hosts.hosts.values()
        state: list[tuple[object, ...]] = [
            (a.name, a.channel, a.revision, sorted(a.options.items(), key=str))
            for a in applications
        ]
        state += [(u.name, u.paused, u.runs) for a in applications for u in a.units.values()]
        state += [(h.name, h.enabled) for h in hosts]
        return [*state, (self.world.hosts.noout,)]

    def _is_complete(self, terms: request.Terms) -> None:
        """Asked again for the same, nothing is left to do: no step was lost."""
        if not isinstance(self.asked, (request.Release, request.Refresh)):
            self._is_as_asked()
            return
        release = self.asked
        if isinstance(release, request.Release):
            self.world.timeline.go_to(self.world.timeline.now + 10 * 86400)
            for unit in self.world.all_units():
                unit.error, unit.lost = "", False
            places = {
                part: KNOWN.upgrades[a.charm].workload
                for part, a in self.world.applications.items()
            }
            for name, workload in places.items():
                units = self.world.applications[name].units.values()
                versions = {u.runs for u in units}
                # Beside hypervisors, it has the packages that came with theirs.
                if name == "ovn-chassis":
                    continue
                assert not workload or len(versions) == 1, f"{name} runs {versions} at the end"
            return
        again = planner.plan(self.world.look(), release, terms, KNOWN)
        left = [w.name for w in again.plan.waves] if isinstance(again, Planned) else []
        assert not left, f"done, and still to do: {left}"

    def _is_as_asked(self) -> None:
        """Hosts and units are where they were wanted."""
        asked, world = self.asked, self.world
        if world.interfered or self.skipped:
            return
        hosts = world.hosts.hosts
        if isinstance(asked, request.Drain):
            assert not any(hosts[name].enabled for name in asked.hosts), "in service, and drained"
        elif isinstance(asked, request.Undrain):
            assert all(hosts[name].enabled for name in asked.hosts), "out of service at the end"
        elif isinstance(asked, request.ScaleIn):
            assert not any(world.unit(name) for name in asked.units), "removed, and still there"
        elif isinstance(asked, request.ScaleOut):
            assert all(host.enabled and host.mapped for host in hosts.values()), "not taken in"

    # -- carrying out -----------------------------------------------------------------------

    def _carry_out(
        self, plan: Plan, *, rolling_back: bool = False
    ) -> tuple[Ending, rolling.Journal]:
        journal = rolling.begin(plan)
        if self.world.probed is not None:
            self.world.probed = ()
        limit = self.world.timeline.now + LONGEST
        held_since: float | None = None
        while True:
            self.ticks += 1
            before = journal
            journal = self._tick(plan, journal)
            phase = rolling.phase(plan, journal)
            if self.lucky:
                failed = [p.service for p in self.world.probed or () if p.failures]
                assert not failed, f"no bad luck, and nobody answered for {failed}"
            if phase == "done":
                return "done", journal
            if phase == "aborted":
                return "aborted", journal
            if phase == "held":
                assert journal.hold, "a plan that holds tells why"
                held_since = held_since or self.world.timeline.now
                if self.world.timeline.now - held_since > self.luck.uniform(600, 7200):
                    held_since = None
                    self.holds += 1
                    decided, journal = self._decide(plan, journal, rolling_back=rolling_back)
                    if decided is not None:
                        return decided, journal
            if phase == "paused" and self.luck.random() < 0.1:
                journal = rolling.resume(journal)
            assert self.world.timeline.now < limit, f"no end: {phase}, {journal.closed}"
            assert self.ticks < MOST_TICKS, f"no end after {self.ticks} ticks: {phase}"
            self._pass_time(quiet=journal == before)
            journal = self._befall(journal)

    def _pass_time(self, *, quiet: bool) -> None:
        """A tick, or straight on to when something happens."""
        timeline = self.world.timeline
        step = TICK
        if quiet:
            step = min(max(TICK, timeline.next - timeline.now), 300.0)
        timeline.go_to(timeline.now + step)

    def _tick(self, plan: Plan, journal: rolling.Journal) -> rolling.Journal:
        """What the charm does in one tick, killed anywhere on the way."""
        chance, luck, world = self.chances.crash, self.luck, self.world
        watched = rolling.watch(plan, journal)
        seen = world.look()
        wave = rolling.current_wave(plan, journal)
        barriers = [g for s in watched for g in s.gates] + list(wave.gates if wave else ())
        found = rolling.Seen(
            observing.observe(watched, journal, seen), gates.judge(barriers, seen)
        )
        new, requests = rolling.advance(plan, journal, found, now=seen.at, holder=self.holder)
        try:
            for one in requests:
                self._maybe_crash(chance)
                world.perform(one)
            self._goes_on(journal, new, wave, seen)
            self._maybe_crash(chance)
        except Crash:
            return journal
        if new == journal:
            return journal
        return rolling.Journal.from_json(new.to_json()) if luck.random() < 0.02 else new

    def _goes_on(
        self,
        old: rolling.Journal,
        new: rolling.Journal,
        wave: Wave | None,
        seen: snapshot.Snapshot,
    ) -> None:
        if new.mode != "running" or new.hold or new.holder != old.holder:
            return
        if wave is not None:
            for do in holding.again(wave, new, seen):
                self._maybe_crash(self.chances.crash)
                self.world.hold(do)
        for step in wave.steps if wave else ():
            record = new.records.get(step.id)
            asked_for = record is not None and record == old.records.get(step.id)
            if record and asked_for and (step.do.kind, record.state) == _DRAINS:
                self._maybe_crash(self.chances.crash)
                self.world.drain(step.do.arguments, record.since)

    def _maybe_crash(self, chance: float) -> None:
        if chance and self.luck.random() < chance:
            raise Crash

    # -- bad luck, and the operator ---------------------------------------------------------

    def _befall(self, journal: rolling.Journal) -> rolling.Journal:
        chances, luck, world = self.chances, self.luck, self.world
        if luck.random() < chances.new_leader:
            self.holder = f"coordinator/{luck.randrange(3)}"
        if luck.random() < chances.unit_fails:
            world.fail(self._victim())
        if luck.random() < chances.unit_lost:
            self._lose(self._victim().name)
        if luck.random() < chances.agent_restarts:
            world.agents.restart(self._victim())
        if luck.random() < chances.leader_moves:
            world.lead(self._victim())
        if luck.random() < chances.guest_arrives:
            self._arrive()
        if luck.random() < chances.host_dies:
            self._kill(luck.choice(list(world.hosts.hosts)))
        if luck.random() < chances.metal_fails:
            self._break_metal()
        if luck.random() < chances.ceph_fails:
            world.sick = True
            world.timeline.after(luck.uniform(60, 20_000), lambda: setattr(world, "sick", False))
        if luck.random() < chances.clock_jumps:
            world.timeline.shift += luck.choice((-120.0, -5.0, 30.0, 3600.0))
            world.hosts.changed = True
        if luck.random() < chances.operator:
            return self._meddle(journal)
        return journal

    def _victim(self) -> SimUnit:
        """Any unit, but rather one of an application that the plan is at work on."""
        units = self.world.all_units()
        busy = {unit.application for unit in units if unit.ours or unit.running}
        beside = [unit for unit in units if unit.application in busy and not unit.ours]
        return self.luck.choice(beside if beside and self.luck.random() < 0.7 else units)

    def _arrive(self) -> None:
        """Nova's scheduler chose a host just before it was disabled."""
        out = [h.name for h in self.world.hosts.hosts.values() if not h.enabled and h.up]
        if out:
            self.world.hosts.arrive(self.luck.choice(out))

    def _lose(self, name: str) -> None:
        world = self.world
        unit = world.unit(name)
        if unit is None or unit.lost:
            return
        unit.lost = True
        world.agents.changed.add(unit.application)

        def found() -> None:
            unit.lost = False
            world.agents.look_after(unit)

        world.timeline.after(self.luck.uniform(60, 6000), found)

    def _kill(self, name: str) -> None:
        host = self.world.hosts.hosts[name]
        host.up = False
        self.world.hosts.changed = True

        def back() -> None:
            host.up = True
            self.world.hosts.changed = True

        self.world.timeline.after(self.luck.uniform(120, 9000), back)

    def _break_metal(self) -> None:
        """A BMC tells of a fault, which somebody mends."""
        nodes = self.world.nodes
        well = [node for node in nodes.values() if node.state in ("ready", "claimed")]
        if not well:
            return
        node = self.luck.choice(well)
        nodes[node.system_id] = dataclasses.replace(
            node, state="unfit", reasons=("fan 3 has failed",)
        )

        def mended() -> None:
            nodes[node.system_id] = node

        self.world.timeline.after(self.luck.uniform(600, 20_000), mended)

    def _meddle(self, journal: rolling.Journal) -> rolling.Journal:
        """An operator who pauses, changes options, adds and removes units, all in the midst."""
        luck, world = self.luck, self.world
        what = luck.choice(("pause", "pause", "option", "disable", "add", "remove"))
        if what == "pause" and journal.mode == "running":
            return rolling.pause(journal)
        world.interfered = world.interfered or what != "pause"
        if what == "option":
            application = luck.choice(list(world.applications.values()))
            application.options["debug"] = luck.random() < 0.5
            world.agents.changed.add(application.name)
        elif what == "disable":
            host = luck.choice(list(world.hosts.hosts.values()))
            if host.enabled:
                host.enabled, host.reason = False, "Ann: a disk to swap"
                world.hosts.changed = True
        elif what == "add" and world.nodes:
            taken = {machine.instance_id for machine in world.machines.values()}
            free = [
                node
                for id_, node in world.nodes.items()
                if id_ not in taken and node.state == "ready"
            ]
            if free:
                world.add_hypervisor(world.applications["nova-compute"], free[0])
        elif what == "remove":
            self._remove_one()
        return journal

    def _remove_one(self) -> None:
        """A unit of an application that has three and serves with all of them."""
        applications = [
            a
            for a in self.world.applications.values()
            if not a.subordinate
            and a.name not in ("nova-compute", "ceph-osd")
            and len(a.units) == 3
            and all(unit.serves for unit in a.units.values())
        ]
        if applications:
            chosen = self.luck.choice(applications)
            self.world.remove(self.luck.choice(list(chosen.units.values())))

    def _decide(
        self, plan: Plan, journal: rolling.Journal, *, rolling_back: bool
    ) -> tuple[Ending | None, rolling.Journal]:
        """What the operator does about a plan that holds."""
        self._mend()
        if self.holds > PATIENCE:
            return "held", journal
        if "gone" in journal.hold:
            self.skipped = True
            for id_, record in journal.records.items():
                if record.state == "failed":
                    now = self.world.clock
                    return None, rolling.resume(rolling.skip(journal, id_, "it is gone", now))
        roll = self.luck.random()
        if roll < 0.1:
            return None, rolling.abort(journal)
        if roll < 0.5 and not rolling_back:
            try:
                rolling.rollback(plan, journal)
            except rolling.PointOfNoReturn:
                return None, rolling.resume(journal)
            return "rolled back", journal
        return None, rolling.resume(journal)

    def _mend(self) -> None:
        """Cancel what hangs, and resolve what is in error, most of the time."""
        world = self.world
        for task in world.agents.tasks:
            unit = world.unit(task.unit)
            held = "holds this agent" in str(task.parameters.get("command", ""))
            if not task.ended and not held and unit is not None and self.luck.random() < 0.9:
                world.agents.cancel(unit, task)
        for unit in world.all_units():
            unit.unmigrated = False
            if unit.error and self.luck.random() < 0.9:
                unit.error = ""
                world.agents.look_after(unit)
        for guest in world.hosts.guests.values():
            if guest.movable != "live" and self.luck.random() < 0.5:
                guest.movable = "live"
                world.hosts.changed = True
