"""The machines of one model: started, watched until they run, and released.

The rules and messages are those of Juju's internal/worker/provisioner and instancepoller.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sandbox.home import Home
from sandbox.juju import containers, machine_storage, owner_data, zone_spread
from sandbox.juju.providers.connect import connect, credential_of
from sandbox.juju.providers.provider import (
    AccessDenied,
    Instance,
    NoMatch,
    Provider,
    ProviderError,
    Refused,
    StartRequest,
)
from sandbox.juju.start_strategy import Attempt, allowed_zones, names_a_node
from sandbox.juju.state import (
    applications,
    clouds,
    log,
    machines,
    models,
    removal,
    spaces,
    statuses,
    storage,
    units,
)
from sandbox.juju.state.store import Store, Transaction
from sandbox.juju.state.values import Cloud, Credential, Machine, Model

_LOGGER = logging.getLogger(__name__)
_MODULE = "juju.worker.provisioner"
_Result = TypeVar("_Result")


class _NoZone(Refused):
    """No zone is left that the machine may go to."""


class ModelProvisioner:
    """Keeps one model's machines and the cloud's instances in step.

    `turn` looks at the state and begins what is due; each machine has at most one task.
    """

    def __init__(
        self, home: Home, store: Store, model: str, *, retry_delay: float, poll_interval: float
    ) -> None:
        """`retry_delay` and `poll_interval` are in seconds."""
        self._home = home
        self._store = store
        self._model = model
        self._retry_delay = retry_delay
        self._poll_interval = poll_interval
        self._provider: Provider | None = None
        self._access: tuple[Cloud, Credential | None] | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pauses: dict[str, asyncio.Event] = {}
        # To claim an instance and to record it is one step: so zones are counted right, and a
        # claim that nobody recorded can be told from one that is on its way.
        self._claiming = asyncio.Lock()
        # What a cloud may still take back is not recorded: its machines' zones, and what was
        # found of them after a restart.
        self._building: dict[str, str] = {}
        self._found: dict[str, Instance] = {}
        self._reconciled = False

    async def close(self) -> None:
        """End the tasks and the connections; what was begun is found again at the next start."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._provider is not None:
            await self._provider.close()

    def turn(self) -> None:
        """Begin what is due now."""
        with self._store.transaction() as tx:
            if not self._ready(tx, models.get(tx, self._model)):
                return
            for machine in machines.unsettled(tx, self._model):
                if machine.container:
                    containers.look_at(tx, self._home, machine)
                else:
                    self._look_at(tx, machine)
            if machines.deploying(tx, self._model):
                self._begin("poll", self._poll)
            has_disks = bool(self._access and self._access[0].type == "maas")
            machine_storage.attach(tx, self._home, self._model, disks=has_disks)

    def _begin(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        running = self._tasks.get(name)
        if running is None or running.done():
            task = asyncio.create_task(work(), name=f"{self._model[:8]} {name}")
            task.add_done_callback(_report)
            self._tasks[name] = task

    # The cloud and its credential.

    def _ready(self, tx: Transaction, model: Model) -> bool:
        """Whether the model's cloud may be asked; connects anew when its access has changed."""
        access = (clouds.get(tx, model.cloud), credential_of(tx, model))
        if access == self._access:
            return self._provider is not None
        self._access = access
        self._replace(None)
        if access[1] is not None and access[1].invalid:
            return False
        try:
            self._replace(connect(self._home, self._store, model, *access))
        except ProviderError as error:
            self._suspend(tx, str(error))
            return False
        if statuses.get_status(tx, model.uuid, "model", "").status == "suspended":
            statuses.set_status(tx, model.uuid, "model", "", "available")
        self._begin("spaces", self._discover_spaces)
        return True

    def _replace(self, provider: Provider | None) -> None:
        old, self._provider = self._provider, provider
        self._reconciled = False
        if old is not None:
            self._begin(f"close {id(old)}", old.close)

    def _deny(self, provider: Provider, reason: str) -> None:
        """The cloud refused the credential: nothing more is asked of it until that changes.

        A refusal of a credential that was replaced meanwhile says nothing of the new one.
        """
        if provider is not self._provider:
            return
        with self._store.transaction() as tx:
            credential = credential_of(tx, models.get(tx, self._model))
            if credential is not None:
                clouds.invalidate_credential(tx, credential, reason)
            self._suspend(tx, reason)

    def _suspend(self, tx: Transaction, reason: str) -> None:
        message = "suspended since cloud credential is not valid"
        statuses.set_status(tx, self._model, "model", "", "suspended", message, {"reason": reason})
        self._log(tx, "ERROR", reason)

    async def _discover_spaces(self) -> None:
        """Take over the cloud's spaces, as soon as it answers."""
        while (provider := self._provider) is not None:
            try:
                found = await provider.spaces()
            except AccessDenied as error:
                self._deny(provider, str(error))
            except ProviderError as error:
                with self._store.transaction() as tx:
                    self._log(tx, "WARNING", f"cannot read the spaces: {error}")
            else:
                with self._store.transaction() as tx:
                    spaces.reload(tx, self._model, found)
                return
            await asyncio.sleep(self._retry_delay)

    # Starting.

    def _look_at(self, tx: Transaction, machine: Machine) -> None:
        if machine.life == "dead":
            if (pause := self._pauses.get(machine.id)) is not None:
                pause.set()
            self._begin(machine.id, lambda: self._stop(machine.id))
        elif machine.life == "alive" and not machine.instance_id:
            status = statuses.get_status(tx, self._model, "instance", machine.id).status
            if machine.retry_provisioning:
                where = {"model": self._model, "id": machine.id}
                tx.update("machines", where, retry_provisioning=0)
                statuses.set_status(tx, self._model, "machine", machine.id, "pending")
            if machine.retry_provisioning or status != "provisioning error":
                self._begin(machine.id, lambda: self._start(machine.id))

    async def _start(self, machine: str) -> None:
        """Start one machine: every zone in turn, ten retries."""
        self._tell(machine, "provisioning", "starting")
        attempt: Attempt | None = Attempt()
        while attempt is not None and (request := self._request(machine)) is not None:
            if (provider := self._provider) is None:
                return  # begun anew when the model may ask its cloud again
            try:
                attempt = await self._try(provider, request, attempt)
            except AccessDenied as error:
                self._warn(machine, f"failed to start machine {machine} ({error})")
                self._deny(provider, str(error))
                return
            except ProviderError as error:
                # Juju's worker would not even run, so this uses up no attempt.
                again = f"retrying in {self._retry_delay:g}s"
                self._warn(machine, f"failed to start machine {machine} ({error}), {again}")
            if attempt is not None:
                await self._pause(machine)

    async def _try(
        self, provider: Provider, request: StartRequest, attempt: Attempt
    ) -> Attempt | None:
        """Try once; the attempt that is to follow, or None when it is done or given up."""
        zone, zones = "", list[str]()
        try:
            async with self._claiming:
                await self._reconcile(provider)
                if self._request(request.machine) is None:
                    return None  # its instance was found, or it was destroyed meanwhile
                zones = [] if names_a_node(request) else await provider.zones()
                zone = self._zone(request, zones, attempt)
                building = await self._claim(provider, request, zone)
            if building is not None:
                await self._settle(provider, request, building)
            return None
        except _NoZone as error:
            self._tell(request.machine, "provisioning error", str(error))
            return None
        except (NoMatch, Refused) as error:
            following, told = attempt.after(
                error, request, zone=zone, zones=zones, delay=self._retry_delay
            )
            if following is None:
                self._tell(request.machine, "provisioning error", told)
            else:
                self._warn(request.machine, told)
            return following

    async def _pause(self, machine: str) -> None:
        """Wait until the next attempt is due, or the machine is destroyed."""
        pause = self._pauses[machine] = asyncio.Event()
        timer = asyncio.get_running_loop().call_later(self._retry_delay, pause.set)
        try:
            await pause.wait()
        finally:
            timer.cancel()
            del self._pauses[machine]

    def _request(self, machine: str) -> StartRequest | None:
        """What the machine needs; None once it needs nothing any more."""
        with self._store.transaction() as tx:
            row = tx.one("SELECT * FROM machines WHERE model = ? AND id = ?", self._model, machine)
            found = Machine.from_row(row) if row else None
            if found is None or found.life != "alive" or found.instance_id:
                return None
            model = models.get(tx, self._model)
            controller = tx.value("SELECT value FROM controller WHERE key = 'uuid'") or ""
            hosted = units.on_machine(tx, self._model, machine)
            served = [applications.get(tx, self._model, u.application) for u in hosted]
            return StartRequest(
                machine=machine,
                base=found.base,
                constraints=found.constraints,
                placement=found.placement,
                spaces=set[str]().union(
                    *(units.bound_spaces(application) for application in served)
                ),
                disks=machine_storage.wanted_disks(tx, found),
                owner_data=owner_data.of_machine(
                    model, controller, machine, (unit.name for unit in hosted)
                ),
            )

    def _zone(self, request: StartRequest, zones: list[str], attempt: Attempt) -> str:
        """The zone to try now; empty where the cloud has none or the machine is named."""
        if not zones:
            return ""
        with self._store.transaction() as tx:
            placed = {**machines.zones(tx, self._model), **self._building}
            kin = machines.kin(tx, self._model, request.machine)
        chosen = zone_spread.choose(
            zones, placed, kin=kin, allowed=allowed_zones(request), failed=attempt.failed
        )
        if chosen is None:
            raise _NoZone(f"suitable availability zone for machine {request.machine} not found")
        return chosen

    async def _claim(
        self, provider: Provider, request: StartRequest, zone: str
    ) -> Instance | None:
        """Start an instance and record it, whatever happens to this task meanwhile.

        One that is still building is returned instead, to be recorded when it is settled.
        """

        async def claim() -> Instance | None:
            try:
                instance = self._found.pop(request.machine, None) or await provider.start(
                    dataclasses.replace(request, zone=zone)
                )
                if instance.state == "building":
                    return instance
                if not self._record(request.machine, instance):
                    await provider.stop(instance.id)
            except (NoMatch, Refused):
                raise
            except BaseException:
                # Something may have been claimed that nobody will record: look before the next.
                self._reconciled = False
                raise
            return None

        building = await _finish(asyncio.ensure_future(claim()))
        if building is not None:
            self._building[request.machine] = building.hardware.get("availability-zone") or zone
        return building

    async def _settle(self, provider: Provider, request: StartRequest, building: Instance) -> None:
        """Record an instance once its cloud will not take it back."""
        try:
            settled = await provider.settled(building, request)
            if not self._record(request.machine, settled):
                await provider.stop(settled.id)
        except (NoMatch, Refused):
            raise
        except BaseException:
            self._reconciled = False
            raise
        finally:
            del self._building[request.machine]

    def _record(self, machine: str, instance: Instance) -> bool:
        """Note the instance of a machine; False if the machine was removed meanwhile."""
        with self._store.transaction() as tx:
            if not self._exists(tx, machine):
                return False
            machines.set_instance(
                tx,
                self._model,
                machine,
                instance_id=instance.id,
                hostname=instance.hostname,
                hardware=instance.hardware,
                addresses=instance.addresses,
            )
            for identity, path in instance.disks.items():
                storage.provision(tx, self._model, identity, path)
            self._log(tx, "INFO", f"started machine {machine} as instance {instance.id}")
            self._follow(tx, machine, instance)
        return True

    async def _reconcile(self, provider: Provider) -> None:
        """Adopt the instances that were started but not recorded, release those only claimed.

        It runs before the first claim of this process and after a call that may or may not
        have been carried out, so nothing is claimed twice or forgotten. Which disks were
        claimed for which storage is known only from the answer: such a machine starts anew.
        """
        if self._reconciled:
            return
        for instance in await provider.claimed():
            machine = self._lost_machine(instance)
            if machine is not None and machine in self._building:
                continue
            if machine is not None and instance.state == "building":
                self._found[machine] = instance
            elif machine is not None and instance.state in ("allocating", "running"):
                self._record(machine, instance)
            elif self._nobodys(instance):
                await provider.stop(instance.id)
        self._reconciled = True

    def _lost_machine(self, instance: Instance) -> str | None:
        """The machine without instance that an instance was started for."""
        request = self._request(owner_data.machine_of(instance.owner_data))
        return None if request is None or request.disks else request.machine

    def _nobodys(self, instance: Instance) -> bool:
        """Whether an instance was claimed for a machine that does not know it.

        One whose machine is gone was kept on purpose (`--keep-instance`).
        """
        with self._store.transaction() as tx:
            recorded = tx.one(
                "SELECT 1 FROM machines WHERE model = ? AND instance_id = ?",
                *(self._model, instance.id),
            )
            machine = owner_data.machine_of(instance.owner_data)
            return recorded is None and (not machine or self._exists(tx, machine))

    # Watching and stopping.

    async def _poll(self) -> None:
        """Follow the instances until they run."""
        while True:
            with self._store.transaction() as tx:
                pending = machines.deploying(tx, self._model)
            if not pending or (provider := self._provider) is None:
                return
            try:
                found = await provider.instances(pending)
            except AccessDenied as error:
                self._deny(provider, str(error))
                return
            except ProviderError as error:
                with self._store.transaction() as tx:
                    self._log(tx, "WARNING", f"cannot poll instances: {error}")
                await asyncio.sleep(self._retry_delay)
                continue
            with self._store.transaction() as tx:
                for instance, machine in machines.deploying(tx, self._model).items():
                    if instance in found:
                        self._follow(tx, machine, found[instance])
            await asyncio.sleep(self._poll_interval)

    def _follow(self, tx: Transaction, machine: str, instance: Instance) -> None:
        if instance.addresses:
            machines.set_addresses(tx, self._model, machine, instance.addresses)
        if instance.state == "running":
            machines.set_started(tx, self._model, machine, instance.message)
            return
        status = "provisioning error" if instance.state == "failed" else "allocating"
        known = statuses.get_status(tx, self._model, "instance", machine)
        if (known.status, known.message) != (status, instance.message):
            statuses.set_status(tx, self._model, "instance", machine, status, instance.message)

    async def _stop(self, machine: str) -> None:
        """Release a dead machine's instance and forget the machine."""
        while (instance := self._doomed(machine)) is not None:
            if (provider := self._provider) is None:
                return
            try:
                async with self._claiming:
                    await self._reconcile(provider)
                if instance:
                    await provider.stop(instance)
            except AccessDenied as error:
                self._deny(provider, str(error))
                return
            except ProviderError as error:
                with self._store.transaction() as tx:
                    self._log(tx, "WARNING", f"cannot stop machine {machine}: {error}")
                self._reconciled = False
                await asyncio.sleep(self._retry_delay)
                continue
            with self._store.transaction() as tx:
                if self._exists(tx, machine):
                    removal.remove_machine(tx, self._model, machine)
            return

    def _doomed(self, machine: str) -> str | None:
        """The instance to release, empty for none; None once the machine is gone."""
        with self._store.transaction() as tx:
            row = tx.one(
                "SELECT instance_id, keep_instance FROM machines"
                " WHERE model = ? AND id = ? AND life = 'dead'",
                *(self._model, machine),
            )
        if row is None:
            return None
        return "" if row["keep_instance"] else row["instance_id"]

    # Telling.

    def _tell(self, machine: str, status: str, message: str) -> None:
        with self._store.transaction() as tx:
            if self._exists(tx, machine):
                statuses.set_status(tx, self._model, "instance", machine, status, message)

    def _exists(self, tx: Transaction, machine: str) -> bool:
        row = tx.one("SELECT 1 FROM machines WHERE model = ? AND id = ?", self._model, machine)
        return row is not None

    def _warn(self, machine: str, message: str) -> None:
        self._tell(machine, "provisioning", message)
        with self._store.transaction() as tx:
            self._log(tx, "WARNING", message)

    def _log(self, tx: Transaction, severity: str, message: str) -> None:
        log.write(tx, self._model, [log.record("controller-0", severity, _MODULE, message)])


def _report(task: asyncio.Task[None]) -> None:
    """Log a task's defect; the next turn begins it again."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOGGER.error("%s failed", task.get_name(), exc_info=error)


async def _finish(work: asyncio.Future[_Result]) -> _Result:
    """Await work to its end even if the waiting task is cancelled."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise
