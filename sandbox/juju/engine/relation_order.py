"""Which hook of a relation comes next, and which relations a unit enters and leaves. Pure.

The order is that of Juju's uniter (internal/worker/uniter/relation/resolver.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sandbox.juju.engine.hooks import Hook
from sandbox.juju.engine.local import LocalState, RelationState
from sandbox.juju.engine.operations import EnterScope, LeaveScope, Operation
from sandbox.juju.engine.remote import RelationView, RemoteState

_GONE = RelationView("", "requirer", "global", "", life="dying")


def scope_change(local: LocalState, remote: RemoteState) -> Operation | None:
    """The scope to enter or leave."""
    for number, view in sorted(remote.relations.items()):
        if number in local.relations:
            if view.implicit and not view.open:
                return LeaveScope(number)
        elif view.open and view.implemented and remote.life == "alive":
            return EnterScope(number)
    for number in sorted(local.relations):
        if number not in remote.relations:
            return LeaveScope(number)
    return None


def created_hook(local: LocalState, remote: RemoteState) -> Hook | None:
    """The next relation-created."""
    for number, state in sorted(local.relations.items()):
        view = remote.relations.get(number)
        if view is None or view.implicit or view.life != "alive" or state.created:
            continue
        return Hook("relation-created", number, remote_application=view.remote_application)
    return None


def next_hook(local: LocalState, remote: RemoteState) -> Hook | None:
    """The next hook of any relation but relation-created; peer relations come last."""
    known = [(n, remote.relations[n]) for n in sorted(local.relations) if n in remote.relations]
    for number, view in sorted(known, key=lambda item: item[1].role == "peer"):
        if view.implicit:
            continue
        hook = relation_hook(number, local.relations[number], view, remote)
        if hook is not None:
            return hook
    return None


def relation_hook(
    number: int, state: RelationState, view: RelationView, remote: RemoteState
) -> Hook | None:
    """The next hook of one relation.

    The changed that follows a joined comes before all; then departed, broken, the remote
    application's data, joined, changed.
    """
    if state.changed_pending:
        unit = state.changed_pending
        return _changed(number, unit, view.members.get(unit, state.members.get(unit, 0)))
    broken = remote.life == "dying" or not view.open
    seen = _GONE if broken else view
    departed = _departed(number, state, seen, remote)
    if departed:
        return departed
    if broken:
        if view.role == "peer":
            return None
        return Hook("relation-broken", number, remote_application=view.remote_application)
    return next(_news(number, state, view), None)


def _news(number: int, state: RelationState, view: RelationView) -> Iterator[Hook]:
    for application, version in sorted(view.application_members.items()):
        # Version 0 is a databag that nobody has written: there is nothing to tell.
        if state.application_members.get(application, 0) != version:
            yield Hook(
                "relation-changed",
                number,
                remote_application=application,
                change_version=version,
            )
    for unit, version in sorted(view.members.items()):
        if unit not in state.members:
            yield Hook("relation-joined", number, unit, _application(unit), change_version=version)
    for unit, version in sorted(view.members.items()):
        if state.members.get(unit, version) != version:
            yield _changed(number, unit, version)


def _departed(
    number: int, state: RelationState, view: RelationView, remote: RemoteState
) -> Hook | None:
    missing = _missing(state.members, view.members)
    if missing is None:
        return None
    leaving = remote.life != "alive" or remote.application_life != "alive"
    return Hook(
        "relation-departed",
        number,
        missing,
        _application(missing),
        departing_unit=remote.unit if leaving else missing,
        change_version=state.members[missing],
    )


def _missing(known: Mapping[str, int], present: Mapping[str, int]) -> str | None:
    return min((unit for unit in known if unit not in present), default=None)


def _changed(number: int, unit: str, version: int) -> Hook:
    return Hook("relation-changed", number, unit, _application(unit), change_version=version)


def _application(unit: str) -> str:
    return unit.rpartition("/")[0]
