"""How often, and where, the start of one machine is tried: Juju's strategy, as pure data.

Source: internal/worker/provisioner/provisioner_task.go, doStartMachine. A zone that has no
match is left out until every zone was tried; then one of the ten retries is used up.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sandbox.juju import zone_spread
from sandbox.juju.providers.provider import NoHost, NoMatch, ProviderError, StartRequest

RETRIES = 10


@dataclasses.dataclass(frozen=True)
class Attempt:
    """Where the start of a machine stands before it is tried (again)."""

    left: int = RETRIES
    """How many more may follow this one."""
    failed: frozenset[str] = frozenset()
    """Zones that had no match this time round."""

    def after(
        self,
        error: ProviderError,
        request: StartRequest,
        *,
        zone: str,
        zones: Sequence[str],
        delay: float,
    ) -> tuple[Attempt | None, str]:
        """The next attempt after a refusal and what to tell; None when it was the last.

        `zone` is where it was tried, `zones` are all there are, `delay` is in seconds.
        """
        if self.left <= 0:
            return None, str(error)
        again = f"retrying in {delay:g}s"
        # A refusal that is not about the zone is the same everywhere.
        elsewhere = isinstance(error, NoMatch) and bool(zone)
        failed = self.failed | {zone} if elsewhere else self.failed
        machine, told = request.machine, acquiring(error)
        if elsewhere and zone_spread.candidates(
            zones, allowed=allowed_zones(request), failed=failed
        ):
            where = f'failed to start machine {machine} in zone "{zone}"'
            told = f"{where}, {again} with new availability zone: {told}"
            return Attempt(self.left, failed), told
        failed = frozenset() if elsewhere else failed
        told = f"failed to start machine {machine} ({told}), {again} ({self.left} more attempts)"
        return Attempt(self.left - 1, failed), told


def acquiring(error: ProviderError) -> str:
    """The error as Juju annotates it for a retry; once given up it stands alone."""
    in_own_words = isinstance(error, NoHost) or not isinstance(error, NoMatch)
    return str(error) if in_own_words else f"failed to acquire node: {error}"


def allowed_zones(request: StartRequest) -> list[str]:
    """The zones that a placement or constraints allow; none for all."""
    key, _, value = request.placement.partition("=")
    return [value] if key == "zone" else list(request.constraints.get("zones") or [])


def names_a_node(request: StartRequest) -> bool:
    """Whether the placement names one machine, wherever it is."""
    return bool(request.placement) and not request.placement.startswith("zone=")
