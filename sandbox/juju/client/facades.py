"""The facade versions that this client speaks (api/facadeversions.go of Juju 3.6 and 4.0)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CLIENT_VERSION = "3.6.28"
"""The version of Juju whose command this is, unless the controller in focus is of another."""

SPOKEN: Mapping[str, tuple[int, ...]] = {
    "Action": (7,),
    "Admin": (3,),
    "AllWatcher": (3,),
    "Annotations": (2,),
    "Application": (15, 16, 17, 18, 19, 20, 21, 22),
    "ApplicationOffers": (4, 5),
    "Block": (2,),
    "Bundle": (6, 8),
    "Charms": (5, 6, 7),
    "Client": (6, 7, 8),
    "Cloud": (7,),
    "Controller": (11, 12),
    "CredentialManager": (1,),
    "KeyManager": (1,),
    "MachineManager": (9, 10, 11),
    "ModelConfig": (3,),
    "ModelManager": (9, 10),
    "Pinger": (1,),
    "Resources": (3,),
    "SSHClient": (4,),
    "Secrets": (1, 2),
    "Spaces": (6,),
    "Storage": (6, 7),
    "Subnets": (5,),
    "UserManager": (3,),
}


def best_version(facade: str, served: Iterable[int]) -> int:
    """The highest version of a facade that both sides speak, or 0 when there is none."""
    return max(set(SPOKEN.get(facade, ())) & set(served), default=0)
