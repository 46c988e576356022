"""The relation that a tool's arguments mean."""

from __future__ import annotations

from sandbox.juju.engine.context import ContextRelation, HookContext
from sandbox.juju.hook_tools.invocation import RELATION, Invocation, UsageError


def relation(context: HookContext, invocation: Invocation) -> ContextRelation:
    """The relation of `-r name:id` (or a bare id), else the hook's own.

    Raises:
        UsageError: there is none, or none of that id.
    """
    found = optional_relation(context, invocation)
    if found is None:
        raise UsageError("no relation id specified")
    return found


def optional_relation(context: HookContext, invocation: Invocation) -> ContextRelation | None:
    """As `relation`; None where neither an option nor the hook names one."""
    text = invocation[RELATION]
    if not text:
        return context.hook_relation()
    number = text.rpartition(":")[2]
    problem = f'invalid value "{text}" for option -r: '
    if not number.isdigit():
        raise UsageError(f"{problem}invalid relation id")
    found = context.relations().get(int(number))
    if found is None:
        raise UsageError(f"{problem}relation not found")
    return found
