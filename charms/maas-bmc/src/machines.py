"""MAAS's JSON of a machine as an observed machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from charms.maas_bmc.v0.baremetal_nodes import Bmc, Disk, Nic, ObservedMachine

GIB = 1024**3
_BY_ID = "/dev/disk/by-id/"
_POWERS = ("on", "off", "error")


def observe(maas: Mapping[str, Any], before: ObservedMachine | None) -> ObservedMachine:
    """The machine as MAAS shows it now, with what else was known of it before.

    Its generation goes up when anything differs.
    """
    known = before or ObservedMachine(system_id=maas["system_id"])
    hardware = maas.get("hardware_info") or {}
    owner_data = maas.get("owner_data") or {}
    current = known.model_copy(
        update={
            "hostname": maas.get("hostname") or "",
            "status": maas.get("status_name") or "",
            "message": _message(maas),
            "power": _power(maas.get("power_state")),
            "zone": _name(maas.get("zone")),
            "pool": _name(maas.get("pool")),
            "tags": tuple(sorted(maas.get("tag_names") or ())),
            "architecture": maas.get("architecture") or "",
            "owner": maas.get("owner") or "",
            "juju_model": owner_data.get("juju-model-uuid", ""),
            "juju_machine": owner_data.get("juju-machine-id", ""),
            "cores": int(maas.get("cpu_count") or 0),
            "memory_mib": int(maas.get("memory") or 0),
            "disks": _disks(maas),
            "nics": _nics(maas),
            "vendor": _text(hardware.get("system_vendor")),
            "product": _text(hardware.get("system_product")),
            "serial": _text(hardware.get("system_serial")),
            "bmc": _bmc(known.bmc, maas.get("power_type") or ""),
        }
    )
    return current if before is None else next_generation(before, current)


def next_generation(before: ObservedMachine, after: ObservedMachine) -> ObservedMachine:
    """`after`, with its generation raised when it says something else than `before`."""
    if after.model_copy(update={"generation": before.generation}) == before:
        return before
    return after.model_copy(update={"generation": before.generation + 1})


def _bmc(known: Bmc, kind: str) -> Bmc:
    return known if known.kind == kind else Bmc(kind=kind)


def _disks(maas: Mapping[str, Any]) -> tuple[Disk, ...]:
    boot = (maas.get("boot_disk") or {}).get("name")
    disks = (
        Disk(
            name=disk["name"],
            by_id=_by_id(disk.get("id_path")),
            size_gib=int(disk.get("size") or 0) // GIB,
            kind=_kind(disk),
            boot=disk["name"] == boot,
        )
        for disk in maas.get("physicalblockdevice_set") or ()
    )
    return tuple(sorted(disks, key=lambda disk: disk.name))


def _by_id(path: str | None) -> str:
    """The name below /dev/disk/by-id; MAAS gives /dev/<name> where there is none."""
    return path.removeprefix(_BY_ID) if path and path.startswith(_BY_ID) else ""


def _kind(disk: Mapping[str, Any]) -> Literal["ssd", "hdd", "nvme", "unknown"]:
    tags = disk.get("tags") or ()
    if disk["name"].startswith("nvme"):
        return "nvme"
    if "rotary" in tags:
        return "hdd"
    return "ssd" if "ssd" in tags else "unknown"


def _nics(maas: Mapping[str, Any]) -> tuple[Nic, ...]:
    nics = (
        Nic(
            name=nic["name"],
            mac=nic.get("mac_address") or "",
            speed_mbps=int(nic.get("interface_speed") or nic.get("link_speed") or 0),
            linked=bool(nic.get("link_connected", True)),
            spaces=_spaces(nic),
        )
        for nic in maas.get("interface_set") or ()
        if nic.get("type") == "physical"
    )
    return tuple(sorted(nics, key=lambda nic: nic.name))


def _spaces(nic: Mapping[str, Any]) -> tuple[str, ...]:
    subnets = [link.get("subnet") or {} for link in nic.get("links") or ()]
    found = {subnet.get("space") for subnet in subnets} | {(nic.get("vlan") or {}).get("space")}
    return tuple(sorted(space for space in found if space and space != "undefined"))


def _message(maas: Mapping[str, Any]) -> str:
    """Why a machine failed or is broken. Others tell each step they take: nobody needs that."""
    if not str(maas.get("status_name")).startswith(("Failed", "Broken")):
        return ""
    return maas.get("error_description") or maas.get("status_message") or ""


def _power(state: object) -> str:
    return str(state) if state in _POWERS else "unknown"


def _name(thing: object) -> str:
    return str(thing.get("name") or "") if isinstance(thing, Mapping) else ""


def _text(value: object) -> str:
    """MAAS writes Unknown for what commissioning did not tell."""
    return "" if value in (None, "Unknown") else str(value)
