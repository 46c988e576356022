"""Asks many BMCs at once for power and health, and switches one."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import pathlib
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

from configuration import Account, Accounts

Power = Literal["on", "off", "unknown"]
Health = Literal["ok", "warning", "critical", "unknown"]

_AT_ONCE = 32
"""BMCs that are asked at the same time; each of them by one connection."""
KINDS = ("redfish", "ipmi")
"""MAAS power types that this charm speaks itself; iDRAC and iLO go by either."""


class BmcError(Exception):
    """A BMC could not be used. The message is for the operator and holds no password."""


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One machine's BMC."""

    system_id: str
    kind: str
    address: str
    """Host or host:port."""
    node_id: str
    """Redfish's name of the system; empty for the only one."""
    account: Account


@dataclasses.dataclass(frozen=True)
class Reading:
    """What a BMC said of itself."""

    reachable: bool
    health: Health = "unknown"
    power: Power = "unknown"
    problem: str = ""


class Bmcs(Protocol):
    """What the rounds and actions ask of BMCs; `Network` says what each does."""

    def read(self, endpoints: Iterable[Endpoint]) -> dict[str, Reading]: ...  # noqa: D102
    def switch(self, endpoint: Endpoint, power: Literal["on", "off"]) -> None: ...  # noqa: D102


def endpoint(
    system_id: str,
    hostname: str,
    kind: str,
    parameters: Mapping[str, Any],
    accounts: Accounts,
) -> Endpoint | None:
    """The BMC of a machine from MAAS's power parameters; None when there is none to ask."""
    address = str(parameters.get("power_address") or "")
    if kind not in KINDS or not address:
        return None
    account = accounts.of(hostname) or Account(
        str(parameters.get("power_user") or ""), str(parameters.get("power_pass") or "")
    )
    return Endpoint(system_id, kind, address, str(parameters.get("node_id") or ""), account)


class Network:
    """The network of the BMCs."""

    def __init__(self, ca_file: pathlib.Path | None) -> None:
        self._ca_file = ca_file
        self._ipmi = threading.Lock()

    def read(self, endpoints: Iterable[Endpoint]) -> dict[str, Reading]:
        """A reading per system id; a BMC that cannot be read has one that says why.

        BMCs have few sessions: machines that share one are asked one after another. pyghmi
        keeps its sessions in the process and is not made for threads: IPMI goes in one line.
        """
        endpoints = tuple(endpoints)
        readings: dict[str, Reading] = {}
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
            queues: dict[str, list[Endpoint]] = defaultdict(list)
            for each, answers in zip(endpoints, pool.map(_answers, endpoints), strict=True):
                if answers:
                    queues["ipmi" if each.kind == "ipmi" else each.address].append(each)
                else:
                    readings[each.system_id] = _silent(each)
            for result in pool.map(self._read_in_turn, queues.values()):
                readings.update(result)
        return readings

    def switch(self, endpoint: Endpoint, power: Literal["on", "off"]) -> None:
        """Switch a machine on or off.

        Raises:
            BmcError: it did not answer, or refused.
        """
        if endpoint.kind == "ipmi":
            import ipmi

            with self._ipmi:
                ipmi.switch(endpoint, power)
        else:
            import redfish

            redfish.switch(endpoint, power, self._ca_file)

    def _read_in_turn(self, endpoints: list[Endpoint]) -> dict[str, Reading]:
        return {each.system_id: self._read(each) for each in endpoints}

    def _read(self, endpoint: Endpoint) -> Reading:
        try:
            if endpoint.kind == "ipmi":
                import ipmi

                return ipmi.read(endpoint)
            import redfish

            return redfish.read(endpoint, self._ca_file)
        except BmcError as error:
            return Reading(reachable=False, problem=str(error))


def _answers(endpoint: Endpoint) -> bool:
    """Whether it is worth a place in the line; Redfish needs none."""
    if endpoint.kind != "ipmi":
        return True
    import ipmi

    return ipmi.answers(endpoint)


def _silent(endpoint: Endpoint) -> Reading:
    problem = f"the BMC at {endpoint.address} does not answer over IPMI"
    return Reading(reachable=False, problem=problem)
