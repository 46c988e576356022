"""The upgrade as most do it: every unit of an application at once, with an operator's commands.

It is here to be compared with: what it costs clients is what the coordinator's plan saves them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
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
    """Somebody with `juju`."""

    def __init__(self, juju: Juju, say: Callable[[str], None] = print) -> None:
        self.juju = juju
        self.say = say

    def status(self) -> dict[str, Any]:
        """The applications of the model."""
        return self.juju.json("status")["applications"]

    def refresh(self, application: str) -> None:
        """Take the newest charm of the channel that it follows."""
        self.juju("refresh", application)

    def follow(self, application: str) -> None:
        """Take the charm of the next release."""
        track, _, risk = self.status()[application]["charm-channel"].partition("/")
        if track in TRACKS:
            self.juju("refresh", application, "--channel", f"{TRACKS[track]}/{risk}")

    def wait(self, application: str, done: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until every unit of an application is as it should be.

        Raises:
            NotDone: not in time.
        """
        deadline = time.monotonic() + _WITHIN
        while True:
            units = self._units(application)
            if all(map(done, units.values())):
                return
            if time.monotonic() > deadline:
                shown = {name: unit["workload-status"] for name, unit in units.items()}
                raise NotDone(f"{application} is not as it should be: {shown}")
            time.sleep(1)

    def _units(self, application: str) -> dict[str, Any]:
        """Its units; those of a subordinate are shown with their principals."""
        found: dict[str, Any] = {}
        for known in self.status().values():
            for name, unit in (known.get("units") or {}).items():
                found |= {name: unit, **(unit.get("subordinates") or {})}
        return {n: u for n, u in found.items() if n.partition("/")[0] == application}

    def upgraded(self, application: str) -> None:
        """Wait until every unit has the release's version, and is active and idle."""
        wanted = VERSIONS[application]
        self.wait(
            application,
            lambda unit: settled(unit) and unit.get("workload-version", wanted).startswith(wanted),
        )


def settled(unit: dict[str, Any]) -> bool:
    """A unit is active, runs its application's charm, and nothing is at work on it."""
    return (
        unit["workload-status"]["current"] == "active"
        and unit["juju-status"]["current"] == "idle"
        and "upgrading-from" not in unit
    )


def origin_option(application: str) -> str:
    """What an application calls where its packages come from."""
    return "source" if application.startswith(("ceph", "ovn")) else "openstack-origin"


class AllInOne:
    """Every unit of an application at once, one application after the other."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def refresh(self) -> None:
        """Every charm of Charmhub to the newest revision of its channel."""
        for name, application in self._operator.status().items():
            if application["charm-origin"] == "charmhub" and "can-upgrade-to" in application:
                self._operator.say(f"all in one: charm of {name}")
                self._operator.refresh(name)
                self._operator.wait(name, settled)

    def upgrade(self) -> None:
        """OpenStack to its next release, but for the hypervisors, which hold guests."""
        for application in (*CONTROL, *DATA):
            self._operator.say(f"all in one: {application}")
            self._operator.follow(application)
            self._operator.wait(application, settled)
            option = origin_option(application)
            self._operator.juju("config", application, f"{option}={ORIGIN}")
            self._operator.upgraded(application)
