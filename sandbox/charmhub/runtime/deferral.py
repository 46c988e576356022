"""What waits for somebody while `enable-auto-restarts` is false: restarts, and work of hooks.

The words are those of charmhelpers (contrib/openstack/deferred_events.py, and for the actions
contrib/openstack/utils.py) and of the charms' actions (os_deferred_event_actions.py).
"""

from __future__ import annotations

import time

from . import handshake
from .world import DEFERRED, PAUSED, SKIPPED, Refused, World

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Importing `typing` costs a hook more than any tool.
    from typing import Any

_OPTION = "enable-auto-restarts"
_CHOSEN, _DEFERRED = "chosen", "deferred"
# They run none of the handlers that are put off.
_QUIET = ("update-status", "stop", "remove")


def puts_off(world: World) -> bool:
    """Whether services must not be restarted now."""
    return world.config.get(_OPTION) is False


def turned(before: dict, after: dict) -> bool:
    """Whether the option has another value than it had in the hook before."""
    return before.get(_OPTION) != after.get(_OPTION)


def queue(description: dict, world: World) -> None:
    """Packages are new and what runs is not: its restart waits."""
    queued: dict = world.flags.setdefault(DEFERRED, {})
    for service in description["queues"]:
        queued.setdefault(service, int(time.time()))


def restarted(world: World, services: list[str] | None = None) -> None:
    """These services, or all, run anew: no restart of theirs waits any more."""
    queued: dict = world.flags.get(DEFERRED, {})
    for service in list(queued) if services is None else services:
        queued.pop(service, None)


def observe(description: dict, world: World, event: str) -> None:
    """Note what this hook leaves undone, or did after all.

    What is left undone is ovn_charm.py's of charm-layer-ovn (in every hook, but for the one that
    turns the option) and rabbitmq_server_relations.py's (in hooks of their own).
    """
    work = description["workload"].get("defers", {})
    named = list(work.get(event, ()))
    if event not in _QUIET and not world.flags.get(PAUSED):
        named += work.get("any", ())
    if not named:
        return
    skipped = set(world.flags.get(SKIPPED, ()))
    undone = puts_off(world) and not world.turned and handshake.able(description, world)
    world.flags[SKIPPED] = sorted(skipped | set(named) if undone else skipped - set(named))


def message(world: World) -> str:
    """What the unit's status says of it; empty when nothing waits."""
    told = []
    if queued := world.flags.get(DEFERRED):
        told.append(f"Services queued for restart: {', '.join(sorted(queued))}")
    if skipped := world.flags.get(SKIPPED):
        told.append(f"Hooks skipped due to disabled auto restarts: {', '.join(skipped)}")
    return ". ".join(told)


def events(world: World) -> str:
    """What the action show-deferred-events gives: YAML."""
    queued = world.flags.get(DEFERRED, {})
    restarts = sorted(f"{since} {name.ljust(40)} Package update" for name, since in queued.items())
    return f"{_listed('hooks', world.flags.get(SKIPPED, ()))}{_listed('restarts', restarts)}"


def _listed(key: str, items: Any) -> str:
    lines = [f"- {item}" for item in items]
    return "\n".join([f"{key}:", *lines, ""]) if lines else f"{key}: []\n"


def services(description: dict, world: World, action: Any, parameters: dict) -> list[str]:
    """The services that an action restarts now.

    Args:
        description: the charm's.
        world: the unit's.
        action: what the description says of the action: True of one that restarts all.
        parameters: the action's.

    Raises:
        Refused: in the words of the charms.
    """
    if action not in (_CHOSEN, _DEFERRED):
        return description["services"]
    named = str(parameters.get("services") or "").split()
    if action == _CHOSEN:
        _check(description, named, deferred_only=bool(parameters.get("deferred-only")))
    if action == _DEFERRED or parameters.get("run-hooks"):
        world.flags[SKIPPED] = []
    return named or list(world.flags.get(DEFERRED, ()))


def _check(description: dict, named: list[str], *, deferred_only: bool) -> None:
    if deferred_only and named:
        raise Refused("Cannot set deferred-only and services")
    if not deferred_only and not named:
        raise Refused("Please specify deferred-only or services")
    failed = [
        f"{name} didn't stop cleanly." for name in named if name not in description["services"]
    ]
    if failed:
        raise Refused(f"Error processing service stop request: {'; '.join(failed)}")
