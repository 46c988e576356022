"""The Juju controller: the cluster's cloud, credential and model, and what is in the model."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import juju_model
import yaml
from charms.openstack_coordinator.v0 import juju_session, juju_tasks
from charms.openstack_coordinator.v0.juju_login import Login
from cluster import TAG
from ground import Place
from world import Application, Fetched, Model, Presence, World

# What Juju 3.6 and 4.0 serve with the same arguments and answers for the calls below.
VERSIONS: juju_session.Versions = {
    "Action": {7},
    "Application": {19, 20},
    "Client": {6, 7, 8},
    "Cloud": {7},
    "MachineManager": {10, 11},
    "ModelConfig": {3, 4},
    "ModelManager": {9, 10},
}
_GET_KUBECONFIG = "get-kubeconfig"


@dataclasses.dataclass(frozen=True)
class Juju:
    """A controller, while the session lasts, and the cluster's place in it."""

    _login: Login
    _controller: juju_session.Session
    _place: Place

    # -- reading ----------------------------------------------------------------------------

    async def look(self) -> World:
        """Everything of the cluster in Juju; what is of OpenStack is left out.

        Raises:
            juju_session.JujuApiError: it could not be read.
        """
        cloud, foreign = await self._cloud()
        if foreign:
            return World(cloud="other", taken=f"the Juju cloud {self._place.name} is {foreign}")
        credential: Presence = "absent" if cloud == "absent" else await self._credential()
        listed = await self._listed_model()
        if listed is None:
            return World(cloud=cloud, credential=credential, model="absent")
        uuid, dying = listed
        async with self._model(uuid) as session:
            config = (await session.call("ModelConfig", "ModelGet")).get("config") or {}
            tags = (config.get("resource-tags") or {}).get("value")
            if not _is_tagged(tags, self._place.owner):
                taken = f"the Juju model {self._place.name} is not this application's"
                return World(cloud=cloud, credential=credential, taken=taken)
            status = await session.call("Client", "FullStatus", patterns=[])
            names = sorted(status.get("applications") or {})
            options = await _options(session, names)
            constraints = await _constraints(session, names)
            fetched = await _fetched(session)
        model = juju_model.from_full_status(uuid, status, options, constraints, dying=dying)
        return World(cloud=cloud, credential=credential, model=model, fetched=fetched)

    async def _cloud(self) -> tuple[Presence, str]:
        """Whether the cloud is there as wanted, and why it is somebody else's, if it is."""
        # Listed, for libjuju drops the code of an error about one of several things.
        clouds = (await self._controller.call("Cloud", "Clouds")).get("clouds") or {}
        found = clouds.get(f"cloud-{self._place.name}")
        if found is None:
            return "absent", ""
        if not _is_tagged((found.get("config") or {}).get("resource-tags"), self._place.owner):
            return "other", "not this application's"
        wanted = self._place.definition
        same = all(
            (found.get(key) or []) == wanted[key] for key in ("endpoint", "ca-certificates")
        )
        return ("current" if same else "other"), ""

    async def _credential(self) -> Presence:
        name = self._place.name
        of = {"user-tag": f"user-{self._login.username}", "cloud-tag": f"cloud-{name}"}
        listed = await self._controller.call_one(
            "Cloud", "UserCredentials", **{"user-clouds": [of]}
        )
        if self._credential_tag not in (listed.get("result") or ()):
            return "absent"
        asked = [{"cloud-name": name, "credential-name": name}]
        found = await self._controller.call_one(
            "Cloud", "CredentialContents", **{"credentials": asked, "include-secrets": True}
        )
        content = (found.get("result") or {}).get("content") or {}
        same = dict(content.get("attrs") or {}) == dict(self._place.credential)
        return "current" if same and content.get("valid") is not False else "other"

    async def _listed_model(self) -> tuple[str, bool] | None:
        """UUID of the model of that name, and whether it is being destroyed."""
        owner = f"user-{self._login.username}"
        answer = await self._controller.call(
            "ModelManager", "ListModelSummaries", **{"user-tag": owner, "all": False}
        )
        for listed in answer.get("results") or ():
            model = listed.get("result") or {}
            if (model.get("name"), model.get("owner-tag")) == (self._place.name, owner):
                return model["uuid"], model.get("life") != "alive"
        return None

    @contextlib.asynccontextmanager
    async def _model(self, uuid: str) -> AsyncIterator[juju_session.Session]:
        async with juju_session.session(self._login, VERSIONS, uuid) as session:
            yield session

    # -- the place --------------------------------------------------------------------------

    async def ensure_cloud(self) -> None:
        """Add the cloud, or bring its definition up to date.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        cloud = {"name": self._place.name, "cloud": self._place.definition}
        present, foreign = await self._cloud()
        if foreign:
            raise juju_session.RequestRefused(f"the cloud {self._place.name} is {foreign}")
        if present == "absent":
            await self._controller.call("Cloud", "AddCloud", **cloud)
        else:
            await self._controller.call_one("Cloud", "UpdateCloud", clouds=[cloud])

    async def ensure_credential(self) -> None:
        """Add the credential, or replace it by the one of now.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        content = {"auth-type": "userpass", "attrs": dict(self._place.credential)}
        tagged = {"tag": self._credential_tag, "credential": content}
        await self._controller.call_one(
            "Cloud", "UpdateCredentialsCheckModels", credentials=[tagged], force=False
        )

    async def create_model(self, network: str, external_network: str) -> None:
        """Make the model; its machines come up on `network`.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        await self._controller.call(
            "ModelManager",
            "CreateModel",
            **{
                "name": self._place.name,
                "owner-tag": f"user-{self._login.username}",
                "cloud-tag": f"cloud-{self._place.name}",
                "region": self._place.region,
                "credential": self._credential_tag,
                "config": {
                    "resource-tags": f"{TAG}={self._place.owner}",
                    "network": network,
                    "external-network": external_network,
                },
            },
        )

    async def destroy_model(self, uuid: str) -> None:
        """Have Juju destroy the model with all that is in it, storage too.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        model = {"model-tag": f"model-{uuid}", "destroy-storage": True}
        await self._controller.call_one("ModelManager", "DestroyModels", models=[model])

    async def remove_credential(self) -> None:
        """Have Juju forget the credential.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        tagged = [{"tag": self._credential_tag, "force": False}]
        await self._controller.call_one(
            "Cloud", "RevokeCredentialsCheckModels", credentials=tagged
        )

    async def remove_cloud(self) -> None:
        """Have Juju forget the cloud.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        entities = [{"tag": f"cloud-{self._place.name}"}]
        await self._controller.call_one("Cloud", "RemoveClouds", entities=entities)

    @property
    def _credential_tag(self) -> str:
        name = self._place.name
        return f"cloudcred-{name}_{self._login.username}_{name}"

    # -- the model --------------------------------------------------------------------------

    async def ensure_application(self, model: Model, wanted: Mapping[str, Any]) -> None:
        """Deploy an application, or make of it what is wanted.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        application = model.applications.get(wanted["name"])
        async with self._model(model.uuid) as session:
            if application is None:
                await _deploy(session, wanted)
            else:
                await _configure(session, wanted, application)
                await _constrain(session, wanted, application)
                await _scale(session, wanted, application)
            if wanted["exposed"] and not (application and application.exposed):
                await session.call("Application", "Expose", application=wanted["name"])

    async def relate(self, model: Model, one: str, other: str) -> None:
        """Relate two application:endpoint.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        async with self._model(model.uuid) as session:
            await session.call("Application", "AddRelation", endpoints=[one, other])

    async def retry_provisioning(self, model: Model) -> None:
        """Have Juju provision the machines again that it gave up on.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        tags = [f"machine-{name.replace('/', '-')}" for name in sorted(model.failed_machines)]
        async with self._model(model.uuid) as session:
            await session.call("MachineManager", "RetryProvisioning", machines=tags, all=False)

    async def fetch_kubeconfig(self, model: Model, unit: str) -> None:
        """Run get-kubeconfig on a unit; `look` tells what came of it.

        Raises:
            juju_session.JujuApiError: Juju did not do it.
        """
        receiver = f"unit-{unit.replace('/', '-')}"
        asked = [{"receiver": receiver, "name": _GET_KUBECONFIG, "parameters": {}}]
        async with self._model(model.uuid) as session:
            await session.call("Action", "EnqueueOperation", actions=asked)


@contextlib.asynccontextmanager
async def juju(login: Login, place: Place) -> AsyncIterator[Juju]:
    """A session with a controller, closed at the end.

    Raises:
        juju_session.Unreachable, juju_session.LoginRefused: there is none.
    """
    async with juju_session.session(login, VERSIONS) as controller:
        yield Juju(login, controller, place)


def _is_tagged(tags: Any, owner: str) -> bool:
    """Whether resource tags, as text or as a map, hold the cluster's."""
    if isinstance(tags, Mapping):
        return tags.get(TAG) == owner
    return f"{TAG}={owner}" in str(tags or "").split()


async def _options(
    session: juju_session.Session, applications: Sequence[str]
) -> dict[str, dict[str, Any]]:
    asked = [{"application": name, "branch": "master"} for name in applications]
    answer = await session.call("Application", "CharmConfig", args=asked)
    # The field has no JSON name in Juju's source, so it is capitalised on the wire.
    results = answer.get("Results") or answer.get("results") or []
    return {
        name: {key: option.get("value") for key, option in (found.get("config") or {}).items()}
        for name, found in zip(applications, results, strict=True)
    }


async def _constraints(
    session: juju_session.Session, applications: Sequence[str]
) -> dict[str, dict[str, Any]]:
    asked = [{"tag": f"application-{name}"} for name in applications]
    answer = await session.call("Application", "GetConstraints", entities=asked)
    # Those of a subordinate are an error: it has no machines of its own.
    return {
        name: found.get("constraints") or {}
        for name, found in zip(applications, answer.get("results") or [], strict=True)
    }


async def _fetched(session: juju_session.Session) -> Fetched:
    """The last run of get-kubeconfig."""
    listed = await juju_tasks.listed(session, actions=[_GET_KUBECONFIG])
    if not listed:
        return Fetched("none")
    newest = max(listed)
    told = await juju_tasks.with_results(session, [newest])
    last = told.get(newest, listed[newest])
    status, output = last.get("status"), last.get("output") or {}
    if status in ("pending", "running", "aborting"):
        return Fetched("running")
    if status == "completed" and output.get("kubeconfig"):
        return Fetched("completed", kubeconfig=output["kubeconfig"])
    return Fetched("failed", f"{_GET_KUBECONFIG} {status}: {last.get('message') or 'no file'}")


async def _deploy(session: juju_session.Session, wanted: Mapping[str, Any]) -> None:
    name, _, channel = wanted["base"].partition("@")
    argument = {
        "CharmName": wanted["charm"],
        "ApplicationName": wanted["name"],
        "channel": wanted["channel"],
        "base": {"name": name, "channel": channel},
        "ConfigYAML": yaml.safe_dump({wanted["name"]: dict(wanted["options"])}),
        "Cons": _as_value(wanted["constraints"]),
        "Trust": wanted["trusted"],
    }
    if wanted["units"]:
        argument["num-units"] = wanted["units"]
    await session.call_one("Application", "DeployFromRepository", Args=[argument])


def _as_value(constraints: Mapping[str, str]) -> dict[str, Any]:
    """Constraints in text as Juju's document of them."""
    value: dict[str, Any] = dict(constraints)
    if "zones" in value:
        value["zones"] = value["zones"].split(",")
    for size in ("cores", "mem", "root-disk", "cpu-power"):
        if size in value:
            value[size] = int(value[size])
    return value


async def _configure(
    session: juju_session.Session, wanted: Mapping[str, Any], application: Application
) -> None:
    changed = {
        option: str(value).lower() if isinstance(value, bool) else str(value)
        for option, value in wanted["options"].items()
        if application.options.get(option) != value
    }
    if changed:
        argument = {"application": wanted["name"], "generation": "master", "config": changed}
        await session.call_one("Application", "SetConfigs", Args=[argument])


async def _constrain(
    session: juju_session.Session, wanted: Mapping[str, Any], application: Application
) -> None:
    if not juju_model.differing_constraints(wanted, application):
        return
    kept = {
        name: value
        for name, value in application.constraints.items()
        if name not in juju_model.CONSTRAINTS
    }
    constraints = _as_value({**kept, **wanted["constraints"]})
    await session.call(
        "Application",
        "SetConstraints",
        application=wanted["name"],
        constraints=constraints,
    )


async def _scale(
    session: juju_session.Session, wanted: Mapping[str, Any], application: Application
) -> None:
    alive, name = application.alive, wanted["name"]
    if not wanted["units"] or len(alive) == wanted["units"]:
        return
    missing = wanted["units"] - len(alive)
    if missing > 0:
        await session.call(
            "Application", "AddUnits", **{"application": name, "num-units": missing}
        )
        return
    # The unwell go first, then the youngest.
    going = sorted(alive, key=lambda unit: application.units[unit].status == "active")
    unwell = sum(application.units[unit].status != "active" for unit in alive)
    chosen = [*going[:unwell], *reversed(going[unwell:])][:-missing]
    units = [{"unit-tag": f"unit-{unit.replace('/', '-')}"} for unit in chosen]
    for unit in units:
        await session.call_one("Application", "DestroyUnit", units=[unit])
