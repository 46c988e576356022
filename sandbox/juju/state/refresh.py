"""Refreshing an application to another charm: Juju's SetCharm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.juju import errors
from sandbox.juju.state import applications, lifecycle, options, relations, storage
from sandbox.juju.state.store import Transaction
from sandbox.juju.state.values import Application, Charm, Relation, StorageDeclaration


def refresh(
    tx: Transaction,
    model: str,
    name: str,
    charm: Charm,
    *,
    channel: str | None = None,
    config: Mapping[str, Any] | None = None,
    bindings: Mapping[str, str] | None = None,
    storage_directives: Mapping[str, Mapping[str, Any]] | None = None,
    force: bool = False,
    force_base: bool = False,
    force_units: bool = False,
) -> Application:
    """Let an application run another charm: every unit hears of it at once.

    Options that the new charm takes no more are dropped, new peer relations are added and
    stale ones removed. The same charm again only changes the channel and the force flag.

    Raises:
        JujuError: it would break a relation, storage or subordinacy, exceed a limit of
            relations, or not run on the application's base.
    """
    application = applications.get(tx, model, name)
    current = applications.charm_of(tx, application)
    try:
        _check(application, current, charm, force_base=force_base)
        changes = options.parse(charm, config or {})
        if charm.url != current.url:
            _check_relations(tx, application, charm, force=force)
            _check_storage(tx, application, current, charm)
        directives = storage.directives(charm, _kept(application, charm, storage_directives))
        for directive in directives.values():
            storage.check_pool(tx, application.model, directive["pool"])
    except errors.JujuError as refusal:
        context = f'cannot upgrade application "{name}" to charm "{charm.url}"'
        raise errors.annotated(refusal, context) from None
    columns = {
        **_columns(application, charm, changes),
        "force_charm": int(force_units),
        "channel": application.channel if channel is None else channel,
        "storage_json": directives,
    }
    tx.update("applications", {"model": model, "name": name}, **columns)
    _exchange_peers(tx, application, charm)
    bound = {e: s for e, s in application.bindings.items() if not e or e in charm.endpoints()}
    applications.merge_bindings(tx, model, name, {**bound, **(bindings or {})}, replace=True)
    lifecycle.forget_unused_charm(tx, model, current.url)
    return applications.get(tx, model, name)


def _columns(application: Application, charm: Charm, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What the new charm changes of the application: versions rise with what they count."""
    columns: dict[str, Any] = {"charm_url": charm.url}
    if charm.url != application.charm_url:
        columns["charm_version"] = application.charm_version + 1
    kept = {**options.fitting(charm, application.config), **changes}
    if kept != application.config:
        columns |= {"config_json": kept, "config_version": application.config_version + 1}
    return columns


def _check(application: Application, current: Charm, charm: Charm, *, force_base: bool) -> None:
    if charm.subordinate != application.subordinate:
        raise errors.JujuError("cannot change an application's subordinacy")
    if charm.model != current.model:
        raise errors.NotFound(f'charm "{charm.url}" not found')
    supported = [f"{base['name']}@{base['channel'].partition('/')[0]}" for base in charm.bases]
    base = application.base.partition("/")[0]
    if not supported or base in supported:
        return
    system = base.partition("@")[0]
    systems = sorted({known.partition("@")[0] for known in supported})
    if force_base and system in systems:
        return
    if force_base:
        raise errors.NotSupported(
            f'OS "{system}" not supported by charm "{charm.name}",'
            f" supported OSes are: {', '.join(systems)}"
        )
    raise errors.JujuError(
        f'base "{base}" is not supported, supported bases are: {", ".join(supported)}'
    )


def _check_relations(
    tx: Transaction, application: Application, charm: Charm, *, force: bool
) -> None:
    if not force:
        relations.check_limits(tx, application.model, application.name, charm)
    for relation in relations.of_application(tx, application.model, application.name):
        if not relation.peer and not _implements(charm, relation, application.name):
            raise errors.JujuError(f'would break relation "{relation.key}"')


def _implements(charm: Charm, relation: Relation, application: str) -> bool:
    side = relation.endpoint(application)
    declared = charm.endpoints().get(side.name)
    if declared is None or (declared.role, declared.interface) != (side.role, side.interface):
        return False
    # A relation is container-scoped when either end is: only the other way round breaks it.
    return relation.scope == "container" or declared.scope == "global"


def _check_storage(
    tx: Transaction, application: Application, current: Charm, charm: Charm
) -> None:
    new = charm.storage()
    for name, old in current.storage().items():
        if name in new:
            _check_same_storage(old, new[name])
            continue
        if old.count_min > 0:
            raise errors.JujuError(f'required storage "{name}" removed')
        used = tx.one(
            "SELECT 1 FROM storage JOIN units ON units.model = storage.model"
            " AND units.name = storage.owner"
            " WHERE storage.model = ? AND units.application = ? AND storage.name = ?",
            *(application.model, application.name, name),
        )
        if used:
            raise errors.JujuError(f'in-use storage "{name}" removed')


def _check_same_storage(old: StorageDeclaration, new: StorageDeclaration) -> None:
    for field, label in (("kind", "type"), ("shared", "shared"), ("location", "location")):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            shown = [f'"{v}"' if isinstance(v, str) else str(v).lower() for v in (before, after)]
            raise errors.JujuError(
                f'existing storage "{old.name}" {label} changed from {shown[0]} to {shown[1]}'
            )
    if new.count_max != -1 and (old.count_max == -1 or new.count_max < old.count_max):
        before = "<unbounded>" if old.count_max == -1 else old.count_max
        raise errors.JujuError(
            f'existing storage "{old.name}" range contracted: max decreased from {before}'
            f" to {new.count_max}"
        )


def _kept(
    application: Application, charm: Charm, given: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, Mapping[str, Any]]:
    declared = charm.storage()
    kept = {name: d for name, d in application.storage.items() if name in declared}
    return {**kept, **(given or {})}


def _exchange_peers(tx: Transaction, application: Application, charm: Charm) -> None:
    model, name = application.model, application.name
    peers = {endpoint.name: endpoint for endpoint in charm.peers()}
    present = set()
    for relation in relations.of_application(tx, model, name):
        if relation.peer and relation.endpoints[0].name in peers:
            present.add(relation.endpoints[0].name)
        elif relation.peer:
            lifecycle.remove_relation(tx, relation)
    relations.add_peers(tx, model, name, [e for n, e in peers.items() if n not in present])
