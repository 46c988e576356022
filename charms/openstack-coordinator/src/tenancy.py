"""Which credentials each tenant has, gets and loses: pure, without I/O or clock.

Every generation of a tenant's credentials is a user of its own in Keystone. A record says which
generations may exist; what Keystone has beyond the records is the trace of a hook that died, and
is removed. So every decision can be taken again after a crash at any point.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

_LONGEST = 64
"""Characters that Keystone allows in the name of a project or domain."""

AGAIN_LEFT = datetime.timedelta(minutes=5)
"""How long after a look at what is left of a former tenant the next one is due."""


@dataclasses.dataclass(frozen=True)
class Names:
    """How everything that one coordinator makes in Keystone is called.

    The model's UUID is in every name, so the coordinators of two models never meet.
    """

    model: str
    coordinator: str

    @property
    def domain(self) -> str:
        """The domain that holds the projects and users of all tenants."""
        return _fitting(f"{self.coordinator}-{self.model}")

    def project(self, application: str) -> str:
        """The project of a tenant, whatever its relation."""
        return _fitting(f"{application}-{self.model}")

    def user(self, application: str, relation: int, generation: int) -> str:
        """The user that one generation of credentials is."""
        return f"{self.project(application)}-{relation}-{generation}"


@dataclasses.dataclass(frozen=True)
class Record:
    """What was made for one relation."""

    application: str
    generation: int
    """The latest credentials."""
    issued: datetime.datetime
    expires: datetime.datetime
    secret: str
    """The id of the secret that holds them."""
    revoked: int = 0
    """Generations up to this one exist no more."""
    left: tuple[str, ...] = ()
    """After the end of the relation: what its project still held."""
    looked: datetime.datetime | None = None
    """When `left` was seen."""


@dataclasses.dataclass(frozen=True)
class Tenant:
    """One relation, as it is now."""

    application: str
    acknowledged: int = 0
    """The generation that the tenant has taken."""


@dataclasses.dataclass(frozen=True)
class Due:
    """What is to be done, by relation."""

    issue: Mapping[int, int] = dataclasses.field(default_factory=dict)
    """The generation to make."""
    revoke: Mapping[int, int] = dataclasses.field(default_factory=dict)
    """The last generation to revoke."""
    end: tuple[int, ...] = ()
    """Relations that are gone."""

    def __bool__(self) -> bool:
        return bool(self.issue or self.revoke or self.end)


def due(
    tenants: Mapping[int, Tenant],
    records: Mapping[int, Record],
    *,
    now: datetime.datetime,
    max_age: datetime.timedelta,
    rotate: Collection[int] = (),
) -> Due:
    """What the relations and the records ask for now.

    `rotate` names the relations whose credentials an operator wants replaced.
    """
    issue, revoke = {}, {}
    for relation, tenant in tenants.items():
        record = records.get(relation)
        if record is None:
            issue[relation] = 1
            continue
        taken = min(tenant.acknowledged, record.generation)
        if taken - 1 > record.revoked:
            revoke[relation] = taken - 1
        wanted = relation in rotate or now >= record.issued + max_age
        if wanted and rotatable(record, tenant, now):
            issue[relation] = record.generation + 1
    gone = (r for r in records if r not in tenants and _to_end(records[r], now))
    return Due(issue, revoke, tuple(sorted(gone)))


def rotatable(record: Record, tenant: Tenant, now: datetime.datetime) -> bool:
    """Whether the next generation may be made: the latest was taken, or serves no more."""
    return tenant.acknowledged >= record.generation or now >= record.expires


def _to_end(record: Record, now: datetime.datetime) -> bool:
    return record.looked is None or now >= record.looked + AGAIN_LEFT


def expiry(issued: datetime.datetime, max_age: datetime.timedelta) -> datetime.datetime:
    """When credentials end: a tenant has as long to take the next as they were in use."""
    return (issued + 2 * max_age).replace(microsecond=0)


def doomed_users(
    names: Names,
    existing: Iterable[str],
    records: Mapping[int, Record],
    live: Collection[int],
) -> list[str]:
    """The users that no relation may use any more, of those that this coordinator made.

    `live` are the relations that there are.
    """
    kept = {
        names.user(record.application, relation, generation)
        for relation, record in records.items()
        if relation in live
        for generation in range(record.revoked + 1, record.generation + 1)
    }
    return sorted(set(existing) - kept)


def _fitting(name: str) -> str:
    """The name, or where it is too long its beginning and a digest of the whole."""
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: _LONGEST - 13]}-{digest}"


# -- the databag of the peers ---------------------------------------------------------------


def to_json(records: Mapping[int, Record]) -> str:
    """The form of the databag. No credential is in it."""
    raw = {str(relation): dataclasses.asdict(record) for relation, record in records.items()}
    return json.dumps(raw, default=datetime.datetime.isoformat, sort_keys=True)


def from_json(text: str) -> dict[int, Record]:
    """The records of `to_json`; none for an empty text."""
    raw: dict[str, dict[str, Any]] = json.loads(text or "{}")
    return {int(relation): _record(fields) for relation, fields in raw.items()}


def _record(fields: dict[str, Any]) -> Record:
    looked = fields["looked"]
    times = {key: datetime.datetime.fromisoformat(fields[key]) for key in ("issued", "expires")}
    return Record(
        **{
            **fields,
            **times,
            "left": tuple(fields["left"]),
            "looked": datetime.datetime.fromisoformat(looked) if looked else None,
        }
    )
