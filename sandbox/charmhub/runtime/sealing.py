"""Vault's seal: a restart closes it, and three keys, over Vault's own API, open it again.

`<shared>/sealed/<unit>` is there while the unit is sealed. The server takes the keys: see
relay.py. They are any three that differ: a stand-in has nothing to protect.
"""

# ruff: noqa: PTH103, PTH108, PTH123 - pathlib costs a hook more than any tool
from __future__ import annotations

import os

from .world import World


def seal(description: dict, world: World) -> None:
    """What a restart does to a unit, but for one that unlocks itself by an option."""
    option = description["workload"].get("seals-unless")
    if not option or not world.shared:
        return
    if world.config.get(option):
        return
    os.makedirs(f"{world.shared}/sealed", exist_ok=True)
    with open(_file(world), "w", encoding="ascii"):
        pass


def sealed(description: dict, world: World) -> bool:
    """Whether the unit is of no use until somebody brings the keys."""
    if "seals-unless" not in description["workload"] or not world.shared:
        return False
    return os.access(_file(world), os.F_OK)


def forget(world: World) -> None:
    """The unit goes."""
    try:
        os.unlink(_file(world))
    except FileNotFoundError:
        return


def _file(world: World) -> str:
    return f"{world.shared}/sealed/{world.slug}"
