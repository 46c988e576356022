"""relation-ids, relation-list, relation-get, relation-set, relation-model-get."""

from __future__ import annotations

import re

from sandbox.juju.engine.context import HookContext
from sandbox.juju.hook_tools import lookup
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import APP, Invocation, ToolError, UsageError
from sandbox.juju.state import mirrored_relations, relations

_UNIT = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*/(?:0|[1-9][0-9]*)\Z")
_APPLICATION = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*\Z")


def ids(context: HookContext, invocation: Invocation) -> Answer:
    """The ids of the relations of one endpoint."""
    current = context.hook_relation()
    endpoint = invocation.first(current.endpoint if current else "")
    if not endpoint:
        raise UsageError("no endpoint name specified")
    invocation.expect(1)
    found = [
        relation.identity
        for relation in context.relations().values()
        if relation.endpoint == endpoint and not relation.broken
    ]
    return formatted(invocation, sorted(found))


def members(context: HookContext, invocation: Invocation) -> Answer:
    """The remote units of a relation, or its remote application."""
    relation = lookup.relation(context, invocation)
    invocation.expect(0)
    if invocation[APP]:
        return formatted(invocation, relation.remote_application)
    return formatted(invocation, list(relation.members))


def get(context: HookContext, invocation: Invocation) -> Answer:
    """A databag, or one of its values."""
    relation = lookup.relation(context, invocation)
    key = invocation.first()
    name = _databag(context, invocation)
    invocation.expect(2)
    settings = context.read_settings(relation.id, name)
    if key in ("", "-"):
        return formatted(invocation, settings)
    return formatted(invocation, settings.get(key))


def put(context: HookContext, invocation: Invocation) -> Answer:
    """Set values in the unit's databag, or as the leader in the application's."""
    relation = lookup.relation(context, invocation)
    pairs = invocation.settings()
    settings = context.unit_settings
    if invocation[APP]:
        if not context.leads():
            raise ToolError("cannot write relation settings")
        settings = context.application_settings
    settings.setdefault(relation.id, {}).update(pairs)
    return NOTHING


def model_get(context: HookContext, invocation: Invocation) -> Answer:
    """The model at the other end: this one, unless the relation is between models."""
    relation = lookup.relation(context, invocation)
    invocation.expect(0)
    with context.store.transaction() as tx:
        there = mirrored_relations.other(tx, relations.get(tx, context.model, relation.id))
    return formatted(invocation, {"uuid": there.model if there else context.model})


def _databag(context: HookContext, invocation: Invocation) -> str:
    """Whose databag is meant: what was named, else the hook's remote unit or application."""
    if len(invocation.arguments) < 2:
        name = context.remote_application if invocation[APP] else ""
        name = name or (context.remote_unit or context.remote_application)
        if not name:
            raise UsageError("no unit or application specified")
        return name
    name = invocation.arguments[1]
    if _UNIT.match(name):
        return name.rpartition("/")[0] if invocation[APP] else name
    if not _APPLICATION.match(name):
        raise UsageError(f'invalid unit name "{name}"')
    if not invocation[APP]:
        raise UsageError(f'expected unit name, got application name "{name}"')
    return name
