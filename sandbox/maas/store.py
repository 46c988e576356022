"""The region's SQLite file: transactions, and the machines and events in it."""

from __future__ import annotations

import contextlib
import ipaddress
import pathlib
import secrets
import sqlite3
import time
from collections.abc import Iterator
from typing import Any, cast

from sandbox.database import Rows, connect, plain
from sandbox.maas import event_types as types
from sandbox.maas.lifecycle import Machine, Note, Power, Step
from sandbox.maas.refusals import NotFound
from sandbox.maas.statuses import Status

# MAAS's system ids: six of these, no vowels but the digits of base 32.
_SYSTEM_ID_LETTERS = "34678abcdefghkmnpqrstwxy"


class Transaction(Rows):
    """A transaction of the region."""

    def update(self, table: str, row_id: int, **columns: Any) -> None:
        """Set columns of the row with this id."""
        if columns:
            sets = ", ".join(f"{name} = ?" for name in columns)
            values = [plain(value) for value in columns.values()]
            self._connection.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*values, row_id))


class Store:
    """One SQLite file, used from the region's only thread, so that transactions queue up.

    That is what makes a claim atomic: MAAS takes one lock over all of its database to allocate.
    """

    def __init__(self, path: pathlib.Path) -> None:
        # It holds API keys and BMC passwords; SQLite gives its journal the same mode.
        path.touch(mode=0o600)
        self._connection = connect(str(path), pathlib.Path(__file__).with_name("schema.sql"))
        self._connection.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """Close the file; the store is of no use afterwards."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction: committed at the end, rolled back when the body raises."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield Transaction(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def new_system_id(tx: Transaction) -> str:
    """A system id that no machine has."""
    while True:
        system_id = "".join(secrets.choice(_SYSTEM_ID_LETTERS) for _ in range(6))
        if tx.one("SELECT 1 FROM machine WHERE system_id = ?", system_id) is None:
            return system_id


def machine_row(tx: Transaction, system_id: str) -> sqlite3.Row:
    """The machine's row, or the refusal that MAAS answers for an unknown one."""
    row = tx.one("SELECT * FROM machine WHERE system_id = ?", system_id)
    if row is None:
        raise NotFound("Machine")
    return row


def machine(tx: Transaction, row: sqlite3.Row) -> Machine:
    """What decides about this machine's next step."""
    on_network = tx.one(
        "SELECT 1 FROM link JOIN interface ON interface.id = link.interface_id "
        "WHERE machine_id = ? AND mode <> 'link_up' AND subnet_id IS NOT NULL",
        row["id"],
    )
    disk = tx.one("SELECT 1 FROM block_device WHERE machine_id = ?", row["id"])
    return Machine(
        system_id=row["system_id"],
        hostname=row["hostname"],
        status=Status(row["status"]),
        previous_status=Status(row["previous_status"]),
        owner=row["owner"],
        locked=bool(row["locked"]),
        power_state=cast("Power", row["power_state"]),
        power_type=row["power_type"],
        osystem=row["osystem"],
        commissioned=bool(row["commissioned"]),
        on_network=on_network is not None,
        has_disk=disk is not None,
    )


def take(tx: Transaction, row: sqlite3.Row, step: Step, user: str | None = None) -> None:
    """Write a step: columns, status, events, addresses, and the power action that is to follow."""
    old = Status(row["status"])
    changes = dict(step.columns)
    if step.status is not None and step.status != old:
        changes.update(status=int(step.status), previous_status=int(old))
    tx.update("machine", row["id"], **changes)
    if changes.get("owner", row["owner"]) != row["owner"]:
        # The machine's own key is void with another owner.
        tx.execute("DELETE FROM token WHERE machine = ?", row["system_id"])
    for note in step.notes:
        write_event(tx, row["id"], note, user)
    if "status" in changes:
        _note_change(tx, row["id"], old, Status(changes["status"]), changes.get("owner"))
    if step.claim_address:
        _claim_addresses(tx, row["id"])
    if step.free_address:
        _free_addresses(tx, row["id"])
        tx.execute("DELETE FROM owner_data WHERE machine_id = ?", row["id"])
    if step.power is not None:
        revert = None if step.power.revert is None else int(step.power.revert)
        tx.execute(
            "INSERT OR REPLACE INTO power_call (machine_id, action, revert, username) "
            "VALUES (?, ?, ?, ?)",
            *(row["id"], step.power.action, revert, user),
        )


def write_event(tx: Transaction, machine_id: int, note: Note, user: str | None = None) -> None:
    """Add an event of the machine."""
    tx.insert(
        "event",
        machine_id=machine_id,
        type=note.type.description,
        level=note.type.level,
        description=note.description,
        action=note.action,
        username=user or "unknown",
        created=time.time(),
    )


def _note_change(
    tx: Transaction, machine_id: int, old: Status, new: Status, owner: str | None
) -> None:
    description = f"From '{old.label}' to '{new.label}'"
    if new is Status.ALLOCATED and owner:
        description += f" (to {owner})"
    write_event(tx, machine_id, Note(types.CHANGED_STATUS, description))


def _claim_addresses(tx: Transaction, machine_id: int) -> None:
    links = tx.all(
        "SELECT link.id, interface.mac, subnet.cidr FROM link "
        "JOIN interface ON interface.id = link.interface_id "
        "JOIN subnet ON subnet.id = link.subnet_id "
        "WHERE machine_id = ? AND mode = 'auto' AND ip_address IS NULL",
        machine_id,
    )
    for link in links:
        address = tx.value("SELECT ip FROM reserved_ip WHERE mac = ?", link["mac"])
        if address is None:
            address = _free_address(tx, link["cidr"])
            tx.insert("reserved_ip", mac=link["mac"], ip=address)
        tx.update("link", link["id"], ip_address=address)


def _free_address(tx: Transaction, cidr: str) -> str:
    taken = {row["ip"] for row in tx.all("SELECT ip FROM reserved_ip")}
    for address in ipaddress.IPv4Network(cidr).hosts():
        if str(address) not in taken and int(address) & 0xFF not in (0, 1, 255):
            return str(address)
    raise RuntimeError(f"no address is left in {cidr}")


def _free_addresses(tx: Transaction, machine_id: int) -> None:
    tx.execute(
        "UPDATE link SET ip_address = NULL WHERE mode = 'auto' AND interface_id IN "
        "(SELECT id FROM interface WHERE machine_id = ?)",
        machine_id,
    )
