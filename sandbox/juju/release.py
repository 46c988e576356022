"""The releases of Juju that the controller can answer as: 3.6 and 4.0.

Most of the API is the same in both. Juju 4.0 watches no whole model, takes charms by PUT only,
and serves newer versions of a few facades (apiserver/allfacades.go of both branches).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

VARIABLE = "SANDBOX_JUJU"
"""Of the controller's environment: the release to be, 3.6 or 4.0; unset keeps what it was."""


class UnknownRelease(ValueError):
    """The sandbox cannot answer as that release."""


@dataclasses.dataclass(frozen=True)
class Release:
    """What sets one release of Juju apart from the others."""

    version: str
    """Of the agents and the controller."""
    facades: Mapping[str, frozenset[int]]
    """The versions that it serves of a facade, where those are not all that the sandbox has."""
    missing: frozenset[tuple[str, str]] = frozenset()
    """Methods that it has no more."""
    uploads_by_post: bool = True
    """Whether charms may come by POST to /model/<uuid>/charms."""
    lost_workload: str = "agent lost, see 'juju show-status-log {unit}'"
    """What a status says of the workload of a unit whose agent is gone."""
    keeps_errors: bool = False
    """Whether a status shows a failed hook rather than that the agent is gone."""
    most_operations: int | None = None
    """How many operations one answer lists at most, whatever was asked for."""
    lists_commands_by_name: bool = True
    """Whether commands are found where operations are asked for by the name `juju-exec`."""
    orders_numbers_as_text: bool = False
    """Whether operation 10 is listed before operation 9."""

    def serves(self, facade: str, version: int) -> bool:
        """Whether this release has that version of a facade."""
        return version in self.facades.get(facade, (version,))


JUJU_3_6 = Release(
    "3.6.28",
    {"Bundle": frozenset({6}), "MachineManager": frozenset({9, 10})},
)

JUJU_4_0 = Release(
    "4.0.15",
    {
        "AllWatcher": frozenset(),
        "ApplicationOffers": frozenset({5}),
        "Bundle": frozenset({8}),
        "Charms": frozenset({7}),
        "Client": frozenset({8}),
        "MachineManager": frozenset({11}),
        "ModelManager": frozenset({10}),
    },
    missing=frozenset({("Client", "WatchAll")}),
    uploads_by_post=False,
    lost_workload=(
        "agent lost, see `juju debug-logs` or `juju show-status-log` for more information"
    ),
    keeps_errors=True,
    most_operations=50,
    lists_commands_by_name=False,
    orders_numbers_as_text=True,
)

RELEASES = {"3.6": JUJU_3_6, "4.0": JUJU_4_0}
DEFAULT = JUJU_3_6


def named(name: str) -> Release:
    """The release of a name such as 3.6.

    Raises:
        UnknownRelease: the sandbox does not know it.
    """
    try:
        return RELEASES[name]
    except KeyError:
        known = " or ".join(RELEASES)
        raise UnknownRelease(f"{VARIABLE}={name}: give {known}") from None


def of_version(version: str) -> Release:
    """The release of an agent version; the default one for a version that is unknown."""
    return next((r for r in RELEASES.values() if r.version == version), DEFAULT)
