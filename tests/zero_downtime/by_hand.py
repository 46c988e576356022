"""Two ways to upgrade the ground by hand, with an operator's commands.

`Rolling` is the charm guide's best practice: the leader first, one unit at a time, the hacluster
unit beside it paused before it and resumed after it, hypervisors emptied before they are
touched. `AllInOne` sets the origin and lets every unit upgrade when it wants to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.client import Juju

ORIGIN = "cloud:jammy-caracal"
TRACKS = {"2023.2": "2024.1", "reef": "squid", "23.09": "24.03"}
VERSIONS = {
    "keystone": "25.",
    "glance": "28.",
    "cinder": "24.",
    "placement": "11.",
    "nova-cloud-controller": "29.",
    "neutron-api": "24.",
    "openstack-dashboard": "24.",
    "nova-compute": "29.",
    "ceph-mon": "19.",
    "ceph-osd": "19.",
    "ceph-radosgw": "19.",
    "ovn-central": "24.03",
}
CONTROL = (
    "ceph-mon",
    "keystone",
    "ceph-radosgw",
    "cinder",
    "glance",
    "placement",
    "nova-cloud-controller",
    "openstack-dashboard",
)
DATA = ("ovn-central", "neutron-api", "ceph-osd")
"""After the last hypervisor."""
_WITHIN = 600.0


class NotDone(Exception):
    """A step did not end as it should; the message says which."""


class Operator:
    """Somebody with `juju` and an administrator's account."""

    def __init__(self, juju: Juju, cloud: Any, say: Callable[[str], None] = print) -> None:
        self.juju = juju
        self.cloud = cloud
        self.say = say

    def status(self) -> dict[str, Any]:
        """The applications of the model."""
        return self.juju.json("status")["applications"]

    def units(self, application: str) -> list[str]:
        """The units of an application, the leader first."""
        found = self.status()[application]["units"]
        return sorted(found, key=lambda name: (not found[name].get("leader"), name))

    def guard(self, unit: str) -> str:
        """The hacluster unit beside a unit; empty when there is none."""
        applications = self.status()
        subordinates = applications[unit.partition("/")[0]]["units"][unit].get("subordinates", {})
        charms = {name: applications[name]["charm-name"] for name in applications}
        return next((s for s in subordinates if charms[s.partition("/")[0]] == "hacluster"), "")

    def run(self, unit: str, action: str) -> None:
        """Run an action to its end.

        Raises:
            NotDone: it failed.
        """
        if not unit:
            return
        (task,) = self.juju.json("run", unit, action).values()
        if task["status"] != "completed":
            raise NotDone(f"{action} of {unit} {task['status']}: {task.get('message', '')}")

    def refresh(self, application: str) -> None:
        """Take the charm of the next release."""
        track, _, risk = self.status()[application]["charm-channel"].partition("/")
        if track in TRACKS:
            self.juju("refresh", application, "--channel", f"{TRACKS[track]}/{risk}")

    def configure(self, application: str, **options: Any) -> None:
        """Set options; underscores stand for dashes."""
        words = [f"{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.juju("config", application, *words)

    def wait(self, application: str, done: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until every unit of an application is as it should be.

        Raises:
            NotDone: not in time.
        """
        deadline = time.monotonic() + _WITHIN
        while True:
            units = self.status()[application]["units"]
            if all(map(done, units.values())):
                return
            if time.monotonic() > deadline:
                shown = {name: unit["workload-status"] for name, unit in units.items()}
                raise NotDone(f"{application} is not as it should be: {shown}")
            time.sleep(1)

    def upgraded(self, application: str) -> None:
        """Wait until every unit has the release's version, and is active and idle."""
        wanted = VERSIONS[application]
        self.wait(
            application,
            lambda unit: settled(unit) and unit.get("workload-version", wanted).startswith(wanted),
        )


def settled(unit: dict[str, Any]) -> bool:
    """A unit is active, and nothing runs on it."""
    return (
        unit["workload-status"]["current"] == "active" and unit["juju-status"]["current"] == "idle"
    )


def origin_option(application: str) -> str:
    """What an application calls where its packages come from."""
    return "source" if application.startswith(("ceph", "ovn")) else "openstack-origin"


class Rolling:
    """One unit at a time."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def run(self) -> None:
        """Upgrade everything."""
        for application in CONTROL:
            self._application(application)
        self._hypervisors()
        for application in DATA:
            self._application(application)

    def _application(self, application: str) -> None:
        operator = self._operator
        operator.say(f"rolling {application}")
        operator.refresh(application)
        operator.wait(application, settled)
        if application in ("ceph-mon", "ceph-osd", "ovn-central"):
            # Their units take turns by themselves, or carry no API.
            operator.configure(application, source=ORIGIN)
        elif application in ("placement", "ceph-radosgw"):
            for unit in operator.units(application):
                self._unit(unit, self._by_packages)
            operator.juju("config", application, f"{origin_option(application)}={ORIGIN}")
        else:
            operator.configure(application, action_managed_upgrade=True)
            operator.configure(application, openstack_origin=ORIGIN)
            for unit in operator.units(application):
                self._unit(unit, lambda unit: operator.run(unit, "openstack-upgrade"))
        operator.upgraded(application)

    def _unit(self, unit: str, upgrade: Callable[[str], None]) -> None:
        operator, application = self._operator, unit.partition("/")[0]
        guard = operator.guard(unit)
        operator.run(guard, "pause")
        operator.run(unit, "pause")
        upgrade(unit)
        operator.run(unit, "resume")
        operator.run(guard, "resume")
        operator.wait(application, settled)

    def _by_packages(self, unit: str) -> None:
        """For charms without openstack-upgrade: their origin would reach all units at once."""
        command = "add-apt-repository -y cloud-archive:caracal && apt-get -y dist-upgrade"
        self._operator.juju("exec", "--unit", unit, "--", command)

    def _hypervisors(self) -> None:
        operator = self._operator
        operator.say("rolling nova-compute")
        operator.refresh("nova-compute")
        operator.wait("nova-compute", settled)
        operator.configure("nova-compute", action_managed_upgrade=True)
        operator.configure("nova-compute", openstack_origin=ORIGIN)
        for unit, host in self._hosts():
            operator.run(unit, "disable")
            self._empty(host)
            for action in ("pause", "openstack-upgrade", "resume"):
                operator.run(unit, action)
            self._up(host)
            operator.run(unit, "enable")
        operator.upgraded("nova-compute")
        operator.refresh("ovn-chassis")

    def _hosts(self) -> Iterator[tuple[str, str]]:
        machines = self._operator.juju.json("status")["machines"]
        units = self._operator.status()["nova-compute"]["units"]
        for unit in self._operator.units("nova-compute"):
            yield unit, machines[units[unit]["machine"]]["hostname"]

    def _empty(self, host: str) -> None:
        compute = self._operator.cloud.compute
        for server in self._guests(host):
            compute.live_migrate_server(server, host=None, block_migration="auto")
        deadline = time.monotonic() + _WITHIN
        while left := list(self._guests(host)):
            if time.monotonic() > deadline:
                raise NotDone(f"{host} still holds {len(left)} guests")
            time.sleep(1)

    def _guests(self, host: str) -> Iterable[Any]:
        return self._operator.cloud.compute.servers(all_projects=True, host=host)

    def _up(self, host: str) -> None:
        deadline = time.monotonic() + _WITHIN
        compute = self._operator.cloud.compute
        while next(iter(compute.services(binary="nova-compute", host=host))).state != "up":
            if time.monotonic() > deadline:
                raise NotDone(f"nova-compute of {host} is not up")
            time.sleep(1)


class AllInOne:
    """Every unit of an application at once, one application after the other."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def run(self) -> None:
        """Upgrade everything but the hypervisors, which hold guests."""
        for application in (*CONTROL, *DATA):
            self._operator.say(f"all in one: {application}")
            self._operator.refresh(application)
            self._operator.wait(application, settled)
            option = origin_option(application)
            self._operator.juju("config", application, f"{option}={ORIGIN}")
            self._operator.upgraded(application)
