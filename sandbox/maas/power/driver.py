"""What every power driver does, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

Action = Literal["on", "cycle", "off"]


class PowerError(Exception):
    """The BMC did not do what it was asked. The text never holds a password."""

    fatal = False
    """Trying again cannot help."""


class PowerConnectionError(PowerError):
    """The BMC did not answer."""


class PowerAuthError(PowerError):
    """The BMC refused the user or the password."""

    fatal = True


class PowerDriver(Protocol):
    """One way of speaking to BMCs; `parameters` are the machine's power parameters."""

    async def power(self, action: Action, parameters: Mapping[str, str]) -> None:
        """Do it, and return when the BMC shows the new state; PowerError when it does not."""
        ...

    async def query(self, parameters: Mapping[str, str]) -> Literal["on", "off", "unknown"]:
        """The power state as the BMC shows it; PowerError when it does not answer."""
        ...
