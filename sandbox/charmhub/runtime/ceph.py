"""A Ceph cluster, as its monitors and disks tell of themselves, and what it answers.

`<shared>/ceph/<application of the monitors>/` holds `mon/<unit>` and `osd/<unit>`, each written
by its unit, and `cluster`: the flags of the OSD map and the release that OSDs must have.
"""

# ruff: noqa: PTH103, PTH105, PTH108, PTH123, PTH208 - pathlib costs a hook more than a tool
from __future__ import annotations

import os

from . import handshake, locking, plain_json
from .world import Refused, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Importing `typing` costs a hook more than any tool.
    from typing import Any

# Ceph's releases by the first number of their versions.
_NAMES = {"15": "octopus", "16": "pacific", "17": "quincy", "18": "reef", "19": "squid"}
_NEWEST = "squid"
_ALWAYS = "sortbitwise,recovery_deletes,purged_snapdirs,pglog_hardlimit"


def place(description: dict, world: World) -> str:
    """The folder of the unit's cluster; empty when it belongs to none yet."""
    part = description["workload"].get("ceph")
    monitors = world.application
    if part == "osd":
        related = world.at("mon")
        monitors = related[0].application if related else ""
    return f"{world.shared}/ceph/{monitors}" if part and monitors and world.shared else ""


def tell(description: dict, world: World, *, going: bool) -> None:
    """Write what the unit is in its cluster, or that it is there no more."""
    folder, part = place(description, world), description["workload"].get("ceph")
    if not folder or not world.release:
        return
    file = f"{folder}/{part}/{world.slug}"
    if going:
        try:
            os.unlink(file)
        except FileNotFoundError:
            return
        return
    told: dict[str, Any] = {
        "host": world.hostname,
        "zone": world.zone,
        "version": description["versions"][world.release],
        "up": True,
    }
    if part == "osd":
        count = handshake.device_count(description, world)
        told["up"], told["in"] = not world.flags.get("stopped"), not world.flags.get("out")
        told["osds"] = _numbers(folder, world.slug, count)
    _write(file, told)


def leave(description: dict, world: World) -> None:
    """The unit's daemons are down until it tells of itself again; a monitor stays in the map."""
    folder, part = place(description, world), description["workload"].get("ceph")
    file = f"{folder}/{part}/{world.slug}"
    if folder and (told := _read(file)):
        _write(file, {**told, "up": False})


def behind(description: dict, world: World) -> list[str]:
    """The monitors of the map that run an older release than this one, down or not."""
    own = _age(release_of(description["versions"][world.release]))
    monitors = _read_all(place(description, world), "mon")
    versions = {slug: told.get("version", "") for slug, told in monitors.items()}
    return [slug for slug in versions if versions[slug] and _age(release_of(versions[slug])) < own]


def _numbers(folder: str, slug: str, count: int) -> list[int]:
    """The numbers of the unit's OSDs: those that it had, and the next free ones."""
    with locking.Held(f"{folder}/.lock"):
        known = _read_all(folder, "osd")
        mine = known.pop(slug, {}).get("osds", [])[:count]
        taken = {number for other in known.values() for number in other["osds"]} | set(mine)
        while len(mine) < count:
            mine.append(next(n for n in range(len(taken) + 1) if n not in taken))
            taken.add(mine[-1])
        _write(f"{folder}/osd/{slug}", {**_read(f"{folder}/osd/{slug}"), "osds": mine})
    return mine


def act(folder: str, name: str) -> dict[str, str] | None:
    """Carry out an action of the monitors that is about the cluster; None for any other.

    Raises:
        Refused: with Ceph's message.
    """
    if name == "get-health":
        return {"message": command(folder, ["health"])}
    if name in ("set-noout", "unset-noout"):
        command(folder, ["osd", name.partition("-")[0], "noout"])
        return {"message": f"noout is {name.partition('-')[0]}"}
    return None


def command(folder: str, words: list[str]) -> str:
    """What `ceph <words>` prints.

    Raises:
        Refused: with Ceph's message.
    """
    plain = [word for word in words if word not in ("-f", "--format", "json", "--format=json")]
    as_json = len(plain) != len(words)
    asked = tuple(plain)
    cluster = _Cluster(folder)
    if asked in (("health",), ("health", "detail")):
        return plain_json.dumps(cluster.health()) if as_json else cluster.health_text()
    if asked[:2] in (("osd", "set"), ("osd", "unset")) and len(asked) == 3:
        cluster.set_flag(asked[2], on=asked[1] == "set")
        return f"{asked[2]} is {asked[1]}"
    if asked[:2] == ("osd", "require-osd-release") and len(asked) >= 3:
        cluster.require(asked[2])
        return ""
    told = {
        ("-s",): cluster.status,
        ("status",): cluster.status,
        ("quorum_status",): cluster.quorum,
        ("versions",): cluster.versions,
        ("osd", "dump"): cluster.dump,
        ("osd", "tree"): cluster.tree,
    }.get(asked)
    if told is None:
        raise Refused(f"no valid command found; {' '.join(words)}\nError EINVAL: invalid command")
    return plain_json.dumps(told())


class _Cluster:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        mons = _read_all(folder, "mon")
        self._mons = {slug: mon for slug, mon in mons.items() if mon.get("up", True)}
        self._hosts = _read_all(folder, "osd")
        self._kept = _read(f"{folder}/cluster")
        self._osds = sorted(
            (number, host) for host in self._hosts for number in self._hosts[host]["osds"]
        )

    def set_flag(self, flag: str, *, on: bool) -> None:
        flags = set(self._kept.get("flags", ()))
        self._keep(flags=sorted(flags | {flag} if on else flags - {flag}))

    def require(self, release: str) -> None:
        names = list(_NAMES.values())
        if release not in names:
            raise Refused(f"Error EINVAL: unrecognized release {release}")
        if any(names.index(release) > names.index(name) for name in self._releases()):
            raise Refused(f"Error EPERM: not all up OSDs have CEPH_FEATURE_SERVER_{release}")
        if names.index(release) < names.index(self.required):
            raise Refused(
                "Error EPERM: require_osd_release cannot be lowered once it has been set"
            )
        self._keep(required=release)

    def _keep(self, **changes: object) -> None:
        self._kept.update(changes)
        _write(f"{self._folder}/cluster", self._kept)

    @property
    def required(self) -> str:
        """The release that OSDs must have: at first the one with which the cluster was made."""
        releases = self._releases()
        if "required" not in self._kept and releases:
            self._keep(required=min(releases, key=_age))
        return self._kept.get("required", _NEWEST)

    def _releases(self) -> list[str]:
        return [release_of(host["version"]) for host in self._hosts.values() if "version" in host]

    def _checks(self) -> dict[str, str]:
        checks = {}
        if flags := self._kept.get("flags"):
            checks["OSDMAP_FLAGS"] = f"{','.join(flags)} flag(s) set"
        down = [number for number, host in self._osds if not self._hosts[host].get("up")]
        if down:
            checks["OSD_DOWN"] = f"{len(down)} osds down"
        newest = min(self._releases(), key=_age, default=self.required)
        if _age(newest) > _age(self.required):
            checks["OSD_UPGRADE_FINISHED"] = (
                f"all OSDs are running {newest} or later but require_osd_release < {newest}"
            )
        return checks

    def health(self) -> dict[str, Any]:
        checks = {
            name: {"severity": "HEALTH_WARN", "summary": {"message": text}, "muted": False}
            for name, text in self._checks().items()
        }
        status = "HEALTH_WARN" if checks else "HEALTH_OK"
        return {"status": status, "checks": checks, "mutes": []}

    def health_text(self) -> str:
        checks = self._checks()
        return f"HEALTH_WARN {'; '.join(checks.values())}" if checks else "HEALTH_OK"

    def status(self) -> dict[str, Any]:
        osds = [self._hosts[host] for _, host in self._osds]
        return {
            "health": self.health(),
            "quorum_names": self.quorum()["quorum_names"],
            "osdmap": {
                "num_osds": len(osds),
                "num_up_osds": sum(bool(osd.get("up")) for osd in osds),
                "num_in_osds": sum(bool(osd.get("in")) for osd in osds),
            },
        }

    def quorum(self) -> dict[str, Any]:
        names = sorted(mon["host"] for mon in self._mons.values())
        return {
            "quorum": list(range(len(names))),
            "quorum_names": names,
            "quorum_leader_name": names[0] if names else "",
        }

    def versions(self) -> dict[str, Any]:
        mons = [mon["version"] for mon in self._mons.values()]
        osds = [self._hosts[host]["version"] for _, host in self._osds]
        kinds = {"mon": mons, "mgr": mons, "osd": osds, "mds": [], "rgw": []}
        kinds["overall"] = [version for versions in kinds.values() for version in versions]
        return {kind: _counted(versions) for kind, versions in kinds.items()}

    def dump(self) -> dict[str, Any]:
        flags = [*self._kept.get("flags", ()), *_ALWAYS.split(",")]
        return {
            "flags": ",".join(flags),
            "flags_set": sorted(flags),
            "require_osd_release": self.required,
            "osds": [
                {
                    "osd": number,
                    "up": int(bool(self._hosts[host].get("up"))),
                    "in": int(bool(self._hosts[host].get("in"))),
                }
                for number, host in self._osds
            ],
        }

    def tree(self) -> dict[str, Any]:
        """Root, failure domain, host, OSD: those above an OSD have negative numbers."""
        zones: dict[str, list[str]] = {}
        for slug in self._hosts:
            zones.setdefault(self._hosts[slug].get("zone") or "default", []).append(slug)
        numbers = {name: -2 - at for at, name in enumerate([*zones, *self._hosts])}
        nodes: list[dict[str, Any]] = [
            {
                "id": -1,
                "name": "default",
                "type": "root",
                "children": [numbers[zone] for zone in zones],
            }
        ]
        for zone, slugs in zones.items():
            children = [numbers[slug] for slug in slugs]
            row = {"id": numbers[zone], "name": zone, "type": "rack", "children": children}
            nodes.append(row)
        for slug, host in self._hosts.items():
            row = {"id": numbers[slug], "name": host["host"], "type": "host"}
            nodes.append({**row, "children": host["osds"]})
            nodes.extend(
                {
                    "id": number,
                    "name": f"osd.{number}",
                    "type": "osd",
                    "status": "up" if host.get("up") else "down",
                    "reweight": 1.0 if host.get("in") else 0.0,
                }
                for number in host["osds"]
            )
        return {"nodes": nodes, "stray": []}


def release_of(version: str) -> str:
    """Ceph's name for it: squid of 19.2.1."""
    return _NAMES[version.partition(".")[0]]


def _age(name: str) -> int:
    return list(_NAMES.values()).index(name)


def _counted(versions: list[str]) -> dict[str, int]:
    titles = [f"ceph version {version} (0) {release_of(version)} (stable)" for version in versions]
    return {title: titles.count(title) for title in sorted(set(titles))}


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as stream:
            found: Any = plain_json.loads(stream.read())
    except FileNotFoundError:
        return {}
    return found


def _read_all(folder: str, part: str) -> dict[str, Any]:
    try:
        names = sorted(os.listdir(f"{folder}/{part}"))
    except FileNotFoundError:
        return {}
    return {name: _read(f"{folder}/{part}/{name}") for name in names if name[0] != "."}


def _write(file: str, document: dict[str, Any]) -> None:
    if _read(file) == document:
        return
    folder, _, name = file.rpartition("/")
    os.makedirs(folder, exist_ok=True)
    part = f"{folder}/.{name}.{os.getpid()}"
    with open(part, "w", encoding="utf-8") as stream:
        stream.write(plain_json.dumps(document))
    os.replace(part, file)
