"""Relations: inferred, added, found, suspended. What units do in them is in scopes.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.juju import clock, errors
from sandbox.juju.state import charms, models, remote_applications
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import (
    JUJU_INFO,
    Application,
    Charm,
    Endpoint,
    Relation,
    RelationEndpoint,
    relation_key,
)

_COUNTERPART = {"provider": "requirer", "requirer": "provider"}


def get(tx: Transaction, model: str, relation: int) -> Relation:
    """A relation by id; NotFound if there is none."""
    row = tx.one("SELECT * FROM relations WHERE model = ? AND id = ?", model, relation)
    if row is None:
        raise errors.NotFound(f"relation {relation} not found")
    return _with_endpoints(tx, row)


def by_key(tx: Transaction, model: str, key: str) -> Relation:
    """A relation by key; NotFound if there is none."""
    row = tx.one("SELECT * FROM relations WHERE model = ? AND key = ?", model, key)
    if row is None:
        raise errors.NotFound(f'relation "{key}" not found')
    return _with_endpoints(tx, row)


def all_relations(tx: Transaction, model: str) -> list[Relation]:
    """Every relation of the model, oldest first."""
    rows = tx.all("SELECT * FROM relations WHERE model = ? ORDER BY id", model)
    return [_with_endpoints(tx, row) for row in rows]


def of_application(tx: Transaction, model: str, application: str) -> list[Relation]:
    """The relations of one application, peers included, oldest first."""
    rows = tx.all(
        "SELECT DISTINCT relations.* FROM relations JOIN relation_endpoints AS side"
        " ON side.model = relations.model AND side.relation = relations.id"
        " WHERE relations.model = ? AND side.application = ? ORDER BY relations.id",
        model,
        application,
    )
    return [_with_endpoints(tx, row) for row in rows]


def infer(tx: Transaction, model: str, *names: str) -> list[RelationEndpoint]:
    """The endpoints that `app[:endpoint]` names mean, requirer first.

    Raises:
        NotFound: no such application.
        JujuError: no relation between them is possible, or more than one is, or a named
            endpoint does not exist.
    """
    if len(names) == 1:
        candidates = [[e] for e in _endpoints(tx, model, names[0]) if e.role == "peer"]
    elif len(names) == 2:
        candidates = _pairs(tx, model, *names)
    else:
        raise errors.JujuError(f"cannot relate {len(names)} endpoints")
    if not candidates:
        raise errors.JujuError("no relations found")
    if len(candidates) > 1:
        explicit = [c for c in candidates if not any(_implicit(e) for e in c)]
        if len(explicit) != 1:
            keys = sorted(f'"{relation_key(candidate)}"' for candidate in candidates)
            raise errors.JujuError(
                f'ambiguous relation: "{" ".join(names)}" could refer to {"; ".join(keys)}'
            )
        candidates = explicit
    return _ordered(candidates[0])


def infer_active(tx: Transaction, model: str, *names: str) -> Relation:
    """The one existing relation that these `app[:endpoint]` names mean.

    Raises:
        NotFound: there is none.
        JujuError: there are several.
    """
    wanted = [_split(name) for name in names]
    for application, _ in wanted:
        declared(tx, model, application)
    found = [r for r in all_relations(tx, model) if _matches(r, wanted)]
    query = " ".join(names)
    if not found:
        raise errors.NotFound(f'relation matching "{query}" not found')
    if len(found) > 1:
        keys = "; ".join(f'"{relation.key}"' for relation in found)
        raise errors.JujuError(f'ambiguous relation: "{query}" could refer to {keys}')
    return found[0]


def add(tx: Transaction, model: str, *names: str) -> Relation:
    """Relate two applications by their names or endpoints.

    Raises:
        AlreadyExists: they are related so already.
        JujuError: what `infer` refuses, a limit reached, an application that is not alive,
            or a subordinate that does not run on its principal's base.
    """
    endpoints = infer(tx, model, *names)
    key = relation_key(endpoints)
    try:
        _check_new(tx, model, key, endpoints)
    except errors.JujuError as refusal:
        raise errors.annotated(refusal, f'cannot add relation "{key}"') from None
    return _insert(tx, model, endpoints)


def add_peers(
    tx: Transaction, model: str, application: str, endpoints: Iterable[Endpoint]
) -> None:
    """Add the peer relations of an application: at deploy, or those that a refresh brought."""
    for endpoint in endpoints:
        _insert(tx, model, [_side(application, endpoint)])


def set_suspended(
    tx: Transaction, model: str, relation: int, suspended: bool, reason: str = ""
) -> None:
    """Suspend or resume a relation."""
    found = get(tx, model, relation)
    tx.update(
        "relations",
        {"model": model, "id": relation},
        suspended=int(suspended),
        suspended_reason=reason if suspended else "",
        status="suspended" if suspended else "joining",
    )
    touch(tx, found)


def set_status(tx: Transaction, model: str, relation: int, status: str) -> None:
    """Note a relation's own status (joining, joined, broken, suspended)."""
    tx.update("relations", {"model": model, "id": relation}, status=status)
    tx.touch("relation", model, str(relation))


def check_limits(tx: Transaction, model: str, application: str, charm: Charm) -> None:
    """Whether a new charm's limits allow the relations that exist; JujuError if not."""
    existing = of_application(tx, model, application)
    for endpoint in charm.endpoints().values():
        count = _established(existing, application, endpoint.name)
        if endpoint.limit and count > endpoint.limit:
            raise errors.QuotaLimitExceeded(
                f"new charm version imposes a maximum relation limit of {endpoint.limit} for"
                f" {application}:{endpoint.name} which cannot be satisfied by the number of"
                f" already established relations ({count})"
            )


def touch(tx: Transaction, relation: Relation) -> None:
    """Let everyone look again at a relation: itself, its applications and their units."""
    tx.touch("relation", relation.model, str(relation.id))
    for application in set(relation.applications):
        tx.touch("application", relation.model, application)
        rows = tx.all(
            "SELECT name FROM units WHERE model = ? AND application = ?",
            relation.model,
            application,
        )
        for row in rows:
            tx.touch("unit", relation.model, row["name"])


def declared(tx: Transaction, model: str, application: str) -> Mapping[str, Endpoint]:
    """The endpoints of an application, local or of another model, by name.

    Raises:
        NotFound: no such application.
    """
    remote = remote_applications.find(tx, model, application)
    if remote is not None:
        return remote.declared()
    return _charm(tx, _application(tx, model, application)).endpoints()


def _with_endpoints(tx: Transaction, row) -> Relation:
    sides = tx.all(
        "SELECT application, endpoint, role FROM relation_endpoints"
        " WHERE model = ? AND relation = ?",
        row["model"],
        row["id"],
    )
    return Relation.from_rows(row, sides)


def _application(tx: Transaction, model: str, name: str) -> Application:
    row = tx.one("SELECT * FROM applications WHERE model = ? AND name = ?", model, name)
    if row is None:
        raise errors.NotFound(f'application "{name}" not found')
    return Application.from_row(row)


def _charm(tx: Transaction, application: Application) -> Charm:
    return charms.get(tx, application.model, application.charm_url)


def _split(name: str) -> tuple[str, str]:
    application, colon, endpoint = name.partition(":")
    if colon and not (application and endpoint):
        raise errors.JujuError(f'invalid endpoint "{name}"')
    return application, endpoint


def _side(application: str, endpoint: Endpoint) -> RelationEndpoint:
    return RelationEndpoint(
        application, endpoint.name, endpoint.role, endpoint.interface, endpoint.scope
    )


def _endpoints(tx: Transaction, model: str, name: str) -> list[RelationEndpoint]:
    application, endpoint = _split(name)
    known = declared(tx, model, application)
    if endpoint and endpoint not in known:
        raise errors.JujuError(f'application "{application}" has no "{endpoint}" relation')
    wanted = [known[endpoint]] if endpoint else known.values()
    return _ordered(_side(application, e) for e in wanted)


def _pairs(tx: Transaction, model: str, first: str, second: str) -> list[list[RelationEndpoint]]:
    return [
        [one, other]
        for one in _endpoints(tx, model, first)
        for other in _endpoints(tx, model, second)
        if _relatable(one, other) and _container_scope_allowed(tx, model, one, other)
    ]


def _relatable(one: RelationEndpoint, other: RelationEndpoint) -> bool:
    return (
        one.application != other.application
        and one.interface == other.interface
        and _COUNTERPART.get(one.role) == other.role
    )


def _container_scope_allowed(
    tx: Transaction, model: str, one: RelationEndpoint, other: RelationEndpoint
) -> bool:
    if "container" not in (one.scope, other.scope):
        return True
    return any(_subordinate(tx, model, side.application) for side in (one, other))


def _subordinate(tx: Transaction, model: str, application: str) -> bool:
    return bool(
        tx.value(
            "SELECT subordinate FROM applications WHERE model = ? AND name = ?",
            *(model, application),
        )
    )


def _implicit(side: RelationEndpoint) -> bool:
    return (side.name, side.role, side.interface) == (
        JUJU_INFO.name,
        JUJU_INFO.role,
        JUJU_INFO.interface,
    )


def _ordered(sides: Iterable[RelationEndpoint]) -> list[RelationEndpoint]:
    order = {"requirer": 0, "provider": 1, "peer": 2}
    return sorted(sides, key=lambda side: (order[side.role], side.key))


def _matches(relation: Relation, wanted: list[tuple[str, str]]) -> bool:
    if len(relation.endpoints) != len(wanted):
        return False
    orders = (wanted, wanted[::-1])
    return any(
        all(
            side.application == application and endpoint in ("", side.name)
            for side, (application, endpoint) in zip(relation.endpoints, order, strict=True)
        )
        for order in orders
    )


def _check_new(tx: Transaction, model: str, key: str, endpoints: list[RelationEndpoint]) -> None:
    models.alive(tx, model)
    for side in endpoints:
        remote = remote_applications.find(tx, model, side.application)
        found = remote or _application(tx, model, side.application)
        if found.life != "alive":
            raise errors.JujuError(f'application "{side.application}" is not alive')
        if remote is not None and any(e.scope == "container" for e in endpoints):
            raise errors.JujuError("both endpoints must be globally scoped for remote relations")
    existing = tx.one("SELECT life FROM relations WHERE model = ? AND key = ?", model, key)
    if existing is not None and existing["life"] == "dying":
        raise errors.AlreadyExists(f"relation {key} is dying, but not yet removed")
    if existing is not None:
        raise errors.AlreadyExists(f"relation {key} already exists")
    for side in endpoints:
        _check_limit(tx, model, side)
    if any(side.scope == "container" for side in endpoints):
        _check_subordinate_base(tx, model, endpoints)


def _check_limit(tx: Transaction, model: str, side: RelationEndpoint) -> None:
    limit = declared(tx, model, side.application)[side.name].limit
    existing = of_application(tx, model, side.application)
    if limit and _established(existing, side.application, side.name) + 1 > limit:
        raise errors.QuotaLimitExceeded(
            f"establishing a new relation for {side.key} would exceed its maximum relation"
            f" limit of {limit}"
        )


def _established(existing: list[Relation], application: str, endpoint: str) -> int:
    return sum(
        not relation.suspended and (application, endpoint) == (side.application, side.name)
        for relation in existing
        for side in relation.endpoints
    )


def _check_subordinate_base(
    tx: Transaction, model: str, endpoints: list[RelationEndpoint]
) -> None:
    applications = [_application(tx, model, side.application) for side in endpoints]
    principals = [a for a in applications if not a.subordinate]
    subordinates = [a for a in applications if a.subordinate]
    if not principals:
        return
    bases = [
        f"{base['name']}@{base['channel'].partition('/')[0]}"
        for base in _charm(tx, subordinates[-1]).bases
    ]
    if bases and principals[0].base.partition("/")[0] not in bases:
        raise errors.JujuError(
            "subordinate must support principal application's base; subordinate only supports:"
            f" [{' '.join(bases)}]"
        )


def _insert(tx: Transaction, model: str, endpoints: list[RelationEndpoint]) -> Relation:
    number = models.next_number(tx, model, "relation")
    scope = "container" if any(e.scope == "container" for e in endpoints) else "global"
    tx.insert(
        "relations",
        model=model,
        id=number,
        key=relation_key(endpoints),
        interface=endpoints[0].interface,
        scope=scope,
        created=clock.stamp(),
    )
    for side in endpoints:
        tx.insert(
            "relation_endpoints",
            model=model,
            relation=number,
            application=side.application,
            endpoint=side.name,
            role=side.role,
        )
    relation = get(tx, model, number)
    touch(tx, relation)
    return relation
