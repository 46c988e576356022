"""The redfish driver: Basic authentication, boot override to PXE once, then a reset.

The requests are those of MAAS 3.7 (provisioningserver/drivers/power/redfish.py) but for one
thing: the BMC's certificate is verified against the sandbox's CA, which MAAS does not do.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Literal

import aiohttp

from sandbox.maas.power.driver import Action, PowerAuthError, PowerConnectionError, PowerError

_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=3)
_WAITS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between looks at a power state that should change."""


class RedfishDriver:
    """Power over a Redfish service; one session for all BMCs."""

    def __init__(self, ca: ssl.SSLContext) -> None:
        self._ca = ca

    async def power(self, action: Action, parameters: Mapping[str, str]) -> None:
        """Switch the system; on its way up it boots from the network once."""
        async with self._session(parameters) as session:
            system = await _system(session, parameters)
            state = await _state(session, system)
            if action == "off":
                if state != "off":
                    await _reset(session, system, "ForceOff", "off")
                await _boot_from_network(session, system)
                return
            if state == "on":
                await _reset(session, system, "ForceOff", "off")
            await _boot_from_network(session, system)
            await _reset(session, system, "On", "on")

    async def query(self, parameters: Mapping[str, str]) -> Literal["on", "off"]:
        """The system's PowerState; between states counts as the one it leaves."""
        async with self._session(parameters) as session:
            return await _state(session, await _system(session, parameters))

    def _session(self, parameters: Mapping[str, str]) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            base_url=f"https://{parameters['power_address']}",
            auth=aiohttp.BasicAuth(parameters["power_user"], parameters["power_pass"]),
            connector=aiohttp.TCPConnector(ssl=self._ca),
            timeout=_TIMEOUT,
        )


async def _request(
    session: aiohttp.ClientSession, method: str, path: str, **arguments: Any
) -> dict[str, Any]:
    try:
        async with session.request(method, path, **arguments) as response:
            if response.status in (401, 403):
                raise PowerAuthError(
                    f"Redfish request failed with response status code: {response.status}."
                )
            if response.status >= 400:
                raise PowerError(
                    f"Redfish request failed with response status code: {response.status}."
                )
            return await response.json(content_type=None) if response.status != 204 else {}
    except asyncio.TimeoutError:
        raise PowerConnectionError("Redfish request timed out.") from None
    except aiohttp.ClientConnectorCertificateError as error:
        raise PowerError(f"The BMC's certificate is not trusted: {error}") from None
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise PowerConnectionError(f"Redfish request failed: {error}") from None
    except (aiohttp.ClientError, ValueError) as error:
        raise PowerError(f"Redfish request failed: {error}") from None


async def _system(session: aiohttp.ClientSession, parameters: Mapping[str, str]) -> str:
    if node_id := parameters.get("node_id"):
        return f"/redfish/v1/Systems/{node_id}"
    systems = await _request(session, "GET", "/redfish/v1/Systems/")
    members = systems.get("Members") or []
    if not members:
        raise PowerError("The Redfish service has no systems.")
    return members[0]["@odata.id"].rstrip("/")


async def _state(session: aiohttp.ClientSession, system: str) -> Literal["on", "off"]:
    data = await _request(session, "GET", system)
    state = str(data.get("PowerState")).lower()
    if state in ("off", "poweringon"):
        return "off"
    if state in ("on", "paused", "poweringoff"):
        return "on"
    raise PowerError(f"The BMC shows an unknown power state: {state}.")


async def _boot_from_network(session: aiohttp.ClientSession, system: str) -> None:
    data = await _request(session, "GET", system)
    etag = data.get("@odata.etag")
    boot = {"BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "Pxe"}
    headers = {"If-Match": etag} if etag else {}
    await _request(session, "PATCH", system, json={"Boot": boot}, headers=headers)


async def _reset(
    session: aiohttp.ClientSession, system: str, kind: str, wanted: Literal["on", "off"]
) -> None:
    await _request(
        session, "POST", f"{system}/Actions/ComputerSystem.Reset", json={"ResetType": kind}
    )
    for wait in _WAITS:
        if await _state(session, system) == wanted:
            return
        await asyncio.sleep(wait)
    name = system.rpartition("/")[2]
    raise PowerError(f"The redfish node '{name}' did not transition to the state '{wanted}'.")
