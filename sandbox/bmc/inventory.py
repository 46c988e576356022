"""A node's inventory in Redfish's terms: what sushy-tools' templates leave out or make up."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

from sandbox.bmc.board import NO_OVERRIDE, Board
from sandbox.bmc.hardware import Disk, Node

STORAGE = "1"

BOOT_SOURCES = {
    "None": NO_OVERRIDE,
    "Pxe": "pxe",
    "Hdd": "default",
    "Cd": "cdrom",
    "BiosSetup": "bios",
}
"""Redfish's boot override targets, as the board knows them."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """The machine that an inventory is of."""

    node: Node
    board: Board
    health: str = "OK"

    @property
    def status(self) -> dict[str, str]:
        """Redfish's Status of what is as well as the machine."""
        return {"State": "Enabled", "Health": self.health, "HealthRollup": self.health}


def complete(endpoint: str, subject: Subject, data: dict[str, Any]) -> dict[str, Any]:
    """The resource that the emulator serves from `endpoint`, with this node's own facts."""
    add = _ADDITIONS.get(endpoint)
    return data if add is None else {**data, **add(subject, data)}


def etag(data: dict[str, Any]) -> str:
    """A tag that changes with what can be changed of a system."""
    text = json.dumps([data.get("Boot"), data.get("PowerState")], sort_keys=True)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def _root(subject: Subject, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": "RootService",
        "Name": "Root Service",
        "Product": f"{subject.node.bmc.model} Redfish Service",
        "Vendor": subject.node.system.vendor,
        "UUID": subject.node.uuid,
        "SessionService": {"@odata.id": "/redfish/v1/SessionService"},
        "Links": {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}},
    }


def _system(subject: Subject, data: dict[str, Any]) -> dict[str, Any]:
    override = subject.board.boot_override
    targets = {source: target for target, source in BOOT_SOURCES.items()}
    boot = {
        "BootSourceOverrideEnabled": "Disabled" if override == NO_OVERRIDE else "Once",
        "BootSourceOverrideTarget": targets.get(override, "None"),
        "BootSourceOverrideTarget@Redfish.AllowableValues": list(BOOT_SOURCES),
        "BootSourceOverrideMode": "UEFI",
    }
    return {
        "Manufacturer": subject.node.system.vendor,
        "Model": subject.node.system.product,
        "SerialNumber": subject.node.system.serial,
        "SKU": subject.node.system.serial,
        "BiosVersion": subject.node.system.firmware,
        "HostName": subject.node.name,
        "SystemType": "Physical",
        "Status": subject.status,
        "Boot": boot,
        "ProcessorSummary": {
            "Count": subject.node.cpu.sockets,
            "CoreCount": subject.node.cpu.cores,
            "LogicalProcessorCount": subject.node.cpu.cores,
            "Model": subject.node.cpu.model,
            "Status": subject.status,
        },
        "MemorySummary": {
            "TotalSystemMemoryGiB": subject.node.memory // 1024,
            "Status": subject.status,
        },
        "@odata.etag": etag({"Boot": boot, "PowerState": data.get("PowerState")}),
    }


def _manager(subject: Subject, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "Model": subject.node.bmc.model,
        "Description": f"{subject.node.bmc.model} of {subject.node.name}",
        "FirmwareVersion": subject.node.bmc.firmware,
        "Manufacturer": subject.node.system.vendor,
        "Status": subject.status,
    }


def _chassis(subject: Subject, data: dict[str, Any]) -> dict[str, Any]:
    unneeded = {"AssetTag", "PartNumber", "Location"}
    kept = dict.fromkeys(unneeded & data.keys())
    return {
        **kept,
        "Name": f"{subject.node.name} chassis",
        "ChassisType": "RackMount",
        "Manufacturer": subject.node.system.vendor,
        "Model": subject.node.system.product,
        "SKU": subject.node.system.serial,
        "SerialNumber": subject.node.system.serial,
        "PowerState": "On" if subject.board.on else "Off",
        "Status": subject.status,
    }


def _nic(subject: Subject, data: dict[str, Any]) -> dict[str, Any]:
    nic = next(nic for nic in subject.node.nics if nic.mac == str(data["Id"]).lower())
    return {
        "Name": nic.name,
        "MACAddress": nic.mac,
        "PermanentMACAddress": nic.mac,
        "SpeedMbps": nic.speed,
        "LinkStatus": "LinkUp" if nic.space else "LinkDown",
        "Status": {"State": "Enabled", "Health": "OK"},
    }


def _drive(subject: Subject, data: dict[str, Any]) -> dict[str, Any]:
    disk = next(disk for disk in subject.node.disks if disk.name == data["Id"])
    return {
        "Model": disk.model,
        "SerialNumber": disk.serial,
        "Manufacturer": None,
        "PartNumber": None,
        "Revision": None,
        "MediaType": "HDD" if disk.type == "hdd" else "SSD",
        "Protocol": protocol(disk),
        "RotationSpeedRPM": disk.rpm or None,
        "PredictedMediaLifeLeftPercent": None if disk.type == "hdd" else 97,
    }


def protocol(disk: Disk) -> str:
    """What the disk speaks."""
    return "NVMe" if disk.type == "nvme" else "SATA"


_ADDITIONS: dict[str, Callable[[Subject, dict[str, Any]], dict[str, Any]]] = {
    "root_resource": _root,
    "system_resource": _system,
    "manager_resource": _manager,
    "chassis_resource": _chassis,
    "ethernet_interface": _nic,
    "drive_resource": _drive,
}
