"""A small cloud with an agent for every unit: what Juju, charms, Nova and Ceph do when asked."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Mapping
from typing import Any

import cloud
import draining
import knowledge
import observing
import probing
import snapshot
import steps
from charms.openstack_coordinator.v0.juju_tasks import EXEC
from charms.openstack_coordinator.v0.rolling import Request
from charms.openstack_coordinator.v0.rolling_plan import Operation

from simulation import charm_actions, invariants, turns, virtual_addresses
from simulation.agents import (
    HELD_MARK,
    Agents,
    Job,
    SimApplication,
    SimTask,
    SimUnit,
    Timeline,
)
from simulation.hosts import Hosts, SimHost
from simulation.invariants import Wrong

EPOCH = 1_800_000_000.0
KNOWN = knowledge.load()


@dataclasses.dataclass(frozen=True)
class Luck:
    """How bad it is: chances."""

    action_fails: float = 0.0
    action_hangs: float = 0.0
    hook_fails: float = 0.0
    canary_fails: float = 0.0


class World:
    """The cloud, its clock, and everything that happens in it."""

    def __init__(self, luck: random.Random, chances: Luck) -> None:
        self.luck = luck
        self.chances = chances
        self.timeline = Timeline(EPOCH)
        self.agents = Agents(self.timeline, luck)
        self.hosts = Hosts(self.timeline, luck)
        self.applications: dict[str, SimApplication] = {}
        self.machines: dict[str, cloud.Machine] = {}
        self.nodes: dict[str, snapshot.Node] = {}
        self.require = "reef"
        self.sick = False
        """Ceph has a trouble of its own."""
        self.probed: tuple[snapshot.Probed, ...] | None = None
        """What the probe of the APIs saw since the plan began; None where none is set up."""
        self.most_down = 1
        """How many hosts the plan may have out of service."""
        self.interfered = False
        """Somebody else changed what the plan is about."""
        self.upgraded: dict[str, int] = {}
        """Unit -> how often its workload was upgraded."""
        self._seen: dict[str, cloud.Application] = {}
        self._nova: snapshot.Nova | None = None
        self._numbers = itertools.count(1)

    # -- what is seen -----------------------------------------------------------------------

    @property
    def clock(self) -> float:
        """What the controller takes for the time."""
        return self.timeline.clock

    def look(self) -> snapshot.Snapshot:
        """A snapshot, as the charm would take it."""
        for name in self.agents.changed & self.applications.keys():
            self._seen[name] = self.applications[name].seen()
        self.agents.changed.clear()
        if self.hosts.changed or self._nova is None:
            self._nova = self.hosts.nova(self.timeline.shift)
            self.hosts.changed = False
        model = cloud.Cloud("openstack", "3.6.28", dict(self._seen), dict(self.machines))
        recent = self.agents.tasks[-20:]
        older = (task for task in self.agents.tasks[:-20] if not task.ended)
        return snapshot.Snapshot(
            self.clock,
            model,
            {a.name: a.actions for a in self.applications.values()},
            self._nova,
            self._ceph(),
            nodes=self.nodes or None,
            probe=self._probe(),
            tasks=tuple(task.seen() for task in (*older, *recent)),
            virtual=tuple(virtual_addresses.told(self)),
        )

    def _ceph(self) -> tuple[snapshot.Ceph, ...]:
        monitors = next((a for a in self.applications.values() if a.charm == "ceph-mon"), None)
        if monitors is None:
            return ()
        checks = (("OSDMAP_FLAGS",) if self.hosts.noout else ()) + (
            ("OSD_DOWN",) if self.sick else ()
        )
        flags = ("noout",) if self.hosts.noout else ()
        health = "HEALTH_WARN" if checks else "HEALTH_OK"
        return (snapshot.Ceph(monitors.name, health, checks, flags, (), self.require),)

    def _probe(self) -> tuple[snapshot.Probed, ...] | None:
        """One more round: an API answers while any of its units serves, its agent lost or not."""
        if self.probed is None:
            return None
        answers = {
            a.name: "" if any(unit.answers for unit in a.units.values()) else "no route to host"
            for a in self.applications.values()
            if KNOWN.upgrades[a.charm].way == "managed" and a.charm != "nova-compute"
        }
        self.probed = probing.add(self.probed, answers, self.clock)
        return self.probed

    def unit(self, name: str) -> SimUnit | None:
        """A unit, or the leader for `application/leader`."""
        application = self.applications.get(name.partition("/")[0])
        if application is None:
            return None
        if name.endswith(f"/{steps.LEADER}"):
            return next((u for u in application.units.values() if u.leader), None)
        return application.units.get(name)

    def all_units(self) -> list[SimUnit]:
        """Every unit."""
        return [u for a in self.applications.values() for u in a.units.values()]

    # -- what is asked ----------------------------------------------------------------------

    def perform(self, request: Request) -> None:
        """What a performer asks of Juju and Nova for one step."""
        do = request.step.do
        name = str(do.arguments.get("unit", ""))
        if name and self.unit(name) is None:
            return  # Juju refuses it, and the next look shows why
        invariants.may_be_asked(self, do.kind, do.arguments)
        action = observing.action_of(do.kind, do.arguments)
        if action is not None:
            self._run(*action)
        else:
            getattr(self, f"_{do.kind.replace('-', '_')}")(do.arguments)

    def drain(self, arguments: Mapping[str, Any], since: float) -> None:
        """Go on with a drain, as the performer does in each tick."""
        nova = self.hosts.nova(self.timeline.shift)
        for move in draining.look(arguments, nova, since).moves:
            if move.how != "confirm":
                self.hosts.migrate(move.guest, move.how, move.target)

    def _drain_host(self, asked: Mapping[str, Any]) -> None:
        self.drain(asked, self.clock)

    def _run(self, unit_name: str, action: str, parameters: Mapping[str, Any]) -> None:
        unit = self.unit(unit_name)
        if unit is None:
            return
        for task in self.agents.tasks:
            same = (task.unit, task.action, task.parameters) == (unit.name, action, parameters)
            if same and not task.ended:
                raise Wrong(f"{action} is asked of {unit.name} while it runs there")
        number = next(self._numbers)
        task = SimTask(number, unit.name, action, parameters, "pending", self.clock)
        self.agents.tasks.append(task)
        job = Job(action, self.luck.uniform(2, 20), task=task)
        roll = self.luck.random()
        if roll < self.chances.action_hangs:
            job.seconds = float("inf")
        elif roll < self.chances.action_hangs + self.chances.action_fails:
            task.message = "bad luck"
            charm_actions.fails(self, unit, job)
        else:
            charm_actions.prepare(self, unit, job)
        self.agents.enqueue(unit, job)

    # -- charms and options -----------------------------------------------------------------

    def _refresh_charm(self, asked: Mapping[str, Any]) -> None:
        application = self.applications[asked["application"]]
        revision = asked.get("revision", application.revision)
        if (application.channel, application.revision) == (asked["channel"], revision):
            raise Wrong(f"{application.name} is refreshed to what it has")
        moved = application.channel.partition("/")[0] != asked["channel"].partition("/")[0]
        application.channel, application.revision = asked["channel"], revision
        application.newest = max(application.newest, revision)
        self.agents.changed.add(application.name)
        for unit in application.units.values():
            self.agents.enqueue(unit, self._upgrade_charm(application, unit, moved=moved))

    def _upgrade_charm(self, application: SimApplication, unit: SimUnit, *, moved: bool) -> Job:
        upgrade = KNOWN.upgrades[application.charm]
        job = Job("upgrade-charm", self.luck.uniform(10, 60))
        deferred = application.options.get("enable-auto-restarts") is False

        def begin() -> None:
            known = unit.charm == (application.channel, application.revision)
            if not (known or upgrade.together or deferred or unit.paused):
                self.goes_down(unit)

        def end() -> None:
            if unit.charm == (application.channel, application.revision):
                return
            unit.charm = (application.channel, application.revision)
            unit.owes_restart = unit.owes_restart or deferred
            unit.tell()
            self.comes_back(unit)
            if moved and upgrade.sealed:
                self._seal(unit)
            self._maybe_fails(unit)

        job.begin, job.end = begin, end
        return job

    def _set_options(self, asked: Mapping[str, Any]) -> None:
        application = self.applications[asked["application"]]
        new = {k: v for k, v in asked["options"].items() if application.options.get(k) != v}
        if not new:
            raise Wrong(f"{application.name}: {asked['options']} is set again")
        application.options.update(new)
        self.agents.changed.add(application.name)
        origin = KNOWN.charms[application.charm].origin
        version = self.version_of(application) if origin in new else ""
        managed = application.options.get("action-managed-upgrade") is True
        if KNOWN.upgrades[application.charm].way == "by-turns" and version:
            turns.take(self, application, version)
            return
        for unit in application.units.values():
            upgrades = version if not managed else ""
            self.agents.enqueue(unit, self._config_changed(application, unit, upgrades))

    def version_of(self, application: SimApplication) -> str:
        """What its origin gives."""
        workload, release = (
            KNOWN.upgrades[application.charm].workload,
            self.release_of(application),
        )
        return f"{release.versions[workload]}.2" if workload and release else ""

    def release_of(self, application: SimApplication) -> knowledge.Release | None:
        """The release of its origin."""
        value = application.options.get(KNOWN.charms[application.charm].origin or "")
        found = (r for r in KNOWN.releases if value in r.origins.get("ubuntu@22.04", ()))
        return next(found, None)

    def _config_changed(self, application: SimApplication, unit: SimUnit, version: str) -> Job:
        job = Job("config-changed", self.luck.uniform(5, 20))
        deferred = application.options.get("enable-auto-restarts") is False

        def upgrades() -> bool:
            return bool(version) and unit.runs != version

        def begin() -> None:
            if (upgrades() or unit.owes_restart) and not deferred and not unit.paused:
                self.goes_down(unit)

        def end() -> None:
            if upgrades():
                self.has(unit, version)
                unit.owes_restart = deferred
            unit.owes_restart = unit.owes_restart and deferred
            unit.tell()
            self.comes_back(unit)
            self._maybe_fails(unit)

        job.begin, job.end = begin, end
        return job

    def has(self, unit: SimUnit, version: str) -> None:
        unit.installed = version
        self.upgraded[unit.name] = self.upgraded.get(unit.name, 0) + 1
        if self.upgraded[unit.name] > 1:
            raise Wrong(f"{unit.name} was upgraded twice")

    # -- down and up ------------------------------------------------------------------------

    def goes_down(self, unit: SimUnit) -> None:
        unit.restarting = True
        unit.ours = unit.ours or not unit.lapsed
        invariants.one_at_a_time(self, unit)
        self.agents.changed.add(unit.application)

    def comes_back(self, unit: SimUnit) -> None:
        unit.restarting = False
        unit.ours = unit.paused
        self.agents.changed.add(unit.application)

    def _seal(self, unit: SimUnit) -> None:
        unit.sealed = True

        def unseal() -> None:
            unit.sealed = False
            self.agents.changed.add(unit.application)

        self.timeline.after(self.luck.uniform(60, 7200), unseal)

    def _maybe_fails(self, unit: SimUnit) -> None:
        if self.luck.random() < self.chances.hook_fails:
            self.fail(unit)

    def fail(self, unit: SimUnit) -> None:
        """Its hook fails; Juju tries it again until it goes well."""
        unit.error = 'hook failed: "config-changed"'
        self.agents.changed.add(unit.application)

        def resolve() -> None:
            unit.error = ""
            self.agents.look_after(unit)

        self.timeline.after(self.luck.choice((30, 60, 300, 9000)), resolve)

    def lead(self, unit: SimUnit) -> None:
        """Another unit leads its application from now on."""
        for other in self.applications[unit.application].units.values():
            other.leader = other is unit
        self.agents.changed.add(unit.application)

    # -- agents and machines ----------------------------------------------------------------

    def _hold_agent(self, asked: Mapping[str, Any]) -> None:
        unit = self.unit(asked["unit"])
        if unit is None:
            return
        command = {"command": steps.HELD.format(seconds=asked["seconds"])}
        task = SimTask(next(self._numbers), unit.name, EXEC, command, "pending", self.clock)
        self.agents.tasks.append(task)

        def lapse() -> None:
            unit.lapsed = True

        self.agents.enqueue(unit, Job("hold", asked["seconds"], end=lapse, task=task))

    def hold(self, do: Operation) -> None:
        """An agent that was let go is held again."""
        self._hold_agent(do.arguments)

    def _release_agent(self, asked: Mapping[str, Any]) -> None:
        unit = self.unit(asked["unit"])
        for task in self.agents.tasks if unit else ():
            held = str(task.parameters.get("command", "")).endswith(HELD_MARK)
            if unit and task.unit == unit.name and held and not task.ended:
                self.agents.let_go(unit, task)

    def _resolve_unit(self, asked: Mapping[str, Any]) -> None:
        unit = self.unit(asked["unit"])
        if unit:
            unit.error = ""
            self.agents.look_after(unit)

    def _add_units(self, asked: Mapping[str, Any]) -> None:
        application = self.applications[asked["application"]]
        taken = {machine.instance_id for machine in self.machines.values()}
        for node in asked["nodes"]:
            if node not in taken:
                self.add_hypervisor(application, self.nodes[node])

    def add_hypervisor(self, application: SimApplication, node: snapshot.Node) -> None:
        """A unit on a machine of the pool: installs, then tells Nova of itself."""
        number = 1 + max(int(name.rpartition("/")[2]) for name in application.units)
        id_ = str(500 + number)
        hardware = {"availability-zone": node.zone}
        self.machines[id_] = cloud.Machine(
            id_, node.system_id, node.hostname, "running", "", False, "started", {}, hardware
        )
        self.nodes[node.system_id] = dataclasses.replace(node, state="claimed")
        charm = (application.channel, application.revision)
        name = f"{application.name}/{number}"
        version = next(iter(application.units.values())).runs
        unit = SimUnit(name, application.name, id_, "", version, False, charm, installing=True)
        application.units[name] = unit

        def installed() -> None:
            unit.installing = False
            self.agents.changed.add(application.name)
            host = SimHost(node.hostname, "nova", mapped=False)
            self.hosts.hosts[node.hostname] = host
            self.hosts.changed = True

        self.agents.enqueue(unit, Job("install", self.luck.uniform(200, 900), end=installed))

    def _remove_unit(self, asked: Mapping[str, Any]) -> None:
        unit = self.unit(asked["unit"])
        if unit is not None:
            self.agents.enqueue(unit, Job("remove", 20, end=lambda: self.remove(unit)))

    def remove(self, unit: SimUnit) -> None:
        """The unit is gone, and so are its subordinates."""
        for one in [u for u in self.all_units() if unit.name in (u.name, u.principal)]:
            application = self.applications[one.application]
            application.units.pop(one.name, None)
            if one.leader and application.units:
                next(iter(application.units.values())).leader = True
            self.agents.changed.add(application.name)

    def _remove_machine(self, asked: Mapping[str, Any]) -> None:
        self.machines.pop(asked["machine"], None)

    # -- Nova and Ceph ----------------------------------------------------------------------

    def _disable_host(self, asked: Mapping[str, Any]) -> None:
        host = self.hosts.hosts[asked["host"]]
        if not host.enabled:
            raise Wrong(f"{host.name} is disabled again")
        out = [
            other.name
            for other in self.hosts.hosts.values()
            if other.zone != host.zone and other.mapped and _out(other)
        ]
        if out and host.mapped:
            raise Wrong(f"{host.name} of {host.zone} goes down while {out} of other zones are")
        host.enabled, host.reason = False, asked["reason"]
        self.hosts.changed = True

    def _enable_host(self, asked: Mapping[str, Any]) -> None:
        host = self.hosts.hosts[asked["host"]]
        if host.enabled:
            raise Wrong(f"{host.name} is enabled again")
        host.enabled, host.reason = True, ""
        self.hosts.changed = True

    def _boot_canary(self, asked: Mapping[str, Any]) -> None:
        self.hosts.boot_canary(asked["host"], self.chances.canary_fails)

    def _remove_canary(self, asked: Mapping[str, Any]) -> None:
        self.hosts.remove_canary(asked["host"])

    def _map_hosts(self, asked: Mapping[str, Any]) -> None:
        for name in asked["hosts"]:
            if name in self.hosts.hosts:
                self.hosts.hosts[name].mapped = True
        self.hosts.changed = True

    def _set_zone(self, asked: Mapping[str, Any]) -> None:
        self.hosts.hosts[asked["host"]].zone = asked["zone"]
        self.hosts.changed = True

    def _remove_compute_service(self, asked: Mapping[str, Any]) -> None:
        host = self.hosts.hosts.get(asked["host"])
        if host is not None and not self.hosts.empty(host.name):
            raise Wrong(f"{host.name} is forgotten with guests on it")
        self.hosts.hosts.pop(asked["host"], None)
        self.hosts.changed = True

    def _remove_network_agent(self, asked: Mapping[str, Any]) -> None:
        if asked["host"] in self.hosts.hosts:
            self.hosts.hosts[asked["host"]].agent = False
        self.hosts.changed = True

    def _await_units(self, asked: Mapping[str, Any]) -> None:
        """Nothing to do."""

    _await_unsealed = _soak = _nothing = _await_units


def _out(host: SimHost) -> bool:
    """Down, or disabled by a plan."""
    return not host.up or (not host.enabled and host.reason.startswith(steps.MARK))
