"""A client that asks the cloud's APIs without a pause and forgets no failure.

`python -m tests.zero_downtime.probe` reads from standard input, as JSON, keystone's URL and the
administrator's account, asks at a fixed rate until SIGTERM whatever the answers are, and writes
one JSON line for each request: when, of which API, how long it took, and why it failed.

Every call is a real one: a token from keystone, and with it a list from each other API at the
address that the catalogue tells.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, TextIO

import aiohttp

PER_SECOND = 20.0
GIVEN_UP_AFTER = 30.0
"""Seconds in which an answer must come."""
_TOKEN_LASTS = 600.0
_CALLS = {
    "nova": ("compute", "/servers?limit=1"),
    "neutron": ("network", "/v2.0/networks?limit=1"),
    "glance": ("image", "/v2/images?limit=1"),
    "cinder": ("block-storage", "/{project}/volumes?limit=1"),
    "placement": ("placement", "/resource_providers?name=none"),
}
APIS = ("keystone", *_CALLS)


@dataclasses.dataclass(frozen=True)
class Account:
    """Where keystone is, and who asks."""

    auth_url: str
    username: str
    password: str = dataclasses.field(repr=False)
    project_name: str
    user_domain_name: str
    project_domain_name: str

    def body(self) -> dict[str, Any]:
        """What keystone is asked for a token with."""
        user = {
            "name": self.username,
            "password": self.password,
            "domain": {"name": self.user_domain_name},
        }
        project = {"name": self.project_name, "domain": {"name": self.project_domain_name}}
        identity = {"methods": ["password"], "password": {"user": user}}
        return {"auth": {"identity": identity, "scope": {"project": project}}}


@dataclasses.dataclass
class Token:
    """What keystone gave last: every other API is asked with it."""

    text: str
    project: str
    endpoints: dict[str, str]
    """Service type -> public URL."""
    since: float


class Failed(Exception):
    """The API did not answer as it should; the message says how."""


class Probe:
    """Asks one API after the other, each request at its time, whatever became of those before."""

    def __init__(self, session: aiohttp.ClientSession, account: Account, told: TextIO) -> None:
        self._session = session
        self._account = account
        self._told = told
        self._token: Token | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self, until: asyncio.Event) -> None:
        """Ask at the fixed rate, then wait for the answers that are under way."""
        await self._first_token()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for number, api in enumerate(_in_turn()):
            delay = began + number / PER_SECOND - loop.time()
            try:
                await asyncio.wait_for(until.wait(), max(0.0, delay))
                break
            except asyncio.TimeoutError:
                task = asyncio.ensure_future(self._ask(api))
                self._asking.add(task)
                task.add_done_callback(self._asking.discard)
        await asyncio.gather(*self._asking)

    async def _first_token(self) -> None:
        while self._token is None:
            await self._ask("keystone")

    async def _ask(self, api: str) -> None:
        at, began, reason = time.time(), time.monotonic(), ""
        try:
            await (self._authenticate() if api == "keystone" else self._list(api))
        except Failed as error:
            reason = str(error)
        except asyncio.TimeoutError:
            reason = f"no answer within {GIVEN_UP_AFTER:.0f} s"
        except (aiohttp.ClientError, OSError) as error:
            reason = f"{type(error).__name__}: {error}"
        took = time.monotonic() - began
        line = {"at": round(at, 3), "api": api, "took": round(took, 3), "failed": reason}
        self._told.write(f"{json.dumps(line)}\n")
        self._told.flush()

    async def _authenticate(self) -> None:
        url = f"{self._account.auth_url}/auth/tokens"
        async with self._session.post(url, json=self._account.body()) as answer:
            document = await _checked(answer, 201)
            token = document["token"]
        if self._token is None or time.monotonic() - self._token.since > _TOKEN_LASTS:
            self._token = Token(
                answer.headers["X-Subject-Token"],
                token["project"]["id"],
                {
                    service["type"]: endpoint["url"]
                    for service in token["catalog"]
                    for endpoint in service["endpoints"]
                    if endpoint["interface"] == "public"
                },
                time.monotonic(),
            )

    async def _list(self, api: str) -> None:
        token = self._token
        if token is None:
            raise Failed("no token")
        kind, path = _CALLS[api]
        url = token.endpoints[kind] + path.format(project=token.project)
        async with self._session.get(url, headers={"X-Auth-Token": token.text}) as answer:
            await _checked(answer, 200)


def _in_turn() -> Iterator[str]:
    return itertools.cycle(APIS)


async def _checked(answer: aiohttp.ClientResponse, wanted: int) -> Any:
    if answer.status != wanted:
        raise Failed(f"{answer.status} {(await answer.text())[:200]}")
    return await answer.json(content_type=None)


async def _main(account: Account, told: TextIO) -> None:
    until = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, until.set)
    # The APIs close after each answer: a connection of its own for each request.
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    timeout = aiohttp.ClientTimeout(total=GIVEN_UP_AFTER)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await Probe(session, account, told).run(until)


if __name__ == "__main__":
    asyncio.run(_main(Account(**json.load(sys.stdin)), sys.stdout))
