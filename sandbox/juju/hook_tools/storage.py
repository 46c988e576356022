"""storage-list, storage-get, storage-add, resource-get."""

from __future__ import annotations

import pathlib

from sandbox.juju.engine.context import HookContext
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import storage

STORAGE = Flag(("-s",))


def members(context: HookContext, invocation: Invocation) -> Answer:
    """The unit's storage, all of it or that of one name."""
    invocation.expect(1)
    name = invocation.first()
    with context.store.transaction() as tx:
        found = storage.of_unit(tx, context.model, context.unit.name)
    return formatted(invocation, [s.id for s in found if not name or s.name == name])


def get(context: HookContext, invocation: Invocation) -> Answer:
    """Kind and location of one storage."""
    identity = invocation[STORAGE] or (context.hook.storage if context.hook else "")
    if not identity:
        raise UsageError("no storage instance specified")
    invocation.expect(1)
    with context.store.transaction() as tx:
        attached = {s.id: s for s in storage.of_unit(tx, context.model, context.unit.name)}
    if identity not in attached:
        raise UsageError(f'invalid value "{identity}" for option -s: storage not found')
    found = attached[identity]
    if found.status != "attached":
        raise ToolError(f'storage "{identity}" not provisioned')
    values = {"kind": found.kind, "location": found.location}
    key = invocation.first()
    if key and key not in values:
        raise ToolError(f'invalid storage attribute "{key}"')
    return formatted(invocation, values[key] if key else values)


def add(context: HookContext, invocation: Invocation) -> Answer:
    """Ask for more storage of a name in the charm's metadata, once the hook has succeeded."""
    if not invocation.arguments:
        raise UsageError("storage add requires a storage directive")
    for argument in invocation.arguments:
        name, sign, count = argument.partition("=")
        if sign and not (count.isdigit() and int(count)):
            raise UsageError(f'only count can be specified for "{name}"')
        context.new_storage[name] = context.new_storage.get(name, 0) + int(count or 1)
    return NOTHING


def resource_get(context: HookContext, invocation: Invocation) -> Answer:
    """The path of a resource's file."""
    if not invocation.arguments:
        raise UsageError("missing required resource name")
    name = invocation.first()
    invocation.expect(1)
    with context.store.transaction() as tx:
        path = tx.value(
            "SELECT path FROM resources WHERE model = ? AND application = ? AND name = ?",
            *(context.model, context.application, name),
        )
    if not path or not pathlib.Path(path).exists():
        raise ToolError(
            f"could not download resource: resource#{context.application}/{name} not found"
        )
    return Answer(stdout=path.encode())
