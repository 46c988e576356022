"""Which release of its workload a unit has, and when it moves to another. Pure."""

from __future__ import annotations

from .world import World

_RISKS = ("stable", "candidate", "beta", "edge")


def named(description: dict, origin: str) -> str | None:
    """The release that an origin names: `distro`, `caracal`, `cloud:jammy-caracal/proposed`."""
    if not origin or origin.startswith("distro"):
        return description["distro"]
    words = origin.replace("/", "-").replace(":", "-").split("-")
    return next((name for name in description["releases"] if name in words), None)


def channel(description: dict, world: World) -> str:
    """The channel of its snap, of a charm that has an option for that; empty of any other."""
    option = description["workload"].get("snap")
    return str(world.config.get(option) or "stable") if option else ""


def is_channel(channel: str) -> bool:
    """Whether vault takes it for one: validate_snap_channel in vault_handlers.py."""
    return channel.rpartition("/")[2] in _RISKS


def target(description: dict, world: World) -> str:
    """The release that the unit should have: by its origin or snap, or by the charm's track."""
    if snap := channel(description, world):
        return description["tracks"].get(snap.partition("/")[0], description["release"])
    option = description["workload"].get("origin")
    if option is None:
        return description["release"]
    wanted = named(description, str(world.config.get(option) or ""))
    return wanted or world.release or description["release"]


def newer(description: dict, world: World) -> bool:
    """Whether the origin names a later release than the unit has."""
    order = description["releases"]
    if not world.release:
        return True
    return order.index(target(description, world)) > order.index(world.release)


def managed(description: dict, world: World) -> bool:
    """Whether upgrades wait for an action: by an option, or as the charm always does."""
    return "upgrade" in description["workload"] or bool(world.config.get("action-managed-upgrade"))


def moves_by_itself(description: dict, world: World) -> bool:
    """Whether the unit installs or upgrades now, without being told to by an action."""
    if snap := channel(description, world):
        return not world.release and is_channel(snap)
    return newer(description, world) and not (world.release and managed(description, world))


def version(description: dict, world: World) -> str:
    """The version of the workload that is installed."""
    return description["versions"][world.release]
