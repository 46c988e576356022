"""What a node's commissioning script reports: its hardware as LXD's resources, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.bmc.hardware import Disk, Nic, Node

NAME = "50-maas-01-commissioning.out"


def resources(node: Node, fabrics: Mapping[str, str]) -> dict[str, Any]:
    """The report of this node; `fabrics` are the fabrics by the space that a cable leads to."""
    return {
        "api_version": "1.0",
        "resources": {
            "cpu": _cpu(node),
            "memory": _memory(node),
            "system": _system(node),
            "storage": {"disks": [_disk(disk) for disk in node.disks], "total": len(node.disks)},
            "network": {
                "cards": [_card(nic, fabrics) for nic in node.nics],
                "total": len(node.nics),
            },
        },
    }


def _cpu(node: Node) -> dict[str, Any]:
    per_socket = node.cpu.cores // node.cpu.sockets
    sockets = [
        {
            "socket": number,
            "name": node.cpu.model,
            "vendor": "GenuineIntel" if "Intel" in node.cpu.model else "AuthenticAMD",
            "frequency": node.cpu.mhz,
            "frequency_turbo": node.cpu.mhz,
            "cores": [{"core": core, "numa_node": number} for core in range(per_socket)],
        }
        for number in range(node.cpu.sockets)
    ]
    return {"architecture": "x86_64", "sockets": sockets, "total": node.cpu.cores}


def _memory(node: Node) -> dict[str, Any]:
    total = node.memory * 1024**2
    per_socket = node.cpu.cores // node.cpu.sockets
    nodes = [
        {
            "numa_node": number,
            "total": total // node.cpu.sockets,
            "cores": list(range(number * per_socket, (number + 1) * per_socket)),
        }
        for number in range(node.cpu.sockets)
    ]
    return {"total": total, "used": 0, "nodes": nodes}


def _system(node: Node) -> dict[str, Any]:
    system = node.system
    return {
        "uuid": node.uuid,
        "vendor": system.vendor,
        "product": system.product,
        "family": system.product.partition(" ")[0],
        "version": "",
        "sku": system.serial,
        "serial": system.serial,
        "type": "physical",
        "firmware": {"vendor": system.vendor, "version": system.firmware, "date": ""},
        "motherboard": {
            "vendor": system.vendor,
            "product": system.product,
            "serial": f"{system.serial}.MB",
            "version": "A01",
        },
        "chassis": {
            "vendor": system.vendor,
            "type": "Rack Mount Chassis",
            "serial": system.serial,
            "version": "",
        },
    }


def _disk(disk: Disk) -> dict[str, Any]:
    return {
        "id": disk.name,
        "model": disk.model,
        "serial": disk.serial,
        "device_id": disk.id_path or "",
        "size": disk.size,
        "block_size": 512,
        "rpm": disk.rpm,
        "type": "nvme" if disk.type == "nvme" else "sata",
        "firmware_version": "",
        "read_only": False,
        "removable": False,
        "partitions": [],
    }


def _card(nic: Nic, fabrics: Mapping[str, str]) -> dict[str, Any]:
    port: dict[str, Any] = {
        "id": nic.name,
        "address": nic.mac,
        "port": 0,
        "protocol": "ethernet",
        "link_detected": nic.space is not None,
        "link_speed": nic.speed,
        "auto_negotiation": True,
    }
    if nic.space is not None:
        port["lldp"] = [{"fabric": fabrics[nic.space]}]
    return {
        "vendor": nic.vendor,
        "product": nic.product,
        "firmware_version": nic.firmware,
        "ports": [port],
        "numa_node": 0,
    }
