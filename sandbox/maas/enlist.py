"""The region's first day: its admin, its networks and zones, and every node enlisted as New."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.bmc.credentials import Credential
from sandbox.bmc.hardware import Hardware, Node
from sandbox.home import Home
from sandbox.maas import event_types as types
from sandbox.maas import oauth
from sandbox.maas.lifecycle import Note
from sandbox.maas.statuses import Status
from sandbox.maas.store import Store, Transaction, new_system_id, write_event

ADMIN = "admin"
ARCHITECTURE = "amd64/generic"


def key_path(home: Home) -> pathlib.Path:
    """Where the admin's API key is kept, mode 0600, one line."""
    return home.folder("maas") / "admin-key"


def prepare(
    home: Home, store: Store, hardware: Hardware, credentials: Mapping[str, Credential]
) -> None:
    """Fill an empty region; does nothing to one that has been filled."""
    with store.transaction() as tx:
        if tx.value("SELECT value FROM setting WHERE name = 'prepared'") is None:
            _add_places(home, tx, hardware)
            for node in hardware.nodes:
                _enlist(home, tx, node, credentials[node.name])
            tx.insert("user", username=ADMIN, email="admin@sandbox.test", is_superuser=1)
            tx.insert("setting", name="key", value=oauth.new_key(tx, username=ADMIN))
            tx.insert("setting", name="prepared", value="yes")
        key = tx.value("SELECT value FROM setting WHERE name = 'key'")
    path = key_path(home)
    path.touch(mode=0o600)
    path.chmod(0o600)
    scratch = path.with_suffix(f".{os.getpid()}")
    scratch.touch(mode=0o600)
    scratch.write_text(key + "\n", encoding="ascii")
    scratch.replace(path)


def _add_places(home: Home, tx: Transaction, hardware: Hardware) -> None:
    tx.insert("zone", id=1, name="default", description="")
    tx.insert("pool", id=0, name="default", description="Default pool")
    for zone in hardware.zones:
        tx.insert("zone", name=zone.name, description=zone.description)
    for pool in hardware.pools:
        tx.insert("pool", name=pool.name, description=pool.description)
    tx.insert("tag", name="virtual")
    for number, network in enumerate(hardware.networks):
        cidr = str(home.network) if network.cidr == "home" else str(network.cidr)
        space = tx.insert("space", name=network.space, description="")
        fabric = tx.insert("fabric", name=network.fabric)
        vlan = tx.insert(
            "vlan",
            id=5001 + number,
            vid=0,
            name="untagged",
            mtu=1500,
            dhcp_on=int(network.cidr == "home"),
            fabric_id=fabric,
            space_id=space,
        )
        gateway = None if network.gateway is None else str(network.gateway)
        tx.insert("subnet", name=cidr, cidr=cidr, gateway_ip=gateway, vlan_id=vlan)


def _enlist(home: Home, tx: Transaction, node: Node, credential: Credential) -> None:
    boot = next((nic for nic in node.nics if nic.space is not None), node.nics[0])
    tx.insert("reserved_ip", mac=boot.mac, ip=home.node_address(node.number))
    add_machine(
        tx,
        hostname=node.name,
        macs=[boot.mac],
        architecture=ARCHITECTURE,
        power_type=node.bmc.type,
        power_parameters=power_parameters(node, home.bmc_address(node.number), credential),
        zone=node.zone,
    )


def power_parameters(node: Node, address: str, credential: Credential) -> dict[str, Any]:
    """What MAAS keeps to work this node's BMC."""
    shared = {
        "power_address": address,
        "power_user": credential.user,
        "power_pass": credential.password,
    }
    if node.bmc.type == "redfish":
        return {**shared, "node_id": node.uuid}
    return {
        **shared,
        "power_driver": "LAN_2_0",
        "power_boot_type": "auto",
        "k_g": "",
        "cipher_suite_id": "3",
        "privilege_level": "OPERATOR",
        "workaround_flags": ["opensesspriv"],
        "mac_address": "",
    }


def add_machine(
    tx: Transaction,
    *,
    hostname: str,
    macs: Sequence[str],
    architecture: str,
    power_type: str,
    power_parameters: Mapping[str, Any],
    zone: str = "default",
) -> str:
    """Add a New machine, its first NIC on the network that it was enlisted over."""
    system_id = new_system_id(tx)
    machine_id = tx.insert(
        "machine",
        system_id=system_id,
        hostname=hostname,
        status=int(Status.NEW),
        previous_status=int(Status.NEW),
        zone_id=tx.value("SELECT id FROM zone WHERE name = ?", zone),
        pool_id=0,
        architecture=architecture,
        power_type=power_type,
        power_parameters=dict(power_parameters),
    )
    subnet = tx.one("SELECT subnet.* FROM subnet JOIN vlan ON vlan.id = vlan_id WHERE dhcp_on")
    for number, mac in enumerate(macs):
        interface = tx.insert(
            "interface",
            machine_id=machine_id,
            name=f"eth{number}",
            mac=mac,
            vlan_id=None if subnet is None else subnet["vlan_id"],
            boot=int(number == 0),
        )
        if number == 0 and subnet is not None:
            tx.insert("link", interface_id=interface, mode="auto", subnet_id=subnet["id"])
    write_event(tx, machine_id, Note(types.NEW))
    return system_id
