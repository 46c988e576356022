"""Small clouds of random shape, at a random release, for histories to begin with."""

from __future__ import annotations

import random

import cloud
import snapshot

from simulation.agents import SimApplication, SimUnit
from simulation.hosts import SimGuest, SimHost
from simulation.world import KNOWN, Luck, World

MANAGED = ("keystone", "glance", "neutron-api")
_OTHERS = ("placement", "rabbitmq-server", "ovn-central", "vault", "mysql-innodb-cluster")
_BASE = "ubuntu@22.04"


def make(luck: random.Random, chances: Luck) -> World:
    """A cloud with two or three APIs under high availability, some clusters, and hypervisors."""
    world = World(luck, chances)
    release = KNOWN.releases[luck.randrange(len(KNOWN.releases) - 1)]
    chosen = [*luck.sample(MANAGED, luck.randint(1, 2)), *luck.sample(_OTHERS, luck.randint(1, 3))]
    for charm in chosen:
        _clustered(world, charm, release.name, agent=charm in (*MANAGED, "placement"))
    if luck.random() < 0.4:
        _clustered(world, "ceph-mon", release.name, agent=False)
        _clustered(world, "ceph-osd", release.name, agent=False)
        world.applications["ceph-osd"].relations = {"mon": ("ceph-mon",)}
        world.require = release.tracks["ceph"][-1]
    _hypervisors(world, release.name)
    world.look()
    world.agents.changed.update(world.applications)
    return world


def _application(world: World, charm: str, name: str, release: str) -> SimApplication:
    facts, upgrade, at = KNOWN.charms[charm], KNOWN.upgrades[charm], KNOWN.release(release)
    options: dict[str, object] = {}
    actions = {"pause", "resume"}
    if facts.origin:
        options[facts.origin] = at.origins[_BASE][-1]
    if upgrade.way == "managed" and charm != "placement":
        options["action-managed-upgrade"] = False
        actions.add("openstack-upgrade")
    if upgrade.way == "by-restart" or charm == "ovn-chassis":
        options["enable-auto-restarts"] = True
        actions.add("restart-services")
    if facts.family in at.tracks:
        track = at.tracks[facts.family][-1]
    else:
        fixed = {"rabbitmq": "3.9", "hacluster": "2.4"}
        track = fixed.get(facts.family or "", "8.0")
        if facts.family == "vault":
            track = world.luck.choice(("1.7", "1.8"))
    if upgrade.follows:
        options[upgrade.follows] = f"{track}/stable"
    newest = 700 + 7 * (world.luck.random() < 0.3)
    application = SimApplication(
        name,
        charm,
        f"{track}/stable",
        700,
        newest,
        options,
        {},
        frozenset(actions),
        subordinate=KNOWN.roles[facts.role].agent or charm == "ovn-chassis",
    )
    world.applications[name] = application
    world.agents.changed.add(name)
    return application


def _version(charm: str, release: str) -> str:
    workload = KNOWN.upgrades[charm].workload
    return f"{KNOWN.release(release).versions[workload]}.1" if workload else "1.0"


def _clustered(world: World, charm: str, release: str, *, agent: bool) -> None:
    application = _application(world, charm, charm, release)
    leader = world.luck.randrange(3)
    for number in range(3):
        machine = f"{charm}-{number}"
        world.machines[machine] = _machine(machine, machine, "az1")
        _unit(world, application, number, machine, "", release, leader=number == leader)
    if agent:
        agents = _application(world, "hacluster", f"{charm}-hacluster", release)
        for number, principal in enumerate(world.luck.sample(range(3), 3)):
            machine = f"{charm}-{principal}"
            beside = f"{charm}/{principal}"
            _unit(world, agents, number, machine, beside, release, leader=number == 0)


def _unit(
    world: World,
    application: SimApplication,
    number: int,
    machine: str,
    principal: str,
    release: str,
    *,
    leader: bool,
) -> None:
    name = f"{application.name}/{number}"
    charm = (application.channel, application.revision)
    version = _version(application.charm, release)
    application.units[name] = SimUnit(
        name, application.name, machine, principal, version, leader, charm
    )


def _machine(id_: str, hostname: str, zone: str) -> cloud.Machine:
    hardware = {"availability-zone": zone}
    return cloud.Machine(
        id_, f"sys-{id_}", hostname, "running", "", False, "started", {}, hardware
    )


def _hypervisors(world: World, release: str) -> None:
    application = _application(world, "nova-compute", "nova-compute", release)
    zones = world.luck.randint(1, 3)
    agents = None
    if world.luck.random() < 0.5:
        agents = _application(world, "ovn-chassis", "ovn-chassis", release)
    for number in range(2 * zones + world.luck.randint(0, 1)):
        zone = f"az{1 + number % zones}"
        host = f"node-{number}"
        world.machines[host] = _machine(host, host, zone)
        _unit(world, application, number, host, "", release, leader=number == 0)
        world.hosts.hosts[host] = SimHost(host, zone)
        if agents is not None:
            beside = f"nova-compute/{number}"
            _unit(world, agents, number, host, beside, release, leader=number == 0)
        for guest in range(world.luck.randint(0, 2)):
            movable = "cold" if world.luck.random() < 0.05 else "live"
            id_ = f"{host}-{guest}"
            world.hosts.guests[id_] = SimGuest(id_, host, movable)
    if world.luck.random() < 0.4:
        for host in world.hosts.hosts.values():
            id_ = f"sys-{host.name}"
            node = snapshot.Node(id_, host.name, host.zone, "compute", "claimed")
            world.nodes[id_] = node
        for number in range(3):
            id_ = f"spare{number}"
            node = snapshot.Node(id_, id_, f"az{1 + number % zones}", "compute", "ready")
            world.nodes[id_] = node
