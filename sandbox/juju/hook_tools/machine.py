"""juju-log, juju-reboot, goal-state, credential-get."""

from __future__ import annotations

from typing import Any

from sandbox.juju import clock
from sandbox.juju.engine.context import HookContext
from sandbox.juju.hook_tools.answer import NOTHING, Answer, formatted
from sandbox.juju.hook_tools.invocation import Flag, Invocation, ToolError, UsageError
from sandbox.juju.state import (
    applications,
    clouds,
    models,
    relations,
    remote_applications,
    statuses,
    units,
)
from sandbox.juju.state.store import Transaction

DEBUG = Flag(("--debug",), False)
LEVEL = Flag(("-l", "--log-level"), "INFO")
NOW = Flag(("--now",), False)

_LEVELS = {
    "TRACE": "TRACE",
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "WARN": "WARNING",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "CRITICAL": "CRITICAL",
}


def write_log(context: HookContext, invocation: Invocation) -> Answer:
    """Write a message to the debug log."""
    if not invocation.arguments:
        raise UsageError("no message specified")
    module = f"unit.{context.unit.name}.juju-log"
    level = "DEBUG" if invocation[DEBUG] else _LEVELS.get(invocation[LEVEL].upper())
    if level is None:
        context.log(
            "WARNING", module, f'Specified log level of "{invocation[LEVEL]}" is not valid'
        )
        level = "INFO"
    relation = context.hook_relation()
    prefix = f"{relation.identity}: " if relation else ""
    context.log(level, module, prefix + " ".join(invocation.arguments))
    return NOTHING


def reboot(context: HookContext, invocation: Invocation) -> Answer:
    """Restart the machine after the hook, or at once and run the hook again."""
    invocation.expect(0)
    if context.action is not None:
        raise ToolError("juju-reboot is not supported when running an action.")
    context.reboot = "now" if invocation[NOW] else "after"
    return NOTHING


def goal_state(context: HookContext, invocation: Invocation) -> Answer:
    """The units and relations that the application will have once the model has settled."""
    invocation.expect(0)
    with context.store.transaction() as tx:
        goal = {
            "units": _units(tx, context, context.application),
            "relations": _relations(tx, context),
        }
    return formatted(invocation, goal, default="yaml")


def _units(tx: Transaction, context: HookContext, application: str) -> dict[str, Any]:
    """The units of an application; of a subordinate one only that beside this unit."""
    found = {}
    for unit in units.of_application(tx, context.model, application):
        if unit.life == "dead" or unit.principal not in (None, "", context.unit.name):
            continue
        status = statuses.workload(tx, context.model, unit.name)
        shown = status.status if unit.life == "alive" else unit.life
        found[unit.name] = {"status": shown, "since": _since(status.since)}
    return found


def _relations(tx: Transaction, context: HookContext) -> dict[str, dict[str, Any]]:
    """What the application is related to, by endpoint (uniter.go, goalStateRelations).

    An application of another model goes by its offer's URL and shows no units; those who offer
    are told nothing of their consumers.
    """
    found: dict[str, dict[str, Any]] = {}
    for relation in relations.of_application(tx, context.model, context.application):
        if relation.peer:
            continue
        other = relation.remote(context.application).application
        remote = remote_applications.find(tx, context.model, other)
        if remote is not None and remote.consumer:
            continue
        goal = found.setdefault(relation.endpoint(context.application).name, {})
        name = remote.url if remote else other
        goal[name] = {"status": relation.status, "since": _since(relation.created)}
        if remote is None:
            goal.update(_units(tx, context, other))
    return found


def _since(stamp: str) -> str:
    return clock.parse(stamp).strftime("%Y-%m-%d %H:%M:%SZ") if stamp else ""


def credential_get(context: HookContext, invocation: Invocation) -> Answer:
    """The model's cloud and its credential, for applications that are trusted."""
    invocation.expect(0)
    with context.store.transaction() as tx:
        if not applications.get(tx, context.model, context.application).trust:
            raise ToolError("cannot access cloud credentials: permission denied")
        model = models.get(tx, context.model)
        cloud = clouds.get(tx, model.cloud)
        credential = (
            clouds.get_credential(tx, *model.credential.split("/", 2))
            if model.credential
            else None
        )
    spec: dict[str, Any] = {
        "type": cloud.type,
        "name": cloud.name,
        "region": model.region,
        "endpoint": cloud.doc.get("endpoint", ""),
        "cacertificates": cloud.doc.get("ca-certificates") or [],
        "skip-tls-verify": bool(cloud.doc.get("skip-tls-verify", False)),
        "is-controller-cloud": False,
    }
    if credential is not None:
        spec["credential"] = {"auth-type": credential.auth_type, "attrs": credential.attributes}
    return formatted(invocation, spec)
