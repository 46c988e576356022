"""The Juju API of one model: read whole, and changed as an operator would by `juju` commands.

Importing libjuju takes most of a second, so this module is imported only where a look at the
model is due.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import task_record
from charms.openstack_coordinator.v0 import juju_session, juju_tasks
from charms.openstack_coordinator.v0.juju_login import Login
from snapshot import Task

# What Juju 3.6 and 4.0 serve with the same arguments and answers for the calls below.
VERSIONS: juju_session.Versions = {
    "Action": {7},
    "Application": {19, 20},
    "Charms": {7},
    "Client": {6, 7, 8},
    "MachineManager": {10, 11},
    "Resources": {3},
}
_NOT_IN_ERROR = "is not in an error state"
_BRANCH = "master"
_NEWEST = -1
"""The revision of a resource that was released with the charm."""


class LocalCharm(juju_session.RequestRefused):
    """The charm came from a file: only an operator who has the file can refresh it."""


@dataclasses.dataclass(frozen=True)
class Model:
    """One model, while the session lasts."""

    _session: juju_session.Session
    uuid: str

    # -- reading ----------------------------------------------------------------------------

    async def full_status(self) -> Mapping[str, Any]:
        """Everything that `juju status` shows, as Juju's JSON.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not read the model.
        """
        return await self._session.call("Client", "FullStatus", patterns=[])

    async def options(self, applications: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Application -> option -> value in force, in one request.

        An application that has gone meanwhile is left out.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not read the model.
        """
        names = sorted(applications)
        asked = [{"application": name, "branch": _BRANCH} for name in names]
        answer = await self._session.call("Application", "CharmConfig", args=asked)
        return {
            name: {
                option: described.get("value")
                for option, described in (result.get("config") or {}).items()
            }
            for name, result in zip(names, _results(answer), strict=True)
            if not result.get("error")
        }

    async def actions(self, applications: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Application -> the actions of its charm, sorted, in one request.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: one of them has gone, or the user may not read the model.
        """
        names = sorted(applications)
        entities = [{"tag": f"application-{name}"} for name in names]
        answer = await self._session.call("Action", "ApplicationsCharmsActions", entities=entities)
        return {
            name: tuple(sorted(result.get("actions") or {}))
            for name, result in zip(names, _results(answer), strict=True)
        }

    async def tasks(self, units: Iterable[str], actions: Iterable[str]) -> tuple[Task, ...]:
        """The tasks of these actions on these units that Juju still remembers, oldest first.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not read the model.
        """
        return tuple(task for task, _ in await self.answers(units, actions))

    async def answers(
        self, units: Iterable[str], actions: Iterable[str]
    ) -> tuple[tuple[Task, Mapping[str, str]], ...]:
        """The same tasks, each with its results, as far as it is among the newest of its unit.

        Juju lists tasks without their results: those are asked for by the tasks' numbers.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not read the model.
        """
        wanted_units, wanted = set(units), set(actions)
        if not wanted_units or not wanted:
            return ()
        found = await juju_tasks.listed(self._session, units=wanted_units, actions=wanted)
        found |= await juju_tasks.with_results(self._session, task_record.newest(found))
        record = [raw for _, raw in sorted(found.items())]
        return tuple((task_record.task(raw), raw.get("output") or {}) for raw in record)

    # -- changing ---------------------------------------------------------------------------

    async def retry_provisioning(self, machines: Iterable[str]) -> None:
        """Have Juju provision these machines again, as `juju retry-provisioning` does.

        One that is not in error any more is let be: somebody else was faster.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not write to the model.
        """
        tags = [f"machine-{machine.replace('/', '-')}" for machine in machines]
        with _unless(_NOT_IN_ERROR):
            await self._session.call(
                "MachineManager", "RetryProvisioning", machines=tags, all=False
            )

    async def refresh(self, application: str, channel: str, revision: int | None) -> None:
        """Have an application run the head of a channel, or a revision, as `juju refresh` does.

        The charm is resolved and stored by the controller; every unit hears of it at once. Its
        resources come along, but for those that an operator has uploaded. An application that is
        there already is let be.

        Args:
            application: its name.
            channel: the channel to follow, for example 2024.1/stable; empty to stay with its own.
            revision: the revision to run; None for the head of the channel.

        Raises:
            LocalCharm: its charm came from a file.
            Unreachable: no answer in time.
            RequestRefused: there is no such charm, or Juju refuses the change.
        """
        current = await self._session.call(
            "Application", "GetCharmURLOrigin", application=application, branch=_BRANCH
        )
        _raise_error(current, "Application.GetCharmURLOrigin")
        url, origin = current["url"], dict(current["charm-origin"])
        if url.startswith("local:"):
            raise LocalCharm(
                f"{application} runs a charm from a file: "
                f"juju refresh {application} --path <file>.charm"
            )
        asked = _towards(origin, channel, revision)
        name = url.rpartition(":")[2].rpartition("/")[2].rpartition("-")[0]
        found_url, found = await self._resolve(name, asked, explicit=revision is not None)
        if found_url == url:
            # Only what it follows may change; its charm is there already.
            kept = {key: found[key] for key in ("track", "risk", "branch") if found.get(key)}
            found = {**origin, **kept}
            if found == origin:
                return
        else:
            found = {**found, "base": origin.get("base") or found.get("base")}
            stored = await self._session.call(
                "Charms", "AddCharm", **{"url": found_url, "charm-origin": found, "force": False}
            )
            _raise_error(stored, "Charms.AddCharm")
            found = stored.get("charm-origin") or found
        pending = await self._pending_resources(application, found_url, found)
        await self._set_charm(application, found_url, found, pending)

    async def _resolve(
        self, name: str, origin: Mapping[str, Any], *, explicit: bool
    ) -> tuple[str, dict[str, Any]]:
        reference: dict[str, Any] = {"reference": f"ch:{name}", "charm-origin": origin}
        if explicit:
            # As Juju's own client does: otherwise the origin's id wins over the revision.
            reference["switch-charm"] = True
        result = await self._session.call_one("Charms", "ResolveCharms", resolve=[reference])
        return result["url"], dict(result["charm-origin"])

    async def _pending_resources(
        self, application: str, url: str, origin: Mapping[str, Any]
    ) -> dict[str, str]:
        """Resource -> the id under which the new charm gets it, for each of Charmhub's.

        Without these a charm goes on with the resources of the one before, and has none that it is
        the first to declare. All are taken anew: which have changed tells only
        Charms.ListCharmResources, whose lists in a list libjuju cannot read.
        """
        info = await self._session.call("Charms", "CharmInfo", url=url)
        declared = (info.get("meta") or {}).get("resources") or {}
        if not declared:
            return {}
        tag = f"application-{application}"
        known = await self._session.call_one("Resources", "ListResources", entities=[{"tag": tag}])
        uploaded = {r["name"] for r in known.get("resources") or () if r["origin"] == "upload"}
        # What an operator has uploaded is his to replace.
        wanted = [found for name, found in sorted(declared.items()) if name not in uploaded]
        if not wanted:
            return {}
        kept = ("name", "type", "path", "description")
        asked = [
            {**{k: r.get(k) or "" for k in kept}, "origin": "store", "revision": _NEWEST}
            for r in wanted
        ]
        answer = await self._session.call(
            "Resources",
            "AddPendingResources",
            **{"tag": tag, "url": url, "charm-origin": origin, "resources": asked},
        )
        _raise_error(answer, "Resources.AddPendingResources")
        names = [r["name"] for r in wanted]
        return dict(zip(names, answer.get("pending-ids") or (), strict=True))

    async def _set_charm(
        self, application: str, url: str, origin: Mapping[str, Any], pending: Mapping[str, str]
    ) -> None:
        await self._session.call(
            "Application",
            "SetCharm",
            **{
                "application": application,
                "generation": _BRANCH,
                "charm-url": url,
                "charm-origin": origin,
                "channel": origin.get("risk") or "",
                "config-settings": {},
                "config-settings-yaml": "",
                "force": False,
                "force-units": False,
                "force-base": False,
                "resource-ids": pending,
                "storage-constraints": {},
                "endpoint-bindings": {},
            },
        )

    async def set_options(self, application: str, options: Mapping[str, Any]) -> None:
        """Set options of an application, as `juju config` does.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: an option is not known or its value is not right.
        """
        config = {
            option: str(value).lower() if isinstance(value, bool) else str(value)
            for option, value in options.items()
        }
        argument = {"application": application, "generation": _BRANCH, "config": config}
        await self._session.call_one("Application", "SetConfigs", Args=[argument])

    async def reset_options(self, application: str, options: Iterable[str]) -> None:
        """Give options their defaults back, as `juju config --reset` does.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: an option is not known.
        """
        argument = {"application": application, "branch": _BRANCH, "options": sorted(options)}
        await self._session.call_one("Application", "UnsetApplicationsConfig", Args=[argument])

    async def run_action(self, unit: str, action: str, parameters: Mapping[str, Any]) -> None:
        """Have a unit run an action; `tasks` tells what came of it.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the unit or the action is not known, or a parameter is not right.
        """
        asked = {"receiver": _unit_tag(unit), "name": action, "parameters": dict(parameters)}
        answer = await self._session.call("Action", "EnqueueOperation", actions=[asked])
        for task in answer.get("actions") or ():
            _raise_error(task, f"{action} on {unit}")

    async def run_command(
        self, unit: str, command: str, timeout: float, *, parallel: bool = False
    ) -> None:
        """Have a unit's agent run a command as root, as `juju exec` does; see `tasks`.

        Juju allows it to the model's administrators only.

        Args:
            unit: whose machine.
            command: for a shell.
            timeout: seconds after which it is ended.
            parallel: beside what else runs on the machine, without its lock.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the unit is not known, or the user does not administer the model.
        """
        await self._run(unit, command, timeout, units=[unit], parallel=parallel)

    async def run_on_machine(self, machine: str, command: str, timeout: float) -> None:
        """Have a machine's own agent run a command, as `juju exec --machine --parallel` does.

        It needs no unit's agent and no lock, so that it runs whatever else does. It runs as the
        user `ubuntu`. Juju allows it to the model's administrators only.

        Args:
            machine: its id, such as 0/lxd/3.
            command: for a shell.
            timeout: seconds after which it is ended.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the machine is not known, or the user does not administer the model.
        """
        await self._run(f"machine {machine}", command, timeout, machines=[machine], parallel=True)

    async def _run(self, where: str, command: str, timeout: float, **receivers: Any) -> None:
        asked = {"timeout": int(timeout * 1e9), **receivers}
        try:
            answer = await self._session.call("Action", "Run", commands=command, **asked)
        except juju_session.RequestRefused as error:
            if "permission denied" not in str(error):
                raise
            raise juju_session.RequestRefused(
                f"{error}: commands on machines take admin access: juju grant <user> admin <model>"
            ) from error
        for task in answer.get("actions") or ():
            _raise_error(task, f"juju exec on {where}")

    async def cancel(self, tasks: Iterable[str]) -> None:
        """Cancel tasks by id, pending ones at once. Of those that run, Juju ends actions only.

        One that has ended is let be.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the user may not write to the model.
        """
        for id_ in tasks:
            with _unless("not found"):
                await self._session.call("Action", "Cancel", entities=[{"tag": f"action-{id_}"}])

    async def add_units(self, application: str, count: int, placements: Sequence[str]) -> None:
        """Add units, each on a machine of its own.

        Args:
            application: its name.
            count: how many.
            placements: MAAS's system_ids to take, at most one for each unit; Juju finds a machine
                by the application's constraints for the others.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: Juju refuses it.
        """
        directives = [
            {"scope": self.uuid, "directive": f"system-id={system_id}"} for system_id in placements
        ]
        await self._session.call(
            "Application",
            "AddUnits",
            **{"application": application, "num-units": count, "placement": directives},
        )

    async def remove_unit(self, unit: str) -> None:
        """Remove a unit, as `juju remove-unit` does; storage that can outlive it stays.

        One that is gone is fine.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: Juju refuses it.
        """
        with _unless("does not exist", "not found"):
            await self._session.call_one(
                "Application", "DestroyUnit", units=[{"unit-tag": _unit_tag(unit)}]
            )

    async def remove_machine(self, machine: str) -> None:
        """Remove a machine, as `juju remove-machine` does: its node goes back to its provider.

        One that is gone is fine.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: units or containers are left on it.
        """
        tag = f"machine-{machine.replace('/', '-')}"
        with _unless("not found"):
            await self._session.call_one(
                "MachineManager",
                "DestroyMachineWithParams",
                **{"machine-tags": [tag], "force": False, "keep": False},
            )

    async def resolve_error(self, unit: str) -> None:
        """Have a unit in error run its failed hook again, as `juju resolved` does.

        One that is in error no more is let be.

        Raises:
            Unreachable: no answer in time.
            RequestRefused: the unit is not known.
        """
        tags = {"entities": [{"tag": _unit_tag(unit)}]}
        with _unless(_NOT_IN_ERROR, "already resolved"):
            await self._session.call_one(
                "Application", "ResolveUnitErrors", tags=tags, retry=True, all=False
            )


@contextlib.asynccontextmanager
async def session(login: Login, model: str) -> AsyncIterator[Model]:
    """A session with a model, closed at the end.

    Raises:
        juju_session.Unreachable: no endpoint answered, after all attempts.
        juju_session.LoginRefused: the controller answered and refused.
    """
    async with juju_session.session(login, VERSIONS, model) as opened:
        yield Model(opened, model)


@contextlib.contextmanager
def _unless(*tolerated: str) -> Iterator[None]:
    """Take a refusal that says one of these for done: somebody else was faster."""
    try:
        yield
    except juju_session.RequestRefused as error:
        if not any(reason in str(error) for reason in tolerated):
            raise


def _results(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    # Some of Juju's structures have no JSON names, so they are capitalised on the wire.
    return answer.get("results") or answer.get("Results") or ()


def _raise_error(answer: Mapping[str, Any], what: str) -> None:
    error = answer.get("error")
    if error:
        raise juju_session.RequestRefused(f"{what}: {error.get('message', '')}")


def _unit_tag(unit: str) -> str:
    return f"unit-{unit.replace('/', '-')}"


def _towards(origin: Mapping[str, Any], channel: str, revision: int | None) -> dict[str, Any]:
    """The origin to ask Charmhub for, made from the one in force."""
    asked = {key: value for key, value in origin.items() if key not in ("revision", "type")}
    if channel:
        track, _, risk = channel.partition("/")
        asked |= {"track": track, "risk": risk or "stable", "branch": None}
    if revision is not None:
        asked["revision"] = revision
    return {"type": "charm", **asked}
