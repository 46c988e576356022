"""A thin client of MAAS's region API 2.0: OAuth 1.0a PLAINTEXT over verified TLS."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import aiohttp
from oauthlib import oauth1

from sandbox.juju.providers.provider import AccessDenied, ProviderError, Unreachable

_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=10)

Parameters = Sequence[tuple[str, str]]


class ServerError(ProviderError):
    """An answer other than success, worded as Juju's client words it."""

    def __init__(self, status: int, reason: str, body: str) -> None:
        super().__init__(f"ServerError: {status} {reason} ({body})")
        self.status = status
        self.body = body


class MaasClient:
    """One region with one API key. The key is never part of an error or a repr."""

    def __init__(self, endpoint: str, key: str, ca_certificates: Sequence[str] = ()) -> None:
        """`key` is consumer:token:secret.

        Raises:
            AccessDenied: the key has not these three parts.
        """
        parts = key.split(":")
        if len(parts) != 3:
            raise AccessDenied("malformed maas-oauth: expected <consumer>:<token>:<secret>")
        consumer, token, secret = parts
        self._root = f"{endpoint.rstrip('/')}/api/2.0/"
        self._signer = oauth1.Client(
            consumer,
            resource_owner_key=token,
            resource_owner_secret=secret,
            signature_method=oauth1.SIGNATURE_PLAINTEXT,
        )
        self._context = ssl.create_default_context()
        for certificate in ca_certificates:
            self._context.load_verify_locations(cadata=certificate)
        self._session: aiohttp.ClientSession | None = None

    async def get(self, path: str, parameters: Parameters = ()) -> Any:
        """Read a resource: parsed JSON."""
        return await self._request("GET", path, query=parameters)

    async def post(self, path: str, operation: str, parameters: Parameters = ()) -> Any:
        """Run an operation: parsed JSON, or the text of the answer."""
        return await self._request("POST", path, query=[("op", operation)], form=parameters)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        query: Parameters = (),
        form: Parameters | None = None,
    ) -> Any:
        url = self._root + path
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._context)
            self._session = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT)
        _, headers, _ = self._signer.sign(url, http_method=method)
        try:
            async with self._session.request(
                method,
                url,
                params=list(query),
                data=None if form is None else aiohttp.FormData(list(form)),
                headers=headers,
            ) as answer:
                return _understood(answer, await answer.text())
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            # The cause may hold the request's headers, and so the key.
            raise Unreachable(f"cannot reach MAAS at {self._root}: {_reason(error)}") from None


def field(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Form fields of a mapping: empty values left out, lists repeated."""
    fields: list[tuple[str, str]] = []
    for name, value in parameters.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        fields += [(name, str(item)) for item in values if item not in (None, "")]
    return fields


def _understood(answer: aiohttp.ClientResponse, text: str) -> Any:
    if answer.status == 401:
        # The body of a MAAS 401 may quote the signature, and so the secret.
        raise AccessDenied("cloud denied access: MAAS does not accept the API key")
    if answer.status >= 400:
        raise ServerError(answer.status, answer.reason or "", text.strip())
    if answer.content_type == "application/json":
        return json.loads(text)
    return text


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted: give the cloud its ca-certificates"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        return os.strerror(number).lower() if number else type(error.os_error).__name__
    return "no answer in time" if isinstance(error, asyncio.TimeoutError) else type(error).__name__
