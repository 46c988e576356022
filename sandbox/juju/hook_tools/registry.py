"""Every hook tool by name, and running one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from sandbox.juju import errors
from sandbox.juju.engine.context import HookContext
from sandbox.juju.hook_tools import (
    actions,
    configuration,
    machine,
    network,
    ports,
    relation,
    secret,
    status,
    storage,
)
from sandbox.juju.hook_tools.answer import FORMATS, Answer, refuse
from sandbox.juju.hook_tools.invocation import (
    APP,
    FILE,
    RELATION,
    Flag,
    Invocation,
    ToolError,
    parse,
)


@dataclasses.dataclass(frozen=True)
class Tool:
    """One tool: what it does, and its options."""

    run: Callable[[HookContext, Invocation], Answer]
    flags: tuple[Flag, ...] = ()


_UPSERT = (
    secret.EXPIRE,
    secret.ROTATE,
    secret.DESCRIPTION,
    secret.LABEL,
    secret.OWNER,
    FILE,
)

TOOLS: Mapping[str, Tool] = {
    "action-fail": Tool(actions.fail),
    "action-get": Tool(actions.get, FORMATS),
    "action-log": Tool(actions.write_log),
    "action-set": Tool(actions.put),
    "application-version-set": Tool(status.set_version),
    "close-port": Tool(ports.close_port, (ports.ENDPOINTS, network.LEGACY_FORMAT)),
    "config-get": Tool(configuration.get, (*FORMATS, configuration.ALL)),
    "credential-get": Tool(machine.credential_get, FORMATS),
    "goal-state": Tool(machine.goal_state, FORMATS),
    "is-leader": Tool(status.is_leader, FORMATS),
    "juju-log": Tool(machine.write_log, (machine.DEBUG, machine.LEVEL, network.LEGACY_FORMAT)),
    "juju-reboot": Tool(machine.reboot, (machine.NOW,)),
    "leader-get": Tool(status.leader_get, FORMATS),
    "leader-set": Tool(status.leader_set),
    "network-get": Tool(
        network.get,
        (
            *FORMATS,
            RELATION,
            network.BIND_ADDRESS,
            network.INGRESS_ADDRESS,
            network.EGRESS_SUBNETS,
            network.PRIMARY_ADDRESS,
        ),
    ),
    "open-port": Tool(ports.open_port, (ports.ENDPOINTS, network.LEGACY_FORMAT)),
    "opened-ports": Tool(ports.opened_ports, (*FORMATS, ports.ENDPOINTS_SHOWN)),
    "relation-get": Tool(relation.get, (*FORMATS, RELATION, APP)),
    "relation-ids": Tool(relation.ids, FORMATS),
    "relation-list": Tool(relation.members, (*FORMATS, RELATION, APP)),
    "relation-model-get": Tool(relation.model_get, (*FORMATS, RELATION)),
    "relation-set": Tool(relation.put, (RELATION, APP, FILE, network.LEGACY_FORMAT)),
    "resource-get": Tool(storage.resource_get),
    "secret-add": Tool(secret.add, _UPSERT),
    "secret-get": Tool(secret.get, (*FORMATS, secret.LABEL, secret.PEEK, secret.REFRESH)),
    "secret-grant": Tool(secret.grant, (RELATION, secret.UNIT)),
    "secret-ids": Tool(secret.ids, FORMATS),
    "secret-info-get": Tool(secret.info, (*FORMATS, secret.LABEL)),
    "secret-remove": Tool(secret.remove, (secret.REVISION,)),
    "secret-revoke": Tool(secret.revoke, (RELATION, secret.APPLICATION, secret.UNIT)),
    "secret-set": Tool(secret.put, _UPSERT),
    "state-delete": Tool(configuration.state_delete),
    "state-get": Tool(configuration.state_get, (*FORMATS, configuration.STRICT)),
    "state-set": Tool(configuration.state_set, (FILE,)),
    "status-get": Tool(status.get, (*FORMATS, status.INCLUDE_DATA, status.APPLICATION)),
    "status-set": Tool(status.put, (status.APPLICATION,)),
    "storage-add": Tool(storage.add),
    "storage-get": Tool(storage.get, (*FORMATS, storage.STORAGE)),
    "storage-list": Tool(storage.members, FORMATS),
    "unit-get": Tool(network.unit_get, FORMATS),
}


def call(
    context: HookContext,
    name: str,
    argv: Sequence[str],
    directory: str,
    stdin: bytes | None = None,
) -> Answer:
    """Run a tool in a context: its answer, or its refusal as an answer."""
    tool = TOOLS.get(name)
    if tool is None:
        return refuse(f"bad request: unknown command: {name}")
    try:
        invocation = parse(name, tool.flags, argv, directory=directory, stdin=stdin)
        return tool.run(context, invocation)
    except ToolError as refusal:
        return refuse(str(refusal), refusal.code)
    except errors.JujuError as refusal:
        return refuse(str(refusal))
