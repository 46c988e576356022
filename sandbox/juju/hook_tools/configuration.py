"""config-get, state-get, state-set, state-delete."""

from __future__ import annotations

from sandbox.juju.engine.context import HookContext
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import applications

ALL = Flag(("-a", "--all"), False)
STRICT = Flag(("--strict",), False)

# core/quota
_KEY_LIMIT = 256
_VALUE_LIMIT = 65536


def get(context: HookContext, invocation: Invocation) -> Answer:
    """The application's configuration, or one option of it."""
    key = invocation.first()
    if key and invocation[ALL]:
        raise UsageError(f'cannot use argument --all together with key "{key}"')
    invocation.expect(1)
    config = context.config()
    if key:
        return formatted(invocation, config.get(key))
    if not invocation[ALL]:
        return formatted(invocation, config)
    with context.store.transaction() as tx:
        application = applications.get(tx, context.model, context.application)
        options = applications.charm_of(tx, application).options()
    return formatted(invocation, {name: config.get(name) for name in options})


def state_get(context: HookContext, invocation: Invocation) -> Answer:
    """What the charm keeps in the controller, or one value of it."""
    invocation.expect(1)
    key = invocation.first()
    state = _state(context)
    if key in ("", "-"):
        return formatted(invocation, state or None)
    if key not in state and invocation[STRICT]:
        raise ToolError(f'"{key}" not found')
    return formatted(invocation, state.get(key, ""))


def state_set(context: HookContext, invocation: Invocation) -> Answer:
    """Keep values in the controller, once the hook has succeeded."""
    pairs = invocation.settings()
    for key, value in pairs.items():
        _check_size("key", key, _KEY_LIMIT)
        _check_size("value", value, _VALUE_LIMIT)
    context.charm_state = {**_state(context), **pairs}
    return NOTHING


def state_delete(context: HookContext, invocation: Invocation) -> Answer:
    """Drop one value that the charm keeps in the controller."""
    invocation.expect(1)
    if invocation.first():
        state = dict(_state(context))
        state.pop(invocation.first(), None)
        context.charm_state = state
    return NOTHING


def _state(context: HookContext) -> dict[str, str]:
    if context.charm_state is None:
        return context.refresh_unit().state
    return context.charm_state


def _check_size(what: str, text: str, limit: int) -> None:
    if len(text.encode("utf-8", "surrogateescape")) > limit:
        raise ToolError(f"max allowed {what} length ({limit}) exceeded")
