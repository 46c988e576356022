"""One machine's BMC over Redfish: power, health, and switching.

Requests carry the account themselves (HTTP Basic, as MAAS does it), so that no session is
opened on a service that allows only a few and forgets to close them.
"""

from __future__ import annotations

import pathlib
import ssl
from collections.abc import Mapping
from typing import Any, Literal

import requests
import tenacity
from bmcs import BmcError, Endpoint, Health, Power, Reading

_TIMEOUT = (2.0, 8.0)
"""Seconds to connect, and to wait for an answer: BMCs think long, but accept at once."""
_HEALTH: Mapping[str, Health] = {"OK": "ok", "Warning": "warning", "Critical": "critical"}
_POWER: Mapping[str, Power] = {"On": "on", "PoweringOff": "on", "Off": "off", "PoweringOn": "off"}


class _NoAnswer(BmcError):
    """It may have been busy: worth one more try."""


def read(endpoint: Endpoint, ca_file: pathlib.Path | None) -> Reading:
    """Power and health of the machine.

    Raises:
        BmcError: it does not answer, is not trusted, or refuses the account.
    """
    with _Service(endpoint, ca_file) as service:
        system = service.system()
    status = system.get("Status") or {}
    worst = str(status.get("HealthRollup") or status.get("Health"))
    health = _HEALTH.get(worst, "unknown")
    return Reading(
        reachable=True,
        health=health,
        power=_POWER.get(system.get("PowerState", ""), "unknown"),
        problem="" if health in ("ok", "unknown") else f"the BMC reports health {worst}",
    )


def switch(endpoint: Endpoint, power: Literal["on", "off"], ca_file: pathlib.Path | None) -> None:
    """Switch the machine on or off.

    Raises:
        BmcError: it does not answer, is not trusted, or refuses.
    """
    with _Service(endpoint, ca_file) as service:
        system = service.system()
        reset = (system.get("Actions") or {}).get("#ComputerSystem.Reset") or {}
        if "target" not in reset:
            raise BmcError(f"the BMC at {endpoint.address} offers no way to switch the machine")
        service.post(reset["target"], {"ResetType": "On" if power == "on" else "ForceOff"})


class _Service:
    """The Redfish service of one BMC."""

    def __init__(self, endpoint: Endpoint, ca_file: pathlib.Path | None) -> None:
        self._endpoint = endpoint
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca_file or ssl.get_default_verify_paths().cafile or True)
        self._session.auth = (endpoint.account.user, endpoint.account.password)

    def __enter__(self) -> _Service:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def system(self) -> dict[str, Any]:
        """The computer system that the endpoint means."""
        if self._endpoint.node_id:
            return self._get(f"/redfish/v1/Systems/{self._endpoint.node_id}")
        members = self._get("/redfish/v1/Systems").get("Members") or []
        if not members:
            raise BmcError(f"the BMC at {self._endpoint.address} lists no system")
        return self._get(members[0]["@odata.id"])

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        self._request("POST", path, json=body)

    def _get(self, path: str) -> dict[str, Any]:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_NoAnswer),
            stop=tenacity.stop_after_attempt(2),
            wait=tenacity.wait_fixed(0.2),
            reraise=True,
        )
        try:
            return retrying(self._request, "GET", path).json()
        except ValueError:
            raise BmcError(f"the BMC at {self._endpoint.address} answers no JSON") from None

    def _request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        address = self._endpoint.address
        try:
            response = self._session.request(
                method,
                f"https://{address}{path}",
                timeout=_TIMEOUT,
                allow_redirects=False,
                **arguments,
            )
        except requests.exceptions.SSLError:
            raise BmcError(
                f"the certificate of the BMC at {address} cannot be verified: add its CA to"
                " ca-bundle"
            ) from None
        except requests.RequestException:
            raise _NoAnswer(f"the BMC at {address} does not answer over Redfish") from None
        if response.status_code == 401:
            raise BmcError(
                f"the BMC at {address} refuses the user {self._endpoint.account.user}: correct the"
                " power parameters in MAAS, or bmc-credentials"
            )
        if response.status_code == 503:
            raise _NoAnswer(f"the BMC at {address} is busy (503)")
        if response.status_code >= 300:
            raise BmcError(f"the BMC at {address} answers {response.status_code} to {path}")
        return response
