"""Whole clouds for tests of plans: the project's bundle at any release, with Nova and Ceph."""

from __future__ import annotations

import copy
import dataclasses
import functools
from typing import Any

import cloud
import computes
import full_status
import knowledge
import snapshot

JAMMY = {"name": "ubuntu", "channel": "22.04/stable"}
ZONES = ("az1", "az2", "az3")
_MANAGED = {"action-managed-upgrade": False}
_UNMANAGED = {"placement"}
"""Charms of knowledge's way `managed` whose revisions lack it: as the stable ones do."""

_FEWER_ACTIONS = {"ceph-mon", "ceph-osd", "memcached", "cinder-ceph"}


@dataclasses.dataclass
class Example:
    """A cloud to change before it is looked at."""

    status: dict[str, Any]
    options: dict[str, dict[str, Any]]
    actions: dict[str, frozenset[str]]
    nova: snapshot.Nova | None
    ceph: tuple[snapshot.Ceph, ...] | None

    def look(self, **changed: object) -> snapshot.Snapshot:
        """The snapshot of it."""
        model = cloud.from_full_status(self.status, self.options)
        seen = snapshot.Snapshot(0.0, model, self.actions, self.nova, self.ceph)
        return dataclasses.replace(seen, **changed)

    def application(self, name: str) -> dict[str, Any]:
        """Its part of the FullStatus."""
        return self.status["applications"][name]

    def unit(self, name: str) -> dict[str, Any]:
        """A unit's part of it, a subordinate's too."""
        for application in self.status["applications"].values():
            for principal, unit in (application["units"] or {}).items():
                if principal == name:
                    return unit
                if name in (unit["subordinates"] or {}):
                    return unit["subordinates"][name]
        raise KeyError(name)

    def pause(self, name: str) -> None:
        """As after the action `pause`."""
        message = "Paused. Use 'resume' action to resume normal service."
        self.unit(name)["workload-status"] = full_status.status("maintenance", message)

    def remove(self, name: str) -> None:
        """An application, and its relations and subordinate units."""
        del self.status["applications"][name]
        self.status["relations"] = [
            r
            for r in self.status["relations"]
            if name not in {end["application"] for end in r["endpoints"]}
        ]
        for application in self.status["applications"].values():
            for unit in (application["units"] or {}).values():
                kept = unit["subordinates"] or {}
                unit["subordinates"] = {
                    sub: state for sub, state in kept.items() if sub.partition("/")[0] != name
                }


def at_release(
    release: str, *, ha: bool = True, ceph: bool = True, hypervisors: int = 6, guests: int = 1
) -> Example:
    """The bundle on jammy at a release, settled.

    Args:
        release: of the knowledge, up to 2024.1.
        ha: with the overlay for high availability.
        ceph: with Ceph's applications.
        hypervisors: how many, over three zones.
        guests: on each hypervisor.
    """
    made = _made(release, ha, ceph, hypervisors, guests)
    status, options = copy.deepcopy((made.status, made.options))
    return dataclasses.replace(made, status=status, options=options, actions=dict(made.actions))


@functools.cache
def _made(release: str, ha: bool, ceph: bool, hypervisors: int, guests: int) -> Example:
    overlays = (full_status.HA,) if ha else ()
    status = copy.deepcopy(full_status.of_bundle(*overlays))
    options = copy.deepcopy(full_status.options(full_status.bundle(*overlays)))
    example = Example(status, options, {}, None, None)
    for name in () if ceph else ("ceph-mon", "ceph-osd", "ceph-radosgw", "cinder-ceph"):
        example.remove(name)
    if not ceph and ha:
        example.remove("radosgw-hacluster")
    _grow(example, hypervisors)
    for application in example.status["applications"].values():
        _settle(example, application, release)
    example.nova = _nova(example, guests)
    example.ceph = _ceph(example, release) if ceph else ()
    return example


def _grow(example: Example, hypervisors: int) -> None:
    units = example.application("nova-compute")["units"]
    for number in range(len(units), hypervisors):
        id_ = str(100 + number)
        example.status["machines"][id_] = full_status.machine(id_)
        agent = {**full_status.unit(""), "leader": False}
        units[f"nova-compute/{number}"] = {
            **full_status.unit(id_),
            "subordinates": {f"ovn-chassis/{number}": agent},
        }
    for number, unit in enumerate(units.values()):
        zone = ZONES[number % len(ZONES)]
        machine = example.status["machines"][unit["machine"]]
        machine["hardware"] = f"arch=amd64 cores=16 mem=65536M availability-zone={zone}"


def _settle(example: Example, application: dict[str, Any], release: str) -> None:
    """Channel, base, version, options and actions of an application at the release."""
    known = knowledge.load()
    charm = cloud._REVISION.sub("", application["charm"].rpartition("/")[2])
    if charm not in known.charms:
        return
    application["base"] = JAMMY
    facts, at = known.charms[charm], known.release(release)
    upgrade = known.upgrades[charm]
    if facts.family in at.tracks:
        application["charm-channel"] = f"{at.tracks[facts.family][-1]}/stable"
    elif facts.family in known.independent_tracks:
        track = {"rabbitmq": "3.9", "vault": "1.8", "hacluster": "2.4"}.get(facts.family, "8.0")
        application["charm-channel"] = f"{track}/stable"
    name = next(n for n, a in example.status["applications"].items() if a is application)
    options = example.options.setdefault(name, {})
    if facts.origin is not None:
        options[facts.origin] = at.origins["ubuntu@22.04"][-1]
    managed = upgrade.way == "managed" and charm not in _UNMANAGED
    if managed:
        options.update(_MANAGED)
    if charm in ("rabbitmq-server", "ovn-central", "ovn-chassis"):
        options["enable-auto-restarts"] = True
    version = f"{at.versions[upgrade.workload]}.1" if upgrade.workload else "1.0"
    _versions(example, name, version)
    actions = set() if charm in _FEWER_ACTIONS else {"pause", "resume"}
    actions |= {"openstack-upgrade"} if managed else set()
    actions |= {"restart-services"} if "enable-auto-restarts" in options else set()
    actions |= {"mysqldump"} if facts.role == "database" else set()
    actions |= {"archive-data", "purge-data"} if facts.role == "compute-api" else set()
    example.actions[name] = frozenset(actions)


def _versions(example: Example, name: str, version: str) -> None:
    for application in example.status["applications"].values():
        for unit, state in (application["units"] or {}).items():
            if unit.partition("/")[0] == name:
                state["workload-version"] = version
            for subordinate, attached in (state["subordinates"] or {}).items():
                if subordinate.partition("/")[0] == name:
                    attached["workload-version"] = version
    example.application(name)["workload-version"] = version


def _nova(example: Example, guests: int) -> snapshot.Nova:
    services, hypervisors, servers, room = [], [], [], []
    for unit in example.application("nova-compute")["units"].values():
        machine = example.status["machines"][unit["machine"]]
        host = machine["hostname"]
        zone = machine["hardware"].rpartition("=")[2]
        services.append(
            computes.Service("nova-compute", host, zone, enabled=True, up=True, reported=None)
        )
        hypervisors.append(computes.Hypervisor(host, 64, 0, 262144, 0, 2000, 0, guests))
        room.append(snapshot.Room(host, 64, 262144, 2000))
        servers += [
            snapshot.Guest(
                f"{host}-{n}", f"guest-{host}-{n}", host, "ACTIVE", "", 1, 2048, 0, "live"
            )
            for n in range(guests)
        ]
    return snapshot.Nova(tuple(services), tuple(hypervisors), tuple(servers), (), tuple(room))


def _ceph(example: Example, release: str) -> tuple[snapshot.Ceph, ...]:
    osds = tuple(
        snapshot.Osd(number, f"osd-{number}", ZONES[number % 3], up=True, inside=True)
        for number in range(3)
    )
    track = knowledge.load().release(release).tracks["ceph"][-1]
    return (snapshot.Ceph("ceph-mon", "HEALTH_OK", osds=osds, required_release=track),)
