"""What a unit knows: its own facts, its configuration, and what others have told it.

Plain classes, not dataclasses: importing `dataclasses` costs more than the rest of a hook.
"""

from __future__ import annotations

import zlib

from . import plain_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Importing `typing` costs a hook more than any tool.
    from typing import Any

PAUSED = "paused"
DEFERRED, SKIPPED = "deferred", "skipped"
"""Services whose restart waits for somebody, with the time since when, and work of hooks that
does, as `enable-auto-restarts` is false."""


class Refused(Exception):
    """What was asked for cannot be done; the message is the real charm's, or Ceph's."""


class Relation:
    """One relation of the unit, or its peer relation."""

    def __init__(
        self,
        endpoint: str,
        application: str,
        units: dict[str, dict[str, str]] | None = None,
        said: dict[str, str] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.application = application
        """The application at the other end."""
        self.units = units if units is not None else {}
        """The other end's units, and of their databags what this charm needs."""
        self.said = said if said is not None else {}
        """What this unit has in its own databag."""


class World:
    """Everything that a decision of the charm rests on; all of it survives a hook as state."""

    def __init__(
        self,
        unit: str,
        *,
        model: str = "",
        machine: str = "",
        zone: str = "",
        host: str = "",
        address: str = "",
        release: str = "",
        leader: bool = False,
        config: dict | None = None,
        flags: dict | None = None,
        devices: dict[str, str] | None = None,
        relations: dict[str, Relation] | None = None,
        shown: dict | None = None,
    ) -> None:
        self.unit = unit
        self.application, _, self.number = unit.partition("/")
        self.model = model
        self.machine = machine
        self.zone = zone
        self.host = host
        """The host name of the machine, where Juju tells it."""
        self.shared = ""
        """A folder that all units of the model share, as services share a network; never kept."""
        self.turned = False
        """Whether `enable-auto-restarts` is another than in the hook before; never kept."""
        self.sealed = False
        """Whether its vault is; never kept."""
        self.cloud: Any = None
        """The sandbox's OpenStack, where one runs; never kept."""
        self.address = address
        self.release = release
        """The release that is installed, by name; empty before the install hook."""
        self.leader = leader
        self.config = config if config is not None else {}
        self.flags = flags if flags is not None else {}
        """What actions have set."""
        self.devices = devices if devices is not None else {}
        """Attached storage: its id and the name of its storage."""
        self.relations = relations if relations is not None else {}
        """By relation id, such as amqp:7."""
        self.shown = shown if shown is not None else {}
        """The status, version and ports that Juju has been told."""

    def at(self, endpoint: str) -> list[Relation]:
        """The relations of one endpoint."""
        return [relation for relation in self.relations.values() if relation.endpoint == endpoint]

    @property
    def slug(self) -> str:
        """The unit's name where a slash cannot stand."""
        return self.unit.replace("/", "-")

    @property
    def hostname(self) -> str:
        """The name of the machine; where nobody tells it, as Juju names instances."""
        return self.host or f"juju-{self.model[-6:]}-{self.machine.replace('/', '-')}"

    def derived(self, purpose: str, length: int) -> str:
        """A value that all units of the application agree on without telling each other.

        It stands where a real charm generates a password or a key. It protects nothing.
        """
        seed = f"{self.model} {self.application} {purpose}"
        words = (f"{zlib.crc32(f'{i} {seed}'.encode()):08x}" for i in range(-(-length // 8)))
        return "".join(words)[:length]


def load(world: World, state: dict) -> None:
    """Fill in what earlier hooks have kept with state-set."""
    for key, text in state.items():
        document: Any = plain_json.loads(text)
        if key == "unit":
            for name, value in document.items():
                setattr(world, name, value)
        else:
            world.relations[key] = Relation(**document)


def dump(world: World) -> dict[str, str]:
    """The state to keep: one entry for the unit and one for each relation."""
    kept = ("address", "release", "config", "flags", "devices", "shown")
    unit = {name: getattr(world, name) for name in kept}
    entries = {"unit": unit, **{key: vars(value) for key, value in world.relations.items()}}
    return {key: plain_json.dumps(entry) for key, entry in entries.items()}
