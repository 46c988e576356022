"""Where keystone's catalogue says that the APIs are.

At first each API is at its own address. Then it is where the unit that fronts it has asked
keystone's charm for, once somebody answers there: that charm leaves it in
`<home>/openstack/endpoints/<service>.json`. With hacluster that is the virtual address.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import urllib.parse
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from .layout import Layout
from .services import answers

INTERFACES: tuple[str, ...] = ("public", "internal", "admin")
_TIMEOUT = aiohttp.ClientTimeout(total=30)

Wanted = Mapping[str, Mapping[str, str]]
"""By service type: the URL of each interface."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """One service of the catalogue."""

    user: str
    """The service account, and the server of its API."""
    kind: str
    """The service type."""
    path: str
    service: str
    """What its charm calls it, in the relation identity-service."""

    def own_url(self, layout: Layout) -> str:
        """Where the API is when nothing fronts it."""
        return getattr(layout, self.user).url + self.path


CATALOGUE = (
    Entry("placement", "placement", "", "placement"),
    Entry("glance", "image", "", "glance"),
    Entry("neutron", "network", "", "neutron"),
    Entry("nova", "compute", "/v2.1", "nova"),
    Entry("cinder", "block-storage", "/v3", "cinderv3"),
    Entry("cinder", "volumev3", "/v3", "cinderv3"),
)
_IDENTITY = Entry("keystone", "identity", "/v3", "keystone")


class Refused(Exception):
    """Keystone refused a change of its catalogue; the message holds its answer."""


class Endpoints:
    """The catalogue's endpoints, kept as the charms ask for them."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._set: dict[str, Mapping[str, str]] = {}

    async def follow(self) -> None:
        """Set the endpoints that are asked for since the last look and whose server answers.

        Raises:
            Refused, aiohttp.ClientError: keystone did not take them; the next look tries again.
        """
        wanted: dict[str, Mapping[str, str]] = {}
        for entry in (_IDENTITY, *CATALOGUE):
            known = self._set.get(entry.kind) or dict.fromkeys(
                INTERFACES, entry.own_url(self._layout)
            )
            asked = self._asked(entry) or known
            urls = asked if asked == known or await _up(asked) else known
            if urls != self._set.get(entry.kind):
                wanted[entry.kind] = urls
        if wanted:
            await set_urls(self._layout, wanted)
            self._set.update(wanted)

    def _asked(self, entry: Entry) -> Mapping[str, str] | None:
        file = self._layout.made("endpoints") / f"{entry.service}.json"
        if not file.exists():
            return None
        document = json.loads(file.read_text(encoding="utf-8"))
        return {name: document[f"{name}_url"] for name in INTERFACES}


async def _up(urls: Mapping[str, str]) -> bool:
    """Whether somebody answers at each of these."""
    servers = {_server(url) for url in urls.values()}
    return all(await asyncio.gather(*(answers(*server) for server in servers)))


def _server(url: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(url)
    return parts.hostname or "", parts.port or 80


async def set_urls(layout: Layout, wanted: Wanted) -> None:
    """Make the catalogue's endpoints those of `wanted`; others stay.

    Raises:
        Refused, aiohttp.ClientError: keystone did not take them.
    """
    async with signed_in(layout) as keystone:
        services = {s["id"]: s["type"] for s in (await keystone.ask("services"))["services"]}
        for endpoint in (await keystone.ask("endpoints"))["endpoints"]:
            urls = wanted.get(services[endpoint["service_id"]], {})
            url = urls.get(endpoint["interface"], endpoint["url"])
            if url != endpoint["url"]:
                path = f"endpoints/{endpoint['id']}"
                await keystone.ask(path, "PATCH", {"endpoint": {"url": url}})


@contextlib.asynccontextmanager
async def signed_in(layout: Layout, password: str = "") -> AsyncIterator[Keystone]:
    """Keystone's API as its administrator, with his password unless another is given.

    Raises:
        Refused, aiohttp.ClientError: keystone did not let him in.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        keystone = Keystone(session, layout)
        await keystone.authenticate(password or layout.passwords["admin"])
        yield keystone


class Keystone:
    """Keystone's API, version 3."""

    def __init__(self, session: aiohttp.ClientSession, layout: Layout) -> None:
        self._session = session
        self._layout = layout
        self._headers: dict[str, str] = {}

    async def authenticate(self, password: str) -> None:
        """Take a token of the administrator's; Refused when Keystone gives none."""
        user = {"name": "admin", "password": password, "domain": {"id": "default"}}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
        }
        url = f"{self._layout.identity_url}/auth/tokens"
        async with self._session.post(url, json={"auth": auth}) as answer:
            if answer.status != 201:
                raise Refused(f"keystone gives no token: {answer.status} {await answer.text()}")
            self._headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}

    async def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """One request; Refused with Keystone's words when it fails."""
        url = f"{self._layout.identity_url}/{path}"
        async with self._session.request(method, url, json=body, headers=self._headers) as answer:
            if answer.status >= 300:
                said = await answer.text()
                raise Refused(f"keystone refused {method} {path}: {answer.status} {said}")
            return await answer.json()
