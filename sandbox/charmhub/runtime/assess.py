"""The unit's workload status, in the words of the real charms. Pure."""

from __future__ import annotations

from . import deferral, releases
from .handshake import (
    Values,
    closed_gate,
    cluster_size,
    counted,
    device_count,
    fill,
    formed,
    has_quorum,
    members,
    online,
    unmet,
)
from .world import PAUSED, World

PAUSED_MESSAGE = "Paused. Use 'resume' action to resume normal service."

Status = tuple  # the status and its message


def status(description: dict, world: World, *, down: list[str] | None = None) -> Status:
    """The status that the unit shows, the first of these that is not fine.

    `down` are the services that should run and do not.
    """
    channel = releases.channel(description, world)
    if channel and not releases.is_channel(channel):
        return "blocked", f"Invalid snap channel configured: {channel}"
    if world.flags.get(PAUSED):
        return tuple(description["status"].get("paused", ("maintenance", PAUSED_MESSAGE)))
    put_off = deferral.message(world)
    if put_off and description["status"].get("wording") == "reactive":
        # custom_assess_status_check of the OVN charms: it comes before relations and the cluster.
        return "active", put_off
    state, message = _assessed(description, world, down or [])
    return state, f"{message}. {put_off}" if put_off else message


def _assessed(description: dict, world: World, down: list[str]) -> Status:
    for check in (
        _options,
        _flags,
        _gates,
        _relations,
        _cluster,
        _quorum,
        _count,
        _devices,
        _upgrade,
    ):
        found = check(description, world)
        if found:
            return found
    if down:
        return "blocked", f"Services not running that should be: {', '.join(down)}"
    return "active", _ready(description, world)


def invalid_options(description: dict, world: World) -> list[str]:
    """What is wrong with the configuration: one sentence an option, naming it."""
    problems = []
    for option, rule in sorted(description["checks"].items()):
        value = world.config.get(option)
        if value is None:
            continue
        problem = _problem(description, value, rule)
        if problem:
            problems.append(f"'{option}' must be {problem}")
    return problems


def _problem(description: dict, value: object, rule: dict) -> str:
    if "one-of" in rule:
        allowed = rule["one-of"]
        return "" if value in allowed else f"one of {', '.join(name for name in allowed if name)}"
    if "between" in rule:
        low, high = rule["between"]
        return "" if low <= int(str(value)) <= high else f"> {low - 1} < {high + 1}"
    if rule["is"] == "release":
        known = releases.named(description, str(value)) is not None
        return "" if known else f"distro or name a release, not '{value}'"
    bad = [word for word in str(value).split() if not _is_address(word)]
    return f"IP addresses, not '{bad[0]}'" if bad else ""


def _is_address(word: str) -> bool:
    # The module socket would cost more than the rest of the hook.
    import _socket

    for family in (_socket.AF_INET, _socket.AF_INET6):
        try:
            _socket.inet_pton(family, word)
        except OSError:
            continue
        return True
    return False


def _options(description: dict, world: World) -> Status | None:
    problems = invalid_options(description, world)
    return ("blocked", f"Invalid configuration: {'; '.join(problems)}") if problems else None


def _flags(description: dict, world: World) -> Status | None:
    if world.sealed:
        return "blocked", "Unit is sealed"
    shown = description["status"].get("flags", {})
    return next((tuple(shown[flag]) for flag in shown if world.flags.get(flag)), None)


def _gates(description: dict, world: World) -> Status | None:
    gate = closed_gate(description, world)
    # What is asked of vault is the leader's to answer, so it is the leader's to complain.
    if gate is None or ("asked" in gate and not world.leader):
        return None
    return tuple(gate["until"])


def _relations(description: dict, world: World) -> Status | None:
    missing, incomplete = unmet(description, world)
    if not missing and not incomplete:
        return None
    wording = description["status"].get("wording", "openstack")
    if wording == "reactive":
        said = description["status"].get("incomplete", {})
        words = [f"'{name}' missing" for name in missing]
        words += [said.get(name, f"'{name}' incomplete") for name in incomplete]
        return ("blocked" if missing else "waiting"), ", ".join(words)
    if wording != "openstack":
        if missing:
            return "blocked", wording["missing"].format(names=", ".join(missing))
        return "waiting", wording["incomplete"].format(names=", ".join(incomplete))
    if missing:
        rest = f"; incomplete relations: {', '.join(incomplete)}" if incomplete else ""
        return "blocked", f"Missing relations: {', '.join(missing)}{rest}"
    return "waiting", f"Incomplete relations: {', '.join(incomplete)}"


def _cluster(description: dict, world: World) -> Status | None:
    if formed(description, world):
        return None
    cluster, size = description["cluster"], cluster_size(description, world)
    few = members(description, world) < size
    state, message = cluster["few"] if few else cluster["joining"]
    return state, message.format(size=size)


def _quorum(description: dict, world: World) -> Status | None:
    if has_quorum(description, world):
        return None
    state, message = description["cluster"]["lost"]
    return state, fill(message, values(description, world)) or message


def _count(description: dict, world: World) -> Status | None:
    total = counted(description, world)
    if total is None or total[0] >= total[1]:
        return None
    count = description["status"]["count"]
    state, message = count["few"] if world.at(count["endpoint"]) else count["missing"]
    return state, message.format(expected=total[1])


def _devices(description: dict, world: World) -> Status | None:
    devices = description["status"].get("devices")
    if not devices or device_count(description, world):
        return None
    return tuple(devices["none"])


def _upgrade(description: dict, world: World) -> Status | None:
    action = description["workload"].get("upgrade")
    if not action or not world.release or not releases.newer(description, world):
        return None
    return "blocked", f"Needs manual upgrade, run the {action} action."


def tolerance_text(description: dict, world: World) -> str:
    """How many members of the cluster may fail, in its own words."""
    texts, there = description["cluster"]["tolerance"], online(description, world)
    away = members(description, world) - there
    tolerance = max(0, there - 1) // 2
    text = texts[min(tolerance, len(texts) - 1)].format(tolerance=tolerance)
    if not away:
        return text
    return f"{text} {away} member{' is' if away == 1 else 's are'} not active."


def values(description: dict, world: World) -> Values:
    """The values for messages and results of actions."""
    filled = Values(description, world)
    if "tolerance" in (description.get("cluster") or {}):
        filled["tolerance_text"] = tolerance_text(description, world)
    return filled


def _ready(description: dict, world: World) -> str:
    words = description["status"]
    text = words.get("ready", "Unit is ready")
    if "ready-clustered" in words and members(description, world) > 1:
        text = words["ready-clustered"]
    if "ready-leader" in words and world.leader:
        text = words["ready-leader"]
    return fill(text, values(description, world)) or text
