"""Ready `ops.testing` relations of the `baremetal_nodes` interface, for the tests of charms."""

from __future__ import annotations

from collections.abc import Iterable

from charms.maas_bmc.v0.baremetal_nodes import (
    DEFAULT_ENDPOINT,
    DesiredMachine,
    Disk,
    Nic,
    ObservedMachine,
    Sync,
    desires_databag,
    observation_databag,
)
from ops import testing

LIBID = "f46bb4620a4e4349bf6e8934bdd3a41e"
LIBAPI = 0
LIBPATCH = 1

GIB = 1024


def machine(system_id: str, **changes: object) -> ObservedMachine:
    """A machine that is Ready and fit for any role, with `changes` to its fields."""
    fields: dict[str, object] = {
        "system_id": system_id,
        "hostname": f"node-{system_id}",
        "status": "Ready",
        "power": "off",
        "zone": "az1",
        "pool": "default",
        "architecture": "amd64/generic",
        "cores": 32,
        "memory_mib": 128 * GIB,
        "disks": (
            Disk(name="nvme0n1", by_id="nvme-root", size_gib=960, kind="nvme", boot=True),
            Disk(name="sda", by_id="scsi-data-1", size_gib=3600, kind="hdd"),
            Disk(name="sdb", by_id="scsi-data-2", size_gib=3600, kind="hdd"),
        ),
        "nics": (
            Nic(name="eth0", mac="52:54:00:00:00:01", speed_mbps=25000, spaces=("metal",)),
            Nic(name="eth1", mac="52:54:00:00:00:02", speed_mbps=25000),
        ),
        "bmc": {"kind": "redfish", "reachable": True, "health": "ok", "power": "off"},
    }
    return ObservedMachine.model_validate({**fields, **changes})


def provider_relation(
    machines: Iterable[ObservedMachine] = (),
    *,
    sync: Sync | None = None,
    desired: Iterable[DesiredMachine] = (),
    endpoint: str = DEFAULT_ENDPOINT,
) -> testing.Relation:
    """As the requirer sees it: maas-bmc published `machines`; `desired` was asked before."""
    return testing.Relation(
        endpoint,
        interface="baremetal_nodes",
        remote_app_name="maas-bmc",
        remote_app_data=observation_databag(
            machines, sync or Sync(complete=True, zones=("az1", "az2", "az3"))
        ),
        local_app_data=desires_databag(desired),
    )


def requirer_relation(
    desired: Iterable[DesiredMachine] = (), *, endpoint: str = DEFAULT_ENDPOINT
) -> testing.Relation:
    """As the provider sees it: baremetal-inventory asked for `desired`."""
    return testing.Relation(
        endpoint,
        interface="baremetal_nodes",
        remote_app_name="baremetal-inventory",
        remote_app_data=desires_databag(desired),
    )
