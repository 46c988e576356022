"""Carrying out what a plan asks for now, through the adapters; each request may be repeated."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import draining
import observing
import observing_units
import steps
from charms.openstack_coordinator.v0 import juju_session
from charms.openstack_coordinator.v0.rolling import Request
from charms.openstack_coordinator.v0.rolling_plan import Operation
from snapshot import Snapshot

if TYPE_CHECKING:
    import juju_api
    import openstack_api

logger = logging.getLogger(__name__)

COMMAND_TIMEOUT = 1800.0
"""Seconds after which Juju ends a command that a plan asked for."""

_LETS_GO_WITHIN = 60.0
"""Seconds for the command that releases a held agent."""

_COMPUTE_API = "compute-api"
"""The role of the application that serves Nova's API."""

_DISCOVER = "nova-manage cell_v2 discover_hosts"
"""Maps the hosts that no cell has; to be run where Nova's API is."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a request that was not taken."""

    passing: bool
    """It may be taken at another time: nobody answered."""
    reason: str


class Performer:
    """Hands for the requests of one tick."""

    def __init__(
        self,
        juju: juju_api.Model,
        openstack: openstack_api.Cloud | None,
        snapshot: Snapshot,
        *,
        canary_image: str,
    ) -> None:
        """Take up the tools.

        Args:
            juju: the model.
            openstack: the cloud; None where it cannot be reached.
            snapshot: by which the requests were decided.
            canary_image: the image that canaries boot; empty for the smallest public one.
        """
        self._juju = juju
        self._openstack = openstack
        self._snapshot = snapshot
        self._canary_image = canary_image

    async def perform(self, requests: Iterable[Request]) -> dict[str, Outcome]:
        """Carry out requests. Step id -> why, for each that was not taken."""
        untaken: dict[str, Outcome] = {}
        for request in requests:
            step = request.step
            logger.info("plan: %s (attempt %d)", step.id, request.attempt)
            outcome = await self._try(step.do)
            if outcome is not None:
                logger.warning("plan: %s was not taken: %s", step.id, outcome.reason)
                untaken[step.id] = outcome
        return untaken

    async def drain(self, arguments: Mapping[str, Any], since: float) -> None:
        """Go on with a drain that was requested before."""
        if self._openstack is None or self._snapshot.nova is None:
            return
        import nova
        import openstack_api

        compute = nova.Nova(self._openstack)
        for move in draining.look(arguments, self._snapshot.nova, since).moves:
            logger.info("plan: %s migration of guest %s", move.how, move.guest)
            try:
                with openstack_api.told(self._openstack.auth_url):
                    if move.how == "live":
                        compute.live_migrate(move.guest, move.target)
                    elif move.how == "cold":
                        compute.cold_migrate(move.guest)
                    else:
                        compute.confirm(move.guest)
            except openstack_api.OpenStackApiError as error:
                # Nova will tell of it, or the next tick asks again.
                logger.warning("plan: guest %s: %s", move.guest, error)

    async def hold(self, operations: Iterable[Operation]) -> None:
        """Hold agents once more that were let go meanwhile."""
        for do in operations:
            logger.warning("plan: the agent of %s is held again", do.arguments["unit"])
            outcome = await self._try(do)
            if outcome is not None:
                logger.warning("plan: %s: %s", do.arguments["unit"], outcome.reason)

    async def _try(self, do: Operation) -> Outcome | None:
        on_juju = do.kind in _ON_JUJU or observing.action_of(do.kind, do.arguments) is not None
        return await (self._try_on_juju if on_juju else self._try_on_openstack)(do)

    async def _try_on_juju(self, do: Operation) -> Outcome | None:
        try:
            command = observing.command_of(do.kind, do.arguments)
            action = observing.action_of(do.kind, do.arguments)
            if command is not None:
                await self._juju.run_command(self._unit(command[0]), command[1], COMMAND_TIMEOUT)
            elif action is not None:
                unit, name, parameters = action
                await self._juju.run_action(self._unit(unit), name, parameters)
            else:
                await self._do_on_juju(do.kind, do.arguments)
        except juju_session.Unreachable as error:
            return Outcome(passing=True, reason=str(error))
        except juju_session.JujuApiError as error:
            return Outcome(passing=False, reason=str(error))
        return None

    async def _try_on_openstack(self, do: Operation) -> Outcome | None:
        import openstack_api

        nova = self._snapshot.nova
        if self._openstack is None:
            return Outcome(passing=True, reason="OpenStack's administrator is not known")
        if nova is None:
            # An API is away, or Keystone has not told a rotated password yet: the log says which.
            return Outcome(passing=True, reason="OpenStack does not answer its administrator")
        arguments = nova.with_names(do.arguments)
        if do.kind == "drain-host":
            await self.drain(arguments, self._snapshot.at)
            return None
        try:
            with openstack_api.told(self._openstack.auth_url):
                _do_on_openstack(self._openstack, do.kind, arguments, self._canary_image)
        except openstack_api.Unreachable as error:
            return Outcome(passing=True, reason=str(error))
        except openstack_api.OpenStackApiError as error:
            return Outcome(passing=False, reason=str(error))
        return None

    def _unit(self, name: str) -> str:
        """The unit; for `application/leader` the one that leads now."""
        found = self._snapshot.unit(name)
        if found is None:
            raise juju_session.RequestRefused(f"{name} is gone, or nobody leads")
        return found.name

    async def _do_on_juju(self, kind: str, arguments: Mapping[str, Any]) -> None:
        juju = self._juju
        if kind == "refresh-charm":
            revision = arguments.get("revision")
            await juju.refresh(arguments["application"], arguments["channel"], revision)
        elif kind == "set-options":
            await self._set_options(arguments["application"], arguments["options"])
        elif kind == "hold-agent":
            seconds = arguments["seconds"]
            command = steps.HELD.format(seconds=seconds)
            await juju.run_command(arguments["unit"], command, seconds + 60, parallel=True)
        elif kind == "release-agent":
            await self._release_agent(arguments["unit"])
        elif kind == "resolve-unit":
            await juju.resolve_error(arguments["unit"])
        elif kind == "add-units":
            await self._add_units(arguments["application"], arguments["nodes"])
        elif kind == "remove-unit":
            await juju.remove_unit(arguments["unit"])
        elif kind == "remove-machine":
            await juju.remove_machine(arguments["machine"])
        elif kind == "map-hosts":
            leader = self._unit(f"{_compute_api(self._snapshot)}/leader")
            await juju.run_command(leader, _DISCOVER, COMMAND_TIMEOUT)

    async def _release_agent(self, name: str) -> None:
        held = observing_units.holding(self._snapshot, name)
        # First what is pending: it would begin when the one that runs ends.
        await self._juju.cancel(task.id for task in held if task.status == "pending")
        unit = self._snapshot.unit(name)
        if unit is not None and any(task.status != "pending" for task in held):
            command = steps.LET_GO.format(model=self._juju.uuid, unit=name.replace("/", "-"))
            await self._juju.run_on_machine(unit.machine, command, _LETS_GO_WITHIN)

    async def _set_options(self, application: str, options: Mapping[str, Any]) -> None:
        values = {option: value for option, value in options.items() if value is not None}
        if values:
            await self._juju.set_options(application, values)
        defaults = [option for option, value in options.items() if value is None]
        if defaults:
            await self._juju.reset_options(application, defaults)

    async def _add_units(self, application: str, nodes: Iterable[str]) -> None:
        """On the nodes that no machine of the model is yet."""
        taken = {machine.instance_id for machine in self._snapshot.cloud.machines.values()}
        missing = [node for node in nodes if node not in taken]
        if missing:
            await self._juju.add_units(application, len(missing), missing)


def _compute_api(snapshot: Snapshot) -> str:
    """The application of Nova's API."""
    import knowledge

    known = knowledge.load()
    serving = (
        name
        for name, application in snapshot.cloud.applications.items()
        if application.charm in known.charms
        and known.charms[application.charm].role == _COMPUTE_API
    )
    return next(serving, _COMPUTE_API)


def _do_on_openstack(
    openstack: openstack_api.Cloud, kind: str, arguments: Mapping[str, Any], image: str
) -> None:
    import neutron
    import nova
    import placement_api

    compute, host = nova.Nova(openstack), arguments["host"]
    if kind == "disable-host":
        compute.disable(host, arguments["reason"])
    elif kind == "enable-host":
        compute.enable(host)
    elif kind == "boot-canary":
        compute.boot_canary(host, image)
    elif kind == "remove-canary":
        compute.delete_canary(host)
    elif kind == "set-zone":
        compute.join_zone(host, arguments["zone"])
    elif kind == "remove-compute-service":
        compute.leave_zones(host)
        compute.remove_service(host)
        placement_api.Placement(openstack).delete_provider(host)
    elif kind == "remove-network-agent":
        neutron.Neutron(openstack).delete_agents(host)


_ON_JUJU = frozenset(
    {
        *("refresh-charm", "set-options", "resolve-unit", "add-units", "remove-unit"),
        *("remove-machine", "map-hosts", "hold-agent", "release-agent"),
    }
)
