"""The ipmi driver: IPMI 2.0 over LAN with ipmitool.

MAAS uses FreeIPMI's tools; what goes over the wire is the same: the boot flags to PXE for the next
boot, then a power cycle, or power on when it is off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal

from sandbox.maas.power.driver import Action, PowerAuthError, PowerConnectionError, PowerError

_TIMEOUT = 20.0
_WAITS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_NO_SESSION = "Unable to establish IPMI v2 / RMCP+ session"


class IpmiDriver:
    """Power over IPMI; the password goes to ipmitool in its environment, never in arguments."""

    async def power(self, action: Action, parameters: Mapping[str, str]) -> None:
        """Switch the chassis; on its way up it boots from the network once."""
        if action == "off":
            await _run(parameters, "chassis", "power", "off")
            await self._wait(parameters, "off")
            return
        await _run(parameters, "chassis", "bootdev", "pxe", "options=efiboot")
        if await self.query(parameters) == "on":
            await _run(parameters, "chassis", "power", "off")
            await self._wait(parameters, "off")
        await _run(parameters, "chassis", "power", "on")
        await self._wait(parameters, "on")

    async def query(self, parameters: Mapping[str, str]) -> Literal["on", "off"]:
        """The chassis' power state."""
        answer = await _run(parameters, "chassis", "power", "status")
        return "on" if answer.strip().lower().endswith("on") else "off"

    async def _wait(self, parameters: Mapping[str, str], wanted: Literal["on", "off"]) -> None:
        for wait in _WAITS:
            if await self.query(parameters) == wanted:
                return
            await asyncio.sleep(wait)
        address = parameters["power_address"]
        raise PowerError(f"Failed to power {address}. BMC never transitioned to {wanted}.")


async def _run(parameters: Mapping[str, str], *command: str) -> str:
    arguments = (
        *(
            "-I",
            "lanplus",
            "-H",
            parameters["power_address"],
            "-U",
            parameters.get("power_user") or "",
        ),
        *("-C", parameters.get("cipher_suite_id") or "3"),
        *("-L", parameters.get("privilege_level") or "OPERATOR"),
        # -v: without it a wrong password and a dead BMC give the same message.
        *("-N", "1", "-R", "2", "-E", "-v"),
    )
    try:
        process = await asyncio.create_subprocess_exec(
            "ipmitool",
            *arguments,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                "IPMI_PASSWORD": parameters.get("power_pass") or "",
                "PATH": "/usr/sbin:/usr/bin:/bin",
            },
        )
    except FileNotFoundError:
        raise PowerError("ipmitool is not installed: install the package ipmitool.") from None
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _TIMEOUT)
    except asyncio.TimeoutError:
        raise PowerConnectionError(_UNREACHABLE) from None
    finally:
        if process.returncode is None:  # late, or no longer wanted
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _failure(errors.decode(errors="replace"))
    return output.decode(errors="replace")


_UNREACHABLE = (
    "Connection timed out while performing power action.  "
    "Check BMC configuration and connectivity and try again."
)


def _failure(text: str) -> PowerError:
    lines = [line for line in text.splitlines() if line.startswith("Error")]
    if "unauthorized name" in text:
        return PowerAuthError("Incorrect username.  Check BMC configuration and try again.")
    if "RAKP 2 HMAC is invalid" in text:
        return PowerAuthError("Incorrect password.  Check BMC configuration and try again.")
    if any(_NO_SESSION in line for line in lines):
        return PowerConnectionError(_UNREACHABLE)
    return PowerError("; ".join(lines) or "ipmitool failed without a message.")
