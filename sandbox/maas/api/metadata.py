"""The metadata service, and what the rack tells a machine that boots from the network.

A real machine gets its boot file over DHCP and TFTP from a rack controller, which asks the region
what it is for; `rack/boot-config/` stands in for that exchange.
"""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import yaml

from sandbox.maas import event_types as types
from sandbox.maas import facts, lifecycle, oauth
from sandbox.maas.call import Answer, Call, Resource
from sandbox.maas.lifecycle import Note, Signal
from sandbox.maas.refusals import BadRequest, NotFound
from sandbox.maas.statuses import Status
from sandbox.maas.store import Transaction, machine_row, write_event

_SIGNALS = (
    "OK",
    "FAILED",
    "WORKING",
    "TESTING",
    "COMMISSIONING",
    "INSTALLING",
    "APPLYING_NETCONF",
    "TIMEDOUT",
)
_OK = Answer("OK")


async def boot_config(call: Call) -> Any:
    """What the machine with this MAC address is to boot; `_purpose` has the words."""
    mac = call.query.get("mac", "")
    with call.region.store.transaction() as tx:
        row = tx.one(
            "SELECT machine.* FROM machine JOIN interface ON machine_id = machine.id "
            "WHERE mac = ?",
            mac.lower(),
        )
        if row is None:
            return {"purpose": "enlist"}
        write_event(tx, row["id"], Note(types.PXE_BOOT))
    preseed = f"/MAAS/metadata/latest/by-id/{row['system_id']}/?op=get_preseed"
    return {"purpose": _purpose(Status(row["status"]), bool(row["netboot"])), "preseed": preseed}


def _purpose(status: Status, netboot: bool) -> str:
    """MAAS 3.7's Node.get_boot_purpose: a machine with nothing to boot for switches itself off.

    But for New and Releasing, which MAAS boots for commissioning: here they boot their disk, since
    their power goes by what MAAS asks of the BMC.
    """
    if status in (Status.COMMISSIONING, Status.TESTING):
        return "commissioning"
    if status is Status.DEPLOYING and netboot:
        return "xinstall"
    if status in (Status.DEPLOYING, Status.DEPLOYED, Status.NEW, Status.RELEASING):
        return "local"
    return "poweroff"


async def get_preseed(call: Call) -> Any:
    """op=get_preseed: cloud-init's configuration, with the machine's own key."""
    system_id = call.path["system_id"]
    with call.region.store.transaction() as tx:
        row = machine_row(tx, system_id)
        consumer, key, secret = _key(tx, system_id)
        write_event(tx, row["id"], Note(types.LOADING_EPHEMERAL))
    datasource = {
        "consumer_key": consumer,
        "token_key": key,
        "token_secret": secret,
        "metadata_url": "/MAAS/metadata/",
    }
    text = yaml.safe_dump({"datasource": {"MAAS": datasource}}, sort_keys=False)
    return Answer(f"#cloud-config\n{text}")


def _key(tx: Transaction, system_id: str) -> tuple[str, str, str]:
    known = tx.one("SELECT * FROM token WHERE machine = ?", system_id)
    if known is not None:
        return known["consumer"], known["key"], known["secret"]
    consumer, key, secret = oauth.new_key(tx, machine=system_id).split(":")
    return consumer, key, secret


async def signal(call: Call) -> Any:
    """op=signal: the machine says how it gets on, and hands in what it has found."""
    status = call.mandatory("status")
    if status not in _SIGNALS:
        raise BadRequest(f"Unknown status: '{status}'")
    report = call.files.get(facts.REPORT)
    error = call.form.get("error", "")
    region = call.region
    if report is not None:
        with region.store.transaction() as tx:
            row = machine_row(tx, call.machine)
            try:
                found = facts.parse(json.loads(report))
            except (KeyError, TypeError, ValueError):
                status, error = "FAILED", f"{facts.REPORT} is not a report of LXD's resources"
            else:
                facts.record(tx, row["id"], found)
            write_event(tx, row["id"], Note(types.GATHERING_INFORMATION))
    region.decide(
        call.machine,
        None,
        lambda known: lifecycle.signalled(known, cast("Signal", status), error),
    )
    _note_progress(call, status)
    return _OK


def _note_progress(call: Call, status: str) -> None:
    with call.region.store.transaction() as tx:
        row = machine_row(tx, call.machine)
        if status == "WORKING" and row["status"] == Status.TESTING:
            disk = tx.value("SELECT name FROM block_device WHERE machine_id = ?", row["id"])
            write_event(tx, row["id"], Note(types.RUNNING_TEST, f"smartctl-validate on {disk}"))
        if status == "WORKING" and row["status"] == Status.DEPLOYING:
            write_event(tx, row["id"], Note(types.INSTALLING_OS))
    if status in ("OK", "FAILED") and row["status"] != Status.DEPLOYING:
        call.region.expect_off(call.machine)


async def netboot_off(call: Call) -> Any:
    """op=netboot_off: the system is on the disk, boot from there from now on."""
    with call.region.store.transaction() as tx:
        row = machine_row(tx, call.machine)
        tx.update("machine", row["id"], netboot=0)
        write_event(tx, row["id"], Note(types.INSTALLATION_FINISHED, "Node disabled netboot"))
        write_event(tx, row["id"], Note(types.REBOOTING))
    return _OK


async def user_data(call: Call) -> Any:
    """GET user-data: what cloud-init is to do; asking for it shows that the system has booted."""
    with call.region.store.transaction() as tx:
        row = machine_row(tx, call.machine)
    if row["status"] == Status.DEPLOYING and not row["netboot"]:
        call.region.decide(call.machine, None, lifecycle.booted)
    if row["user_data"] is None:
        raise NotFound("NodeUserData")
    return Answer(base64.b64decode(row["user_data"]), content_type="application/octet-stream")


async def meta_data(call: Call) -> Any:
    """GET meta-data/{item}: who the machine is."""
    with call.region.store.transaction() as tx:
        row = machine_row(tx, call.machine)
    known = {"local-hostname": f"{row['hostname']}.maas", "instance-id": row["system_id"]}
    item = call.path["item"]
    if not item:
        return Answer("\n".join(known))
    if item not in known:
        raise NotFound("metadata item")
    return Answer(known[item])


METADATA = (
    Resource("rack/boot-config/", {}, anonymous={("GET", None): boot_config}),
    Resource(
        "metadata/latest/by-id/{system_id}/",
        {("GET", "get_preseed"): get_preseed},
        anonymous={("GET", "get_preseed"): get_preseed},
    ),
    Resource(
        "metadata/2012-03-01/",
        {("POST", "signal"): signal, ("POST", "netboot_off"): netboot_off},
        for_machines=True,
    ),
    Resource("metadata/2012-03-01/user-data", {("GET", None): user_data}, for_machines=True),
    Resource(
        "metadata/2012-03-01/meta-data/{item:.*}", {("GET", None): meta_data}, for_machines=True
    ),
)
