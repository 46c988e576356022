"""A node's inventory in Redfish's terms: what sushy-tools' templates leave out or make up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sandbox.bmc.board import NO_OVERRIDE, Board
from sandbox.bmc.hardware import Disk, Node

STORAGE = "1"
_HEALTHY = {"State": "Enabled", "Health": "OK", "HealthRollup": "OK"}

BOOT_SOURCES = {
    "None": NO_OVERRIDE,
    "Pxe": "pxe",
    "Hdd": "default",
    "Cd": "cdrom",
    "BiosSetup": "bios",
}
"""Redfish's boot override targets, as the board knows them."""


def complete(endpoint: str, node: Node, board: Board, data: dict[str, Any]) -> dict[str, Any]:
    """The resource that the emulator serves from `endpoint`, with this node's own facts."""
    add = _ADDITIONS.get(endpoint)
    return data if add is None else {**data, **add(node, board, data)}


def etag(data: dict[str, Any]) -> str:
    """A tag that changes with what can be changed of a system."""
    text = json.dumps([data.get("Boot"), data.get("PowerState")], sort_keys=True)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def _root(node: Node, board: Board, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "Id": "RootService",
        "Name": "Root Service",
        "Product": f"{node.bmc.model} Redfish Service",
        "Vendor": node.system.vendor,
        "UUID": node.uuid,
        "SessionService": {"@odata.id": "/redfish/v1/SessionService"},
        "Links": {"Sessions": {"@odata.id": "/redfish/v1/SessionService/Sessions"}},
    }


def _system(node: Node, board: Board, data: dict[str, Any]) -> dict[str, Any]:
    override = board.boot_override
    targets = {source: target for target, source in BOOT_SOURCES.items()}
    boot = {
        "BootSourceOverrideEnabled": "Disabled" if override == NO_OVERRIDE else "Once",
        "BootSourceOverrideTarget": targets.get(override, "None"),
        "BootSourceOverrideTarget@Redfish.AllowableValues": list(BOOT_SOURCES),
        "BootSourceOverrideMode": "UEFI",
    }
    return {
        "Manufacturer": node.system.vendor,
        "Model": node.system.product,
        "SerialNumber": node.system.serial,
        "SKU": node.system.serial,
        "BiosVersion": node.system.firmware,
        "HostName": node.name,
        "SystemType": "Physical",
        "Status": _HEALTHY,
        "Boot": boot,
        "ProcessorSummary": {
            "Count": node.cpu.sockets,
            "CoreCount": node.cpu.cores,
            "LogicalProcessorCount": node.cpu.cores,
            "Model": node.cpu.model,
            "Status": _HEALTHY,
        },
        "MemorySummary": {"TotalSystemMemoryGiB": node.memory // 1024, "Status": _HEALTHY},
        "@odata.etag": etag({"Boot": boot, "PowerState": data.get("PowerState")}),
    }


def _manager(node: Node, board: Board, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "Model": node.bmc.model,
        "Description": f"{node.bmc.model} of {node.name}",
        "FirmwareVersion": node.bmc.firmware,
        "Manufacturer": node.system.vendor,
        "Status": _HEALTHY,
    }


def _chassis(node: Node, board: Board, data: dict[str, Any]) -> dict[str, Any]:
    unneeded = {"AssetTag", "PartNumber", "Location"}
    kept = dict.fromkeys(unneeded & data.keys())
    return {
        **kept,
        "Name": f"{node.name} chassis",
        "ChassisType": "RackMount",
        "Manufacturer": node.system.vendor,
        "Model": node.system.product,
        "SKU": node.system.serial,
        "SerialNumber": node.system.serial,
        "PowerState": "On" if board.on else "Off",
        "Status": _HEALTHY,
    }


def _nic(node: Node, board: Board, data: dict[str, Any]) -> dict[str, Any]:
    nic = next(nic for nic in node.nics if nic.mac == str(data["Id"]).lower())
    return {
        "Name": nic.name,
        "MACAddress": nic.mac,
        "PermanentMACAddress": nic.mac,
        "SpeedMbps": nic.speed,
        "LinkStatus": "LinkUp" if nic.space else "LinkDown",
        "Status": {"State": "Enabled", "Health": "OK"},
    }


def _drive(node: Node, board: Board, data: dict[str, Any]) -> dict[str, Any]:
    disk = next(disk for disk in node.disks if disk.name == data["Id"])
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


_ADDITIONS: dict[str, Callable[[Node, Board, dict[str, Any]], dict[str, Any]]] = {
    "root_resource": _root,
    "system_resource": _system,
    "manager_resource": _manager,
    "chassis_resource": _chassis,
    "ethernet_interface": _nic,
    "drive_resource": _drive,
}
