"""The `baremetal_nodes` interface: what machines are, and what is wanted of them.

`maas-bmc` provides it: it publishes the observed state of every machine. `baremetal-inventory`
requires it: it publishes the desired state. Each desired machine carries a generation; the
observed machine says which generation was carried out last, or why it was refused, as spec and
status do in Kubernetes. See README.md beside this file.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

import ops
import pydantic
from charms.maas_bmc.v0.sharded_records import (
    Record,
    RecordsError,
    ShardedRecords,
    check_version,
    describe,
)

LIBID = "2903a653efa34a09bc700763f8183f82"
LIBAPI = 0
LIBPATCH = 1

VERSION = 1
DEFAULT_ENDPOINT = "baremetal-nodes"
ROLE_TAG_PREFIX = "openstack-"
"""A machine of role `compute` carries the MAAS tag `openstack-compute`."""


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")


_FREE = (
    "New",
    "Commissioning",
    "Failed commissioning",
    "Testing",
    "Failed testing",
    "Ready",
    "Broken",
)
"""MAAS statuses of machines that nobody uses."""


class Disk(_Part):
    """A physical disk."""

    name: str
    """Kernel name, such as sda: not stable over reboots."""
    by_id: str = ""
    """Path below /dev/disk/by-id; empty when the disk has a kernel name only."""
    size_gib: int = pydantic.Field(ge=0)
    kind: Literal["ssd", "hdd", "nvme", "unknown"] = "unknown"
    boot: bool = False
    """The operating system goes here."""


class Nic(_Part):
    """A physical network interface."""

    name: str
    mac: str = ""
    speed_mbps: int = pydantic.Field(default=0, ge=0)
    """Highest speed of the interface; 0 when unknown."""
    linked: bool = True
    spaces: tuple[str, ...] = ()
    """Spaces of the subnets that it is linked to, and of its VLAN's subnets."""


class Bmc(_Part):
    """The machine's baseboard management controller."""

    kind: str = ""
    """MAAS power type: redfish, ipmi, manual, ..."""
    reachable: bool | None = None
    """None until it has been asked."""
    health: Literal["ok", "warning", "critical", "unknown"] = "unknown"
    power: Literal["on", "off", "unknown"] = "unknown"
    """What the BMC itself says; MAAS's view may lag."""
    problem: str = ""
    """Why it is not reachable or not healthy."""


class ObservedMachine(Record):
    """A machine as MAAS and its BMC show it."""

    generation: int = pydantic.Field(default=1, ge=1)
    """Counts the changes of this observation."""
    carried_out: int = pydantic.Field(default=0, ge=0)
    """Generation of the desired state that was carried out last."""
    refusal: str = ""
    """Why the latest desired state could not be carried out; empty when it was."""
    hostname: str = ""
    status: str = ""
    """MAAS status name: New, Commissioning, Ready, Deployed, ..."""
    message: str = ""
    """Why it failed or is broken, in MAAS's words."""
    power: Literal["on", "off", "error", "unknown"] = "unknown"
    zone: str = ""
    pool: str = ""
    tags: tuple[str, ...] = ()
    architecture: str = ""
    owner: str = ""
    """The MAAS user that holds the machine, or who started its commissioning."""
    juju_model: str = ""
    """UUID of the Juju model that deployed it, from the machine's owner data."""
    juju_machine: str = ""
    """Juju's name of the machine in that model."""
    cores: int = pydantic.Field(default=0, ge=0)
    memory_mib: int = pydantic.Field(default=0, ge=0)
    disks: tuple[Disk, ...] = ()
    nics: tuple[Nic, ...] = ()
    vendor: str = ""
    product: str = ""
    serial: str = ""
    bmc: Bmc = Bmc()

    @property
    def in_use(self) -> bool:
        """Whether somebody holds it: allocated, deployed, or on the way there or back.

        The owner says too little: MAAS sets it while a machine is commissioned, too.
        """
        return self.status not in _FREE or bool(self.juju_model)

    @property
    def role(self) -> str:
        """The role that its tag gives it; empty without one, the first by name of several."""
        roles = sorted(tag for tag in self.tags if tag.startswith(ROLE_TAG_PREFIX))
        return roles[0].removeprefix(ROLE_TAG_PREFIX) if roles else ""


class DesiredMachine(Record):
    """What the owner of the policy wants of one machine."""

    generation: int = pydantic.Field(ge=1)
    """Raised by the requirer with each change, and to have something tried again."""
    commission: bool = False
    """Commission it, once per generation; nothing is done to one that is in use."""
    attempts: int = pydantic.Field(default=0, ge=0)
    """How often the requirer asked for commissioning, this time included: its own memory."""
    role: str | None = pydantic.Field(default=None, pattern=r"^([a-z0-9][a-z0-9-]*)?$")
    """The only role tag it is to carry; empty for none, None to leave its tags alone."""
    pool: str | None = None
    """The resource pool it is to be in; None to leave it where it is."""
    power: Literal["on", "off"] | None = None
    """Switch it, once per generation."""
    release: bool = False
    """Release it, once per generation."""
    quarantine: str | None = None
    """A reason marks it broken; empty takes our mark away; None leaves it alone."""


class Sync(_Part):
    """How far the provider has come in reading MAAS."""

    complete: bool
    """Every machine was read at least once."""
    unread: int = pydantic.Field(default=0, ge=0)
    """Machines still to be read."""
    zones: tuple[str, ...] = ()
    """Names of MAAS's zones, with or without machines."""


_UNSYNCED = Sync(complete=False)


@dataclasses.dataclass(frozen=True)
class Observation:
    """What the requirer finds on the relation; never an exception."""

    machines: Mapping[str, ObservedMachine] = dataclasses.field(default_factory=dict)
    sync: Sync = _UNSYNCED
    related: bool = False
    problem: str = ""
    """Why there is nothing to read, naming the field when the data is wrong."""


@dataclasses.dataclass(frozen=True)
class Desires:
    """What the provider finds on the relation; never an exception."""

    machines: Mapping[str, DesiredMachine] = dataclasses.field(default_factory=dict)
    related: bool = False
    problem: str = ""


_OBSERVED = ShardedRecords(pydantic.TypeAdapter(list[ObservedMachine]), "observed-")
_DESIRED = ShardedRecords(pydantic.TypeAdapter(list[DesiredMachine]), "desired-")


def read_observation(databag: Mapping[str, str]) -> Observation:
    """The provider's application databag as an observation."""
    try:
        if not check_version(databag, VERSION):
            return Observation(related=True, problem="nothing published yet")
        sync = Sync.model_validate_json(databag.get("sync", ""), strict=True)
        return Observation(_OBSERVED.decode(databag), sync, related=True)
    except RecordsError as error:
        return Observation(related=True, problem=str(error))
    except pydantic.ValidationError as error:
        return Observation(related=True, problem=f"sync: {describe(error)}")


def read_desires(databag: Mapping[str, str]) -> Desires:
    """The requirer's application databag as desires."""
    try:
        if not check_version(databag, VERSION):
            return Desires(related=True)
        return Desires(_DESIRED.decode(databag), related=True)
    except RecordsError as error:
        return Desires(related=True, problem=str(error))


def observation_databag(machines: Iterable[ObservedMachine], sync: Sync) -> dict[str, str]:
    """What the provider publishes, as a whole."""
    return {"version": str(VERSION), "sync": sync.model_dump_json(), **_OBSERVED.encode(machines)}


def desires_databag(machines: Iterable[DesiredMachine]) -> dict[str, str]:
    """What the requirer publishes, as a whole."""
    return {"version": str(VERSION), **_DESIRED.encode(machines)}


class BaremetalNodesProvider(ops.Object):
    """The side of the mechanism: publishes what is, reads what is wanted."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        super().__init__(charm, f"{endpoint}-provider")
        self._endpoint = endpoint

    def desires(self) -> Desires:
        """What the related application wants; empty without a relation."""
        for relation in self.model.relations[self._endpoint]:
            if relation.active and relation.app is not None:
                return read_desires(relation.data[relation.app])
        return Desires()

    def publish(self, machines: Iterable[ObservedMachine], sync: Sync) -> None:
        """Publish these machines and no others. For the leader only."""
        machines = tuple(machines)
        for relation in self.model.relations[self._endpoint]:
            if not relation.active:
                continue
            databag = relation.data[self.model.app]
            _OBSERVED.write(databag, machines)
            databag["sync"] = sync.model_dump_json()
            databag["version"] = str(VERSION)


class BaremetalNodesRequirer(ops.Object):
    """The side of the policy: reads what is, publishes what is wanted."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        super().__init__(charm, f"{endpoint}-requirer")
        self._endpoint = endpoint

    def observation(self) -> Observation:
        """What the related application observes."""
        for relation in self.model.relations[self._endpoint]:
            if relation.active and relation.app is not None:
                return read_observation(relation.data[relation.app])
        return Observation(problem="no relation")

    def desires(self) -> Mapping[str, DesiredMachine]:
        """What this application published before: its generations go on from there.

        For the leader only. What cannot be read any more counts as not published.
        """
        for relation in self.model.relations[self._endpoint]:
            if relation.active:
                return read_desires(relation.data[self.model.app]).machines
        return {}

    def request(self, machines: Iterable[DesiredMachine]) -> None:
        """Ask for this and nothing else. For the leader only."""
        machines = tuple(machines)
        for relation in self.model.relations[self._endpoint]:
            if not relation.active:
                continue
            databag = relation.data[self.model.app]
            _DESIRED.write(databag, machines)
            databag["version"] = str(VERSION)
