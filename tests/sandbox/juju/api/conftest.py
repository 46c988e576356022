"""A real controller API on loopback with a real store, and real clients for it."""

from __future__ import annotations

import contextlib
import io
import json
import pathlib
import ssl
import uuid
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml
from juju.client import client
from juju.client.connection import Connection

from sandbox.authority import Authority
from sandbox.home import Home
from sandbox.juju.api.server import ApiServer
from sandbox.juju.api.session import API_PORT
from sandbox.juju.state import accounts, clouds, models, values
from sandbox.juju.state.store import Store, Transaction
from tests.blocks import reserve

PASSWORD = "letmein"


class Controller:
    """A running API and the store behind it."""

    def __init__(self, home: Home, store: Store) -> None:
        self.home = home
        self.store = store
        self.endpoint = f"{home.controller_address}:{API_PORT}"
        self.ca = Authority(home.folder("ca")).pem
        with store.transaction() as tx:
            tx.insert("controller", key="uuid", value=str(uuid.uuid4()))
            accounts.add_user(tx, "admin", PASSWORD, access="superuser")
            clouds.add(
                tx,
                "sandbox",
                "lxd",
                {"auth-types": ["certificate"], "regions": [{"name": "localhost"}]},
            )

    def add_model(self, name: str = "cloud", owner: str = "admin") -> values.Model:
        with self.store.transaction() as tx:
            return models.add_model(tx, name, owner, "sandbox")

    @contextlib.contextmanager
    def state(self) -> Iterator[Transaction]:
        """The controller's state, to prepare or to look at."""
        with self.store.transaction() as tx:
            yield tx

    async def deploy(
        self,
        connection: Connection,
        model: values.Model,
        name: str = "keystone",
        content: bytes | None = None,
        **arguments: Any,
    ) -> str:
        """Upload a charm and deploy it with libjuju's facade; returns the charm's URL."""
        url = await self.upload(model, content or self.packed_charm(name))
        facade = client.ApplicationFacade.from_connection(connection)
        origin = {"source": "local", "base": {"name": "ubuntu", "channel": "24.04"}}
        wanted = {
            "application": name,
            "charm-url": url,
            "charm-origin": origin,
            "num-units": 1,
            **arguments,
        }
        await facade.Deploy(applications=[wanted])
        return url

    async def call(
        self, connection: Connection, facade: str, version: int, request: str, **params: Any
    ) -> dict[str, Any]:
        """One call as it goes over the wire; its response."""
        frame = {"type": facade, "version": version, "request": request, "params": params}
        answer: Any = await connection.rpc(frame)
        return answer["response"]

    @contextlib.asynccontextmanager
    async def connect(
        self, model: str | None = None, user: str = "admin", password: str = PASSWORD
    ) -> AsyncIterator[Connection]:
        connection = await Connection.connect(
            endpoint=self.endpoint,
            uuid=model,
            username=user,
            password=password,
            cacert=self.ca,
            retries=0,
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        user: str = "user-admin",
        password: str = PASSWORD,
        **options: Any,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of an HTTPS request with basic authentication."""
        context = ssl.create_default_context(cadata=self.ca)
        authorization = {"Authorization": aiohttp.encode_basic_auth(user, password)}
        url = f"https://{self.endpoint}{path}"
        async with (
            aiohttp.ClientSession(headers=authorization) as http,
            http.request(method, url, ssl=context, **options) as response,
        ):
            return response.status, response.headers, await response.read()

    async def upload(self, model: values.Model, content: bytes | None = None) -> str:
        """Upload a charm as libjuju does; returns its URL."""
        path = f"/model/{model.uuid}/charms?schema=local&series=noble"
        headers = {"Content-Type": "application/zip"}
        content = content or self.packed_charm()
        status, _, body = await self.request("POST", path, data=content, headers=headers)
        assert status == 200, body
        return json.loads(body)["charm-url"]

    @staticmethod
    def packed_charm(name: str = "keystone", **documents: object) -> bytes:
        """A small charm as a .charm file; keyword arguments add to its metadata."""
        metadata = {
            "name": name,
            "summary": f"The {name} charm",
            "description": "A charm for a test.",
            "provides": {"identity-service": {"interface": "keystone"}},
            "requires": {"shared-db": {"interface": "mysql-shared"}},
            "peers": {"cluster": {"interface": "keystone-ha"}},
            **documents,
        }
        config = {
            "region": {"type": "string", "default": "RegionOne", "description": "The region"},
            "workers": {"type": "int", "description": "How many"},
            "credentials": {"type": "secret", "description": "Who to be"},
        }
        actions = {
            "pause": {"description": "Stop serving", "params": {"force": {"type": "boolean"}}}
        }
        base = {"name": "ubuntu", "channel": "24.04", "architectures": ["amd64"]}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("metadata.yaml", yaml.safe_dump(metadata))
            archive.writestr("config.yaml", yaml.safe_dump({"options": config}))
            archive.writestr("actions.yaml", yaml.safe_dump(actions))
            archive.writestr("manifest.yaml", yaml.safe_dump({"bases": [base]}))
            archive.writestr("dispatch", "#!/bin/sh\n")
        return content.getvalue()


@pytest_asyncio.fixture
async def controller(tmp_path: pathlib.Path) -> AsyncIterator[Controller]:
    home = Home(tmp_path, reserve("api"))
    store = Store(home.folder("juju") / "controller.db")
    server = ApiServer(home, store)
    running = Controller(home, store)
    await server.start()
    yield running
    await server.stop()
    store.close()


@pytest.fixture
def model(controller: Controller) -> values.Model:
    return controller.add_model()
