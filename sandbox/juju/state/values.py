"""What the store holds, as frozen values. State functions read and return these."""

from __future__ import annotations

import dataclasses
import functools
import json
import sqlite3
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from typing_extensions import Self

Life = Literal["alive", "dying", "dead"]
Role = Literal["provider", "requirer", "peer"]
Scope = Literal["global", "container"]

_ROLE_ORDER = {"requirer": 0, "provider": 1, "peer": 2}


class _Row:
    """A value that is one row of a table: JSON columns parsed, 0 and 1 as booleans."""

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Self:
        """The value of a row that has all of the table's columns."""
        return cls(
            **{name: read(row[column]) for name, column, read in _columns(cls, tuple(row.keys()))}
        )


@dataclasses.dataclass(frozen=True)
class Cloud(_Row):
    """A place that machines come from."""

    name: str
    type: str
    """maas, openstack, lxd or manual."""
    doc: dict[str, Any]
    """endpoint, auth-types, regions, ca-certificates, config, skip-tls-verify."""


@dataclasses.dataclass(frozen=True)
class Credential(_Row):
    """What a user signs in to a cloud with."""

    cloud: str
    owner: str
    name: str
    auth_type: str
    attributes: dict[str, str] = dataclasses.field(repr=False)
    """Holds secrets, so it stays out of the repr."""
    revoked: bool = False
    invalid: bool = False
    invalid_reason: str = ""

    @property
    def key(self) -> str:
        """cloud/owner/name, as a model refers to it."""
        return f"{self.cloud}/{self.owner}/{self.name}"


@dataclasses.dataclass(frozen=True)
class User(_Row):
    """An account of the controller, without its password."""

    name: str
    display_name: str
    access: str
    """login or superuser."""
    created: str


@dataclasses.dataclass(frozen=True)
class Model(_Row):
    """A model and what was set on it."""

    uuid: str
    name: str
    owner: str
    cloud: str
    region: str
    credential: str
    life: Life
    config: dict[str, Any]
    """Only what differs from the defaults; models.config() merges them."""
    constraints: dict[str, Any]
    access: dict[str, str]
    created: str


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One named endpoint of a charm."""

    name: str
    role: Role
    interface: str
    scope: Scope = "global"
    limit: int = 0
    """The most relations that it may have; 0 is without limit."""
    optional: bool = False

    @property
    def implicit(self) -> bool:
        """Whether Juju, not the charm, provides it: juju-info."""
        return self.name == self.interface == "juju-info" and self.role == "provider"


JUJU_INFO = Endpoint("juju-info", "provider", "juju-info", optional=True)


@dataclasses.dataclass(frozen=True)
class ConfigOption:
    """One option of a charm's config.yaml."""

    name: str
    type: str
    """string, int, float, boolean or secret."""
    default: Any = None
    description: str = ""


@dataclasses.dataclass(frozen=True)
class StorageDeclaration:
    """One entry of `storage` in a charm's metadata."""

    name: str
    kind: str
    """block or filesystem."""
    location: str = ""
    shared: bool = False
    count_min: int = 1
    count_max: int = 1
    """-1 is without limit."""
    minimum_size: int = 0
    """MiB."""


@dataclasses.dataclass(frozen=True)
class Charm(_Row):
    """One revision of a charm that a model knows."""

    model: str
    url: str
    name: str
    revision: int
    source: str
    """local or charm-hub."""
    sha256: str
    archive: str
    charm_version: str
    metadata: dict[str, Any]
    config: dict[str, dict[str, Any]]
    """The options of config.yaml as written."""
    actions: dict[str, Any]
    bases: list[dict[str, Any]]

    @property
    def subordinate(self) -> bool:
        """Whether its units live beside the units of another application."""
        return bool(self.metadata.get("subordinate", False))

    def endpoints(self) -> Mapping[str, Endpoint]:
        """Every endpoint by name, the implicit juju-info provider included."""
        declared = {
            name: _endpoint(name, role, doc)
            for role, section in (
                ("peer", "peers"),
                ("provider", "provides"),
                ("requirer", "requires"),
            )
            for name, doc in (self.metadata.get(section) or {}).items()
        }
        return {JUJU_INFO.name: JUJU_INFO, **declared}

    def peers(self) -> list[Endpoint]:
        """The peer endpoints, in the order of the metadata."""
        return [e for e in self.endpoints().values() if e.role == "peer"]

    def options(self) -> Mapping[str, ConfigOption]:
        """Every config option by name."""
        return {
            name: ConfigOption(
                name, doc.get("type", "string"), doc.get("default"), doc.get("description", "")
            )
            for name, doc in self.config.items()
        }

    def defaults(self) -> dict[str, Any]:
        """The options that have a default, with it."""
        return {n: o.default for n, o in self.options().items() if o.default is not None}

    def storage(self) -> Mapping[str, StorageDeclaration]:
        """What storage it asks for, by name."""
        return {n: _storage(n, d) for n, d in (self.metadata.get("storage") or {}).items()}


@dataclasses.dataclass(frozen=True)
class Application(_Row):
    """An application and what was set on it."""

    model: str
    name: str
    charm_url: str
    channel: str
    base: str
    subordinate: bool
    life: Life
    config: dict[str, Any]
    """Only what was set; applications.get_config() merges the defaults."""
    config_version: int
    charm_version: int
    force_charm: bool
    """Units in error take a new charm too."""
    trust: bool
    exposed: dict[str, dict[str, list[str]]] | None
    """Endpoint ("" for all) to where it is exposed; None while it is not exposed."""
    constraints: dict[str, Any]
    placement: list[str]
    bindings: dict[str, str]
    storage: dict[str, dict[str, Any]]
    resources: dict[str, Any]
    annotations: dict[str, str]
    created: str


@dataclasses.dataclass(frozen=True)
class Unit(_Row):
    """A unit and what its agent has done."""

    model: str
    name: str
    application: str
    number: int
    principal: str | None
    machine: str | None
    life: Life
    charm_url: str
    workload_version: str
    ports: list[dict[str, Any]]
    resolved: str
    state: dict[str, Any]
    uniter: dict[str, Any]
    force_destroy: bool
    destroy_storage: bool
    created: str

    @property
    def subordinate(self) -> bool:
        """Whether it lives beside a principal."""
        return self.principal is not None

    @property
    def host(self) -> str:
        """The unit whose machine it shares: its principal, or itself."""
        return self.principal or self.name


@dataclasses.dataclass(frozen=True)
class Machine(_Row):
    """A machine or a container of one."""

    model: str
    id: str
    parent: str | None
    base: str
    constraints: dict[str, Any]
    placement: str
    instance_id: str
    hostname: str
    display_name: str
    addresses: list[dict[str, Any]]
    """[{"value", "type", "scope", "space", "cidr"}]; the first is the preferred one."""
    hardware: dict[str, Any]
    annotations: dict[str, str]
    retry_provisioning: bool
    life: Life
    force_destroy: bool
    keep_instance: bool
    clean: bool
    """No unit was ever on it, so that a unit without placement may take it."""
    created: str

    @property
    def container(self) -> bool:
        """Whether it runs inside another machine."""
        return self.parent is not None

    @property
    def address(self) -> str:
        """Its preferred address; empty while it has none."""
        return self.addresses[0]["value"] if self.addresses else ""


@dataclasses.dataclass(frozen=True)
class RelationEndpoint:
    """One side of a relation."""

    application: str
    name: str
    role: Role
    interface: str
    scope: Scope

    @property
    def key(self) -> str:
        """application:endpoint."""
        return f"{self.application}:{self.name}"


@dataclasses.dataclass(frozen=True)
class Relation:
    """A relation with its one endpoint (a peer relation) or two, requirer first."""

    model: str
    id: int
    key: str
    interface: str
    scope: Scope
    life: Life
    suspended: bool
    suspended_reason: str
    status: str
    created: str
    endpoints: tuple[RelationEndpoint, ...]

    @property
    def peer(self) -> bool:
        """Whether it is between the units of one application."""
        return self.endpoints[0].role == "peer"

    @property
    def applications(self) -> tuple[str, ...]:
        """The applications that it joins, requirer first."""
        return tuple(e.application for e in self.endpoints)

    def endpoint(self, application: str) -> RelationEndpoint:
        """The side of this application; KeyError if it has none."""
        for candidate in self.endpoints:
            if candidate.application == application:
                return candidate
        raise KeyError(f"application {application!r} is not a member of {self.key!r}")

    def remote(self, application: str) -> RelationEndpoint:
        """The side that units of this application see: for a peer relation, their own."""
        for candidate in self.endpoints:
            if candidate.application != application:
                return candidate
        return self.endpoint(application)

    @classmethod
    def from_rows(cls, row: sqlite3.Row, endpoints: list[sqlite3.Row]) -> Relation:
        """The relation of a row of `relations` and its rows of `relation_endpoints`."""
        sides = [
            RelationEndpoint(
                application=side["application"],
                name=side["endpoint"],
                role=side["role"],
                interface=row["interface"],
                scope=row["scope"],
            )
            for side in endpoints
        ]
        return cls(
            model=row["model"],
            id=row["id"],
            key=row["key"],
            interface=row["interface"],
            scope=row["scope"],
            life=row["life"],
            suspended=bool(row["suspended"]),
            suspended_reason=row["suspended_reason"],
            status=row["status"],
            created=row["created"],
            endpoints=tuple(sorted(sides, key=lambda e: (_ROLE_ORDER[e.role], e.key))),
        )


@dataclasses.dataclass(frozen=True)
class Settings:
    """A databag and its version, which rises with every change."""

    values: dict[str, str]
    version: int


@dataclasses.dataclass(frozen=True)
class Space(_Row):
    """A network space and its subnets."""

    model: str
    name: str
    id: str
    subnets: list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class StorageInstance(_Row):
    """One piece of storage of a unit."""

    model: str
    id: str
    name: str
    kind: str
    owner: str
    pool: str
    size: int
    """MiB."""
    location: str
    life: Life
    status: str


def relation_key(endpoints: list[RelationEndpoint]) -> str:
    """The key of a relation between these: requirer first, as Juju orders it."""
    ordered = sorted(endpoints, key=lambda e: (_ROLE_ORDER[e.role], e.key))
    return " ".join(endpoint.key for endpoint in ordered)


def _endpoint(name: str, role: Any, doc: Any) -> Endpoint:
    if isinstance(doc, str):  # the short form: `name: interface`
        return Endpoint(name, role, doc)
    return Endpoint(
        name=name,
        role=role,
        interface=doc["interface"],
        scope=doc.get("scope") or "global",
        limit=doc.get("limit") or 0,
        optional=bool(doc.get("optional", False)),
    )


def _storage(name: str, doc: dict[str, Any]) -> StorageDeclaration:
    low, high = _counts((doc.get("multiple") or {}).get("range"))
    return StorageDeclaration(
        name=name,
        kind=doc["type"],
        location=doc.get("location", ""),
        shared=bool(doc.get("shared", False)),
        count_min=low,
        count_max=high,
        minimum_size=mebibytes(doc.get("minimum-size") or 0),
    )


def _counts(text: Any) -> tuple[int, int]:
    """The least and most instances of a `range`: 3, 0-10, 1- or 2+."""
    if text is None:
        return 1, 1
    text = str(text)
    if text.endswith(("+", "-")):
        return int(text[:-1]), -1
    low, _, high = text.partition("-")
    return int(low), int(high or low)


def mebibytes(size: str | int) -> int:
    """A size such as 1024, 512M, 1.5G or 2T in MiB, rounded up."""
    text = str(size).strip()
    factor = {"M": 1, "G": 1024, "T": 1024**2, "P": 1024**3}.get(text[-1:].upper())
    number = float(text[:-1]) if factor else float(text)
    return -int(-number * (factor or 1) // 1)


@functools.lru_cache(maxsize=64)
def _columns(cls: type, present: tuple[str, ...]) -> list[tuple[str, str, Callable[[Any], Any]]]:
    """For each field its name, its column and how to read that."""
    # Charm documents are large, never change and are read at every turn: parse each once.
    document = _parsed if cls is Charm else _document
    columns = []
    for field in dataclasses.fields(cls):
        if f"{field.name}_json" in present:
            columns.append((field.name, f"{field.name}_json", document))
        elif field.name == "doc":
            columns.append((field.name, field.name, document))
        else:
            columns.append((field.name, field.name, bool if field.type == "bool" else _same))
    return columns


def _document(text: str) -> Any:
    return json.loads(text) if text else None


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> Any:
    return json.loads(text)


def _same(value: Any) -> Any:
    return value
