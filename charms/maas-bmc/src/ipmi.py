"""One machine's BMC over IPMI 2.0 (lanplus): power, chassis faults, and switching."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any, Literal

from bmcs import BmcError, Endpoint, Reading
from pyghmi import exceptions
from pyghmi.ipmi import command

_PORT = 623
_CHASSIS = 0x00
_GET_STATUS = 0x01
_POWERED = 0x01
# Get Chassis Status (IPMI 2.0, 28.2): bits of the first and the third byte.
_POWER_FAULTS = {0x02: "power overload", 0x08: "main power fault", 0x10: "power control fault"}
_OTHER_FAULTS = {0x04: "drive fault", 0x08: "cooling or fan fault"}

# RMCP header, session without authentication, and Get Channel Authentication Capabilities for
# an administrator of the present channel (IPMI 2.0, 13.1 and 22.13): what every session begins
# with, and what any BMC answers whoever asks.
_HELLO = bytes.fromhex("0600ff07 00 00000000 00000000 09 2018c8 8100380e04 35")
_HELLOS = 3
_PATIENCE = 0.7
"""Seconds to wait for each answer."""


def answers(endpoint: Endpoint) -> bool:
    """Whether anything speaks IPMI there: pyghmi takes five seconds to give up, this two."""
    host, port = _place(endpoint)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as udp:
            udp.settimeout(_PATIENCE)
            udp.connect(address)
            return any(_is_answered(udp) for _ in range(_HELLOS))
    except OSError:
        return False


def _is_answered(udp: socket.socket) -> bool:
    udp.send(_HELLO)
    try:
        return bool(udp.recv(64))
    except TimeoutError:
        return False


def read(endpoint: Endpoint) -> Reading:
    """Power and health of the machine, by one command: reading all sensors takes minutes.

    Raises:
        BmcError: it does not answer, or refuses the account.
    """
    with _session(endpoint) as session:
        answer = session.raw_command(netfn=_CHASSIS, command=_GET_STATUS)
    if "error" in answer:
        raise BmcError(f"the BMC at {endpoint.address} answers over IPMI: {answer['error']}")
    first, _, third, *_ = bytes(answer["data"])
    faults = [name for bit, name in _POWER_FAULTS.items() if first & bit]
    faults += [name for bit, name in _OTHER_FAULTS.items() if third & bit]
    return Reading(
        reachable=True,
        health="critical" if faults else "ok",
        power="on" if first & _POWERED else "off",
        problem=f"the BMC reports: {', '.join(faults)}" if faults else "",
    )


def switch(endpoint: Endpoint, power: Literal["on", "off"]) -> None:
    """Switch the machine on or off.

    Raises:
        BmcError: it does not answer, or refuses.
    """
    with _session(endpoint) as session:
        answer = session.set_power(power)
    if "error" in answer:
        raise BmcError(f"the BMC at {endpoint.address} does not switch: {answer['error']}")


@contextlib.contextmanager
def _session(endpoint: Endpoint) -> Iterator[Any]:
    """A session that is logged out at the end: BMCs have few."""
    host, port = _place(endpoint)
    try:
        session: Any = command.Command(
            bmc=host,
            # As bytes: pyghmi forgets to forget a session that it keeps under text, and would
            # hand out the closed one when the same BMC is used again.
            userid=endpoint.account.user.encode(),
            password=endpoint.account.password.encode(),
            port=port,
            keepalive=False,
        )
        try:
            yield session
        finally:
            session.ipmi_session.logout()
    except (exceptions.IpmiException, OSError) as error:
        raise BmcError(
            f"the BMC at {endpoint.address} cannot be used over IPMI as"
            f" {endpoint.account.user}: {str(error).replace('None', 'no answer')}"
        ) from None


def _place(endpoint: Endpoint) -> tuple[str, int]:
    host, _, port = endpoint.address.partition(":")
    return host, int(port or _PORT)
