"""status-get, status-set, application-version-set, is-leader, leader-get, leader-set."""

from __future__ import annotations

import json

from sandbox.juju import clock
from sandbox.juju.engine.context import HookContext
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import leases, statuses, units
from sandbox.juju.state.statuses import Status

APPLICATION = Flag(("--application",), False)
INCLUDE_DATA = Flag(("--include-data",), False)

_SETTABLE = ("maintenance", "blocked", "waiting", "active")
_NOT_LEADER = "this unit is not the leader"


def put(context: HookContext, invocation: Invocation) -> Answer:
    """Set the workload's status, or as the leader the application's; it takes effect at once."""
    if not invocation.arguments:
        raise UsageError("invalid args, require <status> [message]")
    status = invocation.first()
    if status not in _SETTABLE:
        raise UsageError(f'invalid status "{status}", expected one of [{" ".join(_SETTABLE)}]')
    invocation.expect(2)
    message = invocation.arguments[1] if len(invocation.arguments) > 1 else ""
    with context.store.transaction() as tx:
        if not invocation[APPLICATION]:
            statuses.set_status(tx, context.model, "workload", context.unit.name, status, message)
            context.status_set = True
            context.effects["status"] = _told(status, message)
        elif context.leads():
            statuses.set_status(
                tx, context.model, "application", context.application, status, message
            )
            context.effects["application-status"] = _told(status, message)
        else:
            raise ToolError(_NOT_LEADER)
    return NOTHING


def _told(status: str, message: str) -> str:
    return f"{status}: {message}" if message else status


def get(context: HookContext, invocation: Invocation) -> Answer:
    """The workload's status, or for the leader the application's with its units'."""
    invocation.expect(0)
    with_data = invocation[INCLUDE_DATA]
    if invocation[APPLICATION]:
        return _application_status(context, invocation, with_data)
    with context.store.transaction() as tx:
        status = statuses.get_status(tx, context.model, "workload", context.unit.name)
    if not with_data and not invocation.options["--format"]:
        return formatted(invocation, status.status)
    return formatted(invocation, _details(status, with_data))


def _application_status(context: HookContext, invocation: Invocation, with_data: bool) -> Answer:
    if not context.leads():
        raise ToolError(f"finding application status: {_NOT_LEADER}")
    model, application = context.model, context.application
    with context.store.transaction() as tx:
        status = statuses.application(tx, model, application)
        of_units = {
            name: statuses.workload(tx, model, name)
            for name in units.names(tx, model, application)
        }
    if not with_data and not invocation.options["--format"]:
        return formatted(invocation, status.status)
    details = {
        **_details(status, with_data),
        "units": {name: _details(found, with_data) for name, found in of_units.items()},
    }
    return formatted(invocation, {"application-status": details})


def _details(status: Status, with_data: bool) -> dict:
    if not with_data:
        return {"status": status.status}
    return {"status": status.status, "message": status.message, "status-data": status.data}


def set_version(context: HookContext, invocation: Invocation) -> Answer:
    """Tell the version of the workload; it takes effect at once."""
    if not invocation.arguments:
        raise UsageError("no version specified")
    invocation.expect(1)
    with context.store.transaction() as tx:
        tx.update(
            "units",
            {"model": context.model, "name": context.unit.name},
            workload_version=invocation.first(),
        )
        tx.touch("unit", context.model, context.unit.name)
    context.effects["version"] = invocation.first()
    return NOTHING


def is_leader(context: HookContext, invocation: Invocation) -> Answer:
    """Whether the unit leads its application."""
    invocation.expect(0)
    return formatted(invocation, context.leads())


def leader_get(context: HookContext, invocation: Invocation) -> Answer:
    """What the leader set for all units, or one value of it."""
    invocation.expect(1)
    key = invocation.first()
    if "=" in key:
        raise UsageError(f'invalid key "{key}"')
    settings = _leader_settings(context)
    return formatted(invocation, settings if key in ("", "-") else settings.get(key))


def leader_set(context: HookContext, invocation: Invocation) -> Answer:
    """Set values for all units; only the leader may, and it takes effect at once."""
    pairs = invocation.pairs()
    model, application = context.model, context.application
    with context.store.transaction() as tx:
        if not leases.leads(tx, model, context.unit.name, clock.now().timestamp()):
            raise ToolError("cannot write leadership settings: this unit is not the leader")
        old = _leader_settings(context)
        new = {key: value for key, value in {**old, **pairs}.items() if value}
        if new == old:
            return NOTHING
        tx.execute(
            "INSERT INTO leader_settings (model, application, settings_json, version)"
            " VALUES (?, ?, ?, 1) ON CONFLICT (model, application) DO UPDATE"
            " SET settings_json = excluded.settings_json, version = version + 1",
            *(model, application, json.dumps(new)),
        )
        for name in units.names(tx, model, application):
            tx.touch("unit", model, name)
    context.effects["leader-settings"] = sorted(pairs)
    return NOTHING


def _leader_settings(context: HookContext) -> dict[str, str]:
    with context.store.transaction() as tx:
        text = tx.value(
            "SELECT settings_json FROM leader_settings WHERE model = ? AND application = ?",
            *(context.model, context.application),
        )
    return json.loads(text) if text else {}
