"""What the store holds, as frozen values. State functions read and return these."""

from __future__ import annotations

import dataclasses
import functools
import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Literal

Life = Literal["alive", "dying", "dead"]
Role = Literal["provider", "requirer", "peer"]
Scope = Literal["global", "container"]

_ROLE_ORDER = {"requirer": 0, "provider": 1, "peer": 2}


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A place that machines come from."""

    name: str
    type: str
    """maas, openstack, lxd or manual."""
    doc: dict[str, Any]
    """endpoint, auth-types, regions, ca-certificates, config, skip-tls-verify."""

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Cloud:
        return cls(row["name"], row["type"], json.loads(row["doc"]))


@dataclasses.dataclass(frozen=True)
class Credential:
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

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Credential:
        return cls(
            cloud=row["cloud"],
            owner=row["owner"],
            name=row["name"],
            auth_type=row["auth_type"],
            attributes=json.loads(row["attributes_json"]),
            revoked=bool(row["revoked"]),
            invalid=bool(row["invalid"]),
            invalid_reason=row["invalid_reason"],
        )


@dataclasses.dataclass(frozen=True)
class User:
    """An account of the controller, without its password."""

    name: str
    display_name: str
    access: str
    """login or superuser."""
    created: str

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> User:
        return cls(row["name"], row["display_name"], row["access"], row["created"])


@dataclasses.dataclass(frozen=True)
class Model:
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

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Model:
        return cls(
            uuid=row["uuid"],
            name=row["name"],
            owner=row["owner"],
            cloud=row["cloud"],
            region=row["region"],
            credential=row["credential"],
            life=row["life"],
            config=json.loads(row["config_json"]),
            constraints=json.loads(row["constraints_json"]),
            access=json.loads(row["access_json"]),
            created=row["created"],
        )


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
class Charm:
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
            for role, section in (("peer", "peers"), ("provider", "provides"), ("requirer", "requires"))
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

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Charm:
        return cls(
            model=row["model"],
            url=row["url"],
            name=row["name"],
            revision=row["revision"],
            source=row["source"],
            sha256=row["sha256"],
            archive=row["archive"],
            charm_version=row["charm_version"],
            metadata=_parsed(row["metadata_json"]),
            config=_parsed(row["config_json"]),
            actions=_parsed(row["actions_json"]),
            bases=_parsed(row["bases_json"]),
        )


@dataclasses.dataclass(frozen=True)
class Application:
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

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Application:
        return cls(
            model=row["model"],
            name=row["name"],
            charm_url=row["charm_url"],
            channel=row["channel"],
            base=row["base"],
            subordinate=bool(row["subordinate"]),
            life=row["life"],
            config=json.loads(row["config_json"]),
            config_version=row["config_version"],
            charm_version=row["charm_version"],
            force_charm=bool(row["force_charm"]),
            trust=bool(row["trust"]),
            exposed=json.loads(row["exposed_json"]) if row["exposed_json"] else None,
            constraints=json.loads(row["constraints_json"]),
            placement=json.loads(row["placement_json"]),
            bindings=json.loads(row["bindings_json"]),
            storage=json.loads(row["storage_json"]),
            resources=json.loads(row["resources_json"]),
            annotations=json.loads(row["annotations_json"]),
            created=row["created"],
        )


@dataclasses.dataclass(frozen=True)
class Unit:
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

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Unit:
        return cls(
            model=row["model"],
            name=row["name"],
            application=row["application"],
            number=row["number"],
            principal=row["principal"],
            machine=row["machine"],
            life=row["life"],
            charm_url=row["charm_url"],
            workload_version=row["workload_version"],
            ports=json.loads(row["ports_json"]),
            resolved=row["resolved"],
            state=json.loads(row["state_json"]),
            uniter=json.loads(row["uniter_json"]),
            force_destroy=bool(row["force_destroy"]),
            destroy_storage=bool(row["destroy_storage"]),
            created=row["created"],
        )


@dataclasses.dataclass(frozen=True)
class Machine:
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
    provision_attempts: int
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

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Machine:
        return cls(
            model=row["model"],
            id=row["id"],
            parent=row["parent"],
            base=row["base"],
            constraints=json.loads(row["constraints_json"]),
            placement=row["placement"],
            instance_id=row["instance_id"],
            hostname=row["hostname"],
            display_name=row["display_name"],
            addresses=json.loads(row["addresses_json"]),
            hardware=json.loads(row["hardware_json"]),
            annotations=json.loads(row["annotations_json"]),
            provision_attempts=row["provision_attempts"],
            retry_provisioning=bool(row["retry_provisioning"]),
            life=row["life"],
            force_destroy=bool(row["force_destroy"]),
            keep_instance=bool(row["keep_instance"]),
            clean=bool(row["clean"]),
            created=row["created"],
        )


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
class Space:
    """A network space and its subnets."""

    model: str
    name: str
    id: str
    subnets: list[dict[str, Any]]

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Space:
        return cls(row["model"], row["name"], row["id"], json.loads(row["subnets_json"]))


@dataclasses.dataclass(frozen=True)
class StorageInstance:
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

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> StorageInstance:
        return cls(**{field.name: row[field.name] for field in dataclasses.fields(cls)})


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


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> Any:
    """Charm documents are large, immutable and read at every turn: parse each once."""
    return json.loads(text)
