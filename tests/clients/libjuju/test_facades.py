"""The typed facades of juju.client that Juju 3.6 and 4.0 both serve, and where they differ."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from juju.client import client
from juju.client.connection import Connection
from juju.client.jujudata import FileJujuData
from juju.controller import Controller
from juju.errors import JujuAPIError, JujuConnectionError

from tests.clients.running_controller import RunningController, environment


class Client:
    """Connections to one controller as its administrator."""

    def __init__(self, controller: RunningController) -> None:
        with environment(controller.environment):
            data = FileJujuData()
            details = data.controllers()["sandbox"]
            account = data.accounts()["sandbox"]
        self.series = controller.series
        self.endpoint = details["api-endpoints"][0]
        self.cacert = details["ca-cert"]
        self.user, self.password = account["user"], account["password"]

    async def connect(self, model: str | None = None) -> Connection:
        return await Connection.connect(
            endpoint=self.endpoint,
            uuid=model,
            username=self.user,
            password=self.password,
            cacert=self.cacert,
            retries=0,
        )

    async def request(self, method: str, path: str, **options) -> tuple[int, str]:
        """Status and body of an HTTPS request."""
        trust = ssl.create_default_context(cadata=self.cacert)
        who = {"Authorization": aiohttp.encode_basic_auth(f"user-{self.user}", self.password)}
        async with (
            aiohttp.ClientSession(headers=who) as http,
            http.request(method, f"https://{self.endpoint}{path}", ssl=trust, **options) as answer,
        ):
            return answer.status, await answer.text()

    async def upload(self, model: str, name: str, content: bytes) -> str:
        """Upload a charm by PUT, which both releases take."""
        digest = hashlib.sha256(content).hexdigest()[:7]
        headers = {"Content-Type": "application/zip", "Juju-Curl": f"local:{name}-0"}
        path = f"/model-{model}/charms/{name}-{digest}"
        status, said = await self.request("PUT", path, data=content, headers=headers)
        assert status == 200, said
        return f"local:{name}-0"


@pytest.fixture(params=["3.6", "4.0"])
def juju(request: pytest.FixtureRequest) -> Client:
    """A client of each release in turn."""
    return Client(request.getfixturevalue(f"juju_{request.param.replace('.', '_')}"))


@pytest_asyncio.fixture
async def model(juju: Client) -> AsyncIterator[str]:
    """The UUID of a new model."""
    connection = await juju.connect()
    manager = client.ModelManagerFacade.from_connection(connection)
    made = await manager.CreateModel(name=f"f{uuid.uuid4().hex[:8]}", owner_tag="user-admin")
    yield made.uuid
    gone = {"model-tag": f"model-{made.uuid}", "force": True, "destroy-storage": True}
    await manager.DestroyModels(models=[{**gone, "max-wait": 0}])
    await connection.close()


async def test_the_facades_that_both_serve(juju, model):
    """Versions that libjuju 3.6 and both controllers share: what an adapter can rely on."""
    connection = await juju.connect(model)
    try:
        shared = {
            "Action": 7,
            "Annotations": 2,
            "Application": 20,
            "Client": 8,
            "ModelConfig": 3,
            "Secrets": 2,
            "Spaces": 6,
            "Storage": 6,
        }
        assert {name: connection.facades[name] for name in shared} == shared
    finally:
        await connection.close()
    connection = await juju.connect()
    try:
        assert connection.info["server-version"].startswith(f"{juju.series}.")
        assert (connection.facades["ModelManager"], connection.facades["Cloud"]) == (10, 7)
    finally:
        await connection.close()


async def test_an_application_by_the_typed_facades(juju, model, charms):
    url = await juju.upload(model, "web", (charms / "web.charm").read_bytes())
    connection = await juju.connect(model)
    try:
        application = client.ApplicationFacade.from_connection(connection)
        origin = {"source": "local", "base": {"name": "ubuntu", "channel": "24.04"}}
        wanted = {
            "application": "web",
            "charm-url": url,
            "charm-origin": origin,
            "num-units": 1,
        }
        (deployed,) = (await application.Deploy(applications=[wanted])).results
        assert deployed.error is None
        status = await active(connection, "web/0")
        assert status.model.version.startswith(f"{juju.series}.")
        await application.SetConfigs(
            args=[{"application": "web", "config": {"port": "81"}, "generation": "master"}]
        )
        got = await application.Get(application="web", branch="master")
        assert got.config["port"]["value"] == 81
        action = client.ActionFacade.from_connection(connection)
        queued = await action.EnqueueOperation(
            actions=[{"receiver": "unit-web-0", "name": "greet", "parameters": {"name": "bob"}}]
        )
        done = await finished(action, queued.actions[0].action.tag)
        assert done.output["greeting"] == "hello bob"
        notes = client.AnnotationsFacade.from_connection(connection)
        await notes.Set(annotations=[{"entity": "application-web", "annotations": {"a": "b"}}])
        kept = await notes.Get(entities=[{"tag": "application-web"}])
        assert kept.results[0].annotations == {"a": "b"}
        secrets = client.SecretsFacade.from_connection(connection)
        made = await secrets.CreateSecrets(
            args=[{"content": {"data": {"key": "dmFsdWU="}}, "label": "mine"}]
        )
        assert made.results[0].error is None
        await application.DestroyApplication(applications=[{"application-tag": "application-web"}])
    finally:
        await connection.close()


async def test_only_3_6_watches_a_whole_model(juju, model):
    connection = await juju.connect(model)
    try:
        if juju.series == "3.6":
            watcher = await client.ClientFacade.from_connection(connection).WatchAll()
            assert watcher.watcher_id
            return
        assert "AllWatcher" not in connection.facades
        with pytest.raises(JujuAPIError, match=r"Client\(8\).WatchAll is not implemented"):
            await client.ClientFacade.from_connection(connection).WatchAll()
    finally:
        await connection.close()


async def test_only_3_6_takes_charms_by_post(juju, model, charms):
    content = (charms / "web.charm").read_bytes()
    status, _ = await juju.request(
        "POST",
        f"/model/{model}/charms?schema=local",
        data=content,
        headers={"Content-Type": "application/zip"},
    )
    assert status == {"3.6": 200, "4.0": 405}[juju.series]


@pytest.mark.parametrize(
    ("facade", "version"), [("Bundle", 6), ("Charms", 6), ("MachineManager", 10)]
)
async def test_4_0_serves_newer_versions_of_a_few_facades(juju, model, facade, version):
    connection = await juju.connect(model)
    try:
        served = {entry["name"]: entry["versions"] for entry in connection.info["facades"]}[facade]
    finally:
        await connection.close()
    newer = {"Bundle": 8, "Charms": 7, "MachineManager": 11}[facade]
    if juju.series == "3.6":
        assert version in served
    else:
        assert served == [newer]


async def test_libjuju_itself_refuses_a_4_0_controller(juju_4_0):
    with environment(juju_4_0.environment):
        stranger = Controller()
        with pytest.raises(JujuConnectionError, match=r"juju server-version 4.0.15 not supported"):
            await stranger.connect("sandbox")
        await stranger.disconnect()


async def active(connection: Connection, unit: str):
    """The full status once a unit is active and idle."""
    facade = client.ClientFacade.from_connection(connection)
    deadline = time.monotonic() + 60
    while True:
        status = await facade.FullStatus(patterns=[])
        found = status.applications[unit.partition("/")[0]].units[unit]
        if (found.workload_status.status, found.agent_status.status) == ("active", "idle"):
            return status
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


async def finished(facade: Any, tag: str):
    """A task once it has ended."""
    deadline = time.monotonic() + 30
    while True:
        (result,) = (await facade.Actions(entities=[{"tag": tag}])).results
        if result.status in ("completed", "failed"):
            return result
        assert time.monotonic() < deadline, result
        await asyncio.sleep(0.1)
