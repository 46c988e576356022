"""Programs that the real charm's machine would have, for `juju exec`: they never touch this one.

All machines of the sandbox share this one's files, so what manages packages and services must
not be this machine's own. Packages: the cloud archive that was added, and then installed from,
moves the unit to another release, as an operator does by hand. `ceph` answers where monitors run.
"""

# ruff: noqa: S606, T201, PTH123 - these are programs; pathlib costs more than the rest
from __future__ import annotations

import os
import sys

from . import ceph, plain_json, program, releases, upgrade
from .world import World

NAMES = (
    "add-apt-repository",
    "apt",
    "apt-get",
    "apt-mark",
    "ceph",
    "nova-manage",
    "placement-manage",
    "poweroff",
    "reboot",
    "service",
    "shutdown",
    "snap",
    "sudo",
    "systemctl",
)
_UPGRADES = ("upgrade", "dist-upgrade", "full-upgrade", "install")


def main(name: str, words: list[str]) -> None:
    """Do what a program of this name does with these arguments, and exit."""
    if name == "sudo":
        rest = words
        while rest and (rest[0].startswith("-") or "=" in rest[0]):
            rest = rest[1:]
        os.execvp(rest[0], rest)
    with open(f"{os.environ['JUJU_CHARM_DIR']}/src/description.json", encoding="utf-8") as file:
        description = plain_json.loads(file.read())
    try:
        _RUN[name](description, [word for word in words if word])
    except ceph.Refused as error:
        sys.exit(str(error))


def _ceph(description: dict, words: list[str]) -> None:
    _, world = program.gathered(description)
    folder = ceph.place(description, world)
    if not folder or description["workload"].get("ceph") != "mon":
        raise ceph.Refused("[errno 2] RADOS object not found (error connecting to the cluster)")
    print(ceph.command(folder, words))


def _add_archive(description: dict, words: list[str]) -> None:
    """`add-apt-repository -y cloud-archive:caracal`."""
    named = [releases.named(description, word) for word in words if word.startswith("cloud")]
    state, world = program.gathered(description)
    world.flags["archive"] = next((name for name in named if name), "")
    program.keep(world, state)


def _packages(description: dict, words: list[str]) -> None:
    if not any(word in _UPGRADES for word in words):
        return
    state, world = program.gathered(description)
    release = str(world.flags.get("archive") or "")
    if release and world.release and _later(description, world, release):
        upgrade.install(description, world, release)
        # No charm has a part in it: its next hook shows what has become of the unit.
        program.run_services(description, world)
        program.keep(world, state)


def _later(description: dict, world: World, release: str) -> bool:
    order = description["releases"]
    return order.index(release) > order.index(world.release)


def _mark(description: dict, words: list[str]) -> None:
    if words and words[0] in ("hold", "unhold"):
        for package in words[1:]:
            print(
                f"{package} set on hold." if words[0] == "hold" else f"Canceled hold on {package}."
            )


def _nothing(description: dict, words: list[str]) -> None:
    """Services see to their databases by themselves.

    The rest would be done to this machine, which all units share.
    """


def _nova_manage(description: dict, words: list[str]) -> None:
    """The real one, on a machine of Nova's API in front of a real Nova."""
    _, world = program.gathered(description)
    if world.cloud and description["openstack"].get("fronts") == "nova":
        command = world.cloud["nova-manage"]
        os.execv(command[0], [*command, *words])


def _services(description: dict, words: list[str]) -> None:
    """`systemctl restart keystone`, or `service keystone restart`."""
    asked = next((word for word in words if word in ("restart", "stop", "start")), "")
    if "is-active" in words:
        print("active")
    if asked:
        state, world = program.gathered(description)
        if asked == "restart":
            upgrade.restart(description, world, words)
        elif asked == "stop":
            upgrade.stop_service(description, world)
        if asked != "stop":
            program.run_services(description, world)
        program.keep(world, state)


_RUN = {
    "add-apt-repository": _add_archive,
    "apt": _packages,
    "apt-get": _packages,
    "apt-mark": _mark,
    "ceph": _ceph,
    "nova-manage": _nova_manage,
    "service": _services,
    **dict.fromkeys(("placement-manage", "poweroff", "reboot", "shutdown", "snap"), _nothing),
    "systemctl": _services,
}
