"""How the API shows its objects: the fields of MAAS 3.7, from rows of the store."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import uuid
from typing import Any

from sandbox.maas.statuses import Status
from sandbox.maas.store import Transaction

ROOT = "/MAAS/api/2.0/"
DOMAIN = "maas"

_SCRIPT_STATUS = {-1: "Unknown", 0: "Pending", 1: "Running", 2: "Passed", 3: "Failed"}
_HARDWARE_KEYS = (
    "system_vendor",
    "system_product",
    "system_family",
    "system_version",
    "system_sku",
    "system_serial",
    "cpu_model",
    "mainboard_vendor",
    "mainboard_product",
    "mainboard_serial",
    "mainboard_version",
    "mainboard_firmware_vendor",
    "mainboard_firmware_date",
    "mainboard_firmware_version",
    "chassis_vendor",
    "chassis_type",
    "chassis_serial",
    "chassis_version",
)
_TESTS = ("cpu", "memory", "network", "storage", "other", "interface")


def zone(row: sqlite3.Row) -> dict[str, Any]:
    """A physical zone."""
    return {**_named(row), "resource_uri": f"{ROOT}zones/{row['name']}/"}


def pool(row: sqlite3.Row) -> dict[str, Any]:
    """A resource pool."""
    return {**_named(row), "resource_uri": f"{ROOT}resourcepool/{row['id']}/"}


def tag(row: sqlite3.Row) -> dict[str, Any]:
    """A tag."""
    return {
        "name": row["name"],
        "definition": row["definition"],
        "comment": row["comment"],
        "kernel_opts": row["kernel_opts"],
        "resource_uri": f"{ROOT}tags/{row['name']}/",
    }


def user(row: sqlite3.Row) -> dict[str, Any]:
    """An account."""
    return {
        "is_superuser": bool(row["is_superuser"]),
        "username": row["username"],
        "email": row["email"],
        "is_local": True,
        "resource_uri": f"{ROOT}users/{row['username']}/",
    }


def _named(row: sqlite3.Row) -> dict[str, Any]:
    return {"name": row["name"], "description": row["description"], "id": row["id"]}


@dataclasses.dataclass
class Networks:
    """Fabrics, VLANs, subnets and spaces, rendered once for an answer."""

    vlans: dict[int, dict[str, Any]]
    subnets: dict[int, dict[str, Any]]

    @classmethod
    def read(cls, tx: Transaction) -> Networks:
        """All of them, by id."""
        vlans = {
            row["id"]: _vlan(row)
            for row in tx.all(
                "SELECT vlan.*, fabric.name AS fabric, space.name AS space FROM vlan "
                "JOIN fabric ON fabric.id = fabric_id LEFT JOIN space ON space.id = space_id "
                "ORDER BY vlan.id"
            )
        }
        rows = tx.all("SELECT * FROM subnet ORDER BY id")
        return cls(vlans, {row["id"]: _subnet(row, vlans[row["vlan_id"]]) for row in rows})


def _vlan(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "vid": row["vid"],
        "mtu": row["mtu"],
        "dhcp_on": bool(row["dhcp_on"]),
        "external_dhcp": None,
        "relay_vlan": None,
        "space": row["space"] or "undefined",
        "fabric_id": row["fabric_id"],
        "fabric": row["fabric"],
        "id": row["id"],
        "name": row["name"],
        "primary_rack": None,
        "secondary_rack": None,
        "resource_uri": f"{ROOT}vlans/{row['id']}/",
    }


def _subnet(row: sqlite3.Row, vlan: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "description": "",
        "vlan": vlan,
        "cidr": row["cidr"],
        "rdns_mode": 2,
        "gateway_ip": row["gateway_ip"],
        "dns_servers": [],
        "allow_dns": True,
        "allow_proxy": True,
        "active_discovery": False,
        "managed": True,
        "disabled_boot_architectures": [],
        "space": vlan["space"],
        "id": row["id"],
        "resource_uri": f"{ROOT}subnets/{row['id']}/",
    }


def spaces(tx: Transaction, networks: Networks) -> list[dict[str, Any]]:
    """Every space with its VLANs and subnets, and `undefined` when a VLAN has none."""
    rows = [dict(row) for row in tx.all("SELECT * FROM space ORDER BY id")]
    if any(vlan["space"] == "undefined" for vlan in networks.vlans.values()):
        rows.append({"name": "undefined", "id": -1})
    return [
        {
            "name": row["name"],
            "id": row["id"],
            "vlans": [v for v in networks.vlans.values() if v["space"] == row["name"]],
            "subnets": [s for s in networks.subnets.values() if s["space"] == row["name"]],
            "resource_uri": f"{ROOT}spaces/{row['id']}/",
        }
        for row in rows
    ]


def fabrics(tx: Transaction, networks: Networks) -> list[dict[str, Any]]:
    """Every fabric with its VLANs."""
    return [
        {
            "class_type": None,
            "name": row["name"],
            "id": row["id"],
            "vlans": [v for v in networks.vlans.values() if v["fabric_id"] == row["id"]],
            "resource_uri": f"{ROOT}fabrics/{row['id']}/",
        }
        for row in tx.all("SELECT * FROM fabric ORDER BY id")
    ]


def interfaces(
    tx: Transaction, system_id: str, machine_id: int, networks: Networks
) -> list[dict[str, Any]]:
    """The NICs of a machine with their links."""
    links: dict[int, list[dict[str, Any]]] = {}
    for row in tx.all(
        "SELECT link.* FROM link JOIN interface ON interface.id = interface_id "
        "WHERE machine_id = ? ORDER BY link.id",
        machine_id,
    ):
        link = {"id": row["id"], "mode": row["mode"]}
        if row["subnet_id"] is not None:
            link["subnet"] = networks.subnets[row["subnet_id"]]
        if row["ip_address"] is not None:
            link["ip_address"] = row["ip_address"]
        links.setdefault(row["interface_id"], []).append(link)
    rows = tx.all("SELECT * FROM interface WHERE machine_id = ? ORDER BY id", machine_id)
    return [_interface(row, system_id, links.get(row["id"], []), networks) for row in rows]


def _interface(
    row: sqlite3.Row, system_id: str, links: list[dict[str, Any]], networks: Networks
) -> dict[str, Any]:
    vlan = None if row["vlan_id"] is None else networks.vlans[row["vlan_id"]]
    return {
        "system_id": system_id,
        "id": row["id"],
        "name": row["name"],
        "type": "physical",
        "vlan": vlan,
        "mac_address": row["mac"],
        "parents": [],
        "children": [],
        "tags": [],
        "enabled": True,
        "links": links,
        "params": "",
        "discovered": None,
        "effective_mtu": 1500,
        "vendor": row["vendor"],
        "product": row["product"],
        "firmware_version": row["firmware_version"],
        "link_connected": bool(row["link_connected"]),
        "interface_speed": row["interface_speed"],
        "link_speed": row["link_speed"],
        "numa_node": 0,
        "sriov_max_vf": 0,
        "resource_uri": f"{ROOT}nodes/{system_id}/interfaces/{row['id']}/",
    }


def block_devices(tx: Transaction, system_id: str, machine_id: int) -> list[dict[str, Any]]:
    """The disks of a machine; the boot disk has MAAS's flat layout."""
    rows = tx.all("SELECT * FROM block_device WHERE machine_id = ? ORDER BY id", machine_id)
    return [_block_device(row, system_id) for row in rows]


def _block_device(row: sqlite3.Row, system_id: str) -> dict[str, Any]:
    uri = f"{ROOT}nodes/{system_id}/blockdevices/{row['id']}/"
    used = row["size"] if row["boot"] else 0
    return {
        "system_id": system_id,
        "id": row["id"],
        "name": row["name"],
        "uuid": None,
        "type": "physical",
        "path": f"/dev/disk/by-dname/{row['name']}",
        "model": row["model"],
        "serial": row["serial"],
        "id_path": row["id_path"],
        "size": row["size"],
        "block_size": row["block_size"],
        "available_size": row["size"] - used,
        "used_size": used,
        "used_for": "GPT partitioned with 1 partition" if row["boot"] else "Unused",
        "tags": json.loads(row["tags"]),
        "filesystem": None,
        "partition_table_type": "GPT" if row["boot"] else None,
        "partitions": [_root_partition(row, system_id, uri)] if row["boot"] else [],
        "firmware_version": row["firmware_version"],
        "storage_pool": None,
        "numa_node": 0,
        "resource_uri": uri,
    }


def _root_partition(row: sqlite3.Row, system_id: str, device: str) -> dict[str, Any]:
    return {
        "uuid": _uuid(row, "partition"),
        "size": row["size"] - 4 * 1024**2,
        "bootable": True,
        "tags": [],
        "system_id": system_id,
        "device_id": row["id"],
        "id": row["id"],
        "type": "partition",
        "path": f"/dev/disk/by-dname/{row['name']}-part1",
        "used_for": "ext4 formatted filesystem mounted at /",
        "filesystem": {
            "fstype": "ext4",
            "label": "root",
            "uuid": _uuid(row, "filesystem"),
            "mount_point": "/",
            "mount_options": None,
        },
        "resource_uri": f"{device}partition/{row['id']}",
    }


def _uuid(row: sqlite3.Row, part: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{row['id']}/{row['serial']}/{part}"))


def machines(tx: Transaction, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    """Machines with all their fields."""
    networks = Networks.read(tx)
    zones = {row["id"]: zone(row) for row in tx.all("SELECT * FROM zone")}
    pools = {row["id"]: pool(row) for row in tx.all("SELECT * FROM pool")}
    return [
        _machine(tx, row, networks, zones[row["zone_id"]], pools[row["pool_id"]]) for row in rows
    ]


def machine(tx: Transaction, system_id: str) -> dict[str, Any]:
    """One machine as it is now."""
    return machines(tx, tx.all("SELECT * FROM machine WHERE system_id = ?", system_id))[0]


def _machine(
    tx: Transaction,
    row: sqlite3.Row,
    networks: Networks,
    zone: dict[str, Any],
    pool: dict[str, Any],
) -> dict[str, Any]:
    system_id = row["system_id"]
    nics = interfaces(tx, system_id, row["id"], networks)
    disks = block_devices(tx, system_id, row["id"])
    boot = tx.value("SELECT id FROM interface WHERE machine_id = ? AND boot", row["id"])
    addresses = [
        link["ip_address"] for nic in nics for link in nic["links"] if "ip_address" in link
    ]
    return {
        **_identity(row),
        **_state(tx, row),
        **_facts(row),
        **_script_results(row),
        "owner_data": (data := _owner_data(tx, row["id"])),
        "workload_annotations": data,
        "tag_names": _tag_names(tx, row["id"]),
        "zone": zone,
        "pool": pool,
        "ip_addresses": addresses,
        "interface_set": nics,
        "boot_interface": next((nic for nic in nics if nic["id"] == boot), None),
        "blockdevice_set": disks,
        "physicalblockdevice_set": disks,
        "virtualblockdevice_set": [],
        "boot_disk": next((disk for disk in disks if disk["partitions"]), None),
        "storage": sum(disk["size"] for disk in disks) / 1000**2,
        "default_gateways": _gateways(networks, nics),
        "constraints_by_type": {},
    }


def _identity(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "system_id": row["system_id"],
        "hostname": row["hostname"],
        "fqdn": f"{row['hostname']}.{DOMAIN}",
        "description": row["description"],
        "hardware_uuid": row["hardware_uuid"],
        "domain": {
            "authoritative": True,
            "ttl": None,
            "resource_record_count": 0,
            "name": DOMAIN,
            "id": 0,
            "is_default": True,
            "resource_uri": f"{ROOT}domains/0/",
        },
        "node_type": 0,
        "node_type_name": "Machine",
        "address_ttl": None,
        "disable_ipv4": False,
        "parent": None,
        "pod": None,
        "virtualmachine_id": None,
        "is_dpu": False,
        "resource_uri": f"{ROOT}machines/{row['system_id']}/",
    }


def _state(tx: Transaction, row: sqlite3.Row) -> dict[str, Any]:
    event = tx.one(
        "SELECT * FROM event WHERE machine_id = ? AND level >= 20 ORDER BY id DESC LIMIT 1",
        row["id"],
    )
    message = None
    if event is not None:
        message = " - ".join(filter(None, (event["type"], event["description"])))
    return {
        "status": row["status"],
        "status_name": Status(row["status"]).label,
        "status_message": message,
        "status_action": None if event is None else event["action"],
        "owner": row["owner"],
        "locked": bool(row["locked"]),
        "power_state": row["power_state"],
        "power_type": row["power_type"],
        "osystem": row["osystem"],
        "distro_series": row["distro_series"],
        "hwe_kernel": row["hwe_kernel"],
        "min_hwe_kernel": row["min_hwe_kernel"],
        "ephemeral_deploy": False,
        "error_description": row["error_description"],
        "netboot": bool(row["netboot"]),
        "enable_hw_sync": bool(row["enable_hw_sync"]),
        "enable_kernel_crash_dump": False,
        "last_sync": None,
        "next_sync": None,
        "sync_interval": None,
    }


def _facts(row: sqlite3.Row) -> dict[str, Any]:
    known = json.loads(row["hardware_info"])
    return {
        "architecture": row["architecture"],
        "bios_boot_method": "uefi",
        "cpu_count": row["cpu_count"],
        "cpu_speed": row["cpu_speed"],
        "memory": row["memory"],
        "swap_size": row["swap_size"],
        "hardware_info": {key: known.get(key, "Unknown") for key in _HARDWARE_KEYS},
        "numanode_set": json.loads(row["numa"]),
        "volume_groups": [],
        "raids": [],
        "cache_sets": [],
        "bcaches": [],
        "special_filesystems": [],
    }


def _script_results(row: sqlite3.Row) -> dict[str, Any]:
    commissioning, testing = row["commissioning_status"], row["testing_status"]
    shown: dict[str, Any] = {
        "current_commissioning_result_id": row["id"] * 3 if commissioning >= 0 else None,
        "current_testing_result_id": row["id"] * 3 + 1 if testing >= 0 else None,
        "current_installation_result_id": row["id"] * 3 + 2 if row["osystem"] else None,
        "commissioning_status": commissioning,
        "commissioning_status_name": _SCRIPT_STATUS[commissioning],
        "testing_status": testing,
        "testing_status_name": _SCRIPT_STATUS[testing],
    }
    for kind in _TESTS:
        status = testing if kind == "storage" else -1
        shown[f"{kind}_test_status"] = status
        shown[f"{kind}_test_status_name"] = _SCRIPT_STATUS[status]
    return shown


def _owner_data(tx: Transaction, machine_id: int) -> dict[str, str]:
    rows = tx.all("SELECT key, value FROM owner_data WHERE machine_id = ?", machine_id)
    return {row["key"]: row["value"] for row in rows}


def _tag_names(tx: Transaction, machine_id: int) -> list[str]:
    rows = tx.all(
        "SELECT name FROM tag JOIN machine_tag ON tag.id = tag_id WHERE machine_id = ? "
        "ORDER BY name",
        machine_id,
    )
    return [row["name"] for row in rows]


def _gateways(networks: Networks, nics: list[dict[str, Any]]) -> dict[str, Any]:
    subnets = [link["subnet"] for nic in nics for link in nic["links"] if "subnet" in link]
    gateway = next((subnet["gateway_ip"] for subnet in subnets if subnet["gateway_ip"]), None)
    return {
        "ipv4": {"gateway_ip": gateway, "link_id": None},
        "ipv6": {"gateway_ip": None, "link_id": None},
    }
