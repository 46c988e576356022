"""A thin client of OpenStack's APIs with one project's credential: Keystone v3 tokens."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from sandbox.juju.providers.provider import AccessDenied, ProviderError, Refused, Unreachable

_TIMEOUT = aiohttp.ClientTimeout(total=120, connect=10)
_PASSING = frozenset({429, 502, 503, 504})


class Failed(ProviderError):
    """An answer other than success, worded as Juju's client words it."""

    def __init__(self, url: str, status: int, told: str) -> None:
        super().__init__(
            f"request ({url}) returned unexpected status: {status}; error info: {told}"
        )
        self.status = status
        self.told = told


class OpenStackClient:
    """One region of one cloud. The password and the token are in no error and no repr."""

    def __init__(
        self,
        endpoint: str,
        region: str,
        auth_type: str,
        attributes: Mapping[str, str],
        ca_certificates: Sequence[str] = (),
    ) -> None:
        """`endpoint` is Keystone's URL; type and attributes are those of Juju's credential.

        Raises:
            AccessDenied: an attribute is missing.
            Refused: the auth-type is not understood here.
        """
        self._root = endpoint.rstrip("/").removesuffix("/v3")
        self._region = region
        self._login = _login(auth_type, attributes)
        self._context = ssl.create_default_context()
        for certificate in ca_certificates:
            self._context.load_verify_locations(cadata=certificate)
        self._session: aiohttp.ClientSession | None = None
        self._token = ""
        self._endpoints: dict[str, str] = {}

    async def get(self, service: str, path: str, **query: str) -> Any:
        """Read: parsed JSON."""
        return await self._call("GET", service, path, query=query)

    async def post(self, service: str, path: str, document: Any) -> Any:
        """Create or act: parsed JSON."""
        return await self._call("POST", service, path, document=document)

    async def put(self, service: str, path: str, document: Any) -> Any:
        """Replace: parsed JSON."""
        return await self._call("PUT", service, path, document=document)

    async def delete(self, service: str, path: str) -> None:
        """Delete; what is gone already is no error."""
        try:
            await self._call("DELETE", service, path)
        except Failed as error:
            if error.status != 404:
                raise

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(
        self,
        method: str,
        service: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        document: Any = None,
    ) -> Any:
        if not self._token:
            await self._log_in()
        url = self._url(service) + path
        status, told, parsed = await self._request(method, url, query, document)
        if status == 401:
            # Tokens end; only a login says whether the credential still holds.
            await self._log_in()
            status, told, parsed = await self._request(method, url, query, document)
        if status == 401:
            raise AccessDenied(f"cloud denied access: {told}")
        if status in _PASSING:
            raise Unreachable(str(Failed(url, status, told)))
        if status >= 400:
            raise Failed(url, status, told)
        return parsed

    async def _log_in(self) -> None:
        self._token = ""
        url = f"{self._root}/v3/auth/tokens"
        status, told, parsed, token = await self._answer("POST", url, None, self._login)
        if status in (401, 403):
            raise AccessDenied(f"cloud denied access: authentication failed: {told}")
        if status >= 500 or status in _PASSING:
            raise Unreachable(str(Failed(url, status, told)))
        if status >= 400 or not token:
            raise Failed(url, status, told)
        self._token = token
        self._endpoints = {
            entry["type"]: endpoint["url"].rstrip("/")
            for entry in parsed["token"]["catalog"]
            for endpoint in entry["endpoints"]
            if endpoint["interface"] == "public"
            and (not self._region or endpoint["region"] == self._region)
        }

    def _url(self, service: str) -> str:
        url = self._endpoints.get(service)
        if url is None:
            where = f" in region {self._region}" if self._region else ""
            raise Refused(f"the cloud's catalogue has no public {service} endpoint{where}")
        return url

    async def _request(
        self, method: str, url: str, query: Mapping[str, str] | None, document: Any
    ) -> tuple[int, str, Any]:
        status, told, parsed, _ = await self._answer(method, url, query, document)
        return status, told, parsed

    async def _answer(
        self, method: str, url: str, query: Mapping[str, str] | None, document: Any
    ) -> tuple[int, str, Any, str]:
        """Status, what an error says, the parsed body, and the token of a login."""
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        headers = {"X-Auth-Token": self._token} if self._token else {}
        try:
            async with self._session.request(
                method, url, params=query, json=document, headers=headers
            ) as answer:
                text = await answer.text()
                token = answer.headers.get("X-Subject-Token", "")
                return answer.status, *_understood(text), token
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            # The cause may hold the request, and so the password.
            raise Unreachable(f"cannot reach OpenStack at {url}: {_reason(error)}") from None


def _login(auth_type: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """Keystone's request for a token, by the attributes of Juju's openstack provider."""
    if auth_type != "userpass":
        raise Refused(f'auth-type "{auth_type}" is not supported: use userpass')
    for name in ("username", "password"):
        if not attributes.get(name):
            raise AccessDenied(f"cloud denied access: the credential has no {name}")
    domain = attributes.get("domain-name") or ""
    project = attributes.get("tenant-id")
    named = {
        "name": attributes.get("tenant-name") or "",
        "domain": _domain(attributes.get("project-domain-name") or domain),
    }
    user = {
        "name": attributes["username"],
        "password": attributes["password"],
        "domain": _domain(attributes.get("user-domain-name") or domain),
    }
    return {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"id": project} if project else named},
        }
    }


def _domain(name: str) -> dict[str, str]:
    return {"name": name} if name else {"id": "default"}


def _understood(text: str) -> tuple[str, Any]:
    """What an error document says, and the document."""
    try:
        parsed = json.loads(text) if text else {}
    except ValueError:
        return text.strip()[:200], {}
    if isinstance(parsed, dict):
        for value in parsed.values():
            if isinstance(value, dict) and isinstance(value.get("message"), str):
                return value["message"], parsed
    return text.strip()[:200], parsed


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted: give the cloud its ca-certificates"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return os.strerror(number).lower() if number else type(error.os_error).__name__
    return "no answer in time" if isinstance(error, asyncio.TimeoutError) else type(error).__name__
