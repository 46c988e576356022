"""What the unit tells others, and whether others have told it enough. Pure."""

from __future__ import annotations

from .world import PAUSED, Relation, World

JOINED, FORMED, READY = "joined", "formed", "ready"


class Values(dict):
    """The values that a description's templates may name, made when they are asked for."""

    def __init__(self, description: dict, world: World, relation: Relation | None = None) -> None:
        super().__init__()
        self._description = description
        self._world = world
        self._relation = relation

    def __missing__(self, name: str) -> object:
        value = self._make(name)
        self[name] = value
        return value

    def _make(self, name: str) -> object:
        world, relation = self._world, self._relation
        if name in (
            "address",
            "unit",
            "slug",
            "application",
            "number",
            "model",
            "zone",
            "hostname",
        ):
            return getattr(world, name)
        if name == "release":
            return world.release
        if name == "api_address":
            return _api_address(world)
        if name == "admin_password":
            # Where no OpenStack runs there is no account: the rest is told, the password is not.
            return world.cloud["admin"]["password"] if world.cloud else ""
        if name == "admin_domain":
            return world.cloud["admin"]["user_domain_name"] if world.cloud else name
        if name == "config":
            return {key: value for key, value in world.config.items() if value is not None}
        if name == "port":
            return port(self._description, world)
        if name == "devices":
            return device_count(self._description, world)
        if name == "members":
            return ", ".join(sorted([world.unit, *_peers(self._description, world)]))
        if name == "away":
            return members(self._description, world) - online(self._description, world)
        if name == "member_count":
            return members(self._description, world)
        if name == "uuid":
            digits = world.derived("uuid", 32)
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        if name == "key":
            return world.derived("key", 40)
        if name == "certificate":
            body = world.derived("certificate", 64)
            return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"
        if name == "certificate_base64":
            # Imported where it is used: most hooks do without.
            import binascii

            text = str(self["certificate"])
            return binascii.b2a_base64(text.encode(), newline=False).decode()
        if name == "password":
            return world.derived(f"password {relation.application if relation else ''}", 32)
        if relation is not None:
            if name == "remote_application":
                return relation.application
            if name == "remote_units":
                return " ".join(sorted(relation.units))
            if name == "remote_count":
                return len(relation.units)
        raise KeyError(name)


def fill(template: str, values: Values) -> str | None:
    """The text of a template; None when it needs an option that is not set."""
    try:
        text = template.format_map(values)
    except KeyError:
        return None
    return text or None


def _api_address(world: World) -> str:
    """Where clients reach the API: its virtual address, where hacluster keeps one."""
    virtual = str(world.config.get("vip") or "").split()
    return virtual[0] if virtual and world.at("ha") else world.address


def port(description: dict, world: World) -> int | None:
    """The port of the unit's API, or None when it has none."""
    serves = description.get("serves")
    if not serves:
        return None
    return int(world.config.get(serves.get("option", "")) or serves["port"])


def device_count(description: dict, world: World) -> int:
    """How many block devices the unit has, from storage and from the option."""
    devices = description["status"].get("devices")
    if not devices:
        return 0
    attached = [name for name in world.devices.values() if name == devices["storage"]]
    return len(attached) + len(str(world.config.get(devices["option"]) or "").split())


def asked(description: dict, world: World, relation: Relation) -> list[str]:
    """The units at the other end that have told all that this end wants, by name."""
    wants = description["endpoints"][relation.endpoint]["wants"]
    keys = [key.format(slug=world.slug) for key in wants]
    return sorted(
        name for name, data in relation.units.items() if all(data.get(key) for key in keys)
    )


def complete(description: dict, world: World, endpoint: str) -> bool:
    """Whether somebody at this endpoint has told all that is needed."""
    return any(asked(description, world, relation) for relation in world.at(endpoint))


def _peers(description: dict, world: World) -> dict[str, dict[str, str]]:
    cluster = description.get("cluster")
    relations = world.at(cluster["peer"]) if cluster else []
    return relations[0].units if relations else {}


def cluster_size(description: dict, world: World) -> int:
    """How many members the cluster must have."""
    size = description["cluster"]["size"]
    if isinstance(size, int):
        return size
    return int(world.config.get(size["option"]) or size.get("or", 1))


def members(description: dict, world: World) -> int:
    """How many units of the cluster there are, this one included."""
    return 1 + len(_peers(description, world))


def introduced(description: dict, world: World) -> bool:
    """Whether the unit may tell its peers where it is."""
    after = description["cluster"].get("after", ())
    return bool(world.address) and all(complete(description, world, name) for name in after)


def joined(description: dict, world: World) -> bool:
    """Whether the unit has met enough members to join them."""
    says = description["cluster"]["says"]
    met = [data for data in _peers(description, world).values() if all(map(data.get, says))]
    return introduced(description, world) and 1 + len(met) >= cluster_size(description, world)


def online(description: dict, world: World) -> int:
    """How many members of the cluster are not paused, this one included."""
    paused = [data for data in _peers(description, world).values() if data.get(PAUSED)]
    return members(description, world) - len(paused) - bool(world.flags.get(PAUSED))


def has_quorum(description: dict, world: World) -> bool:
    """Whether most members of a cluster that votes are there; true of one that does not."""
    cluster = description.get("cluster") or {}
    total = members(description, world)
    return "lost" not in cluster or 2 * online(description, world) > total


def stands(description: dict, world: World) -> bool:
    """Whether the cluster works: it is formed, or was and has most of its members."""
    most = 2 * members(description, world) > cluster_size(description, world)
    return formed(description, world) or (bool(world.flags.get(FORMED)) and most)


def formed(description: dict, world: World) -> bool:
    """Whether the cluster stands; true of a charm that has none.

    Some clusters stay formed when members go (`keeps`): they lose tolerance, not service.
    """
    cluster = description.get("cluster")
    if not cluster or (cluster.get("keeps") and world.flags.get(FORMED)):
        return True
    done = [
        data
        for data in _peers(description, world).values()
        if all(map(data.get, cluster["joined"]))
    ]
    return joined(description, world) and 1 + len(done) >= cluster_size(description, world)


def unmet(description: dict, world: World) -> tuple[list[str], list[str]]:
    """The required relations that are missing, and those that are incomplete."""
    status = description["status"]
    missing, incomplete = [], []
    for name, endpoints in sorted(status.get("required", {}).items()):
        if not any(world.at(endpoint) for endpoint in endpoints):
            missing.append(name)
        elif not any(complete(description, world, endpoint) for endpoint in endpoints):
            incomplete.append(name)
    incomplete += [
        endpoint
        for endpoint in status.get("if-related", ())
        if world.at(endpoint) and not complete(description, world, endpoint)
    ]
    return missing, incomplete


def closed_gate(description: dict, world: World) -> dict | None:
    """The first gate of the charm that nobody has opened yet."""
    peers = _peers(description, world).values()
    for gate in description["status"].get("gates", ()):
        flag = gate["flag"]
        opened = (
            world.config.get(gate["option"])
            or world.flags.get(flag)
            or any(data.get(f"flag-{flag}") for data in peers)
        )
        wanted = "asked" not in gate or complete(description, world, gate["asked"])
        if not opened and wanted:
            return gate
    return None


def counted(description: dict, world: World) -> tuple[int, int] | None:
    """What the other end's units sum up to and what is expected, where a charm counts."""
    count = description["status"].get("count")
    if not count:
        return None
    expected = int(world.config.get(count["option"]) or count["or"])
    units = [data for relation in world.at(count["endpoint"]) for data in relation.units.values()]
    return sum(int(data.get(count["key"]) or 0) for data in units), expected


def able(description: dict, world: World) -> bool:
    """Whether the unit can run its service: all that it requires is there and agrees."""
    total = counted(description, world)
    return (
        bool(world.release)
        and not any(unmet(description, world))
        and formed(description, world)
        and has_quorum(description, world)
        and closed_gate(description, world) is None
        and (total is None or total[0] >= total[1])
    )


def ready(description: dict, world: World) -> bool:
    """Whether others may be told of the service: not before its virtual address is kept."""
    endpoint = description["endpoints"].get("ha", {})
    awaits = endpoint.get("role") == "requires" and world.at("ha")
    return (
        able(description, world)
        and not world.sealed
        and (not awaits or complete(description, world, "ha"))
    )


def _may_speak(description: dict, world: World, endpoint: dict) -> bool:
    if endpoint.get("by") == "leader" and not world.leader:
        return False
    after = endpoint["after"]
    if after == JOINED:
        return bool(world.address)
    if after == FORMED:
        return formed(description, world) and closed_gate(description, world) is None
    if after == READY:
        return ready(description, world)
    return all(complete(description, world, name) for name in after)


def databag(description: dict, world: World, relation: Relation) -> dict[str, str]:
    """What the unit's databag in this relation must hold now."""
    cluster = description.get("cluster")
    if cluster and relation.endpoint == cluster["peer"]:
        return _peer_databag(description, world, relation)
    endpoint = description["endpoints"].get(relation.endpoint)
    if endpoint is None or not relation.units or not _may_speak(description, world, endpoint):
        # What was said stays said: a unit that is not ready for a while takes nothing back.
        return relation.said
    listeners = asked(description, world, relation)
    if endpoint["role"] == "provides" and endpoint["after"] != JOINED and not listeners:
        return relation.said
    values = Values(description, world, relation)
    bag = {key.format_map(values): fill(text, values) for key, text in endpoint["says"].items()}
    for name in listeners:
        values["remote_unit"], values["remote_slug"] = name, name.replace("/", "-")
        for key, text in endpoint["each"].items():
            bag[key.format_map(values)] = fill(text, values)
    return {key: value for key, value in bag.items() if value is not None}


def _peer_databag(description: dict, world: World, relation: Relation) -> dict[str, str]:
    cluster = description["cluster"]
    values = Values(description, world, relation)
    bag: dict[str, str | None] = {}
    if introduced(description, world):
        bag.update({key: fill(text, values) for key, text in cluster["says"].items()})
    if joined(description, world):
        bag.update({key: fill(text, values) for key, text in cluster["joined"].items()})
    for gate in description["status"].get("gates", ()):
        if world.flags.get(gate["flag"]):
            bag[f"flag-{gate['flag']}"] = "true"
    if "lost" in cluster and world.flags.get(PAUSED):
        bag[PAUSED] = "true"
    return {key: value for key, value in bag.items() if value is not None}
