"""What the operator of the sandbox does in MAAS, over its API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import requests
import requests_oauthlib
import tenacity

from .authority import Authority
from .home import Home

_TIMEOUT = 30.0


class NodesNotReady(Exception):
    """Nodes did not become Ready; the message names each with its MAAS status."""


class MaasRefused(Exception):
    """MAAS answered with an error; the message holds what was asked and what it said."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Region:
    """A session of MAAS's administrator."""

    def __init__(self, home: Home, api_key: str) -> None:
        consumer, token, secret = api_key.split(":")
        self.url = f"https://{home.region_address}:5443/MAAS"
        self._session = requests_oauthlib.OAuth1Session(
            consumer,
            resource_owner_key=token,
            resource_owner_secret=secret,
            signature_method="PLAINTEXT",
        )
        self._session.verify = str(Authority(home.folder("ca")).certificate)
        self._session.trust_env = False

    def machines(self) -> list[dict[str, Any]]:
        """Every machine, as MAAS describes it."""
        return self._get("machines/")

    def tag(self, name: str, comment: str, system_ids: list[str]) -> None:
        """Give these machines a tag, made when it does not exist."""
        if name not in {tag["name"] for tag in self._get("tags/")}:
            self._post("tags/", {"name": name, "comment": comment})
        self._post(f"tags/{name}/?op=update_nodes", {"add": system_ids})

    def commission(self, hostnames: Sequence[str], *, timeout: float = 120.0) -> list[str]:
        """Commission these machines unless they are past it; returns their system ids.

        Raises:
            NodesNotReady: one of them failed, or was not Ready in `timeout` seconds.
            MaasRefused: MAAS would not commission one of them at all.
        """
        deadline = time.monotonic() + timeout
        asked: set[str] = set()
        while True:
            found = [m for m in self.machines() if m["hostname"] in hostnames]
            for machine in found:
                system_id = machine["system_id"]
                new = machine["status_name"] == "New" and system_id not in asked
                if new and self._commissions(system_id):
                    asked.add(system_id)
            waiting = [m for m in found if m["status_name"] in _BEFORE_READY]
            if not waiting:
                break
            failed = [m for m in waiting if m["status_name"].startswith("Failed")]
            if failed or time.monotonic() > deadline:
                states = ", ".join(f"{m['hostname']} is {m['status_name']}" for m in waiting)
                raise NodesNotReady(f"{states}: see the events of the machine in MAAS")
            time.sleep(0.3)
        return [m["system_id"] for m in found]

    def _commissions(self, system_id: str) -> bool:
        """Ask for one machine's commissioning; False while its BMC cannot be reached."""
        try:
            self._post(f"machines/{system_id}/?op=commission", {})
        except MaasRefused as refused:
            if refused.status != requests.codes.service_unavailable:
                raise
            return False
        return True

    def ready(self) -> bool:
        """True when the API answers this key."""
        try:
            self._get("users/?op=whoami")
        except (requests.RequestException, MaasRefused):
            return False
        return True

    def _get(self, path: str) -> Any:
        return self._request("GET", path, None).json()

    def _post(self, path: str, data: dict[str, Any]) -> None:
        self._request("POST", path, data)

    # MAAS may be restarting; what is asked here can be asked again.
    @tenacity.retry(
        retry=tenacity.retry_if_exception_type(requests.ConnectionError),
        wait=tenacity.wait_fixed(0.5),
        stop=tenacity.stop_after_delay(30),
        reraise=True,
    )
    def _request(self, method: str, path: str, data: dict[str, Any] | None) -> requests.Response:
        url = f"{self.url}/api/2.0/{path}"
        answer = self._session.request(method, url, data=data, timeout=_TIMEOUT)
        if answer.status_code == requests.codes.unauthorized:
            # The body of MAAS's 401 repeats the token's secret.
            raise MaasRefused(answer.status_code, f"MAAS refused the API key for {path}")
        if not answer.ok:
            said = f"MAAS answered {answer.status_code} to {path}: {answer.text[:500]}"
            raise MaasRefused(answer.status_code, said)
        return answer


_BEFORE_READY = frozenset(
    {"New", "Commissioning", "Testing", "Failed commissioning", "Failed testing"}
)
