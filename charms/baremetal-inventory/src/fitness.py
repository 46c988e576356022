"""Whether a machine is fit for a role, and if not, why and what to do. Pure.

The checks are those that operators of OpenStack do by hand before a node joins: size, root
disk, data disks by a name that survives a reboot, NICs, spaces, and the BMC, without which the
machine can be neither deployed nor fenced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from charms.maas_bmc.v0.baremetal_nodes import Disk, ObservedMachine
from policy import DataDisks, DiskKind, Nics, Role, RootDisk

_GIB = 1024
_MAAS_GAVE_UP = ("Failed commissioning", "Failed testing", "Failed deployment", "Broken")


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that speaks against a machine."""

    diagnosis: str
    remedy: str
    may_pass: bool = False
    """It may be over in a moment, such as a BMC that does not answer."""

    def __str__(self) -> str:
        return f"{self.diagnosis}: {self.remedy}"


def ailments(machine: ObservedMachine) -> tuple[Finding, ...]:
    """What keeps the machine from any role, whatever its size: MAAS's verdict, and the BMC's."""
    return tuple(_ailments(machine))


def failings(machine: ObservedMachine, role: Role) -> tuple[Finding, ...]:
    """What the machine lacks for this role; nothing when it is fit."""
    return tuple(_failings(machine, role))


def is_fit(machine: ObservedMachine, role: Role) -> bool:
    """Whether nothing speaks against the machine in this role."""
    return not ailments(machine) and not failings(machine, role)


def is_fit_in_time(machine: ObservedMachine, role: Role) -> bool:
    """Whether nothing speaks against the machine that may not pass by itself."""
    return all(each.may_pass for each in (*ailments(machine), *failings(machine, role)))


def data_disks(machine: ObservedMachine, wanted: DataDisks) -> tuple[Disk, ...]:
    """The machine's disks that count as data disks of this kind."""
    return tuple(disk for disk in _large(machine, wanted) if disk.by_id)


def _ailments(machine: ObservedMachine) -> Iterator[Finding]:
    if machine.status in _MAAS_GAVE_UP:
        why = f" ({machine.message})" if machine.message else ""
        yield Finding(
            f"MAAS says {machine.status}{why}", "look at its log in MAAS, then commission it again"
        )
    if machine.power == "error":
        yield Finding(
            "MAAS cannot read its power", "check its power parameters in MAAS", may_pass=True
        )
    if machine.bmc.reachable is False:
        why = machine.bmc.problem or "check its cable and power"
        yield Finding("its BMC cannot be used", why, may_pass=True)
    if machine.bmc.health == "critical":
        yield Finding(
            f"its BMC says that its health is critical ({machine.bmc.problem})",
            "repair the machine",
            may_pass=True,
        )


def _failings(machine: ObservedMachine, role: Role) -> Iterator[Finding]:
    if machine.cores < role.cores:
        yield Finding(f"{machine.cores} cores, wants {role.cores}", "use a larger machine")
    if machine.memory_mib < role.memory * _GIB:
        yield Finding(
            f"{machine.memory_mib // _GIB} GiB of memory, wants {role.memory}", "add memory"
        )
    if role.root_disk is not None:
        yield from _root_disk(machine, role.root_disk)
    if role.data_disks is not None:
        yield from _data_disks(machine, role.data_disks)
    if role.nics is not None:
        yield from _nics(machine, role.nics)
    yield from _spaces(machine, role.spaces)
    for tag in sorted(set(role.tags) - set(machine.tags)):
        yield Finding(f"no tag {tag}", "tag it in MAAS")
    for tag in sorted(set(role.not_tags) & set(machine.tags)):
        yield Finding(f"carries the tag {tag}", "take the tag away in MAAS")


def _root_disk(machine: ObservedMachine, wanted: RootDisk) -> Iterator[Finding]:
    disk = next((disk for disk in machine.disks if disk.boot), None)
    if disk is None:
        yield Finding("no known root disk", "set the boot disk in MAAS")
        return
    if disk.size_gib < wanted.size:
        yield Finding(
            f"root disk {disk.name} has {disk.size_gib} GiB, wants {wanted.size}",
            "set a larger boot disk in MAAS",
        )
    if not _of_kind(disk, wanted.kinds):
        yield Finding(
            f"root disk {disk.name} is {disk.kind}, wants {_either(wanted.kinds)}",
            "set another boot disk in MAAS",
        )


def _data_disks(machine: ObservedMachine, wanted: DataDisks) -> Iterator[Finding]:
    large = _large(machine, wanted)
    named = data_disks(machine, wanted)
    if len(named) >= wanted.count:
        return
    of = f" of {_either(wanted.kinds)}" if wanted.kinds else ""
    diagnosis = f"{len(named)} data disks{of} with {wanted.size} GiB, wants {wanted.count}"
    nameless = sorted(disk.name for disk in large if not disk.by_id)
    if nameless:
        yield Finding(
            f"{diagnosis}; {', '.join(nameless)} has a kernel name only",
            "give it a serial number, so that it is found under /dev/disk/by-id",
        )
    else:
        yield Finding(diagnosis, "add disks")


def _nics(machine: ObservedMachine, wanted: Nics) -> Iterator[Finding]:
    fast = [nic for nic in machine.nics if nic.linked and nic.speed_mbps >= wanted.speed]
    if len(fast) < wanted.count:
        yield Finding(
            f"{len(fast)} NICs with a link and {wanted.speed} Mbit/s, wants {wanted.count}",
            "connect or add NICs, then commission it again",
        )


def _spaces(machine: ObservedMachine, wanted: Iterable[str]) -> Iterator[Finding]:
    present = {space for nic in machine.nics for space in nic.spaces}
    for space in sorted(set(wanted) - present):
        yield Finding(f"no NIC in space {space}", "connect one to a subnet of that space")


def _large(machine: ObservedMachine, wanted: DataDisks) -> tuple[Disk, ...]:
    return tuple(
        disk
        for disk in machine.disks
        if not disk.boot and disk.size_gib >= wanted.size and _of_kind(disk, wanted.kinds)
    )


def _of_kind(disk: Disk, kinds: tuple[DiskKind, ...]) -> bool:
    return not kinds or disk.kind in kinds


def _either(kinds: tuple[DiskKind, ...]) -> str:
    return " or ".join(kinds)
