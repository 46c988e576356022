"""The sandbox's bare metal as data: `hardware.yaml`, read and checked."""

from __future__ import annotations

import functools
import ipaddress
import os
import pathlib
import re
import uuid
from typing import Annotated, Any, Literal

import pydantic
import yaml

from sandbox.home import Home

DEFAULT_PATH = pathlib.Path(__file__).resolve().parent.parent / "hardware.yaml"

_MEMORY = re.compile(r"(\d+)(MiB|GiB)")
_DISK = re.compile(r"(\d+)(GB|TB)")
_MAC = r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"
# Machines get their UUIDs from their serial numbers, so that they are the same in every sandbox.
_UUIDS = uuid.UUID("5b0f5d0e-6f5c-4f0a-9e57-8e9d5f2f7d10")


class HardwareInvalid(ValueError):
    """hardware.yaml does not describe hardware; the message names each wrong field."""


def _mebibytes(value: Any) -> Any:
    match = _MEMORY.fullmatch(str(value))
    if match is None:
        raise ValueError("write a whole number of MiB or GiB, such as 64GiB")
    return int(match[1]) * (1024 if match[2] == "GiB" else 1)


def _bytes(value: Any) -> Any:
    match = _DISK.fullmatch(str(value))
    if match is None:
        raise ValueError("write a whole number of GB or TB, such as 960GB")
    return int(match[1]) * (10**12 if match[2] == "TB" else 10**9)


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Zone(_Part):
    """A physical zone of MAAS: machines that fail together."""

    name: str = pydantic.Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")
    description: str = ""


class Network(_Part):
    """A fabric with one untagged VLAN and one subnet, in a space of its own."""

    space: str
    fabric: str
    cidr: Literal["home"] | ipaddress.IPv4Network
    gateway: ipaddress.IPv4Address | None = None


class System(_Part):
    """What DMI tells of the machine."""

    vendor: str
    product: str
    serial: str
    firmware: str


class Controller(_Part):
    """The machine's BMC."""

    type: Literal["redfish", "ipmi"]
    model: str
    firmware: str
    dead: bool = False
    """Does not answer from the start."""


class Cpu(_Part):
    """All processors of the machine; `cores` is what MAAS counts as cpu_count."""

    model: str
    sockets: int = pydantic.Field(ge=1)
    cores: int = pydantic.Field(ge=1)
    mhz: int = pydantic.Field(ge=1)


class Disk(_Part):
    """One disk; `size` in bytes."""

    name: str
    size: Annotated[int, pydantic.BeforeValidator(_bytes)]
    model: str
    serial: str
    type: Literal["nvme", "ssd", "hdd"]
    rpm: int = 0
    id_path: str | None = None
    """The name of its link in /dev/disk/by-id; None when it has none."""


class Nic(_Part):
    """One port; `speed` in Mbit/s; without a space it has no cable."""

    name: str
    mac: str = pydantic.Field(pattern=_MAC)
    speed: int = pydantic.Field(ge=1)
    vendor: str
    product: str
    firmware: str
    space: str | None = None


class Node(_Part):
    """One bare-metal server."""

    number: int = 0
    zone: str
    system: System
    bmc: Controller
    cpu: Cpu
    memory: Annotated[int, pydantic.BeforeValidator(_mebibytes)]
    """In MiB."""
    disks: tuple[Disk, ...] = pydantic.Field(min_length=1)
    nics: tuple[Nic, ...] = pydantic.Field(min_length=1)

    @property
    def name(self) -> str:
        """The host name: node01, node02, ..."""
        return f"node{self.number:02}"

    @property
    def uuid(self) -> str:
        """The SMBIOS UUID."""
        return str(uuid.uuid5(_UUIDS, self.system.serial))

    @property
    def jitter(self) -> float:
        """Where between fastest (0) and slowest (1) this node is, by its serial number."""
        return uuid.UUID(self.uuid).int % 1000 / 1000


class Seconds(_Part):
    """How long the steps of a node's life take."""

    power: float = pydantic.Field(ge=0)
    firmware: float = pydantic.Field(ge=0)
    ephemeral: float = pydantic.Field(ge=0)
    commissioning: float = pydantic.Field(ge=0)
    testing: float = pydantic.Field(ge=0)
    install: float = pydantic.Field(ge=0)
    boot: float = pydantic.Field(ge=0)
    jitter: float = pydantic.Field(ge=0)

    def divided(self, speed: float) -> Seconds:
        """The same with every step `speed` times faster."""
        return Seconds(**{name: value / speed for name, value in self.model_dump().items()})


class Hardware(_Part):
    """Every node, and the networks and zones around them."""

    zones: tuple[Zone, ...]
    pools: tuple[Zone, ...] = ()
    networks: tuple[Network, ...]
    seconds: Seconds
    nodes: tuple[Node, ...] = pydantic.Field(max_length=254)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _number_nodes(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
            return data
        nodes = [
            {**node, "number": number} if isinstance(node, dict) else node
            for number, node in enumerate(data["nodes"], start=1)
        ]
        return {**data, "nodes": nodes}

    @pydantic.model_validator(mode="after")
    def _agree(self) -> Hardware:
        zones = {zone.name for zone in self.zones}
        spaces = {network.space for network in self.networks}
        serials: dict[str, str] = {}
        macs: dict[str, str] = {}
        for node in self.nodes:
            if node.zone not in zones:
                raise ValueError(f"{node.name}: zone: no zone {node.zone!r} among zones")
            _unique(serials, node.system.serial, f"{node.name}: system.serial")
            for nic in node.nics:
                _unique(macs, nic.mac, f"{node.name}: nics.{nic.name}.mac")
                if nic.space is not None and nic.space not in spaces:
                    field = f"{node.name}: nics.{nic.name}.space"
                    raise ValueError(f"{field}: no space {nic.space!r} among networks")
        return self

    def node(self, name: str) -> Node:
        """The node of this name; LookupError when there is none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise LookupError(f"no node {name!r}: nodes are node01 to node{len(self.nodes):02}")


def _unique(seen: dict[str, str], value: str, field: str) -> None:
    if value in seen:
        raise ValueError(f"{field}: {value!r} is that of {seen[value]} too")
    seen[value] = field


def parse(text: str, origin: str = "hardware.yaml") -> Hardware:
    """Hardware from YAML; HardwareInvalid names every wrong field."""
    try:
        return Hardware.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise HardwareInvalid(f"{origin} is not YAML: {error}") from error
    except pydantic.ValidationError as error:
        problems = [f"  {_field(item['loc'])}: {item['msg']}" for item in error.errors()]
        raise HardwareInvalid("\n".join([f"{origin} is not valid:", *problems])) from error


def _field(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "hardware"


def load(home: Home) -> Hardware:
    """This sandbox's hardware: <home>/hardware.yaml when there is one, else the packaged one.

    SANDBOX_NODE_SPEED in the environment divides every duration.
    """
    own = home.path / "hardware.yaml"
    path = own if own.exists() else DEFAULT_PATH
    hardware = _read(path, path.stat().st_mtime_ns)
    return hardware.model_copy(update={"seconds": hardware.seconds.divided(speed())})


def speed() -> float:
    """How many times faster than hardware.yaml says everything about the nodes goes."""
    return float(os.environ.get("SANDBOX_NODE_SPEED") or 1)


@functools.lru_cache(maxsize=4)
def _read(path: pathlib.Path, changed: int) -> Hardware:
    return parse(path.read_text(encoding="utf-8"), str(path))
