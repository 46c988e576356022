"""The manual driver: someone walks to the machine. MAAS trusts that they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sandbox.maas.power.driver import Action


class ManualDriver:
    """Power that MAAS can neither switch nor see."""

    async def power(self, action: Action, parameters: Mapping[str, str]) -> None:
        """Nothing: it is done by hand."""

    async def query(self, parameters: Mapping[str, str]) -> Literal["unknown"]:
        """Nobody knows."""
        return "unknown"
