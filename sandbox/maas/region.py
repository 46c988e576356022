"""The region: its store, and the power actions and power queries that follow what it decides."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from sandbox.authority import Authority
from sandbox.bmc import credentials, hardware
from sandbox.home import Home
from sandbox.maas import enlist, lifecycle
from sandbox.maas import event_types as types
from sandbox.maas.lifecycle import Machine, Note, PowerCall, Step
from sandbox.maas.power.driver import Action, PowerConnectionError, PowerDriver, PowerError
from sandbox.maas.power.ipmi import IpmiDriver
from sandbox.maas.power.manual import ManualDriver
from sandbox.maas.power.redfish import RedfishDriver
from sandbox.maas.refusals import BmcUnreachable, NotFound, PowerFailed
from sandbox.maas.statuses import Status
from sandbox.maas.store import Store, machine, machine_row, take, write_event

_log = logging.getLogger(__name__)

_RETRY_WAITS = (1.0, 2.0, 2.0, 4.0, 6.0, 8.0)
"""Seconds before each further attempt at a power action (MAAS: DEFAULT_WAITING_POLICY)."""
_PATIENCE = 20.0
"""Seconds after which nothing is attempted: to find an IPMI BMC dead takes six each time."""
_NODE_TIMEOUTS = {
    Status.COMMISSIONING: 1200.0,
    Status.TESTING: 1200.0,
    Status.DEPLOYING: 2400.0,
    Status.RELEASING: 300.0,
}
"""Seconds until work in progress counts as failed (node_timeout and its multiples)."""
_POLL_SECONDS = 60.0
"""Between two looks at every machine's power."""
_SOON_OFF = (Status.READY, Status.RELEASING, Status.FAILED_TESTING)
"""A machine in one of these that is on is about to switch itself off."""
_SETTLE_WAITS = (0.2, 0.3, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)

Decision = Callable[[Machine], Step]


class Region:
    """Everything that the API handlers share."""

    def __init__(self, home: Home, store: Store, drivers: Mapping[str, PowerDriver]) -> None:
        self.home = home
        self.store = store
        self._drivers = drivers
        self._locks: dict[int, asyncio.Lock] = {}
        self._attempts: dict[int, asyncio.Task[PowerError | None]] = {}
        """The power actions under way, by the row ids of their machines."""
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def open(cls, home: Home) -> Region:
        """The region of this sandbox, prepared at its first start."""
        nodes = hardware.load(home)
        authority = Authority(home.folder("ca"))
        trusted = ssl.create_default_context(cafile=str(authority.certificate))
        store = Store(home.folder("maas") / "region.db")
        enlist.prepare(home, store, nodes, credentials.load(home, nodes))
        drivers = {
            "redfish": RedfishDriver(trusted),
            "ipmi": IpmiDriver(),
            "manual": ManualDriver(),
        }
        return cls(home, store, drivers)

    async def start(self) -> None:
        """Take up the power actions that a former process left, and watch the machines."""
        with self.store.transaction() as tx:
            pending = [row["machine_id"] for row in tx.all("SELECT machine_id FROM power_call")]
            ending = tx.all(
                "SELECT system_id FROM machine WHERE power_state = 'on' AND status IN (?, ?, ?)",
                *(int(status) for status in _SOON_OFF),
            )
        for machine_id in pending:
            self._spawn(self._settle_quietly(machine_id))
        for row in ending:
            self.expect_off(row["system_id"])
        self._spawn(self._watch())

    async def stop(self) -> None:
        """End what runs; power actions that are not over stay in the store."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.store.close()

    def decide(self, system_id: str, user: str | None, *decisions: Decision) -> tuple[int, bool]:
        """Let lifecycle functions decide about a machine and write their steps, all or none.

        Returns the machine's row id and whether a power action is to follow.
        """
        follows = False
        with self.store.transaction() as tx:
            for decision in decisions:
                row = machine_row(tx, system_id)
                step = decision(machine(tx, row))
                take(tx, row, step, user)
                follows = follows or step.power is not None
                if step.status is not None:
                    timeout = _NODE_TIMEOUTS.get(step.status)
                    expires = None if timeout is None else time.time() + timeout
                    tx.update("machine", row["id"], expires=expires)
            machine_id = machine_row(tx, system_id)["id"]
        if follows and (outdated := self._attempts.get(machine_id)) is not None:
            outdated.cancel()  # as MAAS stops a deployment that is aborted
        return machine_id, follows

    async def perform(self, system_id: str, user: str | None, decision: Decision) -> None:
        """Decide, and see the power action through; PowerFailed when the BMC does not obey."""
        machine_id, follows = self.decide(system_id, user, decision)
        if follows:
            await asyncio.shield(self._spawn(self.settle(machine_id)))

    def perform_later(self, system_id: str, user: str | None, *decisions: Decision) -> None:
        """Decide; the power action follows on its own, its failure shows in the machine."""
        machine_id, follows = self.decide(system_id, user, *decisions)
        if follows:
            self._spawn(self._settle_quietly(machine_id))

    async def settle(self, machine_id: int) -> None:
        """Do the machine's pending power actions, one after another."""
        async with self._locks.setdefault(machine_id, asyncio.Lock()):
            while await self._settle_one(machine_id):
                pass

    async def query(self, system_id: str) -> str:
        """Ask the BMC for the power state, and keep it."""
        with self.store.transaction() as tx:
            row = machine_row(tx, system_id)
        try:
            state: lifecycle.Power = await self._driver(row).query(_parameters(row))
        except PowerError as error:
            state, note = "error", Note(types.POWER_QUERY_FAILED, str(error))
        else:
            note = None
        with self.store.transaction() as tx:
            row = machine_row(tx, system_id)
            if row["power_state"] != state or row["status"] == Status.RELEASING:
                take(tx, row, lifecycle.powered(machine(tx, row), state))
                if note is not None:
                    write_event(tx, row["id"], note)
        return state

    def expect_off(self, system_id: str) -> None:
        """The machine is about to switch itself off: look until it has."""
        self._spawn(self._look_until_off(system_id))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _driver(self, row: Any) -> PowerDriver:
        driver = self._drivers.get(row["power_type"])
        if driver is None:
            raise PowerError(f"No driver found for power type '{row['power_type']}'")
        return driver

    async def _settle_quietly(self, machine_id: int) -> None:
        try:
            await self.settle(machine_id)
        except PowerFailed as error:
            _log.warning("power action failed: %s", error.text)
        except Exception:
            _log.exception("power action failed")

    async def _settle_one(self, machine_id: int) -> bool:
        with self.store.transaction() as tx:
            call = tx.one("SELECT * FROM power_call WHERE machine_id = ?", machine_id)
            row = tx.one("SELECT * FROM machine WHERE id = ?", machine_id)
        if call is None or row is None:
            return False
        attempt = asyncio.create_task(self._try(row, call["action"]))
        self._attempts[machine_id] = attempt
        try:
            await asyncio.wait({attempt})
        finally:
            attempt.cancel()
            del self._attempts[machine_id]
        if attempt.cancelled():
            return True  # for what was decided instead
        error = attempt.result()
        with self.store.transaction() as tx:
            row = tx.one("SELECT * FROM machine WHERE id = ?", machine_id)
            # Another action may have been decided meanwhile: then this one's failure is no news.
            current = tx.execute("DELETE FROM power_call WHERE id = ?", call["id"])
            if row is None:
                return False
            if error is None:
                state = "off" if call["action"] == "off" else "on"
                take(tx, row, lifecycle.powered(machine(tx, row), state))
                if state == "on" and row["status"] in _SOON_OFF:
                    # It was done before its BMC answered that it is on.
                    self.expect_off(row["system_id"])
            elif current:
                revert = None if call["revert"] is None else Status(call["revert"])
                failed = PowerCall(call["action"], revert)
                user = call["username"]
                take(tx, row, lifecycle.power_failed(machine(tx, row), failed, user, str(error)))
        if error is not None and current:
            if isinstance(error, PowerConnectionError):
                raise BmcUnreachable(row["hostname"])
            raise PowerFailed(str(error))
        return True

    async def _try(self, row: Any, action: Action) -> PowerError | None:
        """Why the last attempt failed; None when one did not. SANDBOX_NODE_SPEED divides waits."""
        failure: PowerError | None = None
        speed, began = hardware.speed(), time.monotonic()
        for wait in (0.0, *_RETRY_WAITS):
            if (time.monotonic() - began) * speed > _PATIENCE:
                break
            await asyncio.sleep(wait / speed)
            try:
                await self._driver(row).power(action, _parameters(row))
            except PowerError as error:
                failure = error
                if error.fatal:
                    break
            else:
                return None
        return failure

    async def _look_until_off(self, system_id: str) -> None:
        for wait in _SETTLE_WAITS:
            await asyncio.sleep(wait)
            try:
                if await self.query(system_id) == "off":
                    return
            except NotFound:
                return

    async def _watch(self) -> None:
        while True:
            with self.store.transaction() as tx:
                known = tx.all("SELECT system_id, status, expires FROM machine ORDER BY id")
            for row in known:
                await asyncio.sleep(_POLL_SECONDS / max(len(known), 1))
                try:
                    await self._look(row["system_id"])
                except NotFound:
                    _log.info("machine %s was deleted while it was looked at", row["system_id"])
                except Exception:
                    # One machine with impossible power parameters must not blind us to the rest.
                    _log.exception("cannot look at machine %s", row["system_id"])

    async def _look(self, system_id: str) -> None:
        with self.store.transaction() as tx:
            row = tx.one("SELECT * FROM machine WHERE system_id = ?", system_id)
            if row is None:
                return
            if row["expires"] is not None and row["expires"] < time.time():
                status = Status(row["status"])
                minutes = _NODE_TIMEOUTS.get(status, 0) / 60
                text = f"Node operation '{status.label}' timed out after {minutes:.0f} minutes."
                take(tx, row, lifecycle.mark_failed(machine(tx, row), text))
                tx.update("machine", row["id"], expires=None)
            busy = tx.one("SELECT 1 FROM power_call WHERE machine_id = ?", row["id"])
        if busy is None:
            await self.query(system_id)


def _parameters(row: Any) -> dict[str, str]:
    return json.loads(row["power_parameters"])
