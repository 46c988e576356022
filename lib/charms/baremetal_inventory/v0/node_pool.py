"""The `node_pool` interface: what the pool of machines has for each role, and who holds what.

`baremetal-inventory` provides it: counts per role and zone, and every machine with its state
and the reasons why it is unfit. A requirer may claim machines for a while: a claim has an owner
and a lease, and is void once the lease is over. See README.md beside this file.
"""

from __future__ import annotations

import dataclasses
import datetime
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

LIBID = "c8badcdda8a74510b4ea2e0bcb936aa5"
LIBAPI = 0
LIBPATCH = 1

VERSION = 1
DEFAULT_ENDPOINT = "node-pool"

NodeState = Literal["ready", "claimed", "preparing", "unfit", "spare"]


class PoolNode(Record):
    """A machine of the pool."""

    hostname: str = ""
    zone: str = ""
    role: str = ""
    """The role it was given; empty for a spare or unfit machine without one."""
    state: NodeState
    """ready: tagged for its role, fit, held by nobody. claimed: deployed, or under a claim.
    preparing: being commissioned or tagged. unfit: see reasons. spare: fit, no role needs it."""
    reasons: tuple[str, ...] = ()
    """Why it is unfit, each with its remedy, or what it waits for."""
    owner: str = ""
    """Who holds it: a Juju machine, or the owner of a claim."""
    lease_until: pydantic.AwareDatetime | None = None
    """When the claim ends; None when it is held without end or not at all."""


class RoleCount(pydantic.BaseModel):
    """How many machines one role has and wants in one zone."""

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    role: str
    zone: str
    wanted: int = pydantic.Field(ge=0)
    ready: int = pydantic.Field(default=0, ge=0)
    claimed: int = pydantic.Field(default=0, ge=0)
    preparing: int = pydantic.Field(default=0, ge=0)
    unfit: int = pydantic.Field(default=0, ge=0)


class Claim(Record):
    """A requirer's wish to hold one machine until its lease ends; renewed by a later end."""

    owner: str = pydantic.Field(min_length=1)
    """Who wants it, in words that an operator understands."""
    lease_until: pydantic.AwareDatetime


@dataclasses.dataclass(frozen=True)
class Pool:
    """What a requirer finds on the relation; never an exception."""

    counts: tuple[RoleCount, ...] = ()
    nodes: Mapping[str, PoolNode] = dataclasses.field(default_factory=dict)
    related: bool = False
    problem: str = ""
    """Why there is nothing to read, naming the field when the data is wrong."""

    def ready(self, role: str) -> tuple[PoolNode, ...]:
        """The machines of a role that could be taken now, by system id."""
        return self._nodes(role, "ready")

    def claimed(self, role: str) -> tuple[PoolNode, ...]:
        """The machines of a role that somebody holds, by system id."""
        return self._nodes(role, "claimed")

    def shortfall(self, role: str) -> int:
        """How many machines the role lacks, over all zones: neither ready nor claimed."""
        of_role = [count for count in self.counts if count.role == role]
        return max(0, sum(c.wanted for c in of_role) - sum(c.ready + c.claimed for c in of_role))

    def _nodes(self, role: str, state: NodeState) -> tuple[PoolNode, ...]:
        return tuple(n for n in self.nodes.values() if n.role == role and n.state == state)


@dataclasses.dataclass(frozen=True)
class Claims:
    """What the provider finds on its relations; never an exception."""

    claims: tuple[Claim, ...] = ()
    problems: tuple[str, ...] = ()
    """One per related application whose claims cannot be read, starting with its name."""


_NODES = ShardedRecords(pydantic.TypeAdapter(list[PoolNode]), "node-")
_CLAIMS = ShardedRecords(pydantic.TypeAdapter(list[Claim]), "claim-")
_COUNTS = pydantic.TypeAdapter(tuple[RoleCount, ...])


def read_pool(databag: Mapping[str, str]) -> Pool:
    """The provider's application databag as a pool."""
    try:
        if not check_version(databag, VERSION):
            return Pool(related=True, problem="nothing published yet")
        counts = _COUNTS.validate_json(databag.get("counts", ""), strict=True)
        return Pool(counts, _NODES.decode(databag), related=True)
    except RecordsError as error:
        return Pool(related=True, problem=str(error))
    except pydantic.ValidationError as error:
        return Pool(related=True, problem=f"counts: {describe(error)}")


def read_claims(databag: Mapping[str, str]) -> tuple[Claim, ...]:
    """The claims in a requirer's application databag; none when it published nothing.

    Raises:
        RecordsError: the data is not what the schema says; names the field.
    """
    return tuple(_CLAIMS.decode(databag).values()) if check_version(databag, VERSION) else ()


def pool_databag(counts: Iterable[RoleCount], nodes: Iterable[PoolNode]) -> dict[str, str]:
    """What the provider publishes, as a whole."""
    return {"version": str(VERSION), "counts": _counts(counts), **_NODES.encode(nodes)}


def claims_databag(claims: Iterable[Claim]) -> dict[str, str]:
    """What a requirer publishes, as a whole."""
    return {"version": str(VERSION), **_CLAIMS.encode(claims)}


def live_claims(claims: Iterable[Claim], now: datetime.datetime) -> dict[str, Claim]:
    """The claim that holds each machine: of those not over, the first by owner's name.

    Two owners may not share a machine; the order is fixed so that every unit and every run
    gives it to the same one until its lease ends.
    """
    running = [claim for claim in claims if claim.lease_until > now]
    # Of one owner's claims the longest counts: both sorts are stable.
    running.sort(key=lambda claim: claim.lease_until, reverse=True)
    held: dict[str, Claim] = {}
    for claim in sorted(running, key=lambda claim: (claim.system_id, claim.owner)):
        held.setdefault(claim.system_id, claim)
    return held


class NodePoolProvider(ops.Object):
    """The side of the inventory: publishes the pool, reads the claims."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        super().__init__(charm, f"{endpoint}-provider")
        self._endpoint = endpoint

    def claims(self) -> Claims:
        """The claims of every related application."""
        claims: list[Claim] = []
        problems: list[str] = []
        for relation in self.model.relations[self._endpoint]:
            if not relation.active or relation.app is None:
                continue
            try:
                claims.extend(read_claims(relation.data[relation.app]))
            except RecordsError as error:
                problems.append(f"{relation.app.name}: {error}")
        return Claims(tuple(claims), tuple(problems))

    def publish(self, counts: Iterable[RoleCount], nodes: Iterable[PoolNode]) -> None:
        """Publish this pool and nothing else. For the leader only."""
        counts, nodes = tuple(counts), tuple(nodes)
        for relation in self.model.relations[self._endpoint]:
            if not relation.active:
                continue
            databag = relation.data[self.model.app]
            _NODES.write(databag, nodes)
            databag["counts"] = _counts(counts)
            databag["version"] = str(VERSION)


class NodePoolRequirer(ops.Object):
    """The side of whoever needs machines: reads the pool, publishes claims."""

    def __init__(self, charm: ops.CharmBase, endpoint: str = DEFAULT_ENDPOINT) -> None:
        super().__init__(charm, f"{endpoint}-requirer")
        self._endpoint = endpoint

    def pool(self) -> Pool:
        """The pool of the related inventory."""
        for relation in self.model.relations[self._endpoint]:
            if relation.active and relation.app is not None:
                return read_pool(relation.data[relation.app])
        return Pool(problem="no relation")

    def claim(self, claims: Iterable[Claim]) -> None:
        """Hold these machines and no others. For the leader only."""
        claims = tuple(claims)
        for relation in self.model.relations[self._endpoint]:
            if not relation.active:
                continue
            databag = relation.data[self.model.app]
            _CLAIMS.write(databag, claims)
            databag["version"] = str(VERSION)


def _counts(counts: Iterable[RoleCount]) -> str:
    ordered = tuple(sorted(counts, key=lambda count: (count.role, count.zone)))
    return _COUNTS.dump_json(ordered, exclude_defaults=True).decode()
