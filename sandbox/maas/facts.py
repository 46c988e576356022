"""What commissioning finds out: the machine's own report, and its way into the store.

The report is that of MAAS's script 50-maas-01-commissioning: LXD's resources as JSON
(metadataserver/builtin_scripts/hooks.py).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from sandbox.maas.store import Transaction

REPORT = "50-maas-01-commissioning.out"

_MEBIBYTE = 1024**2


@dataclasses.dataclass(frozen=True)
class Disk:
    """A disk as the machine sees it; `size` in bytes."""

    name: str
    model: str
    serial: str
    id_path: str
    """A link that lasts, or the kernel's name when there is none."""
    size: int
    block_size: int
    tags: tuple[str, ...]
    firmware: str


@dataclasses.dataclass(frozen=True)
class Nic:
    """A port as the machine sees it; speeds in Mbit/s."""

    name: str
    mac: str
    speed: int
    connected: bool
    vendor: str
    product: str
    firmware: str
    fabric: str | None
    """The fabric that its switch announces."""


@dataclasses.dataclass(frozen=True)
class Facts:
    """A machine's hardware; memory in MiB, speed in MHz."""

    uuid: str
    architecture: str
    cores: int
    speed: int
    memory: int
    info: Mapping[str, str]
    numa: tuple[Mapping[str, Any], ...]
    disks: tuple[Disk, ...]
    nics: tuple[Nic, ...]


def parse(report: Mapping[str, Any]) -> Facts:
    """The facts in a report; KeyError or ValueError when it is not one."""
    resources = report["resources"]
    cpu, memory, system = resources["cpu"], resources["memory"], resources["system"]
    return Facts(
        uuid=system["uuid"],
        architecture={"x86_64": "amd64/generic"}[cpu["architecture"]],
        cores=cpu["total"],
        speed=max(socket["frequency_turbo"] for socket in cpu["sockets"]),
        memory=memory["total"] // _MEBIBYTE,
        info=_info(system, cpu),
        numa=tuple(
            {
                "index": node["numa_node"],
                "memory": node["total"] // _MEBIBYTE,
                "cores": list(node["cores"]),
                "hugepages_set": [],
            }
            for node in memory["nodes"]
        ),
        disks=tuple(_disk(disk) for disk in resources["storage"]["disks"]),
        nics=tuple(
            _nic(card, port) for card in resources["network"]["cards"] for port in card["ports"]
        ),
    )


def _info(system: Mapping[str, Any], cpu: Mapping[str, Any]) -> dict[str, str]:
    board, firmware = system["motherboard"], system["firmware"]
    chassis = system["chassis"]
    return {
        "system_vendor": system["vendor"],
        "system_product": system["product"],
        "system_family": system["family"],
        "system_version": system["version"],
        "system_sku": system["sku"],
        "system_serial": system["serial"],
        "cpu_model": cpu["sockets"][0]["name"],
        "mainboard_vendor": board["vendor"],
        "mainboard_product": board["product"],
        "mainboard_serial": board["serial"],
        "mainboard_version": board["version"],
        "mainboard_firmware_vendor": firmware["vendor"],
        "mainboard_firmware_date": firmware["date"],
        "mainboard_firmware_version": firmware["version"],
        "chassis_vendor": chassis["vendor"],
        "chassis_type": chassis["type"],
        "chassis_serial": chassis["serial"],
        "chassis_version": chassis["version"],
    }


def _disk(disk: Mapping[str, Any]) -> Disk:
    # Without a serial number, too, MAAS does not trust the link.
    lasting = disk.get("device_id") and disk["serial"]
    rpm = disk["rpm"]
    tags = ("rotary", f"{rpm}rpm") if rpm else ("ssd",)
    return Disk(
        name=disk["id"],
        model=disk["model"],
        serial=disk["serial"],
        id_path=f"/dev/disk/by-id/{disk['device_id']}" if lasting else f"/dev/{disk['id']}",
        size=disk["size"],
        block_size=disk["block_size"],
        tags=tags if disk["type"] == "nvme" else (*tags, disk["type"]),
        firmware=disk["firmware_version"],
    )


def _nic(card: Mapping[str, Any], port: Mapping[str, Any]) -> Nic:
    heard = port.get("lldp") or []
    return Nic(
        name=port["id"],
        mac=port["address"],
        speed=port["link_speed"],
        connected=port["link_detected"],
        vendor=card["vendor"],
        product=card["product"],
        firmware=card["firmware_version"],
        fabric=heard[0]["fabric"] if heard else None,
    )


def record(tx: Transaction, machine_id: int, facts: Facts) -> None:
    """Make the facts those of the machine."""
    tx.update(
        "machine",
        machine_id,
        hardware_uuid=facts.uuid,
        architecture=facts.architecture,
        cpu_count=facts.cores,
        cpu_speed=facts.speed,
        memory=facts.memory,
        hardware_info=dict(facts.info),
        numa=list(facts.numa),
    )
    seen = [
        _record_disk(tx, machine_id, disk, boot=number == 0)
        for number, disk in enumerate(facts.disks)
    ]
    marks = ",".join("?" for _ in seen)
    tx.execute(
        f"DELETE FROM block_device WHERE machine_id = ? AND id NOT IN ({marks})",
        *(machine_id, *seen),
    )
    for nic in facts.nics:
        _record_nic(tx, machine_id, nic)


def _record_disk(tx: Transaction, machine_id: int, disk: Disk, *, boot: bool) -> int:
    """Its id; a disk that was there before keeps the id and the tags that it had."""
    known = tx.one(
        "SELECT id, tags FROM block_device WHERE machine_id = ? AND "
        "((serial <> '' AND serial = ?) OR (serial = '' AND id_path = ?))",
        *(machine_id, disk.serial, disk.id_path),
    )
    columns = {
        "name": disk.name,
        "model": disk.model,
        "serial": disk.serial,
        "id_path": disk.id_path,
        "size": disk.size,
        "block_size": disk.block_size,
        "firmware_version": disk.firmware,
        "boot": int(boot),
    }
    if known is None:
        tags = list(disk.tags)
        return tx.insert("block_device", machine_id=machine_id, tags=tags, **columns)
    tags = list(dict.fromkeys([*json.loads(known["tags"]), *disk.tags]))
    tx.update("block_device", known["id"], tags=tags, **columns)
    return known["id"]


def _record_nic(tx: Transaction, machine_id: int, nic: Nic) -> None:
    columns = {
        "name": nic.name,
        "link_speed": nic.speed if nic.connected else 0,
        "interface_speed": nic.speed,
        "link_connected": int(nic.connected),
        "vendor": nic.vendor,
        "product": nic.product,
        "firmware_version": nic.firmware,
        "vlan_id": tx.value(
            "SELECT vlan.id FROM vlan JOIN fabric ON fabric.id = fabric_id WHERE fabric.name = ?",
            nic.fabric,
        ),
    }
    known = tx.value(
        "SELECT id FROM interface WHERE machine_id = ? AND mac = ?", machine_id, nic.mac
    )
    if known is not None:
        tx.update("interface", known, **columns)
        return
    known = tx.insert("interface", machine_id=machine_id, mac=nic.mac, **columns)
    if columns["vlan_id"] is not None:
        # A port that is not booted from has a link without an address until someone gives it one.
        subnet = tx.value("SELECT id FROM subnet WHERE vlan_id = ?", columns["vlan_id"])
        tx.insert("link", interface_id=known, mode="link_up", subnet_id=subnet)
